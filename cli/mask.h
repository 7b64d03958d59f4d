/* The mask: a file like any input, seen as zero and not zero. */
#ifndef BV_CLI_MASK_H
#define BV_CLI_MASK_H

#include "options.h"
#include "slices.h"

/* The mask of one input. */
typedef struct cli_mask {
  bv_tensor tensor; /* BV_U8, [B, C, rows, columns], which broadcasts to the input's slices */
  void *memory;     /* owned */
} cli_mask;

/* Slices the mask's file as the input is sliced; NaN counts as zero. `file` is a copy, whose axes are turned to
 * the input's. CLI_OK, or one line in `why`: CLI_USAGE if the two do not lie on the same grid, unless that is
 * to be ignored, or if the shapes do not fit. */
cli_result mask_of_input(source file, const source *input, const cli_slices *slices, const cli_options *options,
                         cli_mask *mask, reason why);

void mask_free(cli_mask *mask);

#endif
