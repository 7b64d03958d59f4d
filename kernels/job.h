/* A checked call in canonical form: what host/check.c makes of the caller's tensors, and all that a backend
 * needs. Plain C, read by host code and by the launchers in kernels/. */
#ifndef BV_JOB_H
#define BV_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "batchview/batchview.h"

#define BV_WORKSPACE_ALIGNMENT 256 /* bytes */

typedef enum bv_operation {
  BV_DISPLAY, /* measure a window per group and apply it */
  BV_MEASURE, /* write the windows */
  BV_APPLY,   /* read the windows and map */
  BV_STRETCH  /* the uint8 conversion of one image: one group, no window, only in, out and its packing count */
} bv_operation;

/* Pixels are numbered by `ndim` axes, of which the first `group_ndim` number the groups (those that share one
 * window) in C order and the rest the pixels of a group, in an order chosen for the input's layout: outermost
 * axis first, axes of extent 1 left out, axes that can be walked as one merged, input strides of pixel axes not
 * negative (but for a channel axis). So a batch of gap-free planes has the axes (B * C, H * W), group_ndim 1.
 * There is at least one pixel axis (of extent 1 if need be), and no extent is 0. Strides count elements of the
 * tensor that they belong to. */
typedef struct bv_job {
  bv_operation operation;
  int32_t ndim;
  int32_t group_ndim;
  int64_t extent[BV_MAX_NDIM];

  const void *in;
  bv_dtype in_dtype;
  int64_t in_stride[BV_MAX_NDIM];

  const uint8_t *mask; /* NULL without; pixels where it is 0 count as NaN */
  int64_t mask_stride[BV_MAX_NDIM];

  void *out; /* NULL when only measuring */
  bv_dtype out_dtype;
  int64_t out_stride[BV_MAX_NDIM];
  /* u8 pictures: the grey value of a pixel goes to `components` bytes (1 or 3), component_stride apart. */
  int32_t components;
  int64_t component_stride;
  /* The axis that holds the three channels where they are R, G, B of one pixel, else -1. Such an axis is
   * neither merged nor moved among the group axes, and `components` is 1. */
  int32_t channel_axis;
  bool alpha; /* 255 goes 3 * component_stride after the pixel; with a channel_axis, after its channel 0 */
  bool has_colour_map;
  uint8_t colour_map[256 * 3];

  /* f64 windows [G, 2 or 3] to write (measure) or read (apply), or NULL (both at once) */
  double *windows;
  int64_t windows_stride[2];
  bool windows_count; /* the third column receives n */

  int32_t window; /* BV_WINDOW_... */
  double low, high, lo, hi;
  bool zero_is_background;
  double epsilon, floor;
  bool round_to_nearest;

  int32_t algorithm; /* BV_ALGORITHM_... */
  void *workspace;
  size_t workspace_bytes;
  int32_t device;
} bv_job;

static inline int64_t bv_job_groups(const bv_job *job) {
  int64_t groups = 1;
  for (int axis = 0; axis < job->group_ndim; ++axis)
    groups *= job->extent[axis];
  return groups;
}

/* Pixels of one group. */
static inline int64_t bv_job_pixels(const bv_job *job) {
  int64_t pixels = 1;
  for (int axis = job->group_ndim; axis < job->ndim; ++axis)
    pixels *= job->extent[axis];
  return pixels;
}

#endif
