/* What was done: as JSON for programs, as a summary for people. */
#ifndef BV_CLI_REPORT_H
#define BV_CLI_REPORT_H

#include <stdio.h>

#include "montage.h"
#include "stack.h"

/* One output and what it was made of. */
typedef struct cli_report {
  const cli_options *options;
  cli_rendering *renderings; /* owned: a view of an input each */
  int count;
  cli_montage montage; /* OUTPUT_PNG */
  cli_stack stack;     /* OUTPUT_NPY */
  double write_seconds, total_seconds;
} cli_report;

/* One JSON object and a newline. Numbers keep their bits; what is not finite becomes null; bytes of a path that
 * are not UTF-8 become U+FFFD. */
void report_json(const cli_report *report, FILE *file);

/* One line an input: where it went and its window. With `details` also shapes, times and throughput. */
void report_summary(const cli_report *report, bool details);

/* What users should know of sound files, one line each. */
void report_notes(const cli_report *report);

#endif
