/* An output file while it is written: what makes it appear whole or not at all. */
#ifndef BV_CLI_OUTPUT_H
#define BV_CLI_OUTPUT_H

#include <stdio.h>

#include "reader.h"

typedef struct output {
  FILE *stream;
  char *final; /* NULL when written directly */
  bool named;  /* it is a file of the name `temporary` */
  char *temporary;
  size_t temporary_bytes;
} output;

/* Opens `path`; on failure nothing is left to close. */
cli_result output_open(const char *path, output *out, reason why);

/* Ends an output: with CLI_OK the file gets its name, with anything else it vanishes. Returns `result`, or
 * CLI_WRITE if the last bytes could not be written. */
cli_result output_close(output *out, cli_result result, reason why);

#endif
