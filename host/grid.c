/* What a grid is: its options, its cells, and the picture that they are in. */
#include "grid.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "backend.h"
#include "check.h"
#include "options.h"
#include "status.h"

bv_batch_name bv_name_of_batch(int32_t number) {
  bv_batch_name name;
  snprintf(name.text, sizeof name.text, "batches[%d]", number);
  return name;
}

/* ---- Options and extents ----------------------------------------------------------------------------- */

bv_status bv_read_grid_options(const bv_grid_options *given, bv_grid_options *options) {
  static const bv_struct_names names = {"grid", "bv_grid_options", "BV_GRID_OPTIONS_INIT"};
  *options = (bv_grid_options)BV_GRID_OPTIONS_INIT;
  if (given)
    BV_TRY(bv_copy_known_fields(&names, given, options, sizeof *options));
  if (options->columns < 1)
    return bv_fail(BV_ERROR_VALUE, "grid.columns is %" PRId64 "; allowed are numbers from 1", options->columns);
  if (options->padding < 0)
    return bv_fail(BV_ERROR_VALUE, "grid.padding is %" PRId64 "; allowed are numbers from 0", options->padding);
  if (!bv_is_within(options->padding_value, 0, 1))
    return bv_fail(BV_ERROR_VALUE, "grid.padding_value is %g; allowed are 0 to 1", options->padding_value);
  return BV_OK;
}

bv_status bv_check_batches(const bv_tensor *batches, int32_t count) {
  BV_TRY(bv_check_pointer("batches", batches));
  if (count < 1)
    return bv_fail(BV_ERROR_VALUE, "count is %d; allowed are numbers from 1", count);
  for (int32_t i = 0; i < count; ++i) {
    const bv_batch_name name = bv_name_of_batch(i);
    BV_TRY(bv_check_tensor(name.text, &batches[i]));
    BV_TRY(bv_check_ndim(name.text, &batches[i], 4, "[B, C, H, W]"));
    BV_TRY(bv_check_same_device(name.text, &batches[i], "batches[0]", &batches[0]));
    if (batches[i].shape[1] != batches[0].shape[1])
      return bv_fail(BV_ERROR_SHAPE, "%s has the shape %s, and batches[0] %s; they must agree in the channels",
                     name.text, bv_format_shape(4, batches[i].shape).text,
                     bv_format_shape(4, batches[0].shape).text);
  }
  return BV_OK;
}

/* Cells, and padding before each and after the last. */
static bool add_up(int64_t cells, int64_t cell, int64_t padding, int64_t *extent) {
  return !__builtin_add_overflow(cell, padding, extent) && !__builtin_mul_overflow(*extent, cells, extent) &&
         !__builtin_add_overflow(*extent, padding, extent) && *extent <= INT32_MAX;
}

bv_status bv_lay_out_grid(const bv_tensor *batches, int32_t count, const bv_grid_options *options,
                          bv_grid *to) {
  *to = (bv_grid){.padding = options->padding};
  for (int32_t i = 0; i < count; ++i) {
    if (__builtin_add_overflow(to->images, batches[i].shape[0], &to->images))
      return bv_fail(BV_ERROR_SHAPE, "batches hold more than 2^63 images");
    for (int axis = 0; axis < 2 && batches[i].shape[0] > 0; ++axis)
      if (batches[i].shape[2 + axis] > to->cell[axis])
        to->cell[axis] = batches[i].shape[2 + axis];
  }
  if (to->images == 0)
    return bv_fail(BV_ERROR_SHAPE, "batches hold no image; a grid has one or more");
  if (to->images == 1)
    to->padding = 0;
  to->columns = options->columns < to->images ? options->columns : to->images;
  to->rows = (to->images - 1) / to->columns + 1;
  if (!add_up(to->rows, to->cell[0], to->padding, &to->extent[0]) ||
      !add_up(to->columns, to->cell[1], to->padding, &to->extent[1]))
    return bv_fail(BV_ERROR_SHAPE,
                   "a grid of %" PRId64 " x %" PRId64 " images of %" PRId64 " x %" PRId64
                   " pixels with a padding of %" PRId64 "; at most 2^31 - 1 pixels a side are possible",
                   to->rows, to->columns, to->cell[0], to->cell[1], to->padding);
  return BV_OK;
}

bv_status bv_grid_size(const bv_tensor *batches, int32_t count, const bv_grid_options *options,
                       int64_t extents[2]) {
  bv_grid_options known;
  bv_grid of;
  BV_TRY(bv_check_pointer("extents", extents));
  BV_TRY(bv_check_batches(batches, count));
  BV_TRY(bv_read_grid_options(options, &known));
  BV_TRY(bv_lay_out_grid(batches, count, &known, &of));
  memcpy(extents, of.extent, sizeof of.extent);
  return BV_OK;
}

/* ---- The picture ------------------------------------------------------------------------------------- */

static bool has_extents(const bv_tensor *out, int first, const bv_grid *of) {
  return out->shape[first] == of->extent[0] && out->shape[first + 1] == of->extent[1];
}

bv_status bv_find_canvas(const bv_tensor *out, int64_t channels, const bv_grid *of, bv_canvas *to) {
  const int64_t *shape = out->shape, *stride = out->stride;
  const bool three = out->ndim == 3;
  if (three && out->dtype == BV_U8 && has_extents(out, 0, of) && (shape[2] == 3 || shape[2] == 4) &&
      (channels == 1 || channels == 3)) {
    *to = (bv_canvas){out, stride[0], stride[1], 1, 0, shape[2], stride[2]};
    return BV_OK;
  }
  if (three && shape[0] == channels && has_extents(out, 1, of)) {
    *to = (bv_canvas){out, stride[1], stride[2], channels, stride[0], 0, 0};
    return BV_OK;
  }
  if (out->ndim == 2 && channels == 1 && has_extents(out, 0, of)) {
    *to = (bv_canvas){out, stride[0], stride[1], 1, 0, 0, 0};
    return BV_OK;
  }
  return bv_fail(
      BV_ERROR_SHAPE,
      "out has the shape %s and the type %s; for a grid of %" PRId64 " x %" PRId64 " pixels and %" PRId64
      " channels allowed are [C, rows, columns], with C = 1 [rows, columns], and for u8 with C = 1 or 3 "
      "[rows, columns, 3 or 4]",
      bv_format_shape(out->ndim, shape).text, bv_dtype_name(out->dtype), of->extent[0], of->extent[1],
      channels);
}

/* The images of a row of cells, the first of which has its upper left pixel at (y, x), as an output of a
 * display function. */
bv_tensor bv_view_row(const bv_canvas *on, const bv_grid *of, const bv_tensor *batch, int64_t images, int64_t y,
                      int64_t x) {
  const bv_tensor *out = on->out;
  const int64_t height = batch->shape[2], width = batch->shape[3];
  const int64_t image = (of->cell[1] + of->padding) * on->column_stride;
  bv_tensor view = {.dtype = out->dtype, .device = out->device};
  view.data =
      (char *)out->data + (y * on->row_stride + x * on->column_stride) * (int64_t)bv_dtype_size(out->dtype);
  /* [B, 3, 3, 3] is taken as planes: so it becomes some. */
  const bool as_planes = on->colours == 3 && batch->shape[1] == 3 && height == 3 && width == 3;
  if (on->colours > 0 && !as_planes) {
    const int64_t shape[4] = {images, height, width, on->colours};
    const int64_t stride[4] = {image, on->row_stride, on->column_stride, on->colour_stride};
    view.ndim = 4;
    memcpy(view.shape, shape, sizeof shape);
    memcpy(view.stride, stride, sizeof stride);
  } else {
    const int64_t shape[4] = {images, batch->shape[1], height, width};
    const int64_t stride[4] = {image, as_planes ? on->colour_stride : on->channel_stride, on->row_stride,
                               on->column_stride};
    view.ndim = 4;
    memcpy(view.shape, shape, sizeof shape);
    memcpy(view.stride, stride, sizeof stride);
  }
  return view;
}

/* ---- Padding ----------------------------------------------------------------------------------------- */

bv_status bv_fill_cells(const bv_canvas *on, const bv_grid *of, int64_t first, int64_t end,
                        const int64_t extent[2], double value, bool round_to_nearest, bv_stream stream) {
  const bool is_full = of->padding == 0 && extent[0] == of->cell[0] && extent[1] == of->cell[1];
  if (is_full && !(end > of->images && of->images < of->rows * of->columns))
    return BV_OK;
  const bv_fill fill = {.out = on->out->data,
                        .dtype = on->out->dtype,
                        .value = value,
                        .round_to_nearest = round_to_nearest,
                        .rows = (int32_t)of->extent[0],
                        .columns = (int32_t)of->extent[1],
                        .row_stride = on->row_stride,
                        .column_stride = on->column_stride,
                        .components = on->colours > 0 ? 3 : on->channels,
                        .component_stride = on->colours > 0 ? on->colour_stride : on->channel_stride,
                        .alpha = on->colours == 4,
                        .padding = (int32_t)of->padding,
                        .grid_columns = (int32_t)of->columns,
                        .row_step = (int32_t)(of->cell[0] + of->padding),
                        .column_step = (int32_t)(of->cell[1] + of->padding),
                        .first_cell = first,
                        .end_cell = end,
                        .images = of->images,
                        .top = (int32_t)((of->cell[0] - extent[0]) / 2),
                        .left = (int32_t)((of->cell[1] - extent[1]) / 2),
                        .height = (int32_t)extent[0],
                        .width = (int32_t)extent[1]};
  if (on->out->device != BV_CPU)
    return bv_cuda_fill(&fill, on->out->device, stream);
  bv_cpu_fill(&fill);
  return BV_OK;
}
