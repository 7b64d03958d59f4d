/* Rendering the inputs, and writing what becomes of them. */
#include "make.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "names.h"
#include "show.h"

int count_steps(const cli_options *options) {
  /* reading each input, measuring and mapping each view, and writing */
  return (1 + 2 * count_views(options)) * options->input_count + 1;
}

static cli_result render_all(const cli_options *options, const cli_companions *companions,
                             cli_progress *progress, cli_rendering *renderings, const char **subject,
                             reason why) {
  cli_result result = CLI_OK;
  for (int i = 0; i < options->input_count && result == CLI_OK; ++i) {
    *subject = options->inputs[i];
    result =
        render(options->inputs[i], options, companions, progress, &renderings[i * count_views(options)], why);
    if (result == CLI_OK && options->kind == OUTPUT_NPY)
      result = stack_fits(&renderings[0], &renderings[i], why);
  }
  return result;
}

/* The folders on the way to an output in a directory. */
static cli_result make_folders(const char *path, reason why) {
  char *folder = joined(path, "", "");
  if (folder == NULL)
    return refuse(why, CLI_FAILED, "out of memory");
  cli_result result = CLI_OK;
  for (char *slash = folder; result == CLI_OK && (slash = strchr(slash + 1, '/')) != NULL;) {
    *slash = '\0';
    if (mkdir(folder, 0777) != 0 && errno != EEXIST) {
      const int error = errno;
      if (access(folder, F_OK) != 0) /* else it was there before, where folders cannot be made */
        result = refuse_error(why, CLI_WRITE, error);
    }
    *slash = '/';
  }
  free(folder);
  return result;
}

static cli_result write_array(cli_report *report, reason why) {
  const char *path = report->options->output;
  cli_result result = stack_of_renderings(report->renderings, report->count, &report->stack, why);
  if (result == CLI_OK && report->options->each)
    result = make_folders(path, why);
  return result == CLI_OK ? write_npy(path, &report->stack.pixels, why.text, why.bytes) : result;
}

static cli_result write_picture(cli_report *report, cli_log *log, cli_progress *progress, const char **subject,
                                reason why) {
  const cli_options *options = report->options;
  const picture *drawn = &report->montage.picture;
  cli_result result = montage_of_renderings(report->renderings, report->count, options, &report->montage, why);
  if (result == CLI_OK && options->output && options->each)
    result = make_folders(options->output, why);
  if (result == CLI_OK && options->output)
    result = write_png(options->output, drawn, why.text, why.bytes);
  if (result == CLI_OK && options->log) {
    *subject = options->log;
    result = log_picture(log, options, drawn, why);
  }
  if (result == CLI_OK && options->show) {
    *subject = THE_TERMINAL;
    progress_end(progress);
    result = show_picture(drawn, why);
  }
  return result;
}

cli_result make_output(const cli_options *options, const cli_companions *companions, cli_log *log,
                       cli_progress *progress, cli_report *report, const char **subject, reason why) {
  const int views = count_views(options);
  *report = (struct cli_report){.options = options};
  *subject = NULL;
  report->renderings = calloc((size_t)options->input_count * (size_t)views, sizeof *report->renderings);
  if (!report->renderings)
    return refuse(why, CLI_FAILED, "out of memory");
  report->count = options->input_count * views;
  cli_result result = render_all(options, companions, progress, report->renderings, subject, why);
  if (result != CLI_OK)
    return result;
  const double write_start = seconds_now();
  *subject = name_of_output(options);
  progress_step(progress, "writing", *subject);
  result = options->kind == OUTPUT_PNG ? write_picture(report, log, progress, subject, why)
                                       : write_array(report, why);
  report->write_seconds = seconds_now() - write_start;
  return result;
}

void made_free(cli_report *report) {
  montage_free(&report->montage);
  stack_free(&report->stack);
  for (int i = 0; i < report->count; ++i)
    rendering_free(&report->renderings[i]);
  free(report->renderings);
  *report = (struct cli_report){0};
}
