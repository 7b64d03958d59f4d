/* Rank 0's side of the meeting: one poll() over listeners, visitors who have not yet proved who they are, and
 * members. */
#include "meet.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "handshake.h"
#include "listen.h"
#include "report.h"
#include "socket.h"

enum { MOST_STRANGERS = 64, REASON_BYTES = 128 };

typedef struct visitor {
  int fd;          /* -1 for one who is no longer */
  bool is_greeted; /* then it is to introduce itself */
  size_t have;
  unsigned char bytes[DDP_SEALED_INTRODUCTION_BYTES];
  ddp_session session;
} visitor;

typedef struct member {
  int fd; /* -1 for who is not there, and for rank 0 */
  ddp_session session;
  ddp_place place;
} member;

typedef struct host {
  const ddp_meeting *meeting;
  ddp_listeners listeners;
  visitor
      *visitors; /* in the order in which they came; room for all ranks, who may come at once, and some more */
  int visitor_count, most_visitors;
  member *members; /* by rank */
  int member_count;
  struct pollfd *polls;            /* listeners, visitors, members */
  int unproved;                    /* visits whose introduction did not open */
  char refused[REASON_BYTES];      /* the last refusal, for the message if not all come */
  char shared[DDP_BODY_BYTES + 1]; /* which ranks are on one GPU; "" if none */
} host;

/* ---- Opening and closing ------------------------------------------------------------------------------ */

/* Whether the process may open as many sockets as the meeting needs at least. Asked before anybody waits. */
static bv_status check_descriptors(const ddp_meeting *m) {
  int64_t needed = (int64_t)m->world_size - 1 + DDP_MOST_LISTENERS + 1, free_ones = 0;
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
    return BV_OK; /* then accept() will tell */
  for (rlim_t fd = 0; fd < limit.rlim_cur && free_ones < needed; ++fd)
    if (fcntl((int)fd, F_GETFD) < 0)
      ++free_ones;
  if (free_ones == needed)
    return BV_OK;
  return ddp_fail(
      BV_DDP_ERROR_NETWORK,
      "rank 0 needs %lld more open files to meet %d ranks, but this process may open %lld only: its "
      "limit is %llu (RLIMIT_NOFILE, ulimit -n)",
      (long long)needed, m->world_size, (long long)free_ones, (unsigned long long)limit.rlim_cur);
}

static void close_host(host *h) {
  size_t world = (size_t)h->meeting->world_size;
  for (int i = 0; i < h->listeners.count; ++i)
    close(h->listeners.sockets[i]);
  for (int i = 0; i < h->visitor_count; ++i)
    close(h->visitors[i].fd);
  if (h->visitors)
    ddp_wipe(h->visitors, (size_t)h->most_visitors * sizeof *h->visitors);
  free(h->visitors);
  for (size_t rank = 1; h->members && rank < world; ++rank)
    if (h->members[rank].fd >= 0)
      close(h->members[rank].fd);
  if (h->members)
    ddp_wipe(h->members, world * sizeof *h->members);
  free(h->members);
  free(h->polls);
  ddp_wipe(h, sizeof *h);
}

/* ---- Answers ------------------------------------------------------------------------------------------ */

/* All words are smaller than any socket's buffer: one that does not go out at once goes to somebody who is
 * lost.
 */
static bool send_at_once(int fd, const void *bytes, size_t count) {
  return send(fd, bytes, count, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)count;
}

static bool send_answer(int fd, ddp_session *session, ddp_answer_kind kind, const void *body,
                        size_t body_bytes) {
  unsigned char answer[DDP_ANSWER_BYTES], sealed[DDP_SEALED_ANSWER_BYTES];
  ddp_write_answer(kind, body, body_bytes, answer);
  ddp_seal(session, answer, sizeof answer, sealed);
  return send_at_once(fd, sealed, sizeof sealed);
}

/* Ends the meeting: tells the members why, and the caller. */
static bv_status give_up(host *h, bv_status status, ddp_answer_kind kind, const char *reason) {
  for (int rank = 1; rank < h->meeting->world_size; ++rank)
    if (h->members[rank].fd >= 0)
      send_answer(h->members[rank].fd, &h->members[rank].session, kind, reason, strlen(reason));
  return ddp_fail(status, "%s", reason);
}

static bv_status give_up_waiting(host *h) {
  const ddp_meeting *m = h->meeting;
  char missing[64] = "", unproved[80] = "", reason[DDP_BODY_BYTES + 1];
  size_t length = 0;
  if (*h->shared) /* the others may not have come because of it */
    return give_up(h, BV_ERROR_DEVICE, DDP_SHARED_GPU, h->shared);
  for (int rank = 1; rank < m->world_size; ++rank) {
    if (h->members[rank].fd >= 0)
      continue;
    if (length > sizeof missing - 20) {
      snprintf(missing + length, sizeof missing - length, ", ...");
      break;
    }
    length += (size_t)snprintf(missing + length, sizeof missing - length, "%s%d", length ? ", " : "", rank);
  }
  if (h->unproved > 0)
    snprintf(unproved, sizeof unproved, "; visits that did not prove to know the job's %s: %d",
             m->has_secret ? "secret" : "id", h->unproved);
  snprintf(reason, sizeof reason, "not all ranks met at rank 0 within %g s; missing: %s%s%s%s",
           m->timeout_seconds, missing, unproved, *h->refused ? "; refused: " : "", h->refused);
  return give_up(h, BV_DDP_ERROR_TIMEOUT, DDP_GAVE_UP, reason);
}

static bv_status give_up_lost(host *h, int rank) {
  char reason[64];
  snprintf(reason, sizeof reason, "rank %d left during the meeting", rank);
  close(h->members[rank].fd);
  h->members[rank].fd = -1;
  return give_up(h, BV_DDP_ERROR_PEER, DDP_LOST, reason);
}

static bv_status give_up_making(host *h, bv_status status) {
  char reason[DDP_BODY_BYTES + 1];
  snprintf(reason, sizeof reason, "%s", bv_last_error());
  return give_up(h, status, DDP_LOST, reason);
}

/* ---- Visitors ----------------------------------------------------------------------------------------- */

/* Those who are no longer visitors make room. */
static void remove_former_visitors(host *h) {
  int count = 0;
  for (int i = 0; i < h->visitor_count; ++i)
    if (h->visitors[i].fd >= 0)
      h->visitors[count++] = h->visitors[i];
  h->visitor_count = count;
}

static void dismiss_oldest_visitor(host *h) {
  close(h->visitors[0].fd);
  h->visitors[0].fd = -1;
  remove_former_visitors(h);
}

/* Why who knows the key cannot be a member; false if it can. */
static bool has_objection(const host *h, const ddp_introduction *who, char reason[REASON_BYTES]) {
  const ddp_meeting *m = h->meeting;
  if (who->job != m->job)
    snprintf(reason, REASON_BYTES, "rank %u is of another job with the same secret", who->rank);
  else if (who->world_size != (uint32_t)m->world_size)
    snprintf(reason, REASON_BYTES, "rank %u says that the world size is %u, rank 0 that it is %d", who->rank,
             who->world_size, m->world_size);
  else if (who->rank >= (uint32_t)m->world_size)
    snprintf(reason, REASON_BYTES, "rank %u is not one of 0 to %d", who->rank, m->world_size - 1);
  else if (who->rank == 0 || h->members[who->rank].fd >= 0)
    snprintf(reason, REASON_BYTES, "rank %u is there already: two processes have this rank", who->rank);
  else
    return false;
  return true;
}

/* Rank 0 or the member on the same GPU, or -1. */
static int find_sharer(const host *h, const ddp_place *place) {
  for (int rank = 0; rank < h->meeting->world_size; ++rank)
    if ((rank == 0 || h->members[rank].fd >= 0) &&
        ddp_is_same_gpu(rank == 0 ? &h->meeting->place : &h->members[rank].place, place))
      return rank;
  return -1;
}

/* Takes the visitor's socket. Who shares a GPU stays until all are there, so that all hear of it. */
static void add_member(host *h, visitor *v, const ddp_introduction *who) {
  if (!send_answer(v->fd, &v->session, DDP_WELCOME, NULL, 0)) {
    close(v->fd);
    return;
  }
  int sharer = find_sharer(h, &who->place);
  if (sharer >= 0 && !*h->shared)
    ddp_say_shared((int)who->rank, sharer, &who->place, h->shared, sizeof h->shared);
  h->members[who->rank] = (member){v->fd, v->session, who->place};
  ++h->member_count;
}

typedef enum hearing { HEARD_PART, HEARD_ALL, HEARD_ENOUGH } hearing; /* the last: it may go */

/* The first word of a visitor: answered by ours, which says nothing of the job. */
static hearing hear_greeting(host *h, visitor *v) {
  ddp_greeting greeting;
  unsigned char bytes[DDP_GREETING_BYTES];
  ddp_parse parse = ddp_read_greeting(v->bytes, v->have, &greeting);
  if (parse != DDP_COMPLETE)
    return parse == DDP_INCOMPLETE ? HEARD_PART : HEARD_ENOUGH;
  if (ddp_begin_session(&v->session) != BV_OK)
    return HEARD_ENOUGH; /* it will come again */
  ddp_write_greeting(v->session.own_public, bytes);
  if (!send_at_once(v->fd, bytes, sizeof bytes))
    return HEARD_ENOUGH;
  if (greeting.version != DDP_HANDSHAKE_VERSION) {
    snprintf(h->refused, REASON_BYTES, "a meeting of version %u, here it is %d", greeting.version,
             DDP_HANDSHAKE_VERSION);
    return HEARD_ENOUGH;
  }
  v->is_greeted = true;
  v->have = 0;
  return ddp_agree(&v->session, true, h->meeting->key, greeting.public_key) ? HEARD_PART : HEARD_ENOUGH;
}

/* The second word: proves, by opening, that the visitor knows the key. */
static hearing hear_introduction(host *h, visitor *v, ddp_introduction *who) {
  unsigned char bytes[DDP_INTRODUCTION_BYTES];
  if (v->have < sizeof v->bytes)
    return HEARD_PART;
  if (!ddp_unseal(&v->session, v->bytes, sizeof v->bytes, bytes)) {
    ++h->unproved;
    return HEARD_ENOUGH;
  }
  ddp_read_introduction(bytes, who);
  if (!has_objection(h, who, h->refused))
    return HEARD_ALL;
  send_answer(v->fd, &v->session, DDP_REFUSED, h->refused, strlen(h->refused));
  return HEARD_ENOUGH;
}

/* Reads what there is, without waiting, of a visitor that then may be one no longer. */
static void hear_visitor(host *h, visitor *v) {
  size_t most = v->is_greeted ? sizeof v->bytes : DDP_GREETING_BYTES;
  ssize_t received = recv(v->fd, v->bytes + v->have, most - v->have, MSG_DONTWAIT);
  if (received < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
    return;
  hearing heard = HEARD_ENOUGH;
  ddp_introduction who = {0};
  if (received > 0) {
    v->have += (size_t)received;
    heard = v->is_greeted ? hear_introduction(h, v, &who) : hear_greeting(h, v);
  }
  if (heard == HEARD_PART)
    return;
  if (heard == HEARD_ALL)
    add_member(h, v, &who);
  else
    close(v->fd);
  v->fd = -1;
}

static bv_status accept_visitors(host *h, int listener) {
  for (int accepted = 0; accepted < MOST_STRANGERS; ++accepted) { /* no more: members too want to be heard */
    if (h->visitor_count == h->most_visitors)
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
  const int visitors = h->visitor_count, listeners = h->listeners.count;
  int count = 0;
  for (int i = 0; i < listeners; ++i)
    h->polls[count++] = (struct pollfd){h->listeners.sockets[i], POLLIN, 0};
  for (int i = 0; i < visitors; ++i)
    h->polls[count++] = (struct pollfd){h->visitors[i].fd, POLLIN, 0};
  for (int rank = 1; rank < m->world_size; ++rank) /* poll() takes as many entries as there may be open files */
    if (h->members[rank].fd >= 0)
      h->polls[count++] = (struct pollfd){h->members[rank].fd, POLLIN, 0};
  if (poll(h->polls, (nfds_t)count, ddp_milliseconds_until(m->deadline)) < 0) {
    if (errno == EINTR)
      return BV_OK;
    return ddp_fail(BV_DDP_ERROR_NETWORK, "rank 0 cannot wait for %d connections: %s", count, strerror(errno));
  }
  for (int rank = m->world_size - 1; rank > 0; --rank)
    if (h->members[rank].fd >= 0 && h->polls[--count].revents) /* a member has nothing to say: it left */
      return give_up_lost(h, rank);
  for (int i = 0; i < visitors; ++i)
    if (h->polls[listeners + i].revents)
      hear_visitor(h, &h->visitors[i]);
  remove_former_visitors(h);
  for (int i = 0; i < listeners; ++i)
    if (h->polls[i].revents)
      DDP_TRY(accept_visitors(h, h->listeners.sockets[i]));
  return BV_OK;
}

static bv_status hold_meeting(host *h, bv_status (*make)(void *gift), void *gift, size_t gift_bytes) {
  const ddp_meeting *m = h->meeting;
  DDP_TRY(check_descriptors(m));
  size_t world = (size_t)m->world_size, most_visitors = world + MOST_STRANGERS;
  h->most_visitors = (int)most_visitors;
  h->members = calloc(world, sizeof *h->members);
  h->visitors = calloc(most_visitors, sizeof *h->visitors);
  h->polls = malloc((world + most_visitors + DDP_MOST_LISTENERS) * sizeof *h->polls);
  if (!h->members || !h->visitors || !h->polls)
    return ddp_fail(BV_ERROR_MEMORY, "no memory for the connections of %d ranks", m->world_size);
  for (int rank = 0; rank < m->world_size; ++rank)
    h->members[rank].fd = -1;
  DDP_TRY(ddp_open_listeners(m->host, m->port, m->deadline, &h->listeners));
  while (h->member_count < m->world_size - 1) {
    if (ddp_has_passed(m->deadline))
      return give_up_waiting(h);
    DDP_TRY(take_turn(h));
  }
  if (*h->shared)
    return give_up(h, BV_ERROR_DEVICE, DDP_SHARED_GPU, h->shared);
  bv_status made = make(gift);
  if (made != BV_OK)
    return give_up_making(h, made);
  for (int rank = 1; rank < m->world_size; ++rank)
    if (!send_answer(h->members[rank].fd, &h->members[rank].session, DDP_GIFT, gift, gift_bytes))
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
