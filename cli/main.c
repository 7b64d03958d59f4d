/* batchview: medical images to display-ready pictures and arrays. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dicom_codec.h"
#include "folder.h"
#include "make.h"
#include "message.h"
#include "names.h"
#include "replace.h"

#define REASON_BYTES 512
#define DESCRIPTION_BYTES 16384   /* of some hundred devices */
#define LONG_WORK_BYTES (8 << 20) /* of input files: about a second for a compressed volume */

static cli_result fail(cli_result result, const char *subject, const char *text) {
  print_error(subject, text);
  return result;
}

static bool is_long_work(const cli_options *options) {
  double bytes = 0;
  struct stat facts;
  for (int i = 0; i < options->input_count; ++i)
    if (stat(options->inputs[i], &facts) == 0)
      bytes += (double)facts.st_size;
  return bytes > LONG_WORK_BYTES;
}

/* Reports what was made. */
static cli_result tell(const cli_report *report) {
  const cli_options *options = report->options;
  if (options->verbosity != QUIET)
    report_notes(report);
  if (options->verbosity == VERBOSE || (options->verbosity == NORMAL && isatty(STDERR_FILENO)))
    report_summary(report, options->verbosity == VERBOSE);
  if (!options->json)
    return CLI_OK;
  report_json(report, stdout);
  return flush_output();
}

static cli_result run_one(const cli_options *options) {
  char text[REASON_BYTES];
  const reason why = {text, sizeof text};
  const double start = seconds_now();
  cli_companions companions;
  const char *subject;
  cli_result result = check_replacements(options, &options->output, options->output ? 1 : 0, &subject, why);
  if (result != CLI_OK)
    return fail(result, subject, text);
  result = companions_read(options, &companions, &subject, why);
  if (result != CLI_OK) {
    companions_free(&companions);
    return fail(result, subject, text);
  }
  cli_log log = {0};
  cli_report report;
  cli_progress progress = progress_begin(options->verbosity != QUIET && isatty(STDERR_FILENO),
                                         is_long_work(options), count_steps(options));
  result = make_output(options, &companions, &log, &progress, &report, &subject, why);
  progress_end(&progress);
  report.total_seconds = seconds_now() - start;
  if (result != CLI_OK)
    print_error(subject, text);
  else
    result = tell(&report);
  made_free(&report);
  log_close(&log);
  companions_free(&companions);
  return result;
}

/* The log has it by the name of its input, or, where it is of several, of the output. */
static cli_result name_and_run(cli_options *options) {
  if (!options->log)
    return run_one(options);
  char *name = picture_name(options->input_count == 1 ? options->inputs[0] : options->output);
  char *tag = name ? picture_tag(options->tag, name, true) : NULL;
  options->tag = tag;
  cli_result result = tag ? run_one(options) : fail(CLI_FAILED, NULL, "out of memory");
  free(tag);
  free(name);
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
  if (options.output && strcmp(options.output, "-") == 0 && isatty(STDOUT_FILENO))
    return fail(CLI_USAGE, NULL, "-o -: standard output is a terminal, which shows no pictures");
  return options.each ? run_folder(&options) : name_and_run(&options);
}
