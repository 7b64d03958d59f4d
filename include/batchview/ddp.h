/* batchview::ddp: the ranks of a training job, one window over all of them, and their pictures on one.
 *
 * INTRODUCTION
 *
 * Every process of a job calls bv_setup_ddp once. It picks the process's GPU, meets the other ranks and returns
 * a group; the launcher's environment says who is who:
 *
 *     bv_ddp_group *group;
 *     if (bv_setup_ddp(-1, -1, NULL, &group) != BV_OK)
 *       fprintf(stderr, "%s\n", bv_last_error());
 *     bv_ddp_normalize_batch_for_display(group, &batch, &pictures, NULL, stream);   one window for all ranks
 *     bv_ddp_gather_pictures(group, &pictures, counts, &all_pictures, stream);      all pictures to rank 0
 *     bv_ddp_finish(group);
 *
 * NCCL joins ranks that have GPUs, MPI joins CPU ranks; a job of one rank needs neither.
 *
 * Three promises hold for every function here:
 *
 *   - No call blocks for ever. Whatever the other ranks do, come late, die or stop, a call returns within the
 *     group's timeout (bv_ddp_options) and a margin of a few seconds.
 *   - A failure between ranks is a status, never the end of the process. It breaks the group: every later call
 *     on it returns BV_DDP_ERROR_GROUP, until the caller ends it (bv_ddp_abort, bv_ddp_finish) and sets up a
 *     new one.
 *   - Ranks that call different things get no wrong result. Before anything else of an operation they tell each
 *     other what they call: the function, the element type, and what else must be the same on all ranks. On a
 *     difference all of them get BV_DDP_ERROR_MISMATCH, at once, with a message that names the ranks and what
 *     differs; so they do, with its status, if a rank's arguments are wrong or it has no memory (that rank
 *     itself gets its own status).
 *
 * Group operations must be called by all ranks in the same order. A group is used by one thread at a time.
 * Group operations are those on pictures and counts, the barrier, and bv_ddp_finish.
 *
 * On CPU tensors an operation is complete on return. On device tensors it is ordered on the stream, and
 * returns at once: the host waits for nothing (except inside a communicator's first operation, where NCCL
 * connects its ranks), and the calls may be captured in a CUDA graph. What a lost rank then stops is the
 * stream: bv_ddp_wait waits for it with the deadline, and says what is wrong. Calls that differ are noticed on
 * the stream too: bv_ddp_wait returns BV_DDP_ERROR_MISMATCH, as does the group's next operation, and what the
 * call should have written is undefined.
 *
 * Beside another NCCL communicator (a training job has its own) the group's calls have to be ordered after or
 * before its operations, in the same order on all ranks: on one stream, or by events. NCCL may deadlock
 * otherwise. docs/deploying.md has an example.
 *
 * After BV_DDP_ERROR_MISMATCH a group of CPU ranks goes on: nobody has begun the call, nothing is written, and
 * the ranks are in step (unless one of them was in bv_ddp_finish). A group of GPU ranks is broken, because work
 * that waits for other ranks is on the streams; the rank whose arguments were wrong finds out at its next
 * operation. If all ranks fail alike, nothing is broken.
 *
 * bv_last_error() says what was wrong, as for every other function of batchview. As there, BV_ERROR_MEMORY and
 * BV_ERROR_CUDA need no repeating: any operation on a group may return them. Where the other ranks already rely
 * on this one, they break its group, and the others run into their timeout.
 */
#ifndef BATCHVIEW_DDP_H
#define BATCHVIEW_DDP_H

#include "batchview/batchview.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Statuses: those of batchview.h, and these ------------------------------------------------------- */

enum {
  BV_DDP_ERROR_RANK = 16,        /* rank or world size that cannot be */
  BV_DDP_ERROR_ENVIRONMENT = 17, /* the launcher's environment is missing or malformed */
  BV_DDP_ERROR_NETWORK = 18,     /* a port that is taken, a failing socket, too few open files allowed */
  BV_DDP_ERROR_REFUSED = 19,     /* rank 0 does not want this rank: other job, other world size, rank taken */
  BV_DDP_ERROR_TIMEOUT = 20,     /* the deadline passed; also for a name that never resolved, and for a rank 0
                                    that never proved to be this job's */
  BV_DDP_ERROR_PEER = 21,        /* another rank died or gave up */
  BV_DDP_ERROR_GROUP = 22,       /* the group is broken or was aborted */
  BV_DDP_ERROR_BACKEND = 23,     /* the backend was not built in, or not initialised by the caller */
  BV_DDP_ERROR_MPI = 24,         /* MPI reported an error */
  BV_DDP_ERROR_NCCL = 25,        /* NCCL reported an error */
  BV_DDP_ERROR_MISMATCH = 26     /* the ranks' calls differ, or a rank cannot take part in one */
};

/* The status in a few words, those of batchview.h included. Never NULL. */
BV_API const char *bv_ddp_status_string(bv_status status);

/* ---- Setting up --------------------------------------------------------------------------------------- */

/* What joins the ranks. */
enum {
  BV_DDP_BACKEND_AUTO = 0, /* world size 1: none. Else NCCL if a CUDA device is found, else MPI. Devices that
                              are there and cannot be used (an old driver) are an error: BV_ERROR_CUDA */
  BV_DDP_BACKEND_NCCL = 1, /* device tensors, one GPU per rank */
  BV_DDP_BACKEND_MPI = 2,  /* CPU tensors; the caller has initialised MPI, and finalises it */
  BV_DDP_BACKEND_NONE = 3  /* one rank alone */
};

/* How ranks of an NCCL group find each other (MPI's already have). */
enum {
  BV_DDP_MEET_AUTO = 0, /* `id` if given, else MPI if the caller has initialised it in all ranks, else TCP */
  BV_DDP_MEET_ID = 1,   /* the caller brought the same `id` to all ranks: by a file, PyTorch's store, ... */
  BV_DDP_MEET_MPI = 2,  /* rank 0's id is broadcast by MPI */
  BV_DDP_MEET_TCP = 3   /* rank 0 gives its id at `address`:`port` to those who prove that they know `secret` */
};

#define BV_DDP_DEVICE_AUTO (-2)
#define BV_DDP_ID_BYTES 128

/* Opaque bytes that name one NCCL group to be. */
typedef struct bv_ddp_id {
  unsigned char bytes[BV_DDP_ID_BYTES];
} bv_ddp_id;

/* Start from BV_DDP_OPTIONS_INIT. Everything pointed to is read during the call only. */
typedef struct bv_ddp_options {
  size_t struct_size; /* sizeof(bv_ddp_options) of the caller, so that fields can be added */
  int32_t backend;
  int32_t meet;
  int32_t device; /* CUDA ordinal. BV_DDP_DEVICE_AUTO: by the launcher, see BV_DDP_CHOICE_... */
  int32_t port;   /* TCP: 1 .. 65535. 0: BATCHVIEW_PORT, else one in 20000 .. 29999 made from the job's id */
  double timeout_seconds; /* deadline of the set-up and of each call on the group; > 0 */
  const bv_ddp_id *id;    /* BV_DDP_MEET_ID */
  const char *address;    /* TCP: name or address of rank 0's host. NULL: MASTER_ADDR, else the launcher's */
  const char *job; /* TCP: what this job's ranks share and others do not know. NULL: BATCHVIEW_JOB, else the
                      launcher's job id */
  const void *mpi_comm; /* MPI: NULL for MPI_COMM_WORLD, else points to an MPI_Comm, no intercommunicator, which
                           counts whatever a launcher says. Its error handler is as it was after the call */
  const char *secret; /* TCP: what only this job's ranks know, 1 character or more, better 128 random bits: all
                         prove it to each other before anything is said, and all that is said is encrypted.
                         NULL: BATCHVIEW_SECRET. Without either, the job's id stands for it, and whoever can
                         guess that and reach the port may join */
} bv_ddp_options;

#define BV_DDP_OPTIONS_INIT                                                                                  \
  {                                                                                                          \
    sizeof(bv_ddp_options), BV_DDP_BACKEND_AUTO, BV_DDP_MEET_AUTO, BV_DDP_DEVICE_AUTO, 0, 300.0, NULL, NULL, \
        NULL, NULL, NULL                                                                                     \
  }

typedef struct bv_ddp_group bv_ddp_group;

/* Joins this process to its job's group.
 *
 * rank, world_size: who this is. Both -1 asks MPI, if it is initialised or options->mpi_comm is given; else the
 *   environment, of the first of these that has set a rank:
 *   torchrun, or what sets the same (RANK, WORLD_SIZE, LOCAL_RANK, MASTER_ADDR),
 *   Open MPI (OMPI_COMM_WORLD_RANK, _SIZE, _LOCAL_RANK),
 *   MPICH and its kin (PMI_RANK, PMI_SIZE, MPI_LOCALRANKID),
 *   SLURM (SLURM_PROCID, SLURM_STEP_NUM_TASKS or SLURM_NTASKS, SLURM_LOCALID, SLURM_STEP_NODELIST).
 *   If MPI was asked about MPI_COMM_WORLD and that launcher says something else, or if SLURM says that no
 *   other task was started, the answer is BV_DDP_ERROR_ENVIRONMENT: variables may be inherited.
 * options: NULL for all defaults.
 * group: receives the group, or NULL on failure. bv_ddp_finish frees it.
 *
 * With NCCL the rank's GPU becomes the calling thread's current device (nothing else in batchview changes
 * that), and is prepared as by bv_prepare_device. A set-up that fails leaves nothing behind: no connection, no
 * thread, no communicator; unless NCCL itself hangs in its abort, or the name server in a look-up (of a set-up
 * that succeeds, too): then one thread is left to them, with what they hold. Rank 0's NCCL keeps the thread
 * that awaits the others until all have come.
 *
 * Names that are not known yet are looked up again until the deadline. Rank 0 listens at those addresses of
 * `address` that are its machine's, and on all interfaces where it cannot tell which these are. Two ranks on
 * one GPU are BV_ERROR_DEVICE on all ranks (with BV_DDP_MEET_ID BV_DDP_ERROR_NCCL).
 *
 * Returns BV_OK; BV_ERROR_NULL, _VALUE, _DEVICE, _MEMORY, _CUDA; BV_DDP_ERROR_RANK, _ENVIRONMENT, _NETWORK,
 * _REFUSED, _TIMEOUT, _PEER, _BACKEND, _MPI, _NCCL; over MPI also _MISMATCH, where another rank's environment
 * contradicts MPI. */
BV_API bv_status bv_setup_ddp(int rank, int world_size, const bv_ddp_options *options, bv_ddp_group **group);

/* A new id for BV_DDP_MEET_ID: made on rank 0, brought to all by the caller.
 * Returns BV_OK; BV_ERROR_NULL; BV_DDP_ERROR_BACKEND, _NCCL. */
BV_API bv_status bv_ddp_make_id(bv_ddp_id *id);

/* How the GPU was chosen. */
enum {
  BV_DDP_CHOICE_NONE = 0,         /* there is none: a CPU rank */
  BV_DDP_CHOICE_GIVEN = 1,        /* by options->device */
  BV_DDP_CHOICE_LOCAL_RANK = 2,   /* the launcher's local rank is its ordinal */
  BV_DDP_CHOICE_PRIVATE_VIEW = 3, /* fewer devices are visible than the local rank says: taken for a view of
                                     this rank's own, and the local rank modulo their number is the ordinal */
  BV_DDP_CHOICE_RANK = 4          /* the launcher gives no local rank: the rank modulo the number of devices */
};

typedef struct bv_ddp_info {
  int32_t rank, world_size;
  int32_t backend;    /* BV_DDP_BACKEND_NCCL, _MPI or _NONE */
  int32_t device;     /* this rank's GPU, or BV_CPU */
  void *communicator; /* NCCL: the ncclComm_t; MPI: points to the group's own MPI_Comm; else NULL. The group's:
                         use it for what batchview does not offer, and do not free it */
  bv_stream stream;   /* NCCL: a stream of the group on `device`, free for the caller to use; else NULL */
  int32_t device_choice; /* BV_DDP_CHOICE_... */
} bv_ddp_info;

/* Who this is. Works on a broken group too.
 * Returns BV_OK; BV_ERROR_NULL. */
BV_API bv_status bv_ddp_get_info(const bv_ddp_group *group, bv_ddp_info *info);

/* ---- Waiting, and the end ------------------------------------------------------------------------------ */

/* Waits until every rank has called it and, with NCCL, until `stream` has done the work before it.
 * Returns BV_OK; BV_ERROR_NULL, _MEMORY, _CUDA; BV_DDP_ERROR_TIMEOUT, _PEER, _GROUP, _MISMATCH, _MPI, _NCCL. */
BV_API bv_status bv_ddp_barrier(bv_ddp_group *group, bv_stream stream);

/* Waits until `stream` has done its work, like cudaStreamSynchronize, but no longer than the group's timeout,
 * and no longer than the ranks are well and call the same. BV_OK only if the ranks' calls whose work it
 * waited for were the same. Not a group operation. Without NCCL there is nothing to wait for.
 * Returns like bv_ddp_barrier. */
BV_API bv_status bv_ddp_wait(bv_ddp_group *group, bv_stream stream);

/* Breaks the group: work on streams that waits for other ranks ends, and the other ranks are told as far as
 * NCCL can (MPI cannot: they run into their timeout). The handle stays, for bv_ddp_finish.
 * An MPI communicator stays with MPI: to free it, all ranks would have to come.
 * Returns BV_OK; BV_ERROR_NULL; BV_DDP_ERROR_NCCL; BV_DDP_ERROR_TIMEOUT if NCCL hangs in its abort for 3
 * seconds, and BV_ERROR_MEMORY if there is no thread for the abort (what NCCL holds is left to it). */
BV_API bv_status bv_ddp_abort(bv_ddp_group *group);

/* Ends the group and frees the handle, whatever it returns. A group in order waits for the other ranks to do
 * the same, no longer than the timeout; a broken one is aborted. The MPI communicator of a group that did not
 * end in order cannot be freed safely, and stays with MPI, as does the buffer of a call that was cut short
 * (never the caller's memory).
 * Graphs that calls on the group were captured in must be destroyed first: NCCL ends no communicator, in order
 * or not, as long as they exist. With them this returns BV_DDP_ERROR_TIMEOUT after some seconds, says so, and
 * leaves the communicator and a thread to NCCL. Returns BV_OK; BV_ERROR_NULL, _MEMORY, _CUDA;
 * BV_DDP_ERROR_TIMEOUT, _PEER, _MISMATCH, _MPI, _NCCL; _GROUP if the group was broken, unless its abort failed:
 * then like bv_ddp_abort. */
BV_API bv_status bv_ddp_finish(bv_ddp_group *group);

/* ---- Pictures over all ranks --------------------------------------------------------------------------- */

/* bv_measure_window with one window over the pixels of all ranks: the bits that one rank with all the pixels
 * would get. No pixel leaves its rank; 32 KiB of counts are summed (64 KiB for i32, u32 and f64), whatever the
 * images' sizes.
 *
 * batch: this rank's [B, C, H, W]; shapes may differ between ranks, also an extent of 0. The element type must
 *   be the same on all ranks.
 * options: scope, algorithm and workspace are not looked at. `foreground`, `window`, and of low, high, lo and
 *   hi those that the window looks at, must be the same on all ranks. The mask's pixels are the rank's own.
 * windows: f64 [1, 2] or [1, 3]; all ranks receive the same.
 * All tensors are on the group's device.
 * Returns like bv_measure_window and bv_ddp_barrier. */
BV_API bv_status bv_ddp_measure_window(bv_ddp_group *group, const bv_tensor *batch,
                                       const bv_display_options *options, const bv_tensor *windows,
                                       bv_stream stream);

/* bv_normalize_batch_for_display with that window. The options are checked as there, algorithm and workspace
 * too, which are not used; rounding, epsilon, floor and colour_map must be the same on all ranks as well.
 * out: the rank's own, of any packing.
 * Returns like bv_normalize_batch_for_display and bv_ddp_barrier. */
BV_API bv_status bv_ddp_normalize_batch_for_display(bv_ddp_group *group, const bv_tensor *batch,
                                                    const bv_tensor *out, const bv_display_options *options,
                                                    bv_stream stream);

/* Tells every rank how many pictures every rank has: counts[r] on all becomes rank r's `count`. Waits for all
 * ranks, with NCCL too.
 * count: 0 or more.
 * counts: world_size numbers in host memory.
 * Returns like bv_ddp_barrier, and BV_ERROR_VALUE for `count`. */
BV_API bv_status bv_ddp_exchange_counts(bv_ddp_group *group, int64_t count, int64_t *counts);

/* Brings every rank's pictures to rank 0, in rank order.
 * pictures: u8 [N, ...] without gaps in C order, any number of dimensions from 1; the extents after N are the
 *   same on all ranks. N may differ, and may be 0.
 * counts: world_size numbers in host memory, the N of every rank, the same on all ranks
 *   (bv_ddp_exchange_counts).
 * out: on rank 0 u8 [sum of counts, ...] without gaps, no overlap with `pictures`; on the others NULL.
 * With NCCL nothing passes through host memory.
 * Returns BV_OK; BV_ERROR_NULL, _SHAPE, _TYPE, _OVERLAP, _VALUE, _DEVICE; and like bv_ddp_barrier. */
BV_API bv_status bv_ddp_gather_pictures(bv_ddp_group *group, const bv_tensor *pictures, const int64_t *counts,
                                        const bv_tensor *out, bv_stream stream);

#ifdef __cplusplus
}
#endif

#endif
