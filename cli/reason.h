/* Why something failed: one line for people. */
#ifndef BV_CLI_REASON_H
#define BV_CLI_REASON_H

#include "source.h"

/* Where the one line about a failure goes. */
typedef struct reason {
  char *text;
  size_t bytes;
} reason;

/* Writes the reason and returns `result`. */
cli_result refuse(reason why, cli_result result, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The same of a system call's errno: `result`, or CLI_FAILED where the system is short of memory. */
cli_result refuse_error(reason why, cli_result result, int error);

#endif
