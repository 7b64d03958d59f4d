/* What a companion says of an input's pixels: whether they count, or the label of each. */
#ifndef BV_CLI_LABELS_H
#define BV_CLI_LABELS_H

#include "companions.h"
#include "slices.h"

typedef struct cli_labels {
  bv_tensor tensor; /* [B, C, rows, columns], which broadcasts to the input's slices: BV_U8 of a mask, BV_I32
                     * of labels */
  void *memory;     /* owned; NULL without a companion */
} cli_labels;

/* Slices the companion as the input is sliced, after its axes were turned to the input's. NaN is 0; of a mask
 * all other numbers are 1. Where slices are projected, labels become the largest along each line, for their
 * smallest and their mean are none. CLI_OK, or one line in `why`: CLI_USAGE if the two do not lie on the same
 * grid, unless that is to be ignored, if the shapes do not fit, or if labels are not whole or are colours. */
cli_result labels_of_input(const cli_companion *companion, const source *input, const cli_slices *slices,
                           const cli_options *options, cli_labels *labels, reason why);

void labels_free(cli_labels *labels);

#endif
