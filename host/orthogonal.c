/* The three orthogonal views of a volume in one picture: checks, windows, and a view for each cell of a grid.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "backend.h"
#include "check.h"
#include "display.h"
#include "floating.h"
#include "grid.h"
#include "options.h"
#include "status.h"
#include "volume.h"

/* ---- What is seen ------------------------------------------------------------------------------------ */

/* A slice of the volume or of its mask, [rows, columns], and the extents of its view. */
typedef struct plane {
  bv_tensor slice, mask;
  int64_t extent[2];
} plane;

static bv_status read_views(const bv_tensor *volume, const bv_orthogonal_options *given,
                            bv_orthogonal_options *views) {
  static const bv_struct_names names = {"views", "bv_orthogonal_options", "BV_ORTHOGONAL_OPTIONS_INIT"};
  *views = (bv_orthogonal_options)BV_ORTHOGONAL_OPTIONS_INIT;
  if (given)
    BV_TRY(bv_copy_known_fields(&names, given, views, sizeof *views));
  for (int axis = 0; axis < 3; ++axis) {
    if (!isfinite(views->spacing[axis]) || views->spacing[axis] <= 0)
      return bv_fail(BV_ERROR_VALUE, "views.spacing[%d] is %g; allowed are finite numbers above 0", axis,
                     views->spacing[axis]);
    if (views->position[axis] < -1 || views->position[axis] >= volume->shape[axis])
      return bv_fail(BV_ERROR_VALUE,
                     "views.position[%d] is %" PRId64 "; for a volume of shape %s allowed are 0 to %" PRId64
                     ", and -1 for the middle",
                     axis, views->position[axis], bv_format_shape(3, volume->shape).text,
                     volume->shape[axis] - 1);
    if (views->position[axis] == -1)
      views->position[axis] = volume->shape[axis] / 2;
  }
  if (views->upright != 0 && views->upright != 1)
    return bv_fail(BV_ERROR_VALUE, "views.upright is %d; allowed are 0 and 1", views->upright);
  if (views->reserved != 0)
    return bv_fail(BV_ERROR_VALUE, "views.reserved is %d; it must be 0", views->reserved);
  return BV_OK;
}

/* The axes that are rows and columns of the view along an axis. */
static int rows_of(const bv_orthogonal_options *views, int axis) {
  return views->upright && axis != 2 ? 2 : bv_row_axis(axis);
}
static int columns_of(const bv_orthogonal_options *views, int axis) {
  return views->upright && axis != 2 ? bv_row_axis(axis) : bv_column_axis(axis);
}

static bv_tensor take_slice(const bv_tensor *volume, const bv_orthogonal_options *views, int axis) {
  const int rows = rows_of(views, axis), columns = columns_of(views, axis);
  bv_tensor slice = {.dtype = volume->dtype, .device = volume->device, .ndim = 4, .shape = {1, 1}};
  int64_t at = views->position[axis] * volume->stride[axis];
  slice.shape[2] = volume->shape[rows];
  slice.shape[3] = volume->shape[columns];
  slice.stride[2] = volume->stride[rows];
  slice.stride[3] = volume->stride[columns];
  if (rows == 2 && slice.shape[2] > 1) { /* upright; a single row has any stride, INT64_MIN too */
    at += (volume->shape[2] - 1) * volume->stride[2];
    slice.stride[2] = -slice.stride[2];
  }
  slice.data = (char *)volume->data + at * (int64_t)bv_dtype_size(volume->dtype);
  return slice;
}

/* Three cells, whose images are the views. */
static bv_status lay_out_views(const bv_tensor *volume, const bv_orthogonal_options *given,
                               const bv_grid_options *grid_options, bv_orthogonal_options *views,
                               bv_grid_options *known, plane planes[3], bv_grid *grid) {
  BV_TRY(bv_check_tensor("volume", volume));
  BV_TRY(bv_check_ndim("volume", volume, 3, "[H, W, D]"));
  for (int axis = 0; axis < 3; ++axis)
    BV_TRY(bv_check_depth(volume, axis));
  BV_TRY(read_views(volume, given, views));
  BV_TRY(bv_read_grid_options(grid_options, known));
  const double finest = fmin(fmin(views->spacing[0], views->spacing[1]), views->spacing[2]);
  bv_tensor cells[3];
  fenv_t callers = bv_enter_arithmetic();
  for (int axis = 0; axis < 3; ++axis) {
    const int along[2] = {rows_of(views, axis), columns_of(views, axis)};
    planes[axis] = (plane){.slice = take_slice(volume, views, axis)};
    cells[axis] = planes[axis].slice;
    for (int i = 0; i < 2; ++i)
      cells[axis].shape[2 + i] = planes[axis].extent[i] =
          bv_stretched_extent(volume->shape[along[i]], views->spacing[along[i]], finest);
  }
  bv_leave_arithmetic(&callers);
  return bv_lay_out_grid(cells, 3, known, grid);
}

bv_status bv_orthogonal_size(const bv_tensor *volume, const bv_orthogonal_options *views,
                             const bv_grid_options *grid, int64_t extents[2]) {
  bv_orthogonal_options known_views;
  bv_grid_options known;
  plane planes[3];
  bv_grid of;
  BV_TRY(bv_check_pointer("extents", extents));
  BV_TRY(lay_out_views(volume, views, grid, &known_views, &known, planes, &of));
  memcpy(extents, of.extent, sizeof of.extent);
  return BV_OK;
}

static bv_tensor as_batch(const bv_tensor *volume) {
  bv_tensor batch = *volume;
  batch.ndim = 4;
  batch.shape[0] = 1;
  batch.stride[0] = 0;
  memcpy(batch.shape + 1, volume->shape, 3 * sizeof *volume->shape);
  memcpy(batch.stride + 1, volume->stride, 3 * sizeof *volume->stride);
  return batch;
}

/* ---- Windows ----------------------------------------------------------------------------------------- */

typedef struct view_call {
  bv_tensor volume, mask; /* as batches [1, H, W, D]; the mask has no data without */
  const plane *planes;
  const bv_display_options *options;
  double *windows; /* lo and hi, one pair after another; NULL if nothing is measured */
  bv_stream stream;
} view_call;

static bool has_one_window(const bv_display_options *options) { return options->scope == BV_SCOPE_BATCH; }

static bv_status make_measuring_job(const view_call *call, int number, bv_job *job) {
  static const bv_names names = {"volume", "windows"};
  const bool is_one = has_one_window(call->options);
  const bv_tensor *batch = is_one ? &call->volume : &call->planes[number].slice;
  const int64_t shape[2] = {1, 2};
  const bv_tensor windows = bv_contiguous_tensor(call->windows ? call->windows + (ptrdiff_t)2 * number : NULL,
                                                 BV_F64, batch->device, 2, shape);
  bv_display_options options = *call->options;
  options.scope = BV_SCOPE_BATCH;
  options.colour_map = NULL;
  if (options.mask)
    options.mask = is_one ? &call->mask : &call->planes[number].mask;
  return bv_make_display_job(BV_MEASURE, &names, batch, call->windows ? &windows : NULL, NULL, &options, job);
}

/* Measures all windows; without a place for them, sees whether they can be measured. */
static bv_status measure(const view_call *call) {
  for (int number = 0; number < (has_one_window(call->options) ? 1 : 3); ++number) {
    bv_job job;
    size_t ignored;
    BV_TRY(make_measuring_job(call, number, &job));
    if (job.device != BV_CPU)
      BV_TRY(call->windows ? bv_cuda_run(&job, call->stream) : bv_cuda_workspace_size(&job, &ignored));
    else if (call->windows)
      BV_TRY(bv_cpu_run(&job));
  }
  return BV_OK;
}

/* ---- Drawing ----------------------------------------------------------------------------------------- */

static bv_status draw(const view_call *call, int number, const bv_canvas *on, const bv_grid *of) {
  const bv_display_options *options = call->options;
  const plane *from = &call->planes[number];
  const int64_t row = number / of->columns, column = number % of->columns;
  const int64_t y = of->padding + row * (of->cell[0] + of->padding) + (of->cell[0] - from->extent[0]) / 2;
  const int64_t x = of->padding + column * (of->cell[1] + of->padding) + (of->cell[1] - from->extent[1]) / 2;
  bv_view view = {.in = from->slice.data,
                  .in_dtype = from->slice.dtype,
                  .rows = from->slice.shape[2],
                  .columns = from->slice.shape[3],
                  .row_stride = from->slice.stride[2],
                  .column_stride = from->slice.stride[3],
                  .lo = options->lo,
                  .hi = options->hi,
                  .epsilon = options->epsilon,
                  .floor = options->floor,
                  .zero_is_background = options->foreground == BV_FOREGROUND_NONZERO,
                  .round_to_nearest = options->rounding == BV_ROUNDING_NEAREST,
                  .out = (uint8_t *)on->out->data + y * on->row_stride + x * on->column_stride,
                  .out_rows = from->extent[0],
                  .out_columns = from->extent[1],
                  .out_row_stride = on->row_stride,
                  .out_column_stride = on->column_stride,
                  .components = on->colours > 0 ? 3 : 1,
                  .component_stride = on->colour_stride,
                  .alpha = on->colours == 4,
                  .has_colour_map = options->colour_map != NULL};
  if (call->windows)
    view.window = call->windows + (has_one_window(options) ? 0 : 2 * number);
  if (options->mask) {
    view.mask = from->mask.data;
    view.mask_row_stride = from->mask.stride[2];
    view.mask_column_stride = from->mask.stride[3];
  }
  if (options->colour_map)
    memcpy(view.colour_map, options->colour_map, sizeof view.colour_map);
  if (on->out->device != BV_CPU)
    return bv_cuda_view(&view, on->out->device, call->stream);
  bv_cpu_view(&view);
  return BV_OK;
}

static bv_status measure_and_draw(const view_call *call, const bv_canvas *on, const bv_grid *of,
                                  double padding_value) {
  if (call->windows)
    BV_TRY(measure(call));
  for (int number = 0; number < 3; ++number) {
    BV_TRY(draw(call, number, on, of));
    BV_TRY(bv_fill_cells(on, of, number, number < 2 ? number + 1 : INT64_MAX, call->planes[number].extent,
                         padding_value, call->options->rounding == BV_ROUNDING_NEAREST, call->stream));
  }
  return BV_OK;
}

/* ---- The call ---------------------------------------------------------------------------------------- */

static bv_status check_out(const bv_tensor *volume, const bv_tensor *out, const bv_grid *of, bv_canvas *on) {
  BV_TRY(bv_check_tensor("out", out));
  if (out->dtype != BV_U8)
    return bv_fail(BV_ERROR_TYPE, "out.dtype is %s; allowed is u8", bv_dtype_name(out->dtype));
  BV_TRY(bv_find_canvas(out, 1, of, on));
  BV_TRY(bv_check_same_device("out", out, "volume", volume));
  BV_TRY(bv_check_distinct("out", out));
  return bv_check_apart("out", out, "volume", volume, false);
}

/* Gives the planes and the call their masks. */
static bv_status check_mask(const bv_tensor *volume, const bv_tensor *out, const bv_orthogonal_options *views,
                            const bv_tensor *mask, plane planes[3], view_call *call) {
  BV_TRY(bv_check_tensor("options.mask", mask));
  if (mask->dtype != BV_U8)
    return bv_fail(BV_ERROR_TYPE, "options.mask.dtype is %s; allowed is u8", bv_dtype_name(mask->dtype));
  BV_TRY(bv_check_same_device("options.mask", mask, "volume", volume));
  bv_tensor broadcast = *volume;
  broadcast.data = mask->data;
  broadcast.dtype = BV_U8;
  if (!bv_broadcast(mask, 3, volume->shape, broadcast.stride))
    return bv_fail(BV_ERROR_SHAPE, "options.mask of shape %s does not broadcast to volume of shape %s",
                   bv_format_shape(mask->ndim, mask->shape).text, bv_format_shape(3, volume->shape).text);
  for (int axis = 0; axis < 3; ++axis)
    planes[axis].mask = take_slice(&broadcast, views, axis);
  call->mask = as_batch(&broadcast);
  return bv_check_apart("out", out, "options.mask", mask, false);
}

bv_status bv_make_orthogonal_views(const bv_tensor *volume, const bv_tensor *out,
                                   const bv_orthogonal_options *given, const bv_grid_options *grid_options,
                                   const bv_display_options *given_options, bv_stream stream) {
  bv_orthogonal_options views;
  bv_grid_options grid;
  bv_display_options options;
  plane planes[3];
  bv_grid of;
  bv_canvas on = {0};
  BV_TRY(lay_out_views(volume, given, grid_options, &views, &grid, planes, &of));
  BV_TRY(check_out(volume, out, &of, &on));
  BV_TRY(bv_read_options(given_options, &options));
  if (options.workspace || options.workspace_bytes != 0)
    return bv_fail(BV_ERROR_VALUE, "options.workspace is %p; views take none", options.workspace);
  if (options.colour_map && on.colours == 0)
    return bv_fail(
        BV_ERROR_VALUE,
        "options.colour_map is given, but out (shape %s) holds no grey value three times; a colour map "
        "goes with [rows, columns, 3 or 4]",
        bv_format_shape(out->ndim, out->shape).text);
  view_call call = {.volume = as_batch(volume), .planes = planes, .options = &options, .stream = stream};
  if (options.mask)
    BV_TRY(check_mask(volume, out, &views, options.mask, planes, &call));
  if (volume->device != BV_CPU)
    BV_TRY(bv_cuda_check_views(volume, options.mask, out));
  BV_TRY(measure(&call)); /* dry */
  if (options.window == BV_WINDOW_FIXED)
    return measure_and_draw(&call, &on, &of, grid.padding_value);
  double windows[6];
  call.windows = windows;
  if (volume->device == BV_CPU)
    return measure_and_draw(&call, &on, &of, grid.padding_value);
  void *memory;
  BV_TRY(bv_cuda_borrow(volume->device, sizeof windows, &memory, stream));
  call.windows = memory;
  const bv_status status = measure_and_draw(&call, &on, &of, grid.padding_value);
  const bv_status freed = bv_cuda_give_back(volume->device, memory, stream);
  return status != BV_OK ? status : freed;
}
