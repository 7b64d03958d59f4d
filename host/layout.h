/* From tensors to a job: which axes number the groups, and how the pixels of a group are walked. */
#ifndef BV_LAYOUT_H
#define BV_LAYOUT_H

#include "job.h"

/* One axis of a call, with the strides of the three tensors that share it (0 for those that are not there). */
typedef struct bv_axis {
  int64_t extent;
  int64_t in_stride, mask_stride, out_stride;
  bool is_channel; /* job.channel_axis */
} bv_axis;

/* Fills the job's axes from `count` axes in the caller's order, of which the first `group_count` number the
 * groups, and moves in, mask and out to the first pixel of the new order. No extent is 0. */
void bv_lay_out(bv_job *job, const bv_axis *axes, int count, int group_count);

/* Adds an axis outside all others to a job that is laid out: it numbers groups, before their other axes, or,
 * where there is one group, its pixels. */
void bv_add_outer_axis(bv_job *job, bv_axis axis, bool numbers_groups);

#endif
