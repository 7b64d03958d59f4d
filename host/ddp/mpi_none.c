/* MPI was not built in. */
#include "group.h"

static bv_status not_built(void) {
  return ddp_fail(BV_DDP_ERROR_BACKEND,
                  "this batchview was built without MPI (BATCHVIEW_MPI): it cannot join CPU ranks");
}

bool ddp_mpi_is_running(void) { return false; }

bv_status ddp_mpi_identify(const void *mpi_comm, int *rank, int *world_size) {
  (void)mpi_comm, (void)rank, (void)world_size;
  return not_built();
}

bv_status ddp_mpi_join(bv_ddp_group *group, const void *mpi_comm, ddp_time deadline) {
  (void)group, (void)mpi_comm, (void)deadline;
  return not_built();
}

bv_status ddp_mpi_share_id(const void *mpi_comm, int rank, const ddp_place *place, bv_ddp_id *id,
                           ddp_time deadline, double timeout_seconds) {
  (void)mpi_comm, (void)rank, (void)place, (void)id, (void)deadline, (void)timeout_seconds;
  return not_built();
}
