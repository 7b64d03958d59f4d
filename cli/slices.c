/* Views of sources: strides and extents only; no pixel is touched, but those of series in colour. */
#include "slices.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "batchview/pictures.h"
#include "reader.h"

/* Axis `from` of `tensor` as axis `to` of `view`. */
static void show_axis(bv_tensor *view, int to, const bv_tensor *tensor, int from) {
  view->shape[to] = tensor->shape[from];
  view->stride[to] = tensor->stride[from];
}

static void move_along(bv_tensor *view, int axis, int64_t index) {
  view->data = (char *)view->data + index * view->stride[axis] * (int64_t)bv_dtype_size(view->dtype);
}

static void reverse(bv_tensor *view, int axis) {
  move_along(view, axis, view->shape[axis] - 1);
  view->stride[axis] = -view->stride[axis];
}

static cli_result choose(cli_slices *slices, const slice_options *options, reason why) {
  bv_tensor *batch = &slices->batch;
  int64_t count = batch->shape[1];
  if (options->choice == SLICE_ALL) {
    batch->shape[1] = (count - 1) / options->every + 1;
    if (batch->shape[1] > 1) /* else a step leads out of the volume */
      batch->stride[1] *= options->every;
    return CLI_OK;
  }
  if (options->choice == SLICE_NUMBER && options->number >= count) {
    return refuse(why, CLI_USAGE, "--slice %" PRId64 ": along axis %d there are the slices 0 to %" PRId64,
                  options->number, options->axis, count - 1);
  }
  slices->first = options->choice == SLICE_CENTRE ? count / 2
                  : options->choice == SLICE_PERCENT
                      ? (int64_t)(options->percent / 100 * (double)(count - 1) + 0.5)
                      : options->number;
  move_along(batch, 1, slices->first);
  batch->shape[1] = 1;
  return CLI_OK;
}

/* All slices of a series in colour, [volumes, slices, rows, columns] of each channel, one after the other: no
 * stride steps through those of all volumes. */
static cli_result copy_slices(cli_slices *slices, const bv_tensor *channels, reason why) {
  const bv_tensor from = slices->batch;
  const size_t size = bv_dtype_size(from.dtype);
  const int64_t shape[4] = {from.shape[0] * from.shape[1], channels->shape[0], from.shape[2], from.shape[3]};
  const size_t bytes = (size_t)(count_elements(&from) * channels->shape[0]) * size;
  if (bytes > memory_limit())
    return refuse(why, CLI_UNSUPPORTED, "its slices take %zu bytes, more than a third of this machine's memory",
                  bytes);
  char *to = slices->memory = malloc(bytes);
  if (to == NULL)
    return refuse(why, CLI_FAILED, "out of memory: %zu bytes could not be allocated", bytes);
  for (int64_t image = 0; image < shape[0]; ++image)
    for (int64_t channel = 0; channel < shape[1]; ++channel)
      for (int64_t row = 0; row < shape[2]; ++row)
        for (int64_t column = 0; column < shape[3]; ++column, to += size) {
          const int64_t offset = image / from.shape[1] * from.stride[0] +
                                 image % from.shape[1] * from.stride[1] + channel * channels->stride[0] +
                                 row * from.stride[2] + column * from.stride[3];
          memcpy(to, (const char *)from.data + offset * (int64_t)size, size);
        }
  slices->batch = bv_contiguous_tensor(slices->memory, from.dtype, BV_CPU, 4, shape);
  return CLI_OK;
}

/* Projects each volume of `batch`, [volumes, slices, rows, columns], along its slices; of one in colour each
 * channel. What is left is [volumes, channels, rows, columns]. */
static cli_result project(cli_slices *slices, int projection, const bv_tensor *channels, reason why) {
  const bv_tensor from = slices->batch;
  const bool wide = from.dtype == BV_F64 || from.dtype == BV_I32 || from.dtype == BV_U32;
  const int64_t shape[4] = {from.shape[0], channels->shape[0], from.shape[2], from.shape[3]};
  bv_tensor to = bv_contiguous_tensor(NULL, wide ? BV_F64 : BV_F32, BV_CPU, 4, shape);
  const size_t plane_bytes = (size_t)(shape[2] * shape[3]) * bv_dtype_size(to.dtype);
  char *plane = slices->memory = malloc((size_t)(shape[0] * shape[1]) * plane_bytes);
  if (plane == NULL)
    return refuse(why, CLI_FAILED, "out of memory for %" PRId64 " projections", shape[0] * shape[1]);
  to.data = plane;
  for (int64_t i = 0; i < shape[0] * shape[1]; ++i, plane += plane_bytes) {
    bv_tensor volume = {.dtype = from.dtype, .device = BV_CPU, .ndim = 3};
    const int64_t at = i / shape[1] * from.stride[0] + i % shape[1] * channels->stride[0];
    volume.data = (char *)from.data + at * (int64_t)bv_dtype_size(from.dtype);
    for (int axis = 0; axis < 3; ++axis)
      show_axis(&volume, axis, &from, axis == 2 ? 1 : axis + 2);
    const bv_tensor out = bv_contiguous_tensor(plane, to.dtype, BV_CPU, 2, shape + 2);
    if (bv_project_volume(&volume, 2, projection, &out, NULL) != BV_OK)
      return refuse(why, CLI_FAILED, "%s", bv_last_error());
  }
  slices->batch = to;
  return CLI_OK;
}

static cli_result slices_of_volume(const source *input, const slice_options *options, cli_slices *slices,
                                   reason why) {
  const bv_tensor *volume = &input->tensor;
  int leading = volume->ndim - 3; /* a series has its axis before the volume's, and colours have theirs */
  bool series = leading > (input->colour ? 1 : 0);
  int rows = options->axis == 0 ? 1 : 0, columns = options->axis == 2 ? 1 : 2;
  /* Where axes are anatomical, known or assumed, coronal and sagittal pictures have the superior end of axis 2
   * at their top. */
  bool upright = input->grid.extent[0] > 0 && options->axis != 2;
  if (upright) {
    columns = rows;
    rows = 2;
  }

  bv_tensor *batch = &slices->batch;
  if (series)
    show_axis(batch, 0, volume, 0);
  show_axis(batch, 1, volume, leading + options->axis);
  show_axis(batch, 2, volume, leading + rows);
  show_axis(batch, 3, volume, leading + columns);
  if (upright)
    reverse(batch, 2);
  slices->row_spacing = input->spacing[rows];
  slices->column_spacing = input->spacing[columns];
  if (options->ortho)
    slices->pixel = fmin(fmin(input->spacing[0], input->spacing[1]), input->spacing[2]);
  else
    slices->pixel = fmin(slices->row_spacing, slices->column_spacing);
  slices->axis = options->axis;
  slices->volume = true;
  slices->colour = input->colour;
  slices->one_plane = leading == 0 && options->choice != SLICE_ALL;
  bv_tensor channels = {.shape = {1}};
  if (input->colour)
    show_axis(&channels, 0, volume, leading - 1);
  if (options->projects) {
    slices->count = 1;
    return project(slices, options->projection, &channels, why);
  }
  cli_result result = choose(slices, options, why);
  slices->count = batch->shape[1];
  if (result != CLI_OK || !input->colour)
    return result;
  /* The channels take the place of the slices, which become images of the batch. */
  if (batch->shape[0] > 1 && batch->shape[1] > 1 && batch->stride[0] != batch->shape[1] * batch->stride[1])
    return copy_slices(slices, &channels, why);
  if (batch->shape[1] > 1)
    batch->stride[0] = batch->stride[1];
  batch->shape[0] *= batch->shape[1];
  show_axis(batch, 1, &channels, 0);
  return CLI_OK;
}

cli_result slices_of_source(const source *input, const slice_options *options, cli_slices *slices, reason why) {
  const bv_tensor *tensor = &input->tensor;
  *slices = (struct cli_slices){.row_spacing = input->spacing[0], .column_spacing = input->spacing[1]};
  slices->pixel = fmin(slices->row_spacing, slices->column_spacing);
  slices->batch = (bv_tensor){
      .data = tensor->data, .dtype = tensor->dtype, .device = BV_CPU, .ndim = 4, .shape = {1, 1, 1, 1}};
  if (input->kind == SOURCE_VOLUME)
    return slices_of_volume(input, options, slices, why);

  for (int axis = 0; axis < tensor->ndim; ++axis)
    show_axis(&slices->batch, axis + 4 - tensor->ndim, tensor, axis);
  slices->one_plane = input->kind == SOURCE_IMAGE;
  slices->colour = input->kind == SOURCE_BATCH && tensor->shape[1] == 3;
  return CLI_OK;
}

slice_options all_slices(int axis) { return (slice_options){.axis = axis, .choice = SLICE_ALL, .every = 1}; }

void slices_free(cli_slices *slices) {
  free(slices->memory);
  slices->memory = NULL;
  slices->batch.data = NULL;
}

int scope_of_slices(const cli_slices *slices, int scope) {
  /* the batch of volumes in grey has volumes before slices */
  return slices->volume && !slices->colour && scope == BV_SCOPE_IMAGE ? BV_SCOPE_PLANE : scope;
}

int64_t count_elements(const bv_tensor *tensor) {
  int64_t count = 1;
  for (int axis = 0; axis < tensor->ndim; ++axis)
    count *= tensor->shape[axis];
  return count;
}
