/* A group, and what a backend does for it. */
#ifndef BV_DDP_GROUP_H
#define BV_DDP_GROUP_H

#include "blocks.h"
#include "call.h"
#include "cuda/context.h"
#include "deadline.h"
#include "place.h"
#include "report.h"

/* What joins the ranks. `stream` is the caller's, for device memory. Every function may break the group
 * (ddp_break); none is called on a broken group, but leave. */
typedef struct ddp_backend {
  int32_t kind; /* BV_DDP_BACKEND_... */

  /* Tells all ranks of a call that is about to begin. Returns what is wrong with it, BV_DDP_ERROR_MISMATCH, as
   * soon as that is known: on the CPU on return; on a device, where the ranks' calls are compared on the
   * stream, from whatever is called next. */
  bv_status (*announce)(bv_ddp_group *group, const ddp_call *call, bv_stream stream);

  /* The same for a call that is nothing more than this: waits for all ranks, whatever the device. counts[r],
   * unless `counts` is NULL, becomes the count in rank r's call. */
  bv_status (*meet)(bv_ddp_group *group, const ddp_call *call, int64_t *counts);

  /* numbers[i] becomes the sum of all ranks' numbers[i]. Memory of the group's device, ordered on the stream;
   * on the CPU done on return. */
  bv_status (*sum)(bv_ddp_group *group, uint64_t *numbers, size_t count, bv_stream stream);

  /* bytes[r] bytes of rank r to rank 0, one after the other. */
  bv_status (*gather)(bv_ddp_group *group, const void *mine, const int64_t *bytes, void *all, bv_stream stream);

  /* Until the stream has done its work. */
  bv_status (*wait)(bv_ddp_group *group, bv_stream stream);

  /* Frees what the group holds of the backend; `clean` if all ranks do it in order, else the connection is cut.
   */
  bv_status (*leave)(bv_ddp_group *group, bool clean);
} ddp_backend;

struct bv_ddp_group {
  int rank, world_size;
  int32_t device, device_choice; /* BV_DDP_CHOICE_... */
  double timeout_seconds;
  const ddp_backend *backend;
  void *connection; /* the backend's own; NULL once left */
  void *communicator;
  bv_stream stream;
  ddp_blocks blocks;
  bool broken;
  bool aborted; /* by the caller */
};

static inline ddp_time ddp_group_deadline(const bv_ddp_group *group) {
  return ddp_deadline_after(group->timeout_seconds);
}

/* Marks the group broken and returns the status of the failure that was just reported. */
static inline bv_status ddp_break(bv_ddp_group *group, bv_status status) {
  group->broken = true;
  return status;
}

/* The end of what the ranks do together: one that fails by itself then is out of step with the others. */
static inline bv_status ddp_end_together(bv_ddp_group *group, bv_status status) {
  return status == BV_OK || group->world_size == 1 ? status : ddp_break(group, status);
}

/* BV_OK, or BV_ERROR_NULL, or BV_DDP_ERROR_GROUP for a broken one. */
bv_status ddp_check_group(const bv_ddp_group *group);

/* Begins a group operation on all ranks, when this one is ready for it or, `own`, has failed to be: then the
 * others hear of that. Nothing else of the operation may be sent before, and nothing after a failure. Returns
 * `own` with its message, or like announce. */
bv_status ddp_begin(bv_ddp_group *group, const ddp_call *call, bv_status own, bv_stream stream);

/* For leave: waits until all ranks finish, and know it of each other. */
bv_status ddp_say_goodbye(bv_ddp_group *group);

/* Makes the group's device, if it has one, the current one until it is left again. */
bv_status ddp_enter_group(const bv_ddp_group *group, bv_context_scope *scope);
void ddp_leave_group(const bv_ddp_group *group, const bv_context_scope *scope);

/* ---- Backends. Each joins the group's ranks, and sets backend, connection, communicator and stream
 * ----------- */

/* One rank alone. On a device, the stream is made. */
bv_status ddp_join_nobody(bv_ddp_group *group);

/* 1 if MPI was built in, and the caller has initialised and not finalised it. */
bool ddp_mpi_is_running(void);

/* Who this is in `mpi_comm` (NULL: MPI_COMM_WORLD).
 * Returns BV_OK; BV_DDP_ERROR_BACKEND, _MPI. */
bv_status ddp_mpi_identify(const void *mpi_comm, int *rank, int *world_size);

bv_status ddp_mpi_join(bv_ddp_group *group, const void *mpi_comm, ddp_time deadline);

/* An id that rank 0 makes when all are there, to all. Not if two of them are on one GPU: then BV_ERROR_DEVICE.
 */
bv_status ddp_mpi_share_id(const void *mpi_comm, int rank, const ddp_place *place, bv_ddp_id *id,
                           ddp_time deadline, double timeout_seconds);

bool ddp_nccl_is_built(void);

bv_status ddp_nccl_make_id(bv_ddp_id *id);

bv_status ddp_nccl_join(bv_ddp_group *group, const bv_ddp_id *id, ddp_time deadline);

#endif
