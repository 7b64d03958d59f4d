/* Rank 0's side of the meeting: one poll() over listeners, visitors who have not yet said who they are, and
 * members. */
#include "meet.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "handshake.h"
#include "report.h"
#include "socket.h"

enum { MOST_LISTENERS = 8, MOST_VISITORS = 64, REASON_BYTES = 128 };

typedef struct visitor {
  int fd;
  size_t have;
  unsigned char hello[DDP_HELLO_BYTES];
} visitor;

typedef struct host {
  const ddp_meeting *meeting;
  int listeners[MOST_LISTENERS], listener_count;
  visitor visitors[MOST_VISITORS]; /* in the order in which they came */
  int visitor_count;
  int *members; /* sockets by rank; -1 for who is not there, and for rank 0 */
  int member_count;
  struct pollfd *polls;       /* listeners, visitors, members */
  char refused[REASON_BYTES]; /* the last refusal, for the message if not all come */
} host;

/* ---- Opening and closing ------------------------------------------------------------------------------ */

/* The addresses of this very host where the ranks are all on it, else all interfaces: a host's own name may
 * mean another address here than elsewhere. */
static bool is_loopback(const char *name) {
  return strcmp(name, "localhost") == 0 || strcmp(name, "::1") == 0 || strncmp(name, "127.", 4) == 0;
}

static bv_status open_listeners(host *h) {
  const ddp_meeting *m = h->meeting;
  struct addrinfo *addresses;
  DDP_TRY(ddp_resolve(is_loopback(m->host) ? m->host : NULL, m->port, m->deadline, &addresses));
  int error = 0;
  for (const struct addrinfo *a = addresses; a && h->listener_count < MOST_LISTENERS; a = a->ai_next) {
    int fd = ddp_listen(a);
    if (fd >= 0)
      h->listeners[h->listener_count++] = fd;
    else if (error == 0 || errno == EADDRINUSE) /* a host without IPv6 fails in other ways */
      error = errno;
  }
  freeaddrinfo(addresses);
  if (error == EADDRINUSE)
    return ddp_fail(BV_DDP_ERROR_NETWORK,
                    "port %d of this host is taken: rank 0 cannot listen there (set BATCHVIEW_PORT "
                    "to another one on all ranks)",
                    m->port);
  if (h->listener_count == 0)
    return ddp_fail(BV_DDP_ERROR_NETWORK, "rank 0 cannot listen on port %d: %s", m->port, strerror(error));
  return BV_OK;
}

static void close_host(host *h) {
  for (int i = 0; i < h->listener_count; ++i)
    close(h->listeners[i]);
  for (int i = 0; i < h->visitor_count; ++i)
    close(h->visitors[i].fd);
  for (int rank = 1; h->members && rank < h->meeting->world_size; ++rank)
    if (h->members[rank] >= 0)
      close(h->members[rank]);
  free(h->members);
  free(h->polls);
}

/* ---- Answers ------------------------------------------------------------------------------------------ */

/* Answers are smaller than any socket's buffer: one that does not go out at once goes to somebody who is lost.
 */
static bool send_answer(int fd, ddp_answer_kind kind, const void *body, size_t body_bytes) {
  unsigned char answer[DDP_ANSWER_BYTES];
  size_t bytes = ddp_write_answer(kind, body, body_bytes, answer);
  return send(fd, answer, bytes, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)bytes;
}

/* Ends the meeting: tells the members why, and the caller. */
static bv_status give_up(host *h, bv_status status, ddp_answer_kind kind, const char *reason) {
  for (int rank = 1; rank < h->meeting->world_size; ++rank)
    if (h->members[rank] >= 0)
      send_answer(h->members[rank], kind, reason, strlen(reason));
  return ddp_fail(status, "%s", reason);
}

static bv_status give_up_waiting(host *h) {
  const ddp_meeting *m = h->meeting;
  char missing[64] = "", reason[DDP_BODY_BYTES + 1];
  size_t length = 0;
  for (int rank = 1; rank < m->world_size; ++rank) {
    if (h->members[rank] >= 0)
      continue;
    if (length > sizeof missing - 20) {
      snprintf(missing + length, sizeof missing - length, ", ...");
      break;
    }
    length += (size_t)snprintf(missing + length, sizeof missing - length, "%s%d", length ? ", " : "", rank);
  }
  snprintf(reason, sizeof reason, "not all ranks met at rank 0 within %g s; missing: %s%s%s",
           m->timeout_seconds, missing, *h->refused ? "; refused: " : "", h->refused);
  return give_up(h, BV_DDP_ERROR_TIMEOUT, DDP_GAVE_UP, reason);
}

static bv_status give_up_lost(host *h, int rank) {
  char reason[64];
  snprintf(reason, sizeof reason, "rank %d left during the meeting", rank);
  close(h->members[rank]);
  h->members[rank] = -1;
  return give_up(h, BV_DDP_ERROR_PEER, DDP_LOST, reason);
}

/* ---- Visitors ----------------------------------------------------------------------------------------- */

static void remove_visitor(host *h, int index) {
  --h->visitor_count;
  memmove(h->visitors + index, h->visitors + index + 1, (size_t)(h->visitor_count - index) * sizeof(visitor));
}

static void dismiss_oldest_visitor(host *h) {
  close(h->visitors[0].fd);
  remove_visitor(h, 0);
}

/* Why a visitor cannot be a member; false if it can. */
static bool has_objection(const host *h, const ddp_hello *hello, char reason[REASON_BYTES]) {
  const ddp_meeting *m = h->meeting;
  if (hello->version != DDP_HANDSHAKE_VERSION)
    snprintf(reason, REASON_BYTES, "its meeting has version %u, here it is %u", hello->version,
             DDP_HANDSHAKE_VERSION);
  else if (hello->job != m->job)
    snprintf(reason, REASON_BYTES, "rank %u of another job: job id %016llx, here %016llx", hello->rank,
             (unsigned long long)hello->job, (unsigned long long)m->job);
  else if (hello->world_size != (uint32_t)m->world_size)
    snprintf(reason, REASON_BYTES, "rank %u says that the world size is %u, rank 0 that it is %d", hello->rank,
             hello->world_size, m->world_size);
  else if (hello->rank >= (uint32_t)m->world_size)
    snprintf(reason, REASON_BYTES, "rank %u is not one of 0 to %d", hello->rank, m->world_size - 1);
  else if (hello->rank == 0 || h->members[hello->rank] >= 0)
    snprintf(reason, REASON_BYTES, "rank %u is there already: two processes have this rank", hello->rank);
  else
    return false;
  return true;
}

/* Takes the socket: into the members, or closed. */
static void judge(host *h, int fd, const ddp_hello *hello) {
  if (has_objection(h, hello, h->refused)) {
    send_answer(fd, DDP_REFUSED, h->refused, strlen(h->refused));
  } else if (send_answer(fd, DDP_WELCOME, NULL, 0)) {
    h->members[hello->rank] = fd;
    ++h->member_count;
    return;
  }
  close(fd);
}

/* Reads what there is, without waiting. True if the visitor is one no longer. */
static bool hear_visitor(host *h, visitor *v) {
  ssize_t received = recv(v->fd, v->hello + v->have, sizeof v->hello - v->have, MSG_DONTWAIT);
  if (received < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
    return false;
  if (received > 0) {
    v->have += (size_t)received;
    ddp_hello hello;
    switch (ddp_read_hello(v->hello, v->have, &hello)) {
    case DDP_INCOMPLETE: return false;
    case DDP_COMPLETE: judge(h, v->fd, &hello); return true;
    case DDP_RUBBISH: break;
    }
  }
  close(v->fd);
  return true;
}

static bv_status accept_visitors(host *h, int listener) {
  for (int accepted = 0; accepted < MOST_VISITORS; ++accepted) {
    if (h->visitor_count == MOST_VISITORS)
      dismiss_oldest_visitor(h);
    int fd = ddp_accept(listener);
    if (fd >= 0) {
      h->visitors[h->visitor_count++] = (visitor){.fd = fd};
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      if (h->visitor_count == 0)
        return ddp_fail(BV_DDP_ERROR_NETWORK, "rank 0 cannot take another connection beside %d: %s",
                        h->member_count, strerror(errno));
      dismiss_oldest_visitor(h);
    } else { /* nobody left, or somebody gone again */
      return BV_OK;
    }
  }
  return BV_OK;
}

/* ---- The meeting -------------------------------------------------------------------------------------- */

/* Waits for one turn of events and deals with all of them. */
static bv_status take_turn(host *h) {
  const ddp_meeting *m = h->meeting;
  int count = 0;
  for (int i = 0; i < h->listener_count; ++i)
    h->polls[count++] = (struct pollfd){h->listeners[i], POLLIN, 0};
  for (int i = 0; i < h->visitor_count; ++i)
    h->polls[count++] = (struct pollfd){h->visitors[i].fd, POLLIN, 0};
  for (int rank = 1; rank < m->world_size; ++rank) /* poll() ignores negative sockets */
    h->polls[count++] = (struct pollfd){h->members[rank], POLLIN, 0};
  if (poll(h->polls, (nfds_t)count, ddp_milliseconds_until(m->deadline)) < 0) {
    if (errno == EINTR)
      return BV_OK;
    return ddp_fail(BV_DDP_ERROR_NETWORK, "rank 0 cannot wait for %d connections: %s", count, strerror(errno));
  }
  /* From the last to the first, as every step may shift or add what comes after it. */
  for (int rank = m->world_size - 1; rank > 0; --rank)
    if (h->polls[h->listener_count + h->visitor_count + rank - 1]
            .revents) /* a member has nothing to say: it left */
      return give_up_lost(h, rank);
  for (int i = h->visitor_count - 1; i >= 0; --i)
    if (h->polls[h->listener_count + i].revents && hear_visitor(h, &h->visitors[i]))
      remove_visitor(h, i);
  for (int i = 0; i < h->listener_count; ++i)
    if (h->polls[i].revents)
      DDP_TRY(accept_visitors(h, h->listeners[i]));
  return BV_OK;
}

static bv_status give_up_making(host *h, bv_status status) {
  char reason[DDP_BODY_BYTES + 1];
  snprintf(reason, sizeof reason, "%s", bv_last_error());
  return give_up(h, status, DDP_LOST, reason);
}

static bv_status hold_meeting(host *h, bv_status (*make)(void *gift), void *gift, size_t gift_bytes) {
  const ddp_meeting *m = h->meeting;
  h->members = calloc((size_t)m->world_size, sizeof *h->members);
  h->polls = malloc(((size_t)m->world_size + MOST_LISTENERS + MOST_VISITORS) * sizeof *h->polls);
  if (!h->members || !h->polls)
    return ddp_fail(BV_ERROR_MEMORY, "no memory for the connections of %d ranks", m->world_size);
  for (int rank = 0; rank < m->world_size; ++rank)
    h->members[rank] = -1;
  DDP_TRY(open_listeners(h));
  while (h->member_count < m->world_size - 1) {
    if (ddp_has_passed(m->deadline))
      return give_up_waiting(h);
    DDP_TRY(take_turn(h));
  }
  bv_status made = make(gift);
  if (made != BV_OK)
    return give_up_making(h, made);
  for (int rank = 1; rank < m->world_size; ++rank)
    if (!send_answer(h->members[rank], DDP_GIFT, gift, gift_bytes))
      return give_up_lost(h, rank);
  return BV_OK;
}

bv_status ddp_meet_as_host(const ddp_meeting *meeting, bv_status (*make)(void *gift), void *gift,
                           size_t gift_bytes) {
  host *h = calloc(1, sizeof *h);
  if (!h)
    return ddp_fail(BV_ERROR_MEMORY, "no memory to meet the other ranks");
  h->meeting = meeting;
  bv_status status = hold_meeting(h, make, gift, gift_bytes);
  close_host(h);
  free(h);
  return status;
}
