/* The kernels as host code sees them: one launcher a family, and what each must be told beside the job.
 *
 * Launchers put work on `stream` of the current device and return a cudaError_t as int: 0 is success. They wait
 * for nothing, allocate nothing and read no device memory. Their plans are made by host/cuda/plan.h. Workspaces
 * are device memory aligned to 256 bytes, needed until the stream has done the work.
 */
#ifndef BV_LAUNCH_H
#define BV_LAUNCH_H

/* A stream that is NULL is the legacy default stream, in the C files and in the kernels' alike. */
#if defined(CUDA_API_PER_THREAD_DEFAULT_STREAM)
#error "batchview must be built without --default-stream=per-thread and CUDA_API_PER_THREAD_DEFAULT_STREAM"
#endif

#include "digits.h"
#include "fill.h"
#include "job.h"
#include "projection.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Where the windows of groups lie in device memory: lo and hi of group g at data[g * stride[0]] and stride[1]
 * after it; n, if `count`, as far after hi. */
typedef struct bv_windows {
  double *data;
  int64_t stride[2];
  bool count;
} bv_windows;

/* ---- load.cu ------------------------------------------------------------------------------------------- */

/* Loads all kernels into the current context, CUB's excepted, which are out of reach; once for each context,
 * before the first launch. */
int bv_load_kernels(void);

/* ---- apply.cu: map and pack ---------------------------------------------------------------------------- */

/* Maps all pixels through their groups' windows and packs them. Without windows.data, through the window
 * [job->lo, job->hi]. For the uint8 conversion of an image, its window is its range. */
int bv_launch_apply(const bv_job *job, bv_windows windows, bv_stream stream);

/* ---- fill.cu: the padding of grids ---------------------------------------------------------------------- */

int bv_launch_fill(const bv_fill *fill, bv_stream stream);

/* ---- project.cu: projections of volumes ------------------------------------------------------------------ */

int bv_launch_project(const bv_projection *projection, bv_stream stream);

/* ---- range.cu: windows without selection --------------------------------------------------------------- */

typedef struct bv_range_plan {
  int32_t parts_of_group; /* blocks that share a group */
  size_t workspace_bytes; /* their partial results */
} bv_range_plan;

/* Bytes of one partial result. */
#define BV_RANGE_PARTIAL_BYTES 24

/* The smallest and the largest foreground value of each group. */
int bv_launch_range(const bv_job *job, const bv_range_plan *plan, void *workspace, bv_windows windows,
                    bv_stream stream);

/* [job->lo, job->hi] as the window of each group. */
int bv_launch_fixed_windows(const bv_job *job, bv_windows windows, bv_stream stream);

/* ---- resident.cu: percentiles or ranges, and pictures, of groups that fit on chip ----------------------- */

/* Of the shared memory of a block: the state of the search, its bins and its list of keys. Pixels have the
 * rest. */
#define BV_RESIDENT_SHARED_BYTES 768
#define BV_RESIDENT_BINS 2052 /* one behind those that are read; what follows is aligned to 16 bytes */
#define BV_RESIDENT_LIST_KEYS 512

/* In which a block's piece of a plane arrives, each of 64 bytes a thread. */
#define BV_RESIDENT_MOST_CHUNKS 8

/* On one multiprocessor: as many as it has registers for, 80 each where pixels are mapped in f32 and 96 in f64.
 */
#define BV_RESIDENT_MOST_THREADS(maps_in_f64) ((maps_in_f64) ? 640 : 768)

/* Blocks of the largest cluster that any device has. */
#define BV_RESIDENT_MOST_BLOCKS 16

typedef struct bv_resident_limits {
  int32_t shared_bytes_of_device; /* given: the most that a block can have */
  int32_t most_blocks;            /* of a cluster; given: BV_RESIDENT_MOST_BLOCKS, or 1 where there are none */
  int32_t shared_bytes_of_block;  /* of those, what a block can ask for when it is launched */
} bv_resident_limits;

/* Lets the kernels use the current device's shared memory and clusters; once for each device, before the first
 * launch. */
int bv_prepare_resident(bv_resident_limits *limits);

typedef struct bv_resident_plan {
  int32_t blocks; /* of the cluster that holds a picture */
  int32_t threads;
  bv_dtype held;           /* the type of the pixels in shared memory */
  bool converts;           /* the input's pixels are made into it one by one */
  int32_t pixels_of_block; /* of a plane that is one line: a multiple of 128 */
  int32_t rows_of_block;   /* of one that is several lines */
  int32_t plane_bytes;     /* for a block's piece of a plane */
  int32_t shared_bytes;
} bv_resident_plan;

/* Writes the windows if there are windows.data, and pictures if there is job->out. */
int bv_launch_resident(const bv_job *job, const bv_resident_plan *plan, bv_windows windows, bv_stream stream);

/* ---- select.cu: percentiles without sorting -------------------------------------------------------------- */

/* Pixels that brackets are found from: what fits in the shared memory that any block may have. Keys of 8 bytes
 * are those of pixels that are mapped in f64. */
#define BV_SELECT_SAMPLE_KEYS 9216
#define BV_SELECT_SAMPLE_WIDE_KEYS 4096

/* Standard deviations from a percentile's place in the sample to the ends of its bracket: of a thousand, one
 * misses. */
#define BV_SELECT_DEVIATIONS 3.25

/* Of the workspace, for each group; and for one of 8-bit pixels. */
#define BV_SELECT_STATE_BYTES 21504
#define BV_SELECT_BYTE_STATE_BYTES 2056

/* Blocks of the last kernel that a multiprocessor holds at once. */
#define BV_SELECT_FINISH_BLOCKS 2

typedef struct bv_select_plan {
  bool block_for_group;    /* a block for each group, without workspace; else all of the device for each */
  int32_t parts_of_group;  /* blocks that share a group */
  int32_t parts_of_finish; /* in the last kernel, of which all blocks run at once, */
  int32_t blocks_at_once;  /* so many at most */
  int64_t candidates;      /* keys of a group that there is room for */
  size_t states_bytes;     /* of all groups, at the beginning of the workspace */
  size_t lists_bytes;      /* after them */
} bv_select_plan;

/* The percentiles of each group. */
int bv_launch_select(const bv_job *job, const bv_select_plan *plan, void *workspace, bv_windows windows,
                     bv_stream stream);

/* ---- sort.cu: percentiles by radix sort ---------------------------------------------------------------- */

typedef struct bv_sort_plan {
  bool segmented;         /* many groups by one launch, a block each; else all of the device group by group */
  int64_t groups_of_call; /* groups that one call of the segmented sort takes */
  size_t keys_bytes;      /* one of the two arrays of keys, rounded up to 256 */
} bv_sort_plan;

/* The bytes that the sort itself needs on the current device beside the keys. For this and for the launch the
 * thread must have no error pending in the runtime: CUB takes it for its own. */
int bv_sort_scratch_bytes(const bv_job *job, const bv_sort_plan *plan, size_t *bytes);

/* The percentiles of each group. The workspace holds two arrays of keys and the scratch bytes. */
int bv_launch_sort(const bv_job *job, const bv_sort_plan *plan, void *workspace, size_t workspace_bytes,
                   bv_windows windows, bv_stream stream);

/* ---- digits.cu: selection by digits (batchview/selection.h) ---------------------------------------------- */

/* Adds the pixels of the job's one group to the counts of a digit, by `blocks` blocks at most, or by more where
 * one would see 2^31 pixels. */
int bv_launch_count_digit(const bv_job *job, int blocks, bv_selection_memory *memory, int digit,
                          bv_stream stream);

int bv_launch_narrow(bv_selection_memory *memory, int digit, bv_percentiles percentiles, bv_stream stream);

/* The window of the job's one group. */
int bv_launch_selected_window(const bv_job *job, const bv_selection_memory *memory, bv_percentiles percentiles,
                              bv_windows windows, bv_stream stream);

#ifdef __cplusplus
}
#endif

#endif
