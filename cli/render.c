/* One input's way through the library: read, slice, measure, apply. */
#include "render.h"

#include <stdlib.h>
#include <string.h>

#include "batchview/pictures.h"
#include "hint.h"
#include "pages.h"

static int64_t count_groups(const bv_tensor *batch, int scope) {
  return scope == BV_SCOPE_PLANE ? batch->shape[0] * batch->shape[1]
                                 : (scope == BV_SCOPE_IMAGE ? batch->shape[0] : 1);
}

/* `count` windows of lo, hi and n. A fixed one counts nothing, and has no third column. */
static bv_tensor tensor_of_windows(double *windows, int64_t count, const bv_display_options *display) {
  const int64_t shape[2] = {count, display->window == BV_WINDOW_FIXED ? 2 : 3};
  bv_tensor tensor = bv_contiguous_tensor(windows, BV_F64, BV_CPU, 2, shape);
  tensor.stride[0] = 3;
  return tensor;
}

/* The two halves apart, because the windows are reported. `whole` is the one window of all that the file holds,
 * NULL where what is shown is measured. */
static cli_result measure_and_apply(cli_rendering *rendering, const bv_display_options *display,
                                    const double *whole, cli_progress *progress, reason why) {
  const bv_tensor *batch = &rendering->slices.batch;
  const bv_tensor windows = tensor_of_windows(rendering->windows, rendering->window_count, display);
  progress_step(progress, "measuring", rendering->path);
  if (whole)
    memcpy(rendering->windows, whole, 3 * sizeof *whole);
  else if (bv_measure_window(batch, display, &windows, NULL) != BV_OK)
    return refuse(why, CLI_FAILED, "%s", bv_last_error());
  progress_step(progress, "mapping", rendering->path);
  if (bv_apply_window(batch, &windows, &rendering->pixels, display, NULL) != BV_OK)
    return refuse(why, CLI_FAILED, "%s", bv_last_error());
  return CLI_OK;
}

/* Lays what there is over pixels in RGB. */
static cli_result overlay(const cli_rendering *rendering, const cli_options *options, reason why) {
  const cli_layer *image = &rendering->image, *labels = &rendering->labels;
  bv_status status = BV_OK;
  if (image->memory)
    status =
        bv_overlay_image(&rendering->pixels, &image->tensor, options->overlay_colours, options->opacity, NULL);
  if (status == BV_OK && labels->memory)
    status = bv_overlay_labels(&rendering->pixels, &labels->tensor, NULL, options->opacity, NULL);
  return status == BV_OK ? CLI_OK : refuse(why, CLI_FAILED, "%s", bv_last_error());
}

/* `mask` has no tensor without. */
static bv_display_options display_of_source(const source *input, const cli_options *options,
                                            const cli_layer *mask) {
  bv_display_options display = options->display;
  display.mask = mask->memory ? &mask->tensor : NULL;
  if (options->own_window) {
    display.lo = input->window[0];
    display.hi = input->window[1];
  }
  return display;
}

static cli_result compute(cli_rendering *rendering, const cli_options *options, const cli_layer *mask,
                          const double *whole, cli_progress *progress, reason why) {
  const cli_slices *slices = &rendering->slices;
  bv_display_options display = display_of_source(&rendering->source, options, mask);
  display.scope = scope_of_slices(slices, display.scope);

  bool f32 = options->kind == OUTPUT_NPY && options->format == FORMAT_F32;
  bool rgb = options->kind == OUTPUT_NPY && options->format == FORMAT_RGB;
  if (rgb)
    display.colour_map = options->colours;
  int64_t shape[5] = {slices->batch.shape[0], slices->batch.shape[1], slices->batch.shape[2],
                      slices->batch.shape[3], 3};
  rendering->window_count = count_groups(&slices->batch, display.scope);
  rendering->windows = calloc((size_t)rendering->window_count, 3 * sizeof(double));
  size_t bytes = (size_t)count_elements(&slices->batch) * (f32 ? sizeof(float) : (rgb ? 3 : 1));
  rendering->memory = malloc(bytes);
  prefer_large_pages(rendering->memory, bytes);
  if (!rendering->windows || !rendering->memory)
    return refuse(why, CLI_FAILED, "out of memory");
  rendering->pixels = bv_contiguous_tensor(rendering->memory, f32 ? BV_F32 : BV_U8, BV_CPU, rgb ? 5 : 4, shape);
  cli_result result = measure_and_apply(rendering, &display, whole, progress, why);
  return result == CLI_OK && rgb ? overlay(rendering, options, why) : result;
}

int count_views(const cli_options *options) { return options->slices.ortho ? 3 : 1; }

/* Lets go of the pixels and keeps what is reported of the input. */
static void forget_pixels(cli_rendering *rendering) {
  rendering->source.memory = NULL;
  rendering->source.tensor.data = NULL;
  slices_free(&rendering->slices);
}

/* One view of a source, which stays the caller's. */
static cli_result render_view(const source *input, const cli_options *options, const cli_companions *companions,
                              const double *whole, cli_progress *progress, cli_rendering *rendering,
                              reason why) {
  const double start = seconds_now();
  cli_layer mask = {0};
  rendering->source = *input;
  cli_result result = slices_of_source(input, &options->slices, &rendering->slices, why);
  if (result == CLI_OK && (options->colours || options->colour_bar) && rendering->slices.colour)
    result = refuse(why, CLI_USAGE, "--%s is for grey, and this is in colour",
                    options->colours ? "colormap" : "colorbar");
  if (result == CLI_OK && companions->mask.path)
    result = layer_of_input(&companions->mask, input, &rendering->slices, options, &mask, why);
  if (result == CLI_OK && companions->overlay.path)
    result = layer_of_input(&companions->overlay, input, &rendering->slices, options, &rendering->labels, why);
  if (result == CLI_OK && companions->image.path)
    result = layer_of_input(&companions->image, input, &rendering->slices, options, &rendering->image, why);
  if (result == CLI_OK)
    result = compute(rendering, options, &mask, whole, progress, why);
  if (result == CLI_OK)
    hint_of_rendering(rendering, options, rendering->hint, sizeof rendering->hint);
  layer_free(&mask);
  rendering->compute_seconds = seconds_now() - start;
  forget_pixels(rendering);
  return result;
}

/* The window of all that a source holds, by its slices along the axis that is shown; of images and batches
 * there is no more than that. */
static cli_result measure_whole(const source *input, const cli_options *options,
                                const cli_companions *companions, double window[3], reason why) {
  cli_options all = *options;
  all.slices = all_slices(options->slices.axis);
  cli_slices slices = {0};
  cli_layer mask = {0};
  cli_result result = slices_of_source(input, &all.slices, &slices, why);
  if (result == CLI_OK && companions->mask.path)
    result = layer_of_input(&companions->mask, input, &slices, &all, &mask, why);
  if (result == CLI_OK) {
    const bv_display_options display = display_of_source(input, options, &mask);
    const bv_tensor windows = tensor_of_windows(window, 1, &display);
    if (bv_measure_window(&slices.batch, &display, &windows, NULL) != BV_OK)
      result = refuse(why, CLI_FAILED, "%s", bv_last_error());
  }
  layer_free(&mask);
  slices_free(&slices);
  return result;
}

cli_result render(const char *path, const cli_options *options, const cli_companions *companions,
                  cli_progress *progress, cli_rendering *renderings, reason why) {
  source input = {0};
  const double start = seconds_now();
  progress_step(progress, "reading", path);
  cli_result result = source_read(path, &input, why.text, why.bytes);
  const double read_seconds = seconds_now() - start;
  if (result == CLI_OK && options->volume)
    source_as_volume(&input);
  if (result == CLI_OK && options->slices.asked && input.kind != SOURCE_VOLUME)
    result = refuse(why, CLI_USAGE,
                    "--axis, --slice, --every, --projection, --mip and --ortho are for volumes, and this is %s",
                    input.samples > 0            ? "a picture in colour; --volume takes it for a volume"
                    : input.kind == SOURCE_IMAGE ? "an image"
                                                 : "a batch of images");
  if (result == CLI_OK && options->own_window && !input.windowed)
    result = refuse(why, CLI_USAGE, "--window file: the file says no window");
  double whole[3] = {0};
  if (result == CLI_OK && options->whole)
    result = measure_whole(&input, options, companions, whole, why);
  for (int i = 0; i < count_views(options) && result == CLI_OK; ++i) {
    cli_options view = *options;
    if (options->slices.ortho)
      view.slices.axis = i;
    renderings[i] = (struct cli_rendering){.path = path, .read_seconds = i == 0 ? read_seconds : 0};
    result =
        render_view(&input, &view, companions, options->whole ? whole : NULL, progress, &renderings[i], why);
    if (i > 0) /* said once */
      renderings[i].source.warning[0] = renderings[i].hint[0] = '\0';
  }
  source_free(&input);
  return result;
}

void rendering_free(cli_rendering *rendering) {
  free(rendering->memory);
  free(rendering->windows);
  layer_free(&rendering->labels);
  layer_free(&rendering->image);
  *rendering = (struct cli_rendering){0};
}
