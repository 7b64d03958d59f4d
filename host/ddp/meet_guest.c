/* The other ranks' side of the meeting: go to rank 0, say who this is, wait for what it has to give. */
#include "meet.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "handshake.h"
#include "report.h"
#include "socket.h"

#define GRACE ((ddp_time)1000000000)

typedef enum visit {
  VISIT_OVER, /* the status says how */
  VISIT_AGAIN /* rank 0 is not there yet */
} visit;

static bv_status time_is_up(const ddp_meeting *m, bool welcome, int error) {
  if (welcome)
    return ddp_fail(BV_DDP_ERROR_TIMEOUT, "rank %d met rank 0 at %s port %d, but not all ranks did within %g s",
                    m->rank, m->host, m->port, m->timeout_seconds);
  return ddp_fail(BV_DDP_ERROR_TIMEOUT, "rank %d found no rank 0 at %s port %d within %g s: %s", m->rank,
                  m->host, m->port, m->timeout_seconds, error ? strerror(error) : "no answer");
}

static bv_status obey(const ddp_meeting *m, const ddp_answer *answer, void *gift, size_t gift_bytes) {
  const char *reason = (const char *)answer->body;
  switch (answer->kind) {
  case DDP_REFUSED: return ddp_fail(BV_DDP_ERROR_REFUSED, "rank 0 refused rank %d: %s", m->rank, reason);
  case DDP_GAVE_UP: return ddp_fail(BV_DDP_ERROR_TIMEOUT, "rank 0 gave up: %s", reason);
  case DDP_LOST: return ddp_fail(BV_DDP_ERROR_PEER, "rank 0 gave up: %s", reason);
  default: break;
  }
  if (answer->kind != DDP_GIFT || answer->body_bytes != gift_bytes)
    return ddp_fail(BV_DDP_ERROR_NETWORK, "rank 0 at %s port %d gave %d bytes instead of %zu", m->host, m->port,
                    answer->body_bytes, gift_bytes);
  memcpy(gift, answer->body, gift_bytes);
  return BV_OK;
}

static visit talk(const ddp_meeting *m, int fd, void *gift, size_t gift_bytes, bv_status *status, int *error) {
  unsigned char bytes[DDP_ANSWER_BYTES];
  size_t have = 0;
  bool welcome = false;
  ddp_time deadline = m->deadline;
  ddp_hello hello = {DDP_HANDSHAKE_VERSION, (uint32_t)m->world_size, (uint32_t)m->rank, m->job};
  ddp_write_hello(&hello, bytes);
  if (ddp_send_all(fd, bytes, DDP_HELLO_BYTES, m->deadline) != 0) {
    *error = errno;
    return VISIT_AGAIN;
  }
  for (;;) {
    ddp_answer answer;
    size_t used;
    ddp_parse parse = ddp_read_answer(bytes, have, &answer, &used);
    if (parse == DDP_RUBBISH) {
      *status = ddp_fail(BV_DDP_ERROR_NETWORK, "what answers at %s port %d is not rank 0 of a batchview job",
                         m->host, m->port);
      return VISIT_OVER;
    }
    if (parse == DDP_COMPLETE && (answer.kind != DDP_WELCOME || welcome)) {
      *status = obey(m, &answer, gift, gift_bytes);
      return VISIT_OVER;
    }
    if (parse == DDP_COMPLETE) {
      welcome = true;
      /* Rank 0 has a deadline too and then says who is missing: that is worth a moment. */
      deadline = m->deadline + GRACE;
      have -= used;
      memmove(bytes, bytes + used, have);
      continue;
    }
    ptrdiff_t received = ddp_receive_some(fd, bytes + have, sizeof bytes - have, deadline);
    if (received <= 0) {
      *error = received < 0 ? errno : 0;
      if (!welcome && !ddp_has_passed(deadline))
        return VISIT_AGAIN;
      *status = ddp_has_passed(deadline) ? time_is_up(m, welcome, 0)
                                         : ddp_fail(BV_DDP_ERROR_PEER, "rank 0 left during the meeting");
      return VISIT_OVER;
    }
    have += (size_t)received;
  }
}

static bv_status visit_host(const ddp_meeting *m, const struct addrinfo *addresses, void *gift,
                            size_t gift_bytes) {
  const double one_address_seconds = 3.0; /* one that drops packets must not keep from trying the next */
  ddp_pause pause = DDP_PAUSE_NETWORK;
  int error = 0;
  for (;;) {
    for (const struct addrinfo *a = addresses; a; a = a->ai_next) {
      ddp_time deadline = ddp_deadline_after(one_address_seconds);
      int fd = ddp_connect(a, deadline < m->deadline ? deadline : m->deadline);
      if (fd < 0) {
        error = errno;
        continue;
      }
      bv_status status = BV_OK;
      visit end = talk(m, fd, gift, gift_bytes, &status, &error);
      close(fd);
      if (end == VISIT_OVER)
        return status;
    }
    if (ddp_has_passed(m->deadline))
      return time_is_up(m, false, error);
    ddp_sleep(&pause);
  }
}

bv_status ddp_meet_as_guest(const ddp_meeting *meeting, void *gift, size_t gift_bytes) {
  struct addrinfo *addresses;
  DDP_TRY(ddp_resolve(meeting->host, meeting->port, meeting->deadline, &addresses));
  bv_status status = visit_host(meeting, addresses, gift, gift_bytes);
  freeaddrinfo(addresses);
  return status;
}
