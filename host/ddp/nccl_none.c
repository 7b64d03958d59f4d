/* NCCL was not built in. */
#include "group.h"

static bv_status not_built(void) {
  return ddp_fail(BV_DDP_ERROR_BACKEND,
                  "this batchview was built without NCCL (BATCHVIEW_NCCL): it cannot join GPU ranks");
}

bool ddp_nccl_is_built(void) { return false; }

bv_status ddp_nccl_make_id(bv_ddp_id *id) {
  (void)id;
  return not_built();
}

bv_status ddp_nccl_join(bv_ddp_group *group, const bv_ddp_id *id, ddp_time deadline) {
  (void)group, (void)id, (void)deadline;
  return not_built();
}
