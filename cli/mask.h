/* The mask: a file like any input, seen as zero and not zero. */
#ifndef BV_CLI_MASK_H
#define BV_CLI_MASK_H

#include "slices.h"

typedef struct cli_mask {
  bv_tensor tensor; /* BV_U8, [B, C, rows, columns] */
  void *memory;     /* owned */
} cli_mask;

/* Reads `path` and slices it as the input is sliced. NaN counts as zero. */
cli_result mask_read(const char *path, const slice_options *options, cli_mask *mask, reason why);

/* CLI_OK if the mask broadcasts to the batch, else CLI_USAGE and one line with both shapes in `why`. */
cli_result mask_fits(const cli_mask *mask, const bv_tensor *batch, reason why);

void mask_free(cli_mask *mask);

#endif
