/* batchview: medical images to display-ready pictures and arrays. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dicom_codec.h"
#include "message.h"
#include "replace.h"
#include "report.h"

#define REASON_BYTES 512
#define DESCRIPTION_BYTES 16384   /* of some hundred devices */
#define LONG_WORK_BYTES (8 << 20) /* of input files: about a second for a compressed volume */

static cli_result fail(cli_result result, const char *subject, const char *text) {
  print_error(subject, text);
  return result;
}

/* What was printed may still wait in the buffer: a full disk shows here. */
static cli_result flush_output(void) {
  return fflush(stdout) == 0 && !ferror(stdout) ? CLI_OK
                                                : fail(CLI_WRITE, "standard output", "cannot be written");
}

static bool is_long_work(const cli_options *options) {
  double bytes = 0;
  struct stat facts;
  for (int i = 0; i < options->input_count; ++i)
    if (stat(options->inputs[i], &facts) == 0)
      bytes += (double)facts.st_size;
  return bytes > LONG_WORK_BYTES;
}

/* Renders the inputs; those done are in `renderings` also on failure. */
static cli_result render_all(const cli_options *options, const cli_companions *companions,
                             cli_progress *progress, cli_rendering *renderings) {
  char text[REASON_BYTES];
  const reason why = {text, sizeof text};
  for (int i = 0; i < options->input_count; ++i) {
    cli_result result =
        render(options->inputs[i], options, companions, progress, &renderings[i * count_views(options)], why);
    if (result == CLI_OK && options->kind == OUTPUT_NPY)
      result = stack_fits(&renderings[0], &renderings[i], why);
    if (result != CLI_OK) {
      progress_end(progress);
      return fail(result, options->inputs[i], text);
    }
  }
  return CLI_OK;
}

/* Makes the output of the renderings, writes it, and reports. */
static cli_result write_output(const cli_options *options, cli_progress *progress,
                               const cli_rendering *renderings, double start) {
  char text[REASON_BYTES];
  const reason why = {text, sizeof text};
  cli_montage montage = {0};
  cli_stack stack = {0};
  cli_report report = {
      .options = options, .renderings = renderings, .count = options->input_count * count_views(options)};
  double write_start = seconds_now();
  cli_result result;
  progress_step(progress, "writing", options->output);
  if (options->kind == OUTPUT_PNG) {
    result = montage_of_renderings(renderings, report.count, options, &montage, why);
    report.montage = &montage;
    if (result == CLI_OK)
      result = write_png(options->output, &montage.picture, text, sizeof text);
  } else {
    result = stack_of_renderings(renderings, report.count, &stack, why);
    report.stack = &stack;
    if (result == CLI_OK)
      result = write_npy(options->output, &stack.pixels, text, sizeof text);
  }
  report.write_seconds = seconds_now() - write_start;
  report.total_seconds = seconds_now() - start;
  progress_end(progress);

  if (options->verbosity != QUIET)
    report_notes(&report);
  if (result != CLI_OK) {
    print_error(options->output, text);
  } else {
    if (options->verbosity == VERBOSE || (options->verbosity == NORMAL && isatty(STDERR_FILENO)))
      report_summary(&report, options->verbosity == VERBOSE);
    if (options->json) {
      report_json(&report, stdout);
      result = flush_output();
    }
  }
  montage_free(&montage);
  stack_free(&stack);
  return result;
}

static cli_result run(const cli_options *options) {
  char text[REASON_BYTES];
  const reason why = {text, sizeof text};
  double start = seconds_now();
  cli_companions companions;
  cli_result result = check_replacement(options, why);
  if (result != CLI_OK)
    return fail(result, options->output, text);
  const char *failed = NULL;
  result = companions_read(options, &companions, &failed, why);
  if (result != CLI_OK) {
    companions_free(&companions);
    return fail(result, failed, text);
  }
  const int views = count_views(options);
  cli_rendering *renderings = calloc((size_t)options->input_count * (size_t)views, sizeof *renderings);
  if (!renderings) {
    companions_free(&companions);
    return fail(CLI_FAILED, NULL, "out of memory");
  }
  /* reading each input, measuring and mapping each view, and writing */
  cli_progress progress = progress_begin(options->verbosity != QUIET && isatty(STDERR_FILENO),
                                         is_long_work(options), (1 + 2 * views) * options->input_count + 1);
  result = render_all(options, &companions, &progress, renderings);
  if (result == CLI_OK)
    result = write_output(options, &progress, renderings, start);
  for (int i = 0; i < options->input_count * views; ++i)
    rendering_free(&renderings[i]);
  free(renderings);
  companions_free(&companions);
  return result;
}

int main(int argc, char **argv) {
  cli_options options;
  char text[REASON_BYTES];
  const reason why = {text, sizeof text};
  if (options_parse(argc, argv, &options, why) != CLI_OK)
    return fail(CLI_USAGE, NULL, text);
  if (options.help || options.version) {
    char description[DESCRIPTION_BYTES];
    bv_describe(description, sizeof description);
    fputs(options.help ? options_help : description, stdout);
    if (options.version)
      printf("JPEG in DICOM files: %s\n", dicom_jpeg_is_there("JPEG", why) == CLI_OK ? "by DCMTK" : text);
    return flush_output();
  }
  if (strcmp(options.output, "-") == 0 && isatty(STDOUT_FILENO))
    return fail(CLI_USAGE, NULL, "-o -: standard output is a terminal, which shows no pictures");
  return run(&options);
}
