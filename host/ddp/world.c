/* One window over the pixels of all ranks: each counts its own, and the counts are summed, digit by digit. */
#include <stdlib.h>

#include "batchview/selection.h"
#include "device.h"
#include "group.h"

/* ---- Memory of the group's device, ordered on the stream ----------------------------------------------- */

static bv_status allocate(bv_ddp_group *group, void **memory, size_t bytes, bv_stream stream) {
  if (group->device != BV_CPU)
    return ddp_allocate(&group->blocks, memory, bytes, stream);
  *memory = malloc(bytes);
  return *memory ? BV_OK : ddp_fail(BV_ERROR_MEMORY, "no memory for %zu bytes", bytes);
}

static void release(bv_ddp_group *group, void *memory, bv_stream stream) {
  if (group->device != BV_CPU)
    ddp_release(&group->blocks, memory, stream);
  else
    free(memory);
}

/* ---- Measuring ------------------------------------------------------------------------------------------ */

/* A call on its way: first what one rank does by itself, where all that may be wrong with its arguments comes
 * up; then, once the ranks know of each other's calls, what they do together. */
typedef struct work {
  bv_selection selection;
  bv_display_options measured, drawn;
  bv_tensor window; /* of a call that draws */
  ddp_call call;
} work;

static bv_status read_batch(const bv_ddp_group *group, const bv_tensor *batch,
                            const bv_display_options *options, const char *name, const bv_tensor *result,
                            work *w) {
  if (!batch || !result)
    return ddp_fail(BV_ERROR_NULL, "%s is NULL", batch ? name : "batch");
  if (batch->device != group->device)
    return ddp_fail(BV_ERROR_DEVICE, "batch.device is %d, but the group's is %d; they must be the same",
                    batch->device, group->device);
  w->selection.dtype = batch->dtype;
  w->selection.options = options;
  return BV_OK;
}

/* Counts the first digit. */
static bv_status begin_to_measure(bv_ddp_group *group, const bv_tensor *batch, const bv_tensor *windows,
                                  work *w, bv_stream stream) {
  const bv_display_options defaults = BV_DISPLAY_OPTIONS_INIT;
  w->selection.windows = windows;
  DDP_TRY(allocate(group, &w->selection.memory, BV_SELECTION_BYTES, stream));
  DDP_TRY(bv_selection_begin(&w->selection, stream));
  DDP_TRY(bv_selection_count(&w->selection, 0, batch, stream));
  ddp_describe_window(batch, w->selection.options ? w->selection.options : &defaults, &w->call);
  return BV_OK;
}

static bv_status sum_digits(bv_ddp_group *group, const bv_tensor *batch, const bv_selection *selection,
                            bv_stream stream) {
  for (int digit = 0; digit < bv_selection_digits(selection->dtype); ++digit) {
    if (digit > 0)
      DDP_TRY(bv_selection_count(selection, digit, batch, stream));
    DDP_TRY(group->backend->sum(group, selection->memory, BV_SELECTION_COUNTS, stream));
    DDP_TRY(bv_selection_narrow(selection, digit, stream));
  }
  return BV_OK;
}

/* The other digits, with the counts of all ranks. */
static bv_status measure_together(bv_ddp_group *group, const bv_tensor *batch, const work *w,
                                  bv_stream stream) {
  DDP_TRY(ddp_end_together(group, sum_digits(group, batch, &w->selection, stream)));
  return bv_selection_finish(&w->selection, stream);
}

static bv_status begin_to_draw(bv_ddp_group *group, const bv_tensor *batch, const bv_tensor *out,
                               const bv_display_options *options, work *w, bv_stream stream) {
  const int64_t shape[2] = {1, 2};
  size_t workspace_bytes;
  void *memory;
  DDP_TRY(read_batch(group, batch, options, "out", out, w));
  DDP_TRY(bv_workspace_size(batch, out, options, &workspace_bytes)); /* checks all of it */
  w->measured = (bv_display_options)BV_DISPLAY_OPTIONS_INIT;
  if (options)
    w->measured = *options;
  w->measured.struct_size = sizeof w->measured;
  w->measured.scope = BV_SCOPE_BATCH;
  w->drawn = w->measured;
  w->measured.colour_map = NULL; /* goes with an output */
  w->selection.options = &w->measured;
  DDP_TRY(allocate(group, &memory, 2 * sizeof(double), stream));
  w->window = bv_contiguous_tensor(memory, BV_F64, group->device, 2, shape);
  DDP_TRY(begin_to_measure(group, batch, &w->window, w, stream));
  ddp_describe_drawing(&w->drawn, &w->call);
  return BV_OK;
}

static bv_status end(bv_ddp_group *group, const work *w, bv_status status, bv_stream stream) {
  if (w->selection.memory)
    release(group, w->selection.memory, stream);
  if (w->window.data)
    release(group, w->window.data, stream);
  return status;
}

/* ---- The public functions ------------------------------------------------------------------------------- */

static bv_status measure(bv_ddp_group *group, const bv_tensor *batch, const bv_display_options *options,
                         const bv_tensor *windows, bv_stream stream) {
  work w = {.call = {.operation = DDP_MEASURE}};
  bv_status status = read_batch(group, batch, options, "windows", windows, &w);
  if (status == BV_OK)
    status = begin_to_measure(group, batch, windows, &w, stream);
  status = ddp_begin(group, &w.call, status, stream);
  if (status == BV_OK)
    status = measure_together(group, batch, &w, stream);
  return end(group, &w, status, stream);
}

static bv_status draw(bv_ddp_group *group, const bv_tensor *batch, const bv_tensor *out,
                      const bv_display_options *options, bv_stream stream) {
  work w = {.call = {.operation = DDP_NORMALIZE}};
  bv_status status = begin_to_draw(group, batch, out, options, &w, stream);
  status = ddp_begin(group, &w.call, status, stream);
  if (status == BV_OK)
    status = measure_together(group, batch, &w, stream);
  if (status == BV_OK)
    status = bv_apply_window(batch, &w.window, out, &w.drawn, stream);
  return end(group, &w, status, stream);
}

bv_status bv_ddp_measure_window(bv_ddp_group *group, const bv_tensor *batch, const bv_display_options *options,
                                const bv_tensor *windows, bv_stream stream) {
  bv_context_scope scope;
  DDP_TRY(ddp_check_group(group));
  DDP_TRY(ddp_enter_group(group, &scope));
  bv_status status = measure(group, batch, options, windows, stream);
  ddp_leave_group(group, &scope);
  return status;
}

bv_status bv_ddp_normalize_batch_for_display(bv_ddp_group *group, const bv_tensor *batch, const bv_tensor *out,
                                             const bv_display_options *options, bv_stream stream) {
  bv_context_scope scope;
  DDP_TRY(ddp_check_group(group));
  DDP_TRY(ddp_enter_group(group, &scope));
  bv_status status = draw(group, batch, out, options, stream);
  ddp_leave_group(group, &scope);
  return status;
}
