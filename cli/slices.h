/* What of a source is shown: its planes, as a batch. */
#ifndef BV_CLI_SLICES_H
#define BV_CLI_SLICES_H

#include "options.h"

typedef struct cli_slices {
  /* [B, C, rows, columns], a view of the source. Volumes are [volumes, slices, rows, columns]: a series cannot
   * have one stride for both. */
  bv_tensor batch;
  bool volume;
  bool one_plane; /* an image, or one slice of one volume: the result is [rows, columns] */
  bool colour;    /* the three channels are red, green, blue */
  double row_spacing, column_spacing;
  int64_t first; /* volumes: the number of the first slice shown */
} cli_slices;

/* Chooses the slices of `input`. CLI_OK, or CLI_USAGE and one line in `why`: there is no such slice. */
cli_result slices_of_source(const source *input, const slice_options *options, cli_slices *slices, reason why);

/* Elements of a tensor that lies in memory. */
int64_t count_elements(const bv_tensor *tensor);

#endif
