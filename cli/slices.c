/* Views of sources: strides and extents only, no pixel is touched. */
#include "slices.h"

#include <inttypes.h>
#include <string.h>

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
  if (options->choice == SLICE_ALL)
    return CLI_OK;
  if (options->choice == SLICE_NUMBER && options->number >= count) {
    return refuse(why, CLI_USAGE, "--slice %" PRId64 ": along axis %d there are the slices 0 to %" PRId64,
                  options->number, options->axis, count - 1);
  }
  slices->first = options->choice == SLICE_CENTRE ? count / 2 : options->number;
  move_along(batch, 1, slices->first);
  batch->shape[1] = 1;
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
  slices->volume = true;
  slices->colour = input->colour;
  slices->one_plane = leading == 0 && options->choice != SLICE_ALL;
  cli_result result = choose(slices, options, why);
  slices->count = batch->shape[1];
  if (result != CLI_OK || !input->colour)
    return result;
  /* The channels take the place of the slices, which become images of the batch. */
  if (slices->count > 1 && series)
    return refuse(why, CLI_UNSUPPORTED,
                  "all slices of a series in colour are not supported; --slice N chooses one");
  if (!series) {
    batch->shape[0] = batch->shape[1];
    batch->stride[0] = batch->stride[1];
  }
  show_axis(batch, 1, volume, leading - 1);
  return CLI_OK;
}

cli_result slices_of_source(const source *input, const slice_options *options, cli_slices *slices, reason why) {
  const bv_tensor *tensor = &input->tensor;
  *slices = (struct cli_slices){.row_spacing = input->spacing[0], .column_spacing = input->spacing[1]};
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

int64_t count_elements(const bv_tensor *tensor) {
  int64_t count = 1;
  for (int axis = 0; axis < tensor->ndim; ++axis)
    count *= tensor->shape[axis];
  return count;
}
