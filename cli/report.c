/* The report's two forms. */
#include "report.h"

#include <inttypes.h>
#include <math.h>

#include "json.h"
#include "message.h"

static const char *const kind_names[] = {
    [SOURCE_IMAGE] = "image", [SOURCE_VOLUME] = "volume", [SOURCE_BATCH] = "batch"};
static const char *const scope_names[] = {
    [BV_SCOPE_PLANE] = "plane", [BV_SCOPE_IMAGE] = "image", [BV_SCOPE_BATCH] = "batch"};
static const char *const foreground_names[] = {
    [BV_FOREGROUND_NONZERO] = "nonzero", [BV_FOREGROUND_ALL] = "all", [BV_FOREGROUND_MASK] = "mask"};
static const char *const window_names[] = {
    [BV_WINDOW_PERCENTILE] = "percentile", [BV_WINDOW_MINMAX] = "minmax", [BV_WINDOW_FIXED] = "fixed"};

static bool is_counted(const cli_options *options) { return options->display.window != BV_WINDOW_FIXED; }

void report_add(report_totals *totals, const cli_report *report) {
  totals->inputs += report->options->input_count;
  totals->write_seconds += report->write_seconds;
  for (int i = 0; i < report->count; ++i) {
    const cli_rendering *rendering = &report->renderings[i];
    const bv_tensor *batch = &rendering->slices.batch;
    int64_t pixels = count_elements(batch);
    totals->planes += batch->shape[0] * batch->shape[1];
    totals->pixels += pixels;
    totals->in_bytes += (double)pixels * (double)bv_dtype_size(batch->dtype);
    totals->out_bytes +=
        (double)count_elements(&rendering->pixels) * (double)bv_dtype_size(rendering->pixels.dtype);
    totals->read_seconds += rendering->read_seconds;
    totals->compute_seconds += rendering->compute_seconds;
    if (report->options->whole && i % count_views(report->options) > 0)
      continue; /* the window of the view before */
    for (int64_t group = 0; group < rendering->window_count && is_counted(report->options); ++group)
      totals->foreground += (int64_t)rendering->windows[3 * group + 2];
  }
}

static report_totals sum_up(const cli_report *report) {
  report_totals totals = {0};
  report_add(&totals, report);
  return totals;
}

const char *name_of_output(const cli_options *options) {
  return options->output ? options->output : options->log ? options->log : THE_TERMINAL;
}

/* Type and shape of what was written. */
static bv_tensor output_of(const cli_report *report) {
  if (report->options->kind == OUTPUT_NPY)
    return report->stack.pixels;
  const picture *drawn = &report->montage.picture;
  int64_t shape[3] = {drawn->height, drawn->width, drawn->channels};
  return bv_contiguous_tensor(NULL, BV_U8, BV_CPU, drawn->channels == 1 ? 2 : 3, shape);
}

/* A second; 0 when nothing could be timed. */
static double rate(double amount, double seconds) { return seconds > 0 ? amount / seconds : 0; }

/* ---- JSON ------------------------------------------------------------------------------------------- */

static void json_windows(const cli_report *report, const cli_rendering *rendering, FILE *file) {
  fputs("[", file);
  for (int64_t group = 0; group < rendering->window_count; ++group) {
    const double *window = rendering->windows + 3 * group;
    fputs(group ? ", {\"lo\": " : "{\"lo\": ", file);
    json_number(file, window[0]);
    fputs(", \"hi\": ", file);
    json_number(file, window[1]);
    fputs(", \"n\": ", file);
    json_number(file, is_counted(report->options) ? window[2] : NAN);
    fputs("}", file);
  }
  fputs("]", file);
}

static void json_input(const cli_report *report, const cli_rendering *rendering, FILE *file) {
  const source *input = &rendering->source;
  const cli_slices *slices = &rendering->slices;
  int64_t batch_shape[5];
  shape_of_rendering(rendering, batch_shape);
  fputs("{\"path\": ", file);
  json_string(file, rendering->path);
  fprintf(file, ", \"format\": \"%s\", \"kind\": \"%s\", \"type\": \"%s\", \"shape\": ", input->format,
          kind_names[input->kind], bv_dtype_name(input->tensor.dtype));
  json_integers(file, input->tensor.shape, input->tensor.ndim);
  fputs(", \"spacing\": ", file);
  json_numbers(file, input->spacing, input->kind == SOURCE_VOLUME ? 3 : 2);
  if (slices->volume) {
    const slice_options *options = &report->options->slices;
    fprintf(file, ", \"oriented\": %s, \"axis\": %d, ", input->oriented ? "true" : "false", slices->axis);
    if (options->projects)
      fprintf(file, "\"slices\": null, \"projection\": \"%s\"", projection_names[options->projection]);
    else
      fprintf(file, "\"slices\": {\"first\": %" PRId64 ", \"count\": %" PRId64 "}, \"projection\": null",
              slices->first, slices->count);
  }
  fputs(", \"batch\": ", file);
  json_integers(file, batch_shape, 4);
  fputs(", \"windows\": ", file);
  json_windows(report, rendering, file);
  fprintf(file, ", \"seconds\": {\"read\": %.17g, \"compute\": %.17g}}", rendering->read_seconds,
          rendering->compute_seconds);
}

static void json_file(const cli_report *report, FILE *file) {
  const bool drawn = report->options->kind == OUTPUT_PNG;
  bv_tensor output = output_of(report);
  fputs("{\"path\": ", file);
  json_string(file, report->options->output);
  fprintf(file, ", \"format\": \"%s\", \"type\": \"%s\", \"shape\": ", drawn ? "png" : "npy",
          bv_dtype_name(output.dtype));
  json_integers(file, output.shape, output.ndim);
  if (drawn)
    fprintf(file, ", \"cells\": %" PRId64 ", \"columns\": %" PRId64, report->montage.cells,
            report->montage.grid_columns);
  fputs("}", file);
}

static void json_output(const cli_report *report, FILE *file) {
  const cli_options *options = report->options;
  if (options->output)
    json_file(report, file);
  else
    fputs("null", file);
  if (!options->log)
    return;
  fputs(", \"log\": {\"directory\": ", file);
  json_string(file, options->log);
  fputs(", \"tag\": ", file);
  json_string(file, options->tag);
  fprintf(file, ", \"step\": %" PRId64 "}", options->step);
}

static void json_path(const char *path, FILE *file) {
  if (path)
    json_string(file, path);
  else
    fputs("null", file);
}

static void json_options(const cli_options *options, FILE *file) {
  const bv_display_options *display = &options->display;
  fprintf(file, "{\"window\": \"%s\"", window_names[display->window]);
  if (display->window == BV_WINDOW_PERCENTILE) {
    fputs(", \"percentile\": ", file);
    json_numbers(file, (double[]){display->low, display->high}, 2);
  }
  fprintf(file, ", \"foreground\": \"%s\", \"mask\": ", foreground_names[display->foreground]);
  json_path(options->mask, file);
  fputs(", \"overlay\": ", file);
  json_path(options->overlay, file);
  fputs(", \"overlay_image\": ", file);
  json_path(options->overlay_image, file);
  fprintf(file, ", \"scope\": \"%s\"}", options->whole ? "volume" : scope_names[display->scope]);
}

void report_json_begin(const cli_options *options, FILE *file) {
  fprintf(file, "{\"batchview\": \"%d.%d.%d\", \"options\": ", BV_VERSION_MAJOR, BV_VERSION_MINOR,
          BV_VERSION_PATCH);
  json_options(options, file);
  fputs(", ", file);
}

void report_json_made(const cli_report *report, FILE *file) {
  fputs("\"inputs\": [", file);
  for (int i = 0; i < report->count; ++i) {
    fputs(i ? ", " : "", file);
    json_input(report, &report->renderings[i], file);
  }
  fputs("], \"output\": ", file);
  json_output(report, file);
}

void report_json_end(const cli_options *options, const report_totals *totals, double total_seconds,
                     const char *counts, FILE *file) {
  fprintf(file,
          ", \"counts\": {\"inputs\": %" PRId64 ", \"planes\": %" PRId64 ", \"pixels\": %" PRId64
          ", \"foreground\": ",
          totals->inputs, totals->planes, totals->pixels);
  json_number(file, is_counted(options) ? (double)totals->foreground : NAN);
  fprintf(file,
          "%s}, \"seconds\": {\"read\": %.17g, \"compute\": %.17g, \"write\": %.17g, \"total\": %.17g}"
          ", \"throughput\": {\"pixels_per_second\": %.17g, \"bytes_per_second\": %.17g}}\n",
          counts, totals->read_seconds, totals->compute_seconds, totals->write_seconds, total_seconds,
          rate((double)totals->pixels, totals->compute_seconds),
          rate(totals->in_bytes + totals->out_bytes, totals->compute_seconds));
}

void report_json(const cli_report *report, FILE *file) {
  const report_totals totals = sum_up(report);
  report_json_begin(report->options, file);
  report_json_made(report, file);
  report_json_end(report->options, &totals, report->total_seconds, "", file);
}

/* ---- For people ------------------------------------------------------------------------------------- */

static void print_shape(const bv_tensor *tensor) {
  for (int axis = 0; axis < tensor->ndim; ++axis)
    fprintf(stderr, "%s%" PRId64, axis ? "x" : "", tensor->shape[axis]);
}

static void print_window(const cli_rendering *rendering) {
  if (rendering->window_count != 1) {
    fprintf(stderr, ", %" PRId64 " windows", rendering->window_count);
    return;
  }
  const double *window = rendering->windows;
  if (isnan(window[0]))
    fputs(", no foreground", stderr);
  else
    fprintf(stderr, ", window %g to %g", window[0], window[1]);
}

static void print_details(const cli_report *report) {
  report_totals totals = sum_up(report);
  bv_tensor output = output_of(report);
  fputs("output: ", stderr);
  print_shape(&output);
  fprintf(stderr, " %s", bv_dtype_name(output.dtype));
  if (is_counted(report->options))
    fprintf(stderr, ", %" PRId64 " of %" PRId64 " pixels are foreground", totals.foreground, totals.pixels);
  fprintf(stderr, "\ntime: read %.1f ms, compute %.2f ms, write %.1f ms\n", 1e3 * totals.read_seconds,
          1e3 * totals.compute_seconds, 1e3 * report->write_seconds);
  fprintf(stderr, "throughput: %.1f million pixels/s, %.2f GB/s read and written by the computation\n",
          1e-6 * rate((double)totals.pixels, totals.compute_seconds),
          1e-9 * rate(totals.in_bytes + totals.out_bytes, totals.compute_seconds));
}

void report_summary(const cli_report *report, bool details) {
  for (int i = 0; i < report->count; ++i) {
    const cli_rendering *rendering = &report->renderings[i];
    print_text(rendering->path, SIZE_MAX);
    fputs(" (", stderr);
    print_shape(&rendering->source.tensor);
    fprintf(stderr, " %s) -> ", bv_dtype_name(rendering->source.tensor.dtype));
    print_text(name_of_output(report->options), SIZE_MAX);
    print_window(rendering);
    fputs("\n", stderr);
  }
  if (details)
    print_details(report);
}

void report_notes(const cli_report *report) {
  for (int i = 0; i < report->count; ++i) {
    const cli_rendering *rendering = &report->renderings[i];
    if (rendering->source.warning[0] != '\0')
      print_note(rendering->path, "warning", rendering->source.warning);
    if (rendering->hint[0] != '\0')
      print_note(rendering->path, "hint", rendering->hint);
  }
}
