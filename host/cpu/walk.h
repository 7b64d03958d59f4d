/* Walking a group's pixels: pixel numbers to places in the input, the mask and the output. */
#ifndef BV_WALK_H
#define BV_WALK_H

#include "job.h"

/* Consecutive pixels along the last axis. Offsets are in elements from the job's in, mask and out. */
typedef struct bv_run {
  int64_t in, mask, out;
  int64_t length;
  int64_t channel; /* index along the channel axis, 0 without one */
} bv_run;

/* The run from `pixel` of `group` to the end of its row, at most `limit` pixels. */
static inline bv_run bv_run_at(const bv_job *job, int64_t group, int64_t pixel, int64_t limit) {
  int last = job->ndim - 1;
  bv_run run = {0};
  int64_t rest = pixel;
  for (int axis = last; axis >= 0; --axis) {
    if (axis == job->group_ndim - 1)
      rest = group;
    int64_t index = rest;
    if (axis != 0 && axis != job->group_ndim) { /* the outermost of its kind needs no division */
      index = rest % job->extent[axis];
      rest /= job->extent[axis];
    }
    run.in += index * job->in_stride[axis];
    run.mask += index * job->mask_stride[axis];
    run.out += index * job->out_stride[axis];
    if (axis == last)
      run.length = job->extent[axis] - index;
    if (axis == job->channel_axis)
      run.channel = index;
  }
  if (run.length > limit)
    run.length = limit;
  return run;
}

#endif
