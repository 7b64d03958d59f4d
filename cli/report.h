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

/* Where what is made goes, as messages name it. */
#define THE_TERMINAL "the terminal"
const char *name_of_output(const cli_options *options);

/* Sums over inputs, of several reports too. */
typedef struct report_totals {
  int64_t inputs, planes, pixels, foreground;
  double in_bytes, out_bytes, read_seconds, compute_seconds, write_seconds;
} report_totals;

void report_add(report_totals *totals, const cli_report *report);

/* The object's parts, for many outputs one after the other: its beginning, "inputs" and "output" of one, and
 * its end from "counts" on, in which `counts` are more of them, "" or with a comma before each. */
void report_json_begin(const cli_options *options, FILE *file);
void report_json_made(const cli_report *report, FILE *file);
void report_json_end(const cli_options *options, const report_totals *totals, double total_seconds,
                     const char *counts, FILE *file);

/* One JSON object and a newline. Numbers keep their bits; what is not finite becomes null; bytes of a path that
 * are not UTF-8 become U+FFFD. */
void report_json(const cli_report *report, FILE *file);

/* One line an input: where it went and its window. With `details` also shapes, times and throughput. */
void report_summary(const cli_report *report, bool details);

/* What users should know of sound files, one line each. */
void report_notes(const cli_report *report);

#endif
