/* What a companion says of an input's pixels: of a mask whether they count. */
#ifndef BV_CLI_LABELS_H
#define BV_CLI_LABELS_H

#include "companions.h"
#include "slices.h"

typedef struct cli_labels {
  bv_tensor tensor; /* BV_U8, [B, C, rows, columns], which broadcasts to the input's slices */
  void *memory;     /* owned; NULL without a companion */
} cli_labels;

/* Slices the companion as the input is sliced, after its axes were turned to the input's; zero and NaN become
 * 0, all others 1. CLI_OK, or one line in `why`: CLI_USAGE if the two do not lie on the same grid, unless that
 * is to be ignored, or if the shapes do not fit. */
cli_result labels_of_input(const cli_companion *companion, const source *input, const cli_slices *slices,
                           const cli_options *options, cli_labels *labels, reason why);

void labels_free(cli_labels *labels);

#endif
