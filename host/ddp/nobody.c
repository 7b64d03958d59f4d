/* The backend of a rank alone: nobody to add to, nobody to wait for. */
#include <string.h>

#include "device.h"
#include "group.h"

static bv_status announce(bv_ddp_group *group, const ddp_call *call, bv_stream stream) {
  (void)group, (void)call, (void)stream;
  return BV_OK;
}

static bv_status meet(bv_ddp_group *group, const ddp_call *call, int64_t *counts) {
  (void)group;
  if (counts)
    counts[0] = call->count;
  return BV_OK;
}

static bv_status sum(bv_ddp_group *group, uint64_t *numbers, size_t count, bv_stream stream) {
  (void)group, (void)numbers, (void)count, (void)stream;
  return BV_OK;
}

static bv_status gather(bv_ddp_group *group, const void *mine, const int64_t *bytes, void *all,
                        bv_stream stream) {
  if (group->device != BV_CPU)
    return ddp_copy(all, mine, (size_t)bytes[0], stream);
  memcpy(all, mine, (size_t)bytes[0]);
  return BV_OK;
}

static bv_status no_trouble(void *argument) {
  (void)argument;
  return BV_OK;
}

static bv_status wait(bv_ddp_group *group, bv_stream stream) {
  if (group->device == BV_CPU)
    return BV_OK;
  return ddp_wait_for_stream(stream, ddp_group_deadline(group), group->timeout_seconds, no_trouble, NULL);
}

static bv_status leave(bv_ddp_group *group, bool clean) {
  (void)clean;
  if (group->stream) {
    bv_context_scope scope;
    DDP_TRY(ddp_enter_device(group->device, &scope));
    ddp_free_blocks(&group->blocks);
    ddp_destroy_stream(group->stream);
    ddp_leave_device(&scope);
  }
  group->stream = NULL;
  group->connection = NULL;
  return BV_OK;
}

bv_status ddp_join_nobody(bv_ddp_group *group) {
  static const ddp_backend nobody = {BV_DDP_BACKEND_NONE, announce, meet, sum, gather, wait, leave};
  group->backend = &nobody;
  group->connection = group; /* there is one, with nothing in it */
  return group->device == BV_CPU ? BV_OK : ddp_create_stream(&group->stream);
}
