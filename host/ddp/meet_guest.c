/* The other ranks' side of the meeting: go to rank 0, prove who this is, wait for what it has to give. */
#include "meet.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "handshake.h"
#include "report.h"
#include "socket.h"

#define GRACE ((ddp_time)1000000000)           /* rank 0 has a deadline too, and then says who is missing */
#define LOOKUP_INTERVAL ((ddp_time)1000000000) /* from the end of one to the beginning of the next */
#define CONNECTION_SECONDS 3.0                 /* for an address that drops packets */
#define GREETING_SECONDS 5.0                   /* for a server that does not greet */

enum { TROUBLE_BYTES = 192 };

typedef struct guest {
  const ddp_meeting *meeting;
  void *gift;
  size_t gift_bytes;
  struct addrinfo *addresses; /* what the last look-up that found any found */
  ddp_time next_lookup;
  /* For the message at the deadline, each "" or why there was no rank 0 ... */
  char unknown[TROUBLE_BYTES];     /* in the last look-up */
  char unreachable[TROUBLE_BYTES]; /* in the last connection that failed */
  char unproved[TROUBLE_BYTES];    /* in what last answered */
} guest;

typedef enum visit {
  VISIT_OVER, /* the status says how */
  VISIT_AGAIN /* that was not rank 0, or it is not ready */
} visit;

/* ---- What went wrong ----------------------------------------------------------------------------------- */

static bv_status time_is_up(const guest *g) {
  const ddp_meeting *m = g->meeting;
  const char *const troubles[] = {g->unknown, g->unproved, g->unreachable};
  char why[3 * TROUBLE_BYTES] = "";
  size_t length = 0;
  for (size_t i = 0; i < sizeof troubles / sizeof troubles[0]; ++i)
    if (*troubles[i])
      length += (size_t)snprintf(why + length, sizeof why - length, "%s%s", length ? "; " : "", troubles[i]);
  return ddp_fail(BV_DDP_ERROR_TIMEOUT, "rank %d found no rank 0 at %s port %d within %g s: %s", m->rank,
                  m->host, m->port, m->timeout_seconds, *why ? why : "no answer");
}

/* error: of the system, or 0. A visit that the deadline cut short says less than the one before. */
static void not_reached(guest *g, int error, const char *otherwise) {
  if (!*g->unreachable || !ddp_has_passed(g->meeting->deadline))
    snprintf(g->unreachable, sizeof g->unreachable, "%s", error ? strerror(error) : otherwise);
}

static visit has_not_proved(guest *g) {
  if (g->meeting->has_secret)
    snprintf(g->unproved, sizeof g->unproved,
             "what listens there did not prove that it knows this job's secret (it has another one or none, or "
             "is not rank 0)");
  else
    snprintf(
        g->unproved, sizeof g->unproved,
        "what listens there did not prove that it knows this job's id (it is of another job, has a secret, "
        "or is not rank 0)");
  return VISIT_AGAIN;
}

static bv_status look_up(guest *g) {
  const ddp_meeting *m = g->meeting;
  struct addrinfo *addresses;
  if (ddp_now() < g->next_lookup)
    return BV_OK;
  bv_status status = ddp_resolve(m->host, m->port, m->deadline, &addresses);
  g->next_lookup = ddp_now() + LOOKUP_INTERVAL;
  if (status == BV_ERROR_MEMORY)
    return status;
  if (status != BV_OK) {                              /* what was found before may still be right */
    if (!*g->unknown || !ddp_has_passed(m->deadline)) /* one that is cut short says less than the one before */
      snprintf(g->unknown, sizeof g->unknown, "%s", bv_last_error());
    return BV_OK;
  }
  g->unknown[0] = '\0';
  if (g->addresses)
    freeaddrinfo(g->addresses);
  g->addresses = addresses;
  return BV_OK;
}

/* ---- A visit ------------------------------------------------------------------------------------------- */

/* Exchanges greetings. False if there was none, or not rank 0's. */
static bool greet(guest *g, int fd, ddp_session *session) {
  const ddp_meeting *m = g->meeting;
  unsigned char bytes[DDP_GREETING_BYTES];
  ddp_time deadline = ddp_deadline_after(GREETING_SECONDS);
  if (deadline > m->deadline)
    deadline = m->deadline;
  ddp_write_greeting(session->own_public, bytes);
  if (ddp_send_all(fd, bytes, sizeof bytes, deadline) != 0) {
    not_reached(g, errno, NULL);
    return false;
  }
  for (size_t have = 0;;) {
    ptrdiff_t received = ddp_receive_some(fd, bytes + have, sizeof bytes - have, deadline);
    if (received <= 0) {
      bool is_silent = received < 0 && errno == ETIMEDOUT;
      not_reached(g, received < 0 && !is_silent ? errno : 0,
                  is_silent ? "no answer" : "what listens there closed the connection");
      return false;
    }
    have += (size_t)received;
    ddp_greeting greeting;
    switch (ddp_read_greeting(bytes, have, &greeting)) {
    case DDP_INCOMPLETE: continue;
    case DDP_RUBBISH:
      snprintf(g->unproved, sizeof g->unproved, "what answers there is not rank 0 of a batchview job");
      return false;
    case DDP_COMPLETE: break;
    }
    if (greeting.version != DDP_HANDSHAKE_VERSION) {
      snprintf(
          g->unproved, sizeof g->unproved,
          "what answers there has version %u of the meeting, this rank %d (all ranks need the same batchview)",
          greeting.version, DDP_HANDSHAKE_VERSION);
      return false;
    }
    if (ddp_agree(session, false, m->key, greeting.public_key))
      return true;
    has_not_proved(g);
    return false;
  }
}

static bool introduce(guest *g, int fd, ddp_session *session) {
  const ddp_meeting *m = g->meeting;
  unsigned char bytes[DDP_INTRODUCTION_BYTES], sealed[DDP_SEALED_INTRODUCTION_BYTES];
  ddp_introduction introduction = {(uint32_t)m->world_size, (uint32_t)m->rank, m->job, m->place};
  ddp_write_introduction(&introduction, bytes);
  ddp_seal(session, bytes, sizeof bytes, sealed);
  if (ddp_send_all(fd, sealed, sizeof sealed, m->deadline) == 0)
    return true;
  not_reached(g, errno, NULL);
  return false;
}

static bv_status obey(const guest *g, const ddp_answer *answer) {
  const ddp_meeting *m = g->meeting;
  const char *reason = (const char *)answer->body;
  switch (answer->kind) {
  case DDP_REFUSED: return ddp_fail(BV_DDP_ERROR_REFUSED, "rank 0 refused rank %d: %s", m->rank, reason);
  case DDP_GAVE_UP: return ddp_fail(BV_DDP_ERROR_TIMEOUT, "rank 0 gave up: %s", reason);
  case DDP_LOST: return ddp_fail(BV_DDP_ERROR_PEER, "rank 0 gave up: %s", reason);
  case DDP_SHARED_GPU: return ddp_fail(BV_ERROR_DEVICE, "%s", reason);
  default: break;
  }
  if (answer->kind != DDP_GIFT || answer->body_bytes != g->gift_bytes)
    return ddp_fail(BV_DDP_ERROR_NETWORK, "rank 0 at %s port %d gave %d bytes instead of %zu", m->host, m->port,
                    answer->body_bytes, g->gift_bytes);
  memcpy(g->gift, answer->body, g->gift_bytes);
  return BV_OK;
}

/* Waits for an answer that opens. */
static visit hear_answers(guest *g, int fd, ddp_session *session, bv_status *status) {
  const ddp_meeting *m = g->meeting;
  unsigned char sealed[DDP_SEALED_ANSWER_BYTES], bytes[DDP_ANSWER_BYTES];
  /* A rank 0 that is well answers an introduction at once: one that does not must not keep from trying the
   * next. */
  ddp_time deadline = ddp_deadline_after(GREETING_SECONDS);
  if (deadline > m->deadline)
    deadline = m->deadline;
  ddp_answer answer;
  for (bool welcome = false;; welcome = true) {
    for (size_t have = 0; have < sizeof sealed;) {
      ptrdiff_t received = ddp_receive_some(fd, sealed + have, sizeof sealed - have, deadline);
      if (received > 0) {
        have += (size_t)received;
        continue;
      }
      if (!welcome)
        return has_not_proved(g);
      *status = ddp_has_passed(deadline)
                    ? ddp_fail(BV_DDP_ERROR_TIMEOUT,
                               "rank %d met rank 0 at %s port %d, but not all ranks did within %g s", m->rank,
                               m->host, m->port, m->timeout_seconds)
                    : ddp_fail(BV_DDP_ERROR_PEER, "rank 0 left during the meeting");
      return VISIT_OVER;
    }
    if (!ddp_unseal(session, sealed, sizeof sealed, bytes) || !ddp_read_answer(bytes, &answer)) {
      if (!welcome)
        return has_not_proved(g);
      *status = ddp_fail(BV_DDP_ERROR_NETWORK, "what came from rank 0 at %s port %d was changed on its way",
                         m->host, m->port);
      return VISIT_OVER;
    }
    if (answer.kind != DDP_WELCOME || welcome)
      break;
    deadline = m->deadline + GRACE;
  }
  *status = obey(g, &answer);
  return VISIT_OVER;
}

static visit visit_address(guest *g, const struct addrinfo *address, bv_status *status) {
  const ddp_meeting *m = g->meeting;
  ddp_session session;
  ddp_time deadline = ddp_deadline_after(CONNECTION_SECONDS);
  int fd = ddp_connect(address, deadline < m->deadline ? deadline : m->deadline);
  if (fd < 0) {
    not_reached(g, errno, NULL);
    return VISIT_AGAIN;
  }
  visit end = VISIT_OVER;
  *status = ddp_begin_session(&session);
  if (*status == BV_OK)
    end = greet(g, fd, &session) && introduce(g, fd, &session) ? hear_answers(g, fd, &session, status)
                                                               : VISIT_AGAIN;
  close(fd);
  ddp_wipe(&session, sizeof session);
  return end;
}

static bv_status visit_until_deadline(guest *g) {
  ddp_pause pause = DDP_PAUSE_NETWORK;
  for (;;) {
    bv_status status = look_up(g);
    if (status != BV_OK)
      return status;
    for (const struct addrinfo *a = g->addresses; a; a = a->ai_next)
      if (visit_address(g, a, &status) == VISIT_OVER)
        return status;
    if (ddp_has_passed(g->meeting->deadline))
      return time_is_up(g);
    ddp_sleep(&pause);
  }
}

bv_status ddp_meet_as_guest(const ddp_meeting *meeting, void *gift, size_t gift_bytes) {
  guest g = {.meeting = meeting, .gift = gift, .gift_bytes = gift_bytes};
  bv_status status = visit_until_deadline(&g);
  if (g.addresses)
    freeaddrinfo(g.addresses);
  return status;
}
