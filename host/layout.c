/* The canonical order of a job's axes. */
#include "layout.h"

/* Whether one step of the outer axis leads to where `extent` steps of the inner one do. One more step than the
 * tensor has may leave 63 bits. */
static bool continues(int64_t outer_stride, int64_t extent, int64_t stride) {
  int64_t end;
  return !__builtin_mul_overflow(extent, stride, &end) && outer_stride == end;
}

/* The axes of each tensor that continue one another can be walked as one. */
static bool can_merge(const bv_axis *outer, const bv_axis *inner) {
  return !outer->is_channel && !inner->is_channel &&
         continues(outer->in_stride, inner->extent, inner->in_stride) &&
         continues(outer->mask_stride, inner->extent, inner->mask_stride) &&
         continues(outer->out_stride, inner->extent, inner->out_stride);
}

/* Appends an axis to `axes[from .. *count)`, merging it with the last of these if it continues it. */
static void append(bv_axis *axes, int from, int *count, const bv_axis *axis) {
  if (*count > from && can_merge(&axes[*count - 1], axis)) {
    int64_t extent = axes[*count - 1].extent * axis->extent;
    axes[*count - 1] = *axis;
    axes[*count - 1].extent = extent;
  } else {
    axes[(*count)++] = *axis;
  }
}

/* Outermost first: by input stride, so that reads are as contiguous as they can be. An axis that repeats its
 * pixels (stride 0) goes outside all others. */
static bool goes_outside(const bv_axis *a, const bv_axis *b) {
  if (a->in_stride == 0 || b->in_stride == 0)
    return a->in_stride == 0 && b->in_stride != 0;
  return a->in_stride > b->in_stride;
}

/* Walks an axis of the input forwards: which pixel of a group comes first does not matter. Which channel does.
 */
static void flip_if_backwards(bv_job *job, bv_axis *axis) {
  if (axis->in_stride >= 0 || axis->is_channel)
    return;
  int64_t last = axis->extent - 1;
  job->in = (const char *)job->in + last * axis->in_stride * (int64_t)bv_dtype_size(job->in_dtype);
  axis->in_stride = -axis->in_stride;
  if (job->mask)
    job->mask += last * axis->mask_stride;
  axis->mask_stride = -axis->mask_stride;
  if (job->out)
    job->out = (char *)job->out + last * axis->out_stride * (int64_t)bv_dtype_size(job->out_dtype);
  axis->out_stride = -axis->out_stride;
}

void bv_lay_out(bv_job *job, const bv_axis *axes, int count, int group_count) {
  bv_axis walked[BV_MAX_NDIM], pixel[BV_MAX_NDIM];
  int walked_count = 0, pixel_count = 0;
  for (int i = 0; i < group_count; ++i)
    if (axes[i].extent != 1)
      append(walked, 0, &walked_count, &axes[i]);
  job->group_ndim = walked_count;

  for (int i = group_count; i < count; ++i) {
    if (axes[i].extent == 1)
      continue;
    bv_axis axis = axes[i];
    flip_if_backwards(job, &axis);
    int at = pixel_count++;
    for (; at > 0 && goes_outside(&axis, &pixel[at - 1]); --at)
      pixel[at] = pixel[at - 1];
    pixel[at] = axis;
  }
  if (pixel_count == 0)
    pixel[pixel_count++] = (bv_axis){.extent = 1, .in_stride = 1, .mask_stride = 1, .out_stride = 1};
  for (int i = 0; i < pixel_count; ++i)
    append(walked, job->group_ndim, &walked_count, &pixel[i]);

  job->ndim = walked_count;
  job->channel_axis = -1;
  for (int axis = 0; axis < walked_count; ++axis) {
    job->extent[axis] = walked[axis].extent;
    job->in_stride[axis] = walked[axis].in_stride;
    job->mask_stride[axis] = walked[axis].mask_stride;
    job->out_stride[axis] = walked[axis].out_stride;
    if (walked[axis].is_channel)
      job->channel_axis = axis;
  }
}

void bv_add_outer_axis(bv_job *job, bv_axis axis, bool numbers_groups) {
  if (!numbers_groups)
    flip_if_backwards(job, &axis);
  for (int at = job->ndim; at > 0; --at) {
    job->extent[at] = job->extent[at - 1];
    job->in_stride[at] = job->in_stride[at - 1];
    job->mask_stride[at] = job->mask_stride[at - 1];
    job->out_stride[at] = job->out_stride[at - 1];
  }
  job->extent[0] = axis.extent;
  job->in_stride[0] = axis.in_stride;
  job->mask_stride[0] = axis.mask_stride;
  job->out_stride[0] = axis.out_stride;
  ++job->ndim;
  job->group_ndim += numbers_groups;
  if (job->channel_axis >= 0)
    ++job->channel_axis;
}
