/* Grids: batches normalised into the cells of one picture.
 *
 * No kernel knows of grids but the one for the padding. The images that fill whole rows of cells are one job,
 * whose images have two axes instead of one, and those before and after them, in rows that they share, one
 * each. */
#include "backend.h"
#include "check.h"
#include "display.h"
#include "grid.h"
#include "layout.h"
#include "options.h"
#include "packing.h"
#include "status.h"

/* ---- Jobs -------------------------------------------------------------------------------------------- */

/* Images of a batch in `rows` rows of cells, `columns` in each. */
typedef struct part {
  int64_t first, columns, rows;
  int64_t cell; /* of the first image */
} part;

/* The next part of a batch whose images begin in `first_cell`, after `done` of them. */
static part next_part(const bv_tensor *batch, const bv_grid *of, int64_t first_cell, int64_t done) {
  const int64_t left = batch->shape[0] - done, cell = first_cell + done;
  const int64_t room = of->columns - cell % of->columns;
  if (room == of->columns && left >= room)
    return (part){done, room, left / room, cell};
  return (part){done, left < room ? left : room, 1, cell};
}

static bv_tensor take_images(const bv_tensor *tensor, int64_t first, int64_t count) {
  bv_tensor taken = *tensor;
  taken.data = (char *)tensor->data + first * tensor->stride[0] * (int64_t)bv_dtype_size(tensor->dtype);
  taken.shape[0] = count;
  return taken;
}

/* Everything that a call has to do with one batch. */
typedef struct batch_call {
  const bv_tensor *batch;
  const bv_display_options *options; /* with struct_size of this library */
  const bv_canvas *canvas;
  const bv_grid *grid;
  int64_t first_cell;
  const bv_tensor *windows; /* of the whole batch, or NULL */
  bv_stream stream;
  bool dry; /* all that can be refused is, and nothing is written */
} batch_call;

static bv_status make_job(const batch_call *call, const part *of, bv_job *job) {
  static const bv_names names = {"batch", "windows"};
  const bv_grid *g = call->grid;
  const int64_t *cell = g->cell, *shape = call->batch->shape;
  const int64_t y = g->padding + of->cell / g->columns * (cell[0] + g->padding) + (cell[0] - shape[2]) / 2;
  const int64_t x = g->padding + of->cell % g->columns * (cell[1] + g->padding) + (cell[1] - shape[3]) / 2;
  const bv_tensor batch = take_images(call->batch, of->first, of->columns);
  const bv_tensor out = bv_view_row(call->canvas, g, call->batch, of->columns, y, x);
  bv_display_options options = *call->options;
  bv_tensor mask;
  bv_axis rows = {.extent = of->rows,
                  .in_stride = of->columns * batch.stride[0],
                  .out_stride = (cell[0] + g->padding) * call->canvas->row_stride};
  if (options.mask && options.mask->ndim == 4 && options.mask->shape[0] != 1) {
    mask = take_images(options.mask, of->first, of->columns);
    rows.mask_stride = of->columns * mask.stride[0];
    options.mask = &mask;
  }
  BV_TRY(bv_make_display_job(call->windows ? BV_APPLY : BV_DISPLAY, &names, &batch, call->windows, &out,
                             &options, job));
  if (of->rows > 1)
    bv_add_outer_axis(job, rows, options.scope != BV_SCOPE_BATCH);
  return BV_OK;
}

/* Runs a job, or only sees whether it can be run. */
static bv_status run(const batch_call *call, const bv_job *job) {
  size_t ignored;
  if (job->device == BV_CPU)
    return call->dry ? BV_OK : bv_cpu_run(job);
  return call->dry ? bv_cuda_workspace_size(job, &ignored) : bv_cuda_run(job, call->stream);
}

static bv_status draw_parts(const batch_call *call) {
  for (int64_t done = 0; done < call->batch->shape[0];) {
    const part next = next_part(call->batch, call->grid, call->first_cell, done);
    bv_job job;
    BV_TRY(make_job(call, &next, &job));
    BV_TRY(run(call, &job));
    done += next.columns * next.rows;
  }
  return BV_OK;
}

/* One window for a batch in several parts is measured first, to `memory`. */
static bv_status measure_and_draw(const batch_call *call, void *memory) {
  static const bv_names names = {"batch", "windows"};
  const bv_tensor windows =
      bv_contiguous_tensor(memory, BV_F64, call->batch->device, 2, (const int64_t[]){1, 2});
  bv_job job;
  BV_TRY(bv_make_display_job(BV_MEASURE, &names, call->batch, &windows, NULL, call->options, &job));
  BV_TRY(run(call, &job));
  batch_call draw = *call;
  draw.windows = &windows;
  return draw_parts(&draw);
}

static bv_status draw_with_one_window(const batch_call *call) {
  double window[2];
  const int32_t device = call->batch->device;
  if (device == BV_CPU || call->dry)
    return measure_and_draw(call, window);
  void *memory;
  BV_TRY(bv_cuda_borrow(device, sizeof window, &memory, call->stream));
  const bv_status status = measure_and_draw(call, memory);
  const bv_status freed = bv_cuda_give_back(device, memory, call->stream);
  return status != BV_OK ? status : freed;
}

static bv_status draw_batch(const batch_call *call) {
  if (bv_is_empty(call->batch))
    return BV_OK;
  const part first = next_part(call->batch, call->grid, call->first_cell, 0);
  const bool is_whole = first.columns * first.rows == call->batch->shape[0];
  const bool shares = call->options->scope == BV_SCOPE_BATCH && call->options->window != BV_WINDOW_FIXED;
  return shares && !is_whole ? draw_with_one_window(call) : draw_parts(call);
}

/* Around the images of a batch; around the last, also all that is behind it. */
static bv_status fill_padding(const batch_call *call, double value, bool is_last) {
  const int64_t end = is_last ? INT64_MAX : call->first_cell + call->batch->shape[0];
  return bv_fill_cells(call->canvas, call->grid, call->first_cell, end, call->batch->shape + 2, value,
                       call->options->rounding == BV_ROUNDING_NEAREST, call->stream);
}

/* ---- The call ---------------------------------------------------------------------------------------- */

/* The checks of bv_normalize_batch_for_display that do not ask for its output, for each batch. */
static bv_status check_options(const bv_tensor *batches, int32_t count, const bv_tensor *out,
                               const bv_canvas *on, const bv_display_options *given,
                               bv_display_options *options) {
  BV_TRY(bv_read_options(given, options));
  if (options->workspace || options->workspace_bytes != 0)
    return bv_fail(BV_ERROR_VALUE, "options.workspace is %p; a grid takes none", options->workspace);
  if (options->mask && count != 1)
    return bv_fail(BV_ERROR_VALUE, "options.mask is given, and count is %d; a mask is for a single batch",
                   count);
  if (options->colour_map && (on->colours == 0 || batches[0].shape[1] != 1))
    return bv_fail(
        BV_ERROR_VALUE,
        "options.colour_map is given, but out (shape %s) holds no grey value three times; a colour map goes "
        "with C = 1 and u8 [rows, columns, 3 or 4]",
        bv_format_shape(out->ndim, out->shape).text);
  for (int32_t i = 0; i < count; ++i) {
    const bv_batch_name name = bv_name_of_batch(i);
    const bv_names names = {name.text, "windows"};
    bv_display_options measured = *options;
    measured.colour_map = NULL;
    bv_job job;
    BV_TRY(bv_make_display_job(BV_MEASURE, &names, &batches[i], NULL, NULL, &measured, &job));
    BV_TRY(bv_check_apart("out", out, name.text, &batches[i], false));
  }
  return options->mask ? bv_check_apart("out", out, "options.mask", options->mask, false) : BV_OK;
}

bv_status bv_make_grid(const bv_tensor *batches, int32_t count, const bv_tensor *out,
                       const bv_grid_options *grid_options, const bv_display_options *options,
                       bv_stream stream) {
  bv_grid_options known;
  bv_display_options display;
  bv_grid of;
  bv_canvas on;
  BV_TRY(bv_check_batches(batches, count));
  BV_TRY(bv_read_grid_options(grid_options, &known));
  BV_TRY(bv_lay_out_grid(batches, count, &known, &of));
  BV_TRY(bv_check_tensor("out", out));
  BV_TRY(bv_check_output_type(out));
  BV_TRY(bv_find_canvas(out, batches[0].shape[1], &of, &on));
  BV_TRY(bv_check_same_device("out", out, "batches[0]", &batches[0]));
  BV_TRY(bv_check_distinct("out", out));
  BV_TRY(check_options(batches, count, out, &on, options, &display));
  if (bv_is_empty(out))
    return BV_OK;
  for (int run = 0; run < 2; ++run) {
    batch_call call = {.options = &display, .canvas = &on, .grid = &of, .stream = stream, .dry = run == 0};
    for (int32_t i = 0; i < count; ++i) {
      call.batch = &batches[i];
      BV_TRY(draw_batch(&call));
      if (!call.dry)
        BV_TRY(fill_padding(&call, known.padding_value, i == count - 1));
      call.first_cell += batches[i].shape[0];
    }
  }
  return BV_OK;
}
