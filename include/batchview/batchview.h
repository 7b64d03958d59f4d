/* batchview: display-ready pictures of medical-image batches, made where the batch lies.
 *
 * INTRODUCTION
 *
 * A batch is a tensor [B, C, H, W] of numbers of any range on a black (zero) background, on the CPU or on a
 * CUDA device. For each plane (one [H, W] slice of it) batchview finds the 2nd and the 98th percentile of the
 * non-zero pixels, exactly, maps that window to [0, 1], and writes floats or 8-bit grey, RGB or RGBA pixels:
 *
 *     int64_t in_shape[4] = {B, C, H, W}, out_shape[5] = {B, C, H, W, 3};
 *     bv_tensor batch = bv_contiguous_tensor(pixels, BV_F32, device, 4, in_shape);
 *     bv_tensor out = bv_contiguous_tensor(rgb, BV_U8, device, 5, out_shape);
 *     if (bv_normalize_batch_for_display(&batch, &out, NULL, stream) != BV_OK)
 *       fprintf(stderr, "%s\n", bv_last_error());
 *
 * Four promises hold for every function that takes tensors:
 *
 *   - The same input bits give the same output bits: on the CPU, on every GPU, with every algorithm, whatever
 *     rounding, treatment of denormals and traps the calling thread has chosen (which stay as they are).
 *   - On device tensors nothing is copied to the host and nothing is waited for: the work is ordered on the
 *     stream and may be captured in a CUDA graph. On CPU tensors the work is done on return; the stream is
 *     ignored. The first call on a device (in a context) also loads all kernels, as bv_prepare_device does, for
 *     which CUDA may wait for all work on the device, and for other threads' calls. BV_ALGORITHM_SORT loads
 *     some at its first call for each type.
 *   - Arguments are checked before anything is written. After an error the output is as it was (unless the
 *     device itself failed, BV_ERROR_CUDA), the status says the kind, and bv_last_error() says which argument,
 *     what it was, and what is allowed.
 *   - Any function may be called from any thread, on any number of streams and devices at once; on CPU tensors
 *     also in the child of a fork, whatever other threads were doing then.
 *
 * No function prints, exits, aborts, or changes the calling thread's current CUDA device.
 *
 * Statuses: each function lists those it returns. BV_ERROR_CUDA and BV_ERROR_MEMORY need no repeating: any
 * function on device tensors may return the first, and any function on tensors the second.
 */
#ifndef BATCHVIEW_H
#define BATCHVIEW_H

#include <stddef.h>
#include <stdint.h>

#define BV_VERSION_MAJOR 0
#define BV_VERSION_MINOR 1
#define BV_VERSION_PATCH 0

#if defined(__GNUC__)
#define BV_API __attribute__((visibility("default")))
#else
#define BV_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* A CUDA stream, as <cuda_runtime_api.h> declares it; CPU users pass NULL. */
struct CUstream_st;
typedef struct CUstream_st *bv_stream;

/* ---- Statuses --------------------------------------------------------------------------------------- */

typedef int bv_status;
enum {
  BV_OK = 0,
  BV_ERROR_NULL = 1,      /* a required pointer is NULL */
  BV_ERROR_SHAPE = 2,     /* rank, extent, stride or pair of shapes that the function does not take */
  BV_ERROR_TYPE = 3,      /* element type that does not exist, or that the function does not take */
  BV_ERROR_OVERLAP = 4,   /* output overlaps itself or, other than exactly, an input */
  BV_ERROR_VALUE = 5,     /* an option, a number or an address out of its range */
  BV_ERROR_DEVICE = 6,    /* tensors on different devices, a device that does not exist, or memory of another */
  BV_ERROR_NO_CUDA = 7,   /* a device tensor given to a library built without CUDA */
  BV_ERROR_WORKSPACE = 8, /* the caller's workspace is too small, misaligned, or not on the tensors' device */
  BV_ERROR_MEMORY = 9,    /* memory could not be allocated */
  BV_ERROR_CUDA = 10      /* the CUDA runtime reported an error */
};

/* The status in a few words, in English; "unknown status" for a number that is none. Never NULL. */
BV_API const char *bv_status_string(bv_status status);

/* What the last failed call of this thread found wrong: one line that names the argument, its value and what
 * is allowed. "" if no call has failed. A call that succeeds leaves it alone. Valid until the thread's next
 * failing call. */
BV_API const char *bv_last_error(void);

/* Makes `message` this thread's bv_last_error() and returns `status`: for libraries on top of this one (such as
 * batchview/ddp.h, whose statuses begin at 16), so that their callers have one place to look. The message is
 * copied, and cut off after 511 bytes. */
BV_API bv_status bv_set_last_error(bv_status status, const char *message);

/* The version of the library at run time: major * 10000 + minor * 100 + patch. */
BV_API int bv_version(void);

/* 1 if the library takes device tensors, 0 if it was built without CUDA. Says nothing about whether there is
 * a device. */
BV_API int bv_built_with_cuda(void);

/* Loads the kernels on a CUDA device and asks for its limits, which the first call on it would do otherwise,
 * after whatever work is on the device already. With BV_CPU there is nothing to do.
 * Returns BV_OK; BV_ERROR_DEVICE, _NO_CUDA, _CUDA. */
BV_API bv_status bv_prepare_device(int32_t device);

/* Writes what a report of trouble should begin with, some lines of text: the version, what was built in, the
 * threads, the CUDA driver and devices, and what keeps them from being used. At most `bytes` bytes, the final
 * zero included; `text` may be NULL if `bytes` is 0. Makes no CUDA context. Returns how many characters there
 * are without the zero: more than were written if it is `bytes` or more. */
BV_API size_t bv_describe(char *text, size_t bytes);

/* ---- Tensors ---------------------------------------------------------------------------------------- */

#define BV_MAX_NDIM 8
#define BV_CPU (-1) /* the device of tensors in host memory; CUDA devices are 0, 1, ... */

typedef int32_t bv_dtype;
enum {
  BV_F32 = 0,
  BV_F16 = 1,  /* IEEE 754 binary16 */
  BV_BF16 = 2, /* bfloat16: the upper half of a binary32 */
  BV_F64 = 3,
  BV_U8 = 4,
  BV_I8 = 5,
  BV_U16 = 6,
  BV_I16 = 7,
  BV_I32 = 8,
  BV_U32 = 9
};

/* A view of somebody's memory; it owns nothing. The element at index (i0, i1, ...) is the one
 * i0 * stride[0] + i1 * stride[1] + ... elements after `data`. Strides count elements. In inputs they may be
 * negative, zero, or anything else that stays inside the memory; an output's elements must all be distinct.
 * `data` is a multiple of the element size. A tensor with an extent of 0 is valid, and its data may be NULL.
 * Tensor structs are read during the call only. */
typedef struct bv_tensor {
  void *data;
  bv_dtype dtype;
  int32_t device; /* BV_CPU or a CUDA device ordinal */
  int32_t ndim;   /* 0 .. BV_MAX_NDIM */
  int64_t shape[BV_MAX_NDIM];
  int64_t stride[BV_MAX_NDIM];
} bv_tensor;

/* A tensor in C order without gaps. `shape` has `ndim` entries, of which at most BV_MAX_NDIM are read. Checks
 * nothing: what is wrong with the result is said by the function that it is given to. */
BV_API bv_tensor bv_contiguous_tensor(void *data, bv_dtype dtype, int32_t device, int32_t ndim,
                                      const int64_t *shape);

/* Bytes of one element; 0 for a type that does not exist. */
BV_API size_t bv_dtype_size(bv_dtype dtype);

/* "f32", "u16", ...; "unknown type" for a type that does not exist. Never NULL. */
BV_API const char *bv_dtype_name(bv_dtype dtype);

/* ---- Options ---------------------------------------------------------------------------------------- */

/* Which pixels share one window. A scope's groups are numbered in C order: plane (b, c) is b * C + c. */
enum {
  BV_SCOPE_PLANE = 0, /* B * C groups */
  BV_SCOPE_IMAGE = 1, /* B groups: all channels of an image */
  BV_SCOPE_BATCH = 2  /* 1 group */
};

/* Which pixels the window is measured over. All others are background, and come out 0. NaN is never
 * foreground and comes out 0. Infinities are not measured but are mapped: +inf to 1, -inf to 0. */
enum {
  BV_FOREGROUND_NONZERO = 0, /* finite and not zero */
  BV_FOREGROUND_ALL = 1,     /* finite; there is no background */
  BV_FOREGROUND_MASK = 2     /* finite, and non-zero in `mask` */
};

/* How the window [lo, hi] is found. */
enum {
  BV_WINDOW_PERCENTILE = 0, /* percentiles `low` and `high` of the foreground */
  BV_WINDOW_MINMAX = 1,     /* smallest and largest foreground value */
  BV_WINDOW_FIXED = 2       /* `lo` and `hi` as given; a CT window is level -/+ width / 2 */
};

/* How 255 * y becomes an 8-bit number. */
enum {
  BV_ROUNDING_TRUNCATE = 0, /* as TensorBoard's image writers do */
  BV_ROUNDING_NEAREST = 1   /* 255 * y + 0.5, truncated, as torchvision's save_image does */
};

/* How percentiles are found on a device. All give the same bits; CPU tensors have one algorithm, and take
 * any. */
enum {
  BV_ALGORITHM_AUTO = 0,
  BV_ALGORITHM_SORT = 1,    /* radix sort of the foreground: the plain one */
  BV_ALGORITHM_SELECT = 2,  /* exact selection without sorting, any size */
  BV_ALGORITHM_RESIDENT = 3 /* groups that fit on chip: one read, one write; BV_ERROR_VALUE if they do not */
};

/* Start from BV_DISPLAY_OPTIONS_INIT and set what differs:
 *     bv_display_options options = BV_DISPLAY_OPTIONS_INIT;
 *     options.scope = BV_SCOPE_BATCH;
 * Everything pointed to is read during the call only, but device memory (the mask's pixels, the workspace)
 * must stay until the stream has done the work. */
typedef struct bv_display_options {
  size_t struct_size; /* sizeof(bv_display_options) of the caller, so that fields can be added */
  int32_t scope;
  int32_t foreground;
  int32_t window;
  int32_t rounding;
  int32_t algorithm;
  int32_t reserved;      /* 0 */
  double low, high;      /* percentiles, 0 <= low <= high <= 100 */
  double lo, hi;         /* BV_WINDOW_FIXED: finite, lo <= hi, in the units of the pixels */
  double epsilon;        /* added to hi - lo before the division; finite, >= 0 */
  double floor;          /* results below it become 0; in 0 .. 1 */
  const bv_tensor *mask; /* BV_FOREGROUND_MASK: BV_U8, up to 4 dimensions that broadcast to the batch's shape
                            as in NumPy, same device. Otherwise NULL. */
  const uint8_t *colour_map; /* NULL, or 256 x 3 bytes R, G, B in host memory: for outputs that would otherwise
                                hold a grey value three times */
  void *workspace; /* NULL, or memory of the tensors' device aligned to 256 bytes, apart from all tensors, at
                      least as large as bv_workspace_size says; then the call allocates nothing on the device.
                      Without one it comes from the device's default memory pool (cudaMallocAsync), which gives
                      memory back whenever the caller synchronises, unless its release threshold is raised; some
                      devices have no pools. Captured in a graph it becomes nodes of the graph, with their
                      restrictions */
  size_t workspace_bytes;
} bv_display_options;

#define BV_DISPLAY_OPTIONS_INIT                                                                          \
  {                                                                                                      \
    sizeof(bv_display_options), BV_SCOPE_PLANE, BV_FOREGROUND_NONZERO, BV_WINDOW_PERCENTILE,             \
        BV_ROUNDING_TRUNCATE, BV_ALGORITHM_AUTO, 0, 2.0, 98.0, 0.0, 0.0, 1e-8, 1e-3, NULL, NULL, NULL, 0 \
  }

/* ---- The batch -------------------------------------------------------------------------------------- */

/* Measures a window per group and maps the batch through it.
 *
 * batch: [B, C, H, W], any type, any strides.
 * out, on the same device; its type and shape choose the packing:
 *     float (f32 f16 bf16 f64) [B, C, H, W]   values 0 .. 1
 *     u8 [B, C, H, W]                         grey
 *     u8 [B, C, H, W, 3]                      every plane as RGB: grey three times, or through colour_map
 *     u8 [B, H, W, 3], C = 1                  the same
 *     u8 [B, H, W, 3], C = 3                  the three channels as R, G, B
 *     u8 the same with 4 instead of 3         RGBA, alpha 255
 *   `out` may be exactly `batch` (data, type, shape and strides), and must not overlap it otherwise.
 *   (One shape reads both ways, u8 [B, 3, 3, 3] for three channels of 3 x 3: it is taken as grey planes.)
 * options: NULL for percentiles 2 and 98 over the non-zero pixels of each plane.
 *
 * The window: with the n foreground values in ascending order x(0) .. x(n-1), percentile p is found at
 * h = (n - 1) * (p / 100) by linear interpolation in float64: NumPy's default (`linear`) on float64 data, bit
 * for bit; the two zeros count as +0. A group without foreground comes out 0 throughout.
 * The map: y = (x - lo) / ((hi - lo) + epsilon), clamped to 0 .. 1, and 0 where y < floor; in float32 for f32
 * and all types of at most 16 bits, else in float64. 8-bit pixels are 255 * y, truncated.
 *
 * Returns BV_OK; BV_ERROR_NULL, _SHAPE, _TYPE, _OVERLAP, _VALUE, _DEVICE, _NO_CUDA, _WORKSPACE. */
BV_API bv_status bv_normalize_batch_for_display(const bv_tensor *batch, const bv_tensor *out,
                                                const bv_display_options *options, bv_stream stream);

/* The first half: writes each group's window.
 * windows: f64 [G, 2], lo and hi, or [G, 3], with the number of foreground pixels after them (not with
 * BV_WINDOW_FIXED, which counts nothing). G is the number of groups of options->scope. The window of a group
 * without foreground is [NaN, NaN]; for a batch with an extent of 0 nothing is written. `windows` must not
 * overlap the batch or the mask.
 * Returns like bv_normalize_batch_for_display. */
BV_API bv_status bv_measure_window(const bv_tensor *batch, const bv_display_options *options,
                                   const bv_tensor *windows, bv_stream stream);

/* The second half: maps the batch through windows measured before, edited, or made up.
 * windows: f64 [G, 2] or [G, 3] (the third column is not read). They are read on the device, so that their
 * values are not checked: a window with a NaN in it makes its group 0. options: scope, foreground, mask,
 * rounding, epsilon, floor and colour_map count here; measuring and applying with the same options equals
 * bv_normalize_batch_for_display.
 * Returns like bv_normalize_batch_for_display. */
BV_API bv_status bv_apply_window(const bv_tensor *batch, const bv_tensor *windows, const bv_tensor *out,
                                 const bv_display_options *options, bv_stream stream);

/* The bytes of device workspace that bv_normalize_batch_for_display needs for these arguments, which are
 * checked as there (their data is not touched); `out` NULL asks for bv_measure_window. 0 where none is needed:
 * on the CPU, and wherever groups fit on chip. bv_apply_window never needs any. The number is exact for these
 * tensors: shapes, strides, types, and the alignment of their data.
 * Returns like bv_normalize_batch_for_display; BV_ERROR_NULL also for `bytes`, which holds only after BV_OK. */
BV_API bv_status bv_workspace_size(const bv_tensor *batch, const bv_tensor *out,
                                   const bv_display_options *options, size_t *bytes);

/* ---- Single images ---------------------------------------------------------------------------------- */

/* An image of unknown range as 8-bit numbers. Over the finite pixels, in float32 or float64 as above:
 * if the smallest value m is negative, x = x - m; if the largest M is then above 0.1, x = x / M; result
 * 255 * x, truncated, clamped to 0 .. 255. NaN and -inf give 0, +inf gives 255. An image whose largest value is
 * at most 0.1 is thus not stretched.
 * image: any type and rank. out: u8, same shape and device; may be exactly `image` if that is u8.
 * Returns BV_OK; BV_ERROR_NULL, _SHAPE, _TYPE, _OVERLAP, _VALUE (misaligned data), _DEVICE, _NO_CUDA. */
BV_API bv_status bv_normalize_image_to_uint8(const bv_tensor *image, const bv_tensor *out, bv_stream stream);

/* bv_normalize_image_to_uint8 of one image [H, W], grey three times.
 * out: u8 [H, W, 3]. Returns like bv_normalize_image_to_uint8. */
BV_API bv_status bv_visualize_2d_image(const bv_tensor *image, const bv_tensor *out, bv_stream stream);

/* bv_visualize_2d_image of the middle slice of a volume [H, W, D]: index shape[axis] / 2 along `axis` (0, 1 or
 * 2), the two other axes in their order. Only that slice is read, and only its values count.
 * out: u8 [rows, columns, 3], where rows and columns are the other two extents.
 * Returns like bv_normalize_image_to_uint8; BV_ERROR_VALUE also for `axis`. A volume with shape[axis] = 0 has
 * no middle slice: BV_ERROR_SHAPE, unless nothing is to be written. */
BV_API bv_status bv_visualize_one_slice_in_3d_image(const bv_tensor *volume, int axis, const bv_tensor *out,
                                                    bv_stream stream);

/* ---- Threads ---------------------------------------------------------------------------------------- */

/* Calls on CPU tensors are helped by threads of the library, one pool a process: started by the first call that
 * is large enough, asleep between calls, named "batchview", with all signals blocked. Where they cannot be
 * started (limits, memory) calls have fewer or none; results do not depend on their number. Several callers at
 * once share them evenly. The child of a fork starts its own. */

/* How many threads a call may use, the calling one included: 1 .. 1024. 1 starts none. 0: the default, which
 * is BATCHVIEW_THREADS, else OMP_NUM_THREADS (both from the environment, ignored unless a number from 1), else
 * the processors that this process may use by its affinity and its control group's quota. Returns when threads
 * beyond the number have ended. Returns BV_OK; BV_ERROR_VALUE. */
BV_API bv_status bv_set_threads(int threads);

/* The number in force. */
BV_API int bv_get_threads(void);

#ifdef __cplusplus
}
#endif

#endif
