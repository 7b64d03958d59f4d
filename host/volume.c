/* Volumes: their slices as batches, and projections along an axis. */
#include <inttypes.h>

#include "arithmetic.h"
#include "backend.h"
#include "batchview/pictures.h"
#include "check.h"
#include "status.h"
#include "volume.h"

bv_status bv_check_volume(const bv_tensor *volume, int axis) {
  BV_TRY(bv_check_tensor("volume", volume));
  BV_TRY(bv_check_ndim("volume", volume, 3, "[H, W, D]"));
  if (axis < 0 || axis > 2)
    return bv_fail(BV_ERROR_VALUE, "axis should be 0, 1 or 2, got %d", axis);
  return BV_OK;
}

bv_status bv_check_depth(const bv_tensor *volume, int axis) {
  if (volume->shape[axis] > 0)
    return BV_OK;
  return bv_fail(BV_ERROR_SHAPE, "volume of shape %s has no slice along axis %d; its extent must be 1 or more",
                 bv_format_shape(3, volume->shape).text, axis);
}

bv_status bv_view_slices(const bv_tensor *volume, int axis, int64_t first, int64_t step, int64_t count,
                         bv_tensor *batch) {
  BV_TRY(bv_check_pointer("batch", batch));
  BV_TRY(bv_check_volume(volume, axis));
  BV_TRY(bv_check_depth(volume, axis));
  const int64_t slices = volume->shape[axis];
  if (first < 0 || first >= slices)
    return bv_fail(BV_ERROR_VALUE,
                   "first is %" PRId64 "; along axis %d of volume (shape %s) allowed are 0 to %" PRId64, first,
                   axis, bv_format_shape(3, volume->shape).text, slices - 1);
  if (step < 1)
    return bv_fail(BV_ERROR_VALUE, "step is %" PRId64 "; allowed are numbers from 1", step);
  const int64_t most = (slices - 1 - first) / step + 1;
  if (count < 0 || count > most)
    return bv_fail(BV_ERROR_VALUE,
                   "count is %" PRId64 "; from slice %" PRId64 " on in steps of %" PRId64 " there are %" PRId64
                   " (0 is all of them)",
                   count, first, step, most);
  bv_tensor view = {.data = volume->data, .dtype = volume->dtype, .device = volume->device, .ndim = 4};
  if (!bv_is_empty(volume))
    view.data = (char *)volume->data + first * volume->stride[axis] * (int64_t)bv_dtype_size(volume->dtype);
  view.shape[0] = count == 0 ? most : count;
  view.shape[1] = 1;
  view.shape[2] = volume->shape[bv_row_axis(axis)];
  view.shape[3] = volume->shape[bv_column_axis(axis)];
  /* The step from a single slice to the next leads out of the volume. */
  view.stride[0] = view.shape[0] == 1 ? volume->stride[axis] : step * volume->stride[axis];
  view.stride[1] = volume->stride[axis];
  view.stride[2] = volume->stride[bv_row_axis(axis)];
  view.stride[3] = volume->stride[bv_column_axis(axis)];
  *batch = view;
  return BV_OK;
}

static bv_status check_out(const bv_tensor *volume, int axis, const bv_tensor *out) {
  const bv_dtype dtype = bv_maps_in_f64(volume->dtype) ? BV_F64 : BV_F32;
  const int64_t allowed[2] = {volume->shape[bv_row_axis(axis)], volume->shape[bv_column_axis(axis)]};
  BV_TRY(bv_check_tensor("out", out));
  if (out->dtype != dtype)
    return bv_fail(BV_ERROR_TYPE, "out.dtype is %s; for a volume of %s allowed is %s",
                   bv_dtype_name(out->dtype), bv_dtype_name(volume->dtype), bv_dtype_name(dtype));
  if (out->ndim != 2 || out->shape[0] != allowed[0] || out->shape[1] != allowed[1])
    return bv_fail(BV_ERROR_SHAPE, "out has the shape %s; allowed is %s for a volume of shape %s along axis %d",
                   bv_format_shape(out->ndim, out->shape).text, bv_format_shape(2, allowed).text,
                   bv_format_shape(3, volume->shape).text, axis);
  BV_TRY(bv_check_same_device("out", out, "volume", volume));
  BV_TRY(bv_check_distinct("out", out));
  return bv_check_apart("out", out, "volume", volume, false);
}

bv_status bv_project_volume(const bv_tensor *volume, int axis, int projection, const bv_tensor *out,
                            bv_stream stream) {
  BV_TRY(bv_check_volume(volume, axis));
  if (projection < BV_PROJECTION_MAX || projection > BV_PROJECTION_MEAN)
    return bv_fail(BV_ERROR_VALUE, "projection is %d; allowed are %d to %d (max, min, mean)", projection,
                   BV_PROJECTION_MAX, BV_PROJECTION_MEAN);
  BV_TRY(check_out(volume, axis, out));
  if (bv_is_empty(out))
    return BV_OK;
  BV_TRY(bv_check_depth(volume, axis));
  const bv_projection checked = {.in = volume->data,
                                 .in_dtype = volume->dtype,
                                 .rows = out->shape[0],
                                 .columns = out->shape[1],
                                 .depth = volume->shape[axis],
                                 .row_stride = volume->stride[bv_row_axis(axis)],
                                 .column_stride = volume->stride[bv_column_axis(axis)],
                                 .depth_stride = volume->stride[axis],
                                 .out = out->data,
                                 .out_row_stride = out->stride[0],
                                 .out_column_stride = out->stride[1],
                                 .kind = projection,
                                 .device = volume->device};
  if (volume->device != BV_CPU)
    return bv_cuda_project(&checked, stream);
  bv_cpu_project(&checked);
  return BV_OK;
}
