/* Files that go with every input, pixel by pixel, and are read once. */
#ifndef BV_CLI_COMPANIONS_H
#define BV_CLI_COMPANIONS_H

#include "options.h"

typedef struct cli_companion {
  const char *role; /* in messages: "mask" */
  const char *path; /* NULL without */
  bool numbered;    /* its pixels are labels, each number one; else they are zero or not */
  source source;
} cli_companion;

typedef struct cli_companions {
  cli_companion mask;    /* what is measured and shown */
  cli_companion overlay; /* labels that are laid over the pictures */
} cli_companions;

/* Reads those that the options name, and prints their warnings. On failure one line in `why` about the file
 * `failed`. Freed by companions_free() in any case. */
cli_result companions_read(const cli_options *options, cli_companions *companions, const char **failed,
                           reason why);

void companions_free(cli_companions *companions);

#endif
