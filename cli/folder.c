/* One picture after the other: no more than one is in memory, and a bad file costs only its own. */
#include "folder.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "json.h"
#include "make.h"
#include "message.h"
#include "plan.h"

#define REASON_BYTES 512

typedef struct folder_run {
  const cli_options *options;
  const cli_companions *companions;
  cli_plan plan;
  cli_log log;
  cli_progress progress;
  report_totals totals;
  size_t done, failed;
  double start;
} folder_run;

static void tell_picture(folder_run *run, const cli_report *report) {
  const cli_options *options = run->options;
  ++run->done;
  report_add(&run->totals, report);
  progress_end(&run->progress);
  if (options->verbosity != QUIET)
    report_notes(report);
  if (options->verbosity == VERBOSE)
    report_summary(report, false);
  if (options->json)
    report_json_made(report, stdout);
}

static void tell_failure(folder_run *run, const char *input, cli_result result, const char *subject,
                         const char *text) {
  ++run->failed;
  progress_end(&run->progress);
  print_error(subject, text);
  if (!run->options->json)
    return;
  fputs("\"path\": ", stdout);
  json_string(stdout, input);
  fputs(", \"error\": ", stdout);
  json_string(stdout, text);
  printf(", \"status\": %d", result);
}

static cli_result make_picture(folder_run *run, size_t number) {
  char text[REASON_BYTES];
  cli_options options = *run->options;
  cli_report report;
  const char *subject;
  options.inputs = &run->plan.inputs[number];
  options.input_count = 1;
  options.output = run->plan.outputs[number];
  options.tag = run->plan.tags[number];
  progress_item(&run->progress, run->plan.list.count);
  cli_result result = make_output(&options, run->companions, &run->log, &run->progress, &report, &subject,
                                  (reason){text, sizeof text});
  if (options.json)
    fputs(number > 0 ? ", {" : "{", stdout);
  if (result == CLI_OK)
    tell_picture(run, &report);
  else
    tell_failure(run, options.inputs[0], result, subject, text);
  if (options.json)
    fputs("}", stdout);
  made_free(&report);
  return result;
}

static void print_count(const char *before, size_t count, const char *what) {
  if (count > 0)
    fprintf(stderr, "%s%zu %s", before, count, what);
}

/* On a pipe only of failures. */
static void tell_end(const folder_run *run) {
  const cli_options *options = run->options;
  const size_t left = run->plan.list.count - run->done - run->failed;
  if (options->json) {
    char counts[128];
    snprintf(counts, sizeof counts, ", \"done\": %zu, \"failed\": %zu, \"left\": %zu, \"others\": %zu",
             run->done, run->failed, left, run->plan.list.others);
    fputs("]", stdout);
    report_json_end(options, &run->totals, seconds_now() - run->start, counts, stdout);
  }
  if (options->verbosity == QUIET ||
      (options->verbosity == NORMAL && run->failed == 0 && !isatty(STDERR_FILENO)))
    return;
  fprintf(stderr, "batchview: %zu done", run->done);
  print_count(", ", run->failed, "failed");
  print_count(", ", left, "left");
  print_count("; ", run->plan.list.others, "other files in the folders");
  fputs("\n", stderr);
}

static cli_result make_pictures(folder_run *run) {
  const cli_options *options = run->options;
  cli_result result = CLI_OK;
  if (options->json) {
    report_json_begin(options, stdout);
    fputs("\"pictures\": [", stdout);
  }
  cli_options one = *options;
  one.input_count = 1;
  run->progress = progress_begin(options->verbosity != QUIET && isatty(STDERR_FILENO), false,
                                 count_steps(&one) * (int)run->plan.list.count);
  for (size_t i = 0; i < run->plan.list.count && result != CLI_WRITE; ++i)
    result = make_picture(run, i);
  progress_end(&run->progress);
  tell_end(run);
  if (result != CLI_WRITE)
    result = run->failed > 0 ? CLI_PARTLY : CLI_OK;
  const cli_result flushed = options->json ? flush_output() : CLI_OK;
  return flushed == CLI_OK ? result : flushed;
}

cli_result run_folder(const cli_options *options) {
  char text[REASON_BYTES];
  const reason why = {text, sizeof text};
  const char *subject;
  cli_companions companions = {0};
  folder_run run = {.options = options, .companions = &companions, .start = seconds_now()};
  cli_result result = plan_pictures(options, &run.plan, &subject, why);
  if (result == CLI_OK)
    result = companions_read(options, &companions, &subject, why);
  if (result == CLI_OK)
    result = make_pictures(&run);
  else
    print_error(subject, text);
  log_close(&run.log);
  companions_free(&companions);
  plan_free(&run.plan);
  return result;
}
