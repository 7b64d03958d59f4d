/* TCP sockets that never block, see socket.h. */
#define _GNU_SOURCE /* accept4. NOLINT(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
#include "socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "report.h"

/* ---- Names -------------------------------------------------------------------------------------------- */

typedef struct lookup {
  char *host;
  char port[8];
  int result, system_error;
  struct addrinfo *addresses;
} lookup;

static void look_up(void *argument) {
  lookup *l = argument;
  struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_protocol = IPPROTO_TCP};
  hints.ai_flags = AI_NUMERICSERV | (l->host ? 0 : AI_PASSIVE);
  l->result = getaddrinfo(l->host, l->port, &hints, &l->addresses);
  l->system_error = errno;
}

static void drop_lookup(void *argument) {
  lookup *l = argument;
  if (l->result == 0 && l->addresses)
    freeaddrinfo(l->addresses);
  free(l->host);
  free(l);
}

bv_status ddp_resolve(const char *host, int port, ddp_time deadline, struct addrinfo **addresses) {
  *addresses = NULL;
  lookup *l = calloc(1, sizeof *l);
  if (!l || (host && !(l->host = strdup(host)))) {
    free(l);
    return ddp_fail(BV_ERROR_MEMORY, "no memory to look up a host's name");
  }
  snprintf(l->port, sizeof l->port, "%d", port);
  if (host) { /* name servers take the time they want */
    bool started;
    if (!ddp_run_until(deadline, look_up, drop_lookup, l, &started)) {
      if (started)
        return ddp_fail(BV_DDP_ERROR_TIMEOUT, "looking up rank 0's host \"%s\" took longer than the timeout",
                        host);
      drop_lookup(l);
      return ddp_fail(BV_ERROR_MEMORY, "no thread to look up the host \"%s\"", host);
    }
  } else {
    look_up(l);
  }
  bv_status status = BV_OK;
  if (l->result == 0) {
    *addresses = l->addresses;
    l->addresses = NULL;
  } else {
    status = ddp_fail(BV_DDP_ERROR_NETWORK, "rank 0's host \"%s\" does not resolve: %s", host ? host : "*",
                      l->result == EAI_SYSTEM ? strerror(l->system_error) : gai_strerror(l->result));
  }
  drop_lookup(l);
  return status;
}

/* ---- Sockets ------------------------------------------------------------------------------------------ */

static void close_keeping_errno(int fd) {
  int error = errno;
  close(fd);
  errno = error;
}

static int new_socket(const struct addrinfo *address) {
  return socket(address->ai_family, address->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, address->ai_protocol);
}

int ddp_listen(const struct addrinfo *address) {
  const int yes = 1;
  int fd = new_socket(address);
  if (fd < 0)
    return -1;
  /* A job may follow another at once on the same port; IPv4 has a socket of its own beside the one of IPv6. */
  if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0 ||
      (address->ai_family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes) != 0) ||
      bind(fd, address->ai_addr, address->ai_addrlen) != 0 || listen(fd, SOMAXCONN) != 0) {
    close_keeping_errno(fd);
    return -1;
  }
  return fd;
}

static void send_without_delay(int fd) {
  const int yes = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes); /* only makes it faster: may fail */
}

int ddp_accept(int listener) {
  int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd >= 0)
    send_without_delay(fd);
  return fd;
}

/* 0 when `fd` is ready (or in error), else -1 with errno. */
static int wait_for(int fd, short events, ddp_time deadline) {
  for (;;) {
    struct pollfd entry = {fd, events, 0};
    int ready = poll(&entry, 1, ddp_milliseconds_until(deadline));
    if (ready > 0)
      return 0;
    if (ready == 0 && ddp_has_passed(deadline)) {
      errno = ETIMEDOUT;
      return -1;
    }
    if (ready < 0 && errno != EINTR)
      return -1;
  }
}

static bool would_block(void) { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

/* A connection to a port of this host on which nobody listens can meet itself, when the system happens to give
 * it that very port as its own. */
static bool is_connected_to_itself(int fd) {
  struct sockaddr_storage here, there;
  socklen_t here_bytes = sizeof here, there_bytes = sizeof there;
  return getsockname(fd, (struct sockaddr *)&here, &here_bytes) == 0 &&
         getpeername(fd, (struct sockaddr *)&there, &there_bytes) == 0 && here_bytes == there_bytes &&
         memcmp(&here, &there, here_bytes) == 0;
}

int ddp_connect(const struct addrinfo *address, ddp_time deadline) {
  int fd = new_socket(address);
  if (fd < 0)
    return -1;
  int error = connect(fd, address->ai_addr, address->ai_addrlen) == 0 ? 0 : errno;
  if (error == EINPROGRESS) {
    socklen_t size = sizeof error;
    if (wait_for(fd, POLLOUT, deadline) != 0 || getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
      error = errno;
  }
  if (error == 0 && is_connected_to_itself(fd))
    error = ECONNREFUSED;
  if (error != 0) {
    close(fd);
    errno = error;
    return -1;
  }
  send_without_delay(fd);
  return fd;
}

int ddp_send_all(int fd, const void *bytes, size_t count, ddp_time deadline) {
  const char *next = bytes;
  while (count > 0) {
    ssize_t sent = send(fd, next, count, MSG_NOSIGNAL);
    if (sent > 0) {
      next += sent;
      count -= (size_t)sent;
    } else if ((sent < 0 && !would_block()) || wait_for(fd, POLLOUT, deadline) != 0) {
      return -1;
    }
  }
  return 0;
}

ptrdiff_t ddp_receive_some(int fd, void *bytes, size_t most, ddp_time deadline) {
  for (;;) {
    ssize_t received = recv(fd, bytes, most, 0);
    if (received >= 0 || !would_block())
      return received;
    if (wait_for(fd, POLLIN, deadline) != 0)
      return -1;
  }
}
