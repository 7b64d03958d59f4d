/* A companion's pixels where an input's are. */
#ifndef BV_CLI_LAYER_H
#define BV_CLI_LAYER_H

#include "companions.h"
#include "slices.h"

typedef struct cli_layer {
  bv_tensor tensor; /* [B, C, rows, columns], which broadcasts to the input's slices: BV_U8 of a mask and of an
                     * image, BV_I32 of labels */
  void *memory;     /* owned; NULL without a companion */
} cli_layer;

/* Slices the companion as the input is sliced, after its axes were turned to the input's. NaN is 0; of a mask
 * all other numbers are 1. Where slices are projected, labels become the largest along each line, for their
 * smallest and their mean are none. An image becomes the bytes of its grey, in windows from the 2nd to the 98th
 * percentile, of the options' scope and epsilon.
 *
 * CLI_OK, or one line in `why`: CLI_USAGE if the two do not lie on the same grid, unless that is to be ignored,
 * if the shapes do not fit, if labels are not whole, or if labels or an image are in colour. */
cli_result layer_of_input(const cli_companion *companion, const source *input, const cli_slices *slices,
                          const cli_options *options, cli_layer *layer, reason why);

void layer_free(cli_layer *layer);

#endif
