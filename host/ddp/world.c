/* One window over the pixels of all ranks: each counts its own, and the counts are summed, digit by digit. */
#include <stdlib.h>

#include "batchview/selection.h"
#include "device.h"
#include "group.h"

/* ---- Memory of the group's device, ordered on the stream ----------------------------------------------- */

static bv_status allocate(const bv_ddp_group *group, void **memory, size_t bytes, bv_stream stream) {
  if (group->device != BV_CPU)
    return ddp_allocate(memory, bytes, stream);
  *memory = malloc(bytes);
  return *memory ? BV_OK : ddp_fail(BV_ERROR_MEMORY, "no memory for %zu bytes", bytes);
}

static void release(const bv_ddp_group *group, void *memory, bv_stream stream) {
  if (group->device != BV_CPU)
    ddp_release(memory, stream);
  else
    free(memory);
}

/* ---- Measuring ------------------------------------------------------------------------------------------ */

static bv_status select_window(bv_ddp_group *group, const bv_selection *selection, const bv_tensor *batch,
                               bv_stream stream) {
  /* All that may be wrong with the arguments comes up in these two, before other ranks hear of anything. */
  DDP_TRY(bv_selection_begin(selection, stream));
  DDP_TRY(bv_selection_count(selection, 0, batch, stream));
  for (int digit = 0; digit < bv_selection_digits(selection->dtype); ++digit) {
    if (digit > 0)
      DDP_TRY(bv_selection_count(selection, digit, batch, stream));
    DDP_TRY(group->backend->sum(group, selection->memory, BV_SELECTION_COUNTS, stream));
    DDP_TRY(bv_selection_narrow(selection, digit, stream));
  }
  return bv_selection_finish(selection, stream);
}

static bv_status measure(bv_ddp_group *group, const bv_tensor *batch, const bv_display_options *options,
                         const bv_tensor *windows, bv_stream stream) {
  bv_selection selection = {.dtype = batch->dtype, .options = options, .windows = windows};
  DDP_TRY(allocate(group, &selection.memory, BV_SELECTION_BYTES, stream));
  bv_status status = select_window(group, &selection, batch, stream);
  release(group, selection.memory, stream);
  return status;
}

static bv_status measure_and_apply(bv_ddp_group *group, const bv_tensor *batch, const bv_tensor *out,
                                   const bv_display_options *options, bv_stream stream) {
  const int64_t shape[2] = {1, 2};
  size_t workspace_bytes;
  void *memory;
  DDP_TRY(bv_workspace_size(batch, out, options, &workspace_bytes)); /* checks all of it */
  bv_display_options measured = BV_DISPLAY_OPTIONS_INIT;
  if (options)
    measured = *options;
  measured.struct_size = sizeof measured;
  measured.scope = BV_SCOPE_BATCH;
  bv_display_options applied = measured;
  measured.colour_map = NULL; /* goes with an output */

  DDP_TRY(allocate(group, &memory, 2 * sizeof(double), stream));
  bv_tensor window = bv_contiguous_tensor(memory, BV_F64, group->device, 2, shape);
  bv_status status = measure(group, batch, &measured, &window, stream);
  if (status == BV_OK)
    status = bv_apply_window(batch, &window, out, &applied, stream);
  release(group, memory, stream);
  return status;
}

/* ---- The public functions ------------------------------------------------------------------------------- */

static bv_status check(const bv_ddp_group *group, const bv_tensor *batch, const char *name,
                       const bv_tensor *result) {
  DDP_TRY(ddp_check_group(group));
  if (!batch || !result)
    return ddp_fail(BV_ERROR_NULL, "%s is NULL", batch ? name : "batch");
  if (batch->device != group->device)
    return ddp_fail(BV_ERROR_DEVICE, "batch.device is %d, but the group's is %d; they must be the same",
                    batch->device, group->device);
  return BV_OK;
}

bv_status bv_ddp_measure_window(bv_ddp_group *group, const bv_tensor *batch, const bv_display_options *options,
                                const bv_tensor *windows, bv_stream stream) {
  int previous;
  DDP_TRY(check(group, batch, "windows", windows));
  DDP_TRY(ddp_enter_group(group, &previous));
  bv_status status = measure(group, batch, options, windows, stream);
  ddp_leave_group(group, previous);
  return status;
}

bv_status bv_ddp_normalize_batch_for_display(bv_ddp_group *group, const bv_tensor *batch, const bv_tensor *out,
                                             const bv_display_options *options, bv_stream stream) {
  int previous;
  DDP_TRY(check(group, batch, "out", out));
  DDP_TRY(ddp_enter_group(group, &previous));
  bv_status status = measure_and_apply(group, batch, out, options, stream);
  ddp_leave_group(group, previous);
  return status;
}
