/* The backend of GPU ranks. The communicator is a non-blocking one: its calls return at once, and are asked for
 * their end until the deadline. Calls that NCCL offers only as blocking ones (abort, destroy) run on a thread
 * of their own, which is left to them if they hang. */
#include <cuda_runtime_api.h>
#include <nccl.h>
#include <stdlib.h>
#include <string.h>

#include "compare.h"
#include "device.h"
#include "group.h"

#if NCCL_VERSION_CODE < NCCL_VERSION(2, 14, 0)
#error "batchview needs NCCL 2.14 or later, the first with communicators that do not block"
#endif

/* How long an abort may take beyond the deadline. */
#define ABORT_SECONDS 3.0
/* How long the end of a communicator may take where graphs may keep it from ending: NCCL cannot be asked
 * whether they are still there. */
#define GRAPHS_SECONDS 5.0

typedef struct nccl_connection {
  int device;
  ncclComm_t comm;
  bv_stream stream;
  ddp_blocks blocks;          /* the group's, in the end */
  ddp_call *calls;            /* world_size of them on the device, for those that the host waits for ... */
  ddp_call *host_calls;       /* ... and pinned, so that copies do not block */
  ddp_difference *difference; /* pinned: what the device found when it compared the ranks' calls */
  bool captured;              /* calls are in graphs, as long as which exist NCCL ends no communicator */
  bool abort;                 /* how to end */
  ncclResult_t result;        /* how it ended */
} nccl_connection;

/* ---- Results and waiting ------------------------------------------------------------------------------- */

/* The one place where results of NCCL become statuses. */
static bv_status check(ncclComm_t comm, ncclResult_t result, const char *what) {
  if (result == ncclSuccess)
    return BV_OK;
  const char *detail = ncclGetLastError(comm);
  bool has_detail = detail && *detail;
  return ddp_fail(result == ncclRemoteError ? BV_DDP_ERROR_PEER : BV_DDP_ERROR_NCCL, "%s: %s%s%s", what,
                  ncclGetErrorString(result), has_detail ? ": " : "", has_detail ? detail : "");
}

/* What the device has found so far. */
static bv_status look_for_difference(const nccl_connection *c) {
  int32_t other = __atomic_load_n(&c->difference->other, __ATOMIC_ACQUIRE);
  return other == 0 ? BV_OK : ddp_report_difference(&c->difference->of_rank_0, &c->difference->of_other, other);
}

/* A failure, or the difference between the calls that may be its reason. */
static bv_status explain(const nccl_connection *c, bv_status status) {
  bv_status difference = status == BV_OK || !c->difference ? BV_OK : look_for_difference(c);
  return difference == BV_OK ? status : difference;
}

/* The end of a call that may go on in the background. (Every operation of such a communicator does: NCCL puts
 * it on the stream from a thread of its own, and the host waits for that, some 0.1 ms for each digit of a
 * window. What is bought with it is that nothing blocks for ever.) */
static bv_status settle(nccl_connection *c, ncclResult_t result, ddp_time deadline, double timeout_seconds,
                        const char *what) {
  ddp_pause pause = DDP_PAUSE_LOCAL;
  while (result == ncclInProgress) {
    ncclResult_t asked = ncclCommGetAsyncError(c->comm, &result);
    if (asked != ncclSuccess)
      result = asked;
    if (result != ncclInProgress)
      break;
    DDP_TRY(look_for_difference(c));
    if (ddp_has_passed(deadline))
      return ddp_fail(BV_DDP_ERROR_TIMEOUT, "%s: not all ranks took part within %g s", what, timeout_seconds);
    ddp_sleep(&pause);
  }
  return explain(c, check(c->comm, result, what));
}

static bv_status end_call(bv_ddp_group *group, ncclResult_t result, const char *what) {
  bv_status status = settle(group->connection, result, ddp_group_deadline(group), group->timeout_seconds, what);
  return status == BV_OK ? BV_OK : ddp_break(group, status);
}

static bv_status ask_for_trouble(void *argument) {
  nccl_connection *c = argument;
  DDP_TRY(look_for_difference(c));
  ncclResult_t result, asked = ncclCommGetAsyncError(c->comm, &result);
  if (asked != ncclSuccess)
    result = asked;
  return result == ncclInProgress ? BV_OK : explain(c, check(c->comm, result, "a rank is in trouble"));
}

static bv_status wait(bv_ddp_group *group, bv_stream stream) {
  nccl_connection *c = group->connection;
  bv_status status =
      ddp_wait_for_stream(stream, ddp_group_deadline(group), group->timeout_seconds, ask_for_trouble, c);
  if (status == BV_OK)
    status = look_for_difference(c);
  return status == BV_OK ? BV_OK : ddp_break(group, explain(c, status));
}

/* ---- Operations ---------------------------------------------------------------------------------------- */

/* Brings the ranks' calls together in `calls` on the device, and compares them there. */
static bv_status bring_together(bv_ddp_group *group, const ddp_call *call, ddp_call *calls, bv_stream stream) {
  nccl_connection *c = group->connection;
  ddp_call *mine = &calls[group->rank];
  DDP_TRY(ddp_check_cuda(ddp_launch_write_call(mine, call, stream), "describing the call"));
  DDP_TRY(end_call(group, ncclAllGather(mine, calls, sizeof *call, ncclUint8, c->comm, stream),
                   ddp_operation_name(call->operation)));
  return ddp_check_cuda(ddp_launch_compare_calls(calls, group->world_size, c->difference, stream),
                        "comparing the ranks' calls");
}

/* NCCL counts the graphs that a communicator's operations were captured in, and waits for the last one to be
 * destroyed in ncclCommFinalize, ncclCommDestroy and ncclCommAbort alike (commDestroySync in its init.cc). */
static bv_status note_capture(nccl_connection *c, bv_stream stream) {
  enum cudaStreamCaptureStatus capture = cudaStreamCaptureStatusNone;
  DDP_TRY(ddp_check_cuda(cudaStreamIsCapturing(stream, &capture), "asking whether the stream captures"));
  c->captured = c->captured || capture != cudaStreamCaptureStatusNone;
  return BV_OK;
}

/* What follows on the stream is only right if the calls turn out to be the same. The host does not wait for
 * that, and after a difference the streams may wait for each other: the group is broken. */
static bv_status announce(bv_ddp_group *group, const ddp_call *call, bv_stream stream) {
  void *calls;
  bv_status status = look_for_difference(group->connection);
  if (status == BV_OK)
    status = note_capture(group->connection, stream);
  if (status == BV_OK)
    status = ddp_allocate(&group->blocks, &calls, (size_t)group->world_size * sizeof *call, stream);
  if (status != BV_OK)
    return ddp_break(group, status);
  status = bring_together(group, call, calls, stream);
  ddp_release(&group->blocks, calls, stream);
  return status == BV_OK ? BV_OK : ddp_break(group, status);
}

static bv_status meet(bv_ddp_group *group, const ddp_call *call, int64_t *counts) {
  nccl_connection *c = group->connection;
  size_t bytes = (size_t)group->world_size * sizeof *call;
  bv_status status = bring_together(group, call, c->calls, c->stream);
  if (status == BV_OK)
    status = ddp_copy(c->host_calls, c->calls, bytes, c->stream);
  if (status == BV_OK)
    status = wait(group, c->stream);
  if (status != BV_OK)
    return ddp_break(group, status);
  for (int rank = 0; rank < group->world_size && counts; ++rank)
    counts[rank] = c->host_calls[rank].count;
  return BV_OK;
}

static bv_status sum(bv_ddp_group *group, uint64_t *numbers, size_t count, bv_stream stream) {
  nccl_connection *c = group->connection;
  return end_call(group, ncclAllReduce(numbers, numbers, count, ncclUint64, ncclSum, c->comm, stream),
                  "summing over the ranks");
}

static bv_status gather(bv_ddp_group *group, const void *mine, const int64_t *bytes, void *all,
                        bv_stream stream) {
  nccl_connection *c = group->connection;
  ncclResult_t result = ncclGroupStart();
  if (result == ncclSuccess && group->rank != 0 && bytes[group->rank] > 0)
    result = ncclSend(mine, (size_t)bytes[group->rank], ncclUint8, 0, c->comm, stream);
  char *next = all;
  for (int rank = 1; rank < group->world_size && group->rank == 0; ++rank) {
    next += bytes[rank - 1];
    if (bytes[rank] > 0 && (result == ncclSuccess || result == ncclInProgress))
      result = ncclRecv(next, (size_t)bytes[rank], ncclUint8, rank, c->comm, stream);
  }
  ncclResult_t ended = ncclGroupEnd();
  if (result == ncclSuccess || result == ncclInProgress)
    result = ended;
  DDP_TRY(end_call(group, result, "gathering pictures"));
  return group->rank == 0 && bytes[0] > 0 ? ddp_copy(all, mine, (size_t)bytes[0], stream) : BV_OK;
}

/* ---- Leaving ------------------------------------------------------------------------------------------- */

static void end_communicator(void *argument) {
  nccl_connection *c = argument;
  bv_context_scope scope;
  bv_enter_context(c->device, &scope); /* if the device is lost, what follows says so too */
  if (c->comm)
    c->result = c->abort ? ncclCommAbort(c->comm) : ncclCommDestroy(c->comm);
  bv_leave_context(&scope);
}

/* Waits for the device, whatever is on it: not for NCCL alone. */
static void release(void *argument) {
  nccl_connection *c = argument;
  bv_context_scope scope;
  bv_enter_context(c->device, &scope);
  ddp_free_blocks(&c->blocks);
  if (c->calls)
    cudaFree(c->calls);
  if (c->host_calls)
    cudaFreeHost(c->host_calls);
  if (c->difference)
    cudaFreeHost(c->difference);
  if (c->stream)
    cudaStreamDestroy(c->stream);
  bv_leave_context(&scope);
  free(c);
}

static void drop_nothing(void *argument) { (void)argument; }

static bv_status tell_of_graphs(double seconds) {
  return ddp_fail(
      BV_DDP_ERROR_TIMEOUT,
      "NCCL did not end its communicator within %g s: it waits for the graphs that calls on this group were "
      "captured in; destroy them before the group (cudaGraphExecDestroy, cudaGraphDestroy)",
      seconds);
}

/* Cuts or closes the connection, and frees it. A thread is left to what takes longer than `seconds`. */
static bv_status disconnect(nccl_connection *c, bool abort, double seconds) {
  bool started, captured = c->captured;
  ddp_time deadline = ddp_deadline_after(seconds);
  c->abort = abort;
  c->result = ncclSuccess;
  if (!ddp_run_until(deadline, end_communicator, release, c, &started)) {
    if (!started)
      return ddp_fail(BV_ERROR_MEMORY, "no thread to leave NCCL's communicator; it is not freed");
    return captured ? tell_of_graphs(seconds)
                    : ddp_fail(BV_DDP_ERROR_TIMEOUT,
                               "NCCL did not %s its communicator within %g s; a thread is left to it",
                               abort ? "abort" : "destroy", seconds);
  }
  bv_status status =
      check(NULL, c->result, abort ? "aborting the communicator" : "destroying the communicator");
  /* Where other work keeps the device busy for longer, that is no failure of NCCL: a thread frees the memory
   * when it has ended. */
  ddp_run_until(deadline, release, drop_nothing, c, &started);
  return status;
}

/* After a failure that was just reported: what matters is why, not how the abort went. */
static bv_status disconnect_after(nccl_connection *c, bv_status status) {
  ddp_failure failure;
  ddp_keep_failure(status, &failure);
  disconnect(c, true, ABORT_SECONDS);
  return ddp_restore_failure(&failure);
}

/* The ranks wait for each other here: NCCL itself does not wait for ranks that end their communicator later. */
static bv_status say_goodbye(bv_ddp_group *group, double seconds) {
  nccl_connection *c = group->connection;
  bv_context_scope scope;
  DDP_TRY(ddp_enter_group(group, &scope));
  bv_status status = ddp_say_goodbye(group);
  if (status == BV_OK) {
    status =
        settle(c, ncclCommFinalize(c->comm), ddp_deadline_after(seconds), seconds, "ending the communicator");
    if (status == BV_DDP_ERROR_TIMEOUT && c->captured)
      status = tell_of_graphs(seconds);
  }
  ddp_leave_group(group, &scope);
  return status;
}

static bv_status leave(bv_ddp_group *group, bool clean) {
  nccl_connection *c = group->connection;
  /* A good end deregisters buffers and takes down links: it has the time of every other call. */
  double seconds =
      c->captured && group->timeout_seconds > GRAPHS_SECONDS ? GRAPHS_SECONDS : group->timeout_seconds;
  bv_status status = clean ? say_goodbye(group, seconds) : BV_OK;
  c->blocks = group->blocks;
  group->blocks.first = NULL;
  group->connection = group->communicator = NULL;
  group->stream = NULL;
  return status == BV_OK ? disconnect(c, !clean, clean ? seconds : ABORT_SECONDS) : disconnect_after(c, status);
}

/* ---- Joining ------------------------------------------------------------------------------------------- */

bool ddp_nccl_is_built(void) { return true; }

bv_status ddp_nccl_make_id(bv_ddp_id *id) {
  _Static_assert(sizeof(ncclUniqueId) == sizeof(bv_ddp_id), "an id is NCCL's");
  ncclUniqueId unique;
  DDP_TRY(check(NULL, ncclGetUniqueId(&unique), "making an id"));
  memcpy(id, &unique, sizeof *id);
  return BV_OK;
}

static bv_status connect_ranks(nccl_connection *c, const bv_ddp_group *group, const bv_ddp_id *id,
                               ddp_time deadline) {
  size_t bytes = (size_t)group->world_size * sizeof(ddp_call);
  ncclUniqueId unique;
  memcpy(&unique, id, sizeof unique);
  ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
  config.blocking = 0;
  DDP_TRY(ddp_create_stream(&c->stream));
  DDP_TRY(ddp_check_cuda(ddp_load_kernels(), "loading kernels"));
  DDP_TRY(ddp_check_cuda(cudaMalloc((void **)&c->calls, bytes), "cudaMalloc"));
  DDP_TRY(ddp_check_cuda(cudaMallocHost((void **)&c->host_calls, bytes), "cudaMallocHost"));
  DDP_TRY(ddp_check_cuda(cudaMallocHost((void **)&c->difference, sizeof *c->difference), "cudaMallocHost"));
  memset(c->difference, 0, sizeof *c->difference);
  ncclResult_t result = ncclCommInitRankConfig(&c->comm, group->world_size, unique, group->rank, &config);
  return settle(c, result, deadline, group->timeout_seconds, "joining the ranks");
}

bv_status ddp_nccl_join(bv_ddp_group *group, const bv_ddp_id *id, ddp_time deadline) {
  static const ddp_backend nccl = {BV_DDP_BACKEND_NCCL, announce, meet, sum, gather, wait, leave};
  nccl_connection *c = calloc(1, sizeof *c);
  if (!c)
    return ddp_fail(BV_ERROR_MEMORY, "no memory for a connection");
  c->device = group->device;
  bv_context_scope scope;
  bv_status status = ddp_enter_group(group, &scope);
  if (status == BV_OK) {
    status = connect_ranks(c, group, id, deadline);
    ddp_leave_group(group, &scope);
  }
  if (status != BV_OK)
    return disconnect_after(c, status);
  group->backend = &nccl;
  group->connection = c;
  group->communicator = c->comm;
  group->stream = c->stream;
  return BV_OK;
}
