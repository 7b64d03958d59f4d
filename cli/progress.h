/* A progress bar on standard error, for long work on a terminal. */
#ifndef BV_CLI_PROGRESS_H
#define BV_CLI_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>

typedef struct cli_progress {
  bool shown; /* allowed to draw: standard error is a terminal, and not --quiet */
  bool drawn;
  bool long_work; /* known from the start */
  int step, steps;
  size_t item, items; /* work of many items counts them, from 1 */
  double start_seconds;
} cli_progress;

/* `steps` calls of progress_step are expected. */
cli_progress progress_begin(bool shown, bool long_work, int steps);

/* The next step begins: "reading" "brain.nii.gz". */
void progress_step(cli_progress *progress, const char *verb, const char *path);

/* The next of `items` begins, each of which has the same share of the steps, taken or not. */
void progress_item(cli_progress *progress, size_t items);

/* Erases the bar. */
void progress_end(cli_progress *progress);

/* Of a clock that only goes forward. */
double seconds_now(void);

#endif
