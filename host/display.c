/* Checks of whole calls, and the jobs that they make. */
#include "display.h"

#include <string.h>

#include "check.h"
#include "layout.h"
#include "options.h"
#include "packing.h"
#include "status.h"

/* ---- Tensors beside the batch ---------------------------------------------------------------------------- */

static int64_t count_groups(const bv_tensor *batch, int32_t scope) {
  return scope == BV_SCOPE_PLANE   ? batch->shape[0] * batch->shape[1]
         : scope == BV_SCOPE_IMAGE ? batch->shape[0]
                                   : 1;
}

static bv_status check_windows(const bv_names *names, const bv_tensor *batch, const bv_tensor *windows,
                               int32_t scope) {
  BV_TRY(bv_check_tensor(names->windows, windows));
  if (windows->dtype != BV_F64)
    return bv_fail(BV_ERROR_TYPE, "%s.dtype is %s; allowed is f64", names->windows,
                   bv_dtype_name(windows->dtype));
  int64_t groups = count_groups(batch, scope);
  if (windows->ndim != 2 || windows->shape[0] != groups || (windows->shape[1] != 2 && windows->shape[1] != 3)) {
    int64_t allowed[2] = {groups, 2};
    return bv_fail(BV_ERROR_SHAPE,
                   "%s has the shape %s; with %lld groups in %s allowed are %s and the same with 3",
                   names->windows, bv_format_shape(windows->ndim, windows->shape).text, (long long)groups,
                   names->batch, bv_format_shape(2, allowed).text);
  }
  return bv_check_same_device(names->windows, windows, names->batch, batch);
}

/* The mask's strides along the batch's axes, 0 where it broadcasts. */
static bv_status check_mask(const bv_names *names, const bv_tensor *batch, const bv_tensor *mask,
                            int64_t stride[4]) {
  BV_TRY(bv_check_tensor("options.mask", mask));
  if (mask->dtype != BV_U8)
    return bv_fail(BV_ERROR_TYPE, "options.mask.dtype is %s; allowed is u8", bv_dtype_name(mask->dtype));
  BV_TRY(bv_check_same_device("options.mask", mask, names->batch, batch));
  if (bv_broadcast(mask, 4, batch->shape, stride))
    return BV_OK;
  return bv_fail(BV_ERROR_SHAPE, "options.mask of shape %s does not broadcast to %s of shape %s",
                 bv_format_shape(mask->ndim, mask->shape).text, names->batch,
                 bv_format_shape(4, batch->shape).text);
}

static bv_status check_workspace(const bv_display_options *options) {
  if (!options->workspace && options->workspace_bytes != 0)
    return bv_fail(BV_ERROR_NULL, "options.workspace is NULL, but options.workspace_bytes is %zu",
                   options->workspace_bytes);
  if ((uintptr_t)options->workspace % BV_WORKSPACE_ALIGNMENT != 0)
    return bv_fail(BV_ERROR_WORKSPACE, "options.workspace is %p; it must be a multiple of %d bytes",
                   options->workspace, BV_WORKSPACE_ALIGNMENT);
  return BV_OK;
}

/* Device work writes there while it reads and writes the tensors. */
static bv_status check_workspace_apart(const bv_display_options *options, const char *name,
                                       const bv_tensor *tensor) {
  if (!tensor || tensor->device == BV_CPU || !options->workspace)
    return BV_OK;
  const int64_t bytes =
      options->workspace_bytes < (size_t)INT64_MAX ? (int64_t)options->workspace_bytes : INT64_MAX;
  bv_tensor workspace = bv_contiguous_tensor(options->workspace, BV_U8, tensor->device, 1, &bytes);
  return bv_check_apart("options.workspace", &workspace, name, tensor, false);
}

static bv_status check_output(const bv_tensor *batch, const bv_tensor *windows, const bv_tensor *out,
                              const bv_display_options *options, bv_packing *packing) {
  BV_TRY(bv_check_tensor("out", out));
  BV_TRY(bv_find_packing(batch, out, packing));
  BV_TRY(bv_check_same_device("out", out, "batch", batch));
  if (options->colour_map && packing->components != 3)
    return bv_fail(
        BV_ERROR_VALUE,
        "options.colour_map is given, but out (shape %s, type %s) holds no grey value three times; a "
        "colour map goes with u8 outputs [B, C, H, W, 3 or 4] or, with C = 1, [B, H, W, 3 or 4]",
        bv_format_shape(out->ndim, out->shape).text, bv_dtype_name(out->dtype));
  BV_TRY(bv_check_distinct("out", out));
  BV_TRY(bv_check_apart("out", out, "batch", batch, true));
  if (options->mask)
    BV_TRY(bv_check_apart("out", out, "options.mask", options->mask, false));
  return windows ? bv_check_apart("out", out, "windows", windows, false) : BV_OK;
}

/* ---- The job ----------------------------------------------------------------------------------------- */

static void set_options(bv_job *job, const bv_display_options *options) {
  job->window = options->window;
  job->low = options->low;
  job->high = options->high;
  job->lo = options->lo;
  job->hi = options->hi;
  job->zero_is_background = options->foreground == BV_FOREGROUND_NONZERO;
  job->epsilon = options->epsilon;
  job->floor = options->floor;
  job->round_to_nearest = options->rounding == BV_ROUNDING_NEAREST;
  job->algorithm = options->algorithm;
  job->workspace = options->workspace;
  job->workspace_bytes = options->workspace_bytes;
  job->has_colour_map = options->colour_map != NULL;
  if (options->colour_map)
    memcpy(job->colour_map, options->colour_map, sizeof job->colour_map);
}

static void set_output(bv_job *job, const bv_tensor *out, const bv_packing *packing) {
  job->out = out->data;
  job->out_dtype = out->dtype;
  job->components = packing->components;
  job->component_stride = packing->component_stride;
  job->alpha = packing->alpha;
}

static void lay_out_batch(bv_job *job, const bv_tensor *batch, const int64_t mask_stride[4],
                          const bv_packing *packing, int32_t scope) {
  bv_axis axes[4];
  for (int axis = 0; axis < 4; ++axis)
    axes[axis] = (bv_axis){.extent = batch->shape[axis],
                           .in_stride = batch->stride[axis],
                           .mask_stride = mask_stride[axis],
                           .out_stride = packing->stride[axis],
                           .is_channel = axis == 1 && packing->is_interleaved};
  int group_count = scope == BV_SCOPE_PLANE ? 2 : scope == BV_SCOPE_IMAGE ? 1 : 0;
  if (packing->is_interleaved && !packing->alpha && scope != BV_SCOPE_PLANE) {
    /* Where the input has the output's order, channels are pixels like any other. */
    bv_job merged = *job;
    axes[1].is_channel = false;
    bv_lay_out(&merged, axes, 4, group_count);
    axes[1].is_channel = true;
    if (merged.ndim == merged.group_ndim + 1) {
      *job = merged;
      return;
    }
  }
  bv_lay_out(job, axes, 4, group_count);
}

bv_status bv_make_display_job(bv_operation operation, const bv_names *names, const bv_tensor *batch,
                              const bv_tensor *windows, const bv_tensor *out, const bv_display_options *given,
                              bv_job *job) {
  bv_display_options options;
  bv_packing packing = {.components = 1};
  int64_t mask_stride[4] = {0};
  BV_TRY(bv_check_tensor(names->batch, batch));
  BV_TRY(bv_check_ndim(names->batch, batch, 4, "[B, C, H, W]"));
  BV_TRY(bv_read_options(given, &options));
  BV_TRY(check_workspace(&options));
  if (options.mask)
    BV_TRY(check_mask(names, batch, options.mask, mask_stride));
  if (windows)
    BV_TRY(check_windows(names, batch, windows, options.scope));
  if (out)
    BV_TRY(check_output(batch, windows, out, &options, &packing));
  BV_TRY(check_workspace_apart(&options, names->batch, batch));
  BV_TRY(check_workspace_apart(&options, "options.mask", options.mask));
  BV_TRY(check_workspace_apart(&options, names->windows, windows));
  BV_TRY(check_workspace_apart(&options, "out", out));
  bool writes_windows = operation == BV_MEASURE && windows;
  if (writes_windows) {
    BV_TRY(bv_check_distinct(names->windows, windows));
    BV_TRY(bv_check_apart(names->windows, windows, names->batch, batch, false));
    if (options.mask)
      BV_TRY(bv_check_apart(names->windows, windows, "options.mask", options.mask, false));
    if (options.window == BV_WINDOW_FIXED && windows->shape[1] == 3)
      return bv_fail(
          BV_ERROR_SHAPE,
          "%s has the shape %s; with BV_WINDOW_FIXED no pixels are counted, allowed is a last extent of 2",
          names->windows, bv_format_shape(windows->ndim, windows->shape).text);
  }

  *job = (bv_job){.operation = operation, .in = batch->data, .in_dtype = batch->dtype, .device = batch->device};
  set_options(job, &options);
  if (options.mask)
    job->mask = options.mask->data;
  if (out)
    set_output(job, out, &packing);
  if (windows) {
    job->windows = windows->data;
    memcpy(job->windows_stride, windows->stride, sizeof job->windows_stride);
    job->windows_count = writes_windows && windows->shape[1] == 3;
  }
  if (!bv_is_empty(batch))
    lay_out_batch(job, batch, mask_stride, &packing, options.scope);
  return BV_OK;
}

bv_status bv_make_stretch_job(const char *name, const bv_tensor *image, const bv_tensor *out, bool rgb,
                              bv_job *job) {
  BV_TRY(bv_check_tensor(name, image));
  BV_TRY(bv_check_tensor("out", out));
  if (out->dtype != BV_U8)
    return bv_fail(BV_ERROR_TYPE, "out.dtype is %s; allowed is u8", bv_dtype_name(out->dtype));
  int64_t allowed[BV_MAX_NDIM + 1];
  int32_t ndim = image->ndim;
  memcpy(allowed, image->shape, sizeof image->shape);
  if (rgb)
    allowed[ndim++] = 3;
  if (out->ndim != ndim || memcmp(out->shape, allowed, (size_t)ndim * sizeof *allowed) != 0)
    return bv_fail(BV_ERROR_SHAPE, "out has the shape %s; allowed is %s for %s of shape %s",
                   bv_format_shape(out->ndim, out->shape).text, bv_format_shape(ndim, allowed).text, name,
                   bv_format_shape(image->ndim, image->shape).text);
  BV_TRY(bv_check_same_device("out", out, name, image));
  BV_TRY(bv_check_distinct("out", out));
  BV_TRY(bv_check_apart("out", out, name, image, true));

  *job =
      (bv_job){.operation = BV_STRETCH, .in = image->data, .in_dtype = image->dtype, .device = image->device};
  set_output(job, out,
             &(bv_packing){.components = rgb ? 3 : 1, .component_stride = rgb ? out->stride[image->ndim] : 1});
  bv_axis axes[BV_MAX_NDIM];
  for (int axis = 0; axis < image->ndim; ++axis)
    axes[axis] = (bv_axis){
        .extent = image->shape[axis], .in_stride = image->stride[axis], .out_stride = out->stride[axis]};
  if (!bv_is_empty(image))
    bv_lay_out(job, axes, image->ndim, 0);
  return BV_OK;
}
