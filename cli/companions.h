/* Files that go with every input, pixel by pixel, and are read once. */
#ifndef BV_CLI_COMPANIONS_H
#define BV_CLI_COMPANIONS_H

#include "options.h"

/* What its pixels are. */
typedef enum companion_kind {
  COMPANION_MASK,   /* zero or not */
  COMPANION_LABELS, /* whole numbers, each of which has a colour */
  COMPANION_IMAGE   /* like an input's */
} companion_kind;

typedef struct cli_companion {
  const char *role; /* in messages: "mask" */
  const char *path; /* NULL without */
  companion_kind kind;
  source source;
} cli_companion;

typedef struct cli_companions {
  cli_companion mask;    /* what is measured and shown */
  cli_companion overlay; /* labels that are laid over the pictures */
  cli_companion image;   /* the same of a second image, below the labels */
} cli_companions;

/* Reads those that the options name, and prints their warnings. On failure one line in `why` about the file
 * `failed`. Freed by companions_free() in any case. */
cli_result companions_read(const cli_options *options, cli_companions *companions, const char **failed,
                           reason why);

void companions_free(cli_companions *companions);

#endif
