/* Where rank 0 listens, see listen.h. */
#include "listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>

#include "report.h"
#include "socket.h"

/* How long a name may be unknown here. The others wait for longer: to them it is the only way. */
#define PATIENCE_SECONDS 10.0

static bool is_loopback_v4(uint32_t network_order) { return ntohl(network_order) >> 24 == 127; }

static bool is_loopback_v6(const struct in6_addr *address) {
  return IN6_IS_ADDR_LOOPBACK(address) || (IN6_IS_ADDR_V4MAPPED(address) && address->s6_addr[12] == 127);
}

static bool is_loopback(const struct addrinfo *address) {
  if (address->ai_family == AF_INET6)
    return is_loopback_v6(&((const struct sockaddr_in6 *)(const void *)address->ai_addr)->sin6_addr);
  return address->ai_family == AF_INET &&
         is_loopback_v4(((const struct sockaddr_in *)(const void *)address->ai_addr)->sin_addr.s_addr);
}

/* Whether all who hear the name know that this host alone is meant: "localhost", and loopback's addresses
 * however they are written. */
static bool is_name_of_loopback(const char *name) {
  struct in_addr v4;
  struct in6_addr v6;
  return strcasecmp(name, "localhost") == 0 || (inet_aton(name, &v4) && is_loopback_v4(v4.s_addr)) ||
         (inet_pton(AF_INET6, name, &v6) == 1 && is_loopback_v6(&v6));
}

static bool has_loopback(const struct addrinfo *addresses) {
  for (const struct addrinfo *a = addresses; a; a = a->ai_next)
    if (is_loopback(a))
      return true;
  return false;
}

/* BV_DDP_ERROR_NETWORK, _TIMEOUT if it was not known in time. */
static bv_status look_up(const char *host, int port, ddp_time deadline, struct addrinfo **addresses) {
  ddp_pause pause = DDP_PAUSE_NETWORK;
  ddp_time patience = ddp_deadline_after(PATIENCE_SECONDS);
  ddp_time half = ddp_now() + (deadline - ddp_now()) / 2; /* the other half is for meeting */
  if (half < patience)
    patience = half;
  for (;;) {
    bv_status status = ddp_resolve(host, port, patience, addresses);
    if (status == BV_OK || status == BV_ERROR_MEMORY || ddp_has_passed(patience))
      return status;
    ddp_sleep(&pause);
  }
}

/* A host file with the same name in two lines has its address twice. */
static bool is_repeated(const struct addrinfo *first, const struct addrinfo *address) {
  for (const struct addrinfo *a = first; a != address; a = a->ai_next)
    if (a->ai_addrlen == address->ai_addrlen && memcmp(a->ai_addr, address->ai_addr, a->ai_addrlen) == 0)
      return true;
  return false;
}

/* True if another process has the port at one of the addresses. */
static bool listen_at(struct addrinfo *addresses, ddp_listeners *listeners, int *error) {
  for (const struct addrinfo *a = addresses; a && listeners->count < DDP_MOST_LISTENERS; a = a->ai_next) {
    if (is_repeated(addresses, a))
      continue;
    int fd = ddp_listen(a);
    if (fd >= 0)
      listeners->sockets[listeners->count++] = fd;
    else if (*error != EADDRINUSE) /* a host without IPv6, or an address of another, fails in other ways */
      *error = errno;
  }
  freeaddrinfo(addresses);
  return *error == EADDRINUSE;
}

bv_status ddp_open_listeners(const char *host, int port, ddp_time deadline, ddp_listeners *listeners) {
  struct addrinfo *addresses;
  int error = 0;
  bool is_taken = false;
  listeners->count = 0;
  bv_status status = look_up(host, port, deadline, &addresses);
  if (status == BV_ERROR_MEMORY)
    return status;
  if (status == BV_OK && has_loopback(addresses) && !is_name_of_loopback(host))
    freeaddrinfo(addresses);
  else if (status == BV_OK)
    is_taken = listen_at(addresses, listeners, &error);
  if (listeners->count == 0 && !is_taken && !is_name_of_loopback(host)) {
    status = ddp_resolve(NULL, port, deadline, &addresses); /* all interfaces: asks nobody */
    if (status != BV_OK)
      return status;
    is_taken = listen_at(addresses, listeners, &error);
  }
  if (is_taken)
    return ddp_fail(BV_DDP_ERROR_NETWORK,
                    "port %d of this host is taken: rank 0 cannot listen there (set BATCHVIEW_PORT "
                    "to another one on all ranks)",
                    port);
  if (listeners->count == 0)
    return error == 0
               ? status
               : ddp_fail(BV_DDP_ERROR_NETWORK, "rank 0 cannot listen on port %d: %s", port, strerror(error));
  return BV_OK;
}
