/* What of a source is shown: its planes, as a batch. */
#ifndef BV_CLI_SLICES_H
#define BV_CLI_SLICES_H

#include "options.h"

typedef struct cli_slices {
  /* [B, C, rows, columns], a view of the source. Volumes are [volumes, slices, rows, columns]: a series cannot
   * have one stride for both. In colour they are [volumes * slices, 3, rows, columns]. */
  bv_tensor batch;
  void *memory; /* owned; of pixels that had to be copied for that */
  bool volume;
  bool one_plane; /* an image, or one slice of one volume: the result is [rows, columns] */
  bool colour;    /* the three channels are red, green, blue */
  double row_spacing, column_spacing;
  double pixel; /* spacing of the pixels that are drawn: the finer of the two, or the finest of three views' */
  int axis;     /* volumes: along which slices are counted */
  int64_t first,
      count; /* volumes: the number of the first slice shown, and how many are; 0 and 1 of projections */
} cli_slices;

/* All slices along an axis. */
slice_options all_slices(int axis);

/* Chooses the slices of `input`. CLI_OK, or one line in `why`: CLI_USAGE for a slice that there is not,
 * CLI_FAILED without memory for those of a series in colour. Freed by slices_free() also on failure. */
cli_result slices_of_source(const source *input, const slice_options *options, cli_slices *slices, reason why);

void slices_free(cli_slices *slices);

/* The scope, BV_SCOPE_..., that an option's is for these slices: each slice is an image. */
int scope_of_slices(const cli_slices *slices, int scope);

/* Elements of a tensor that lies in memory. */
int64_t count_elements(const bv_tensor *tensor);

#endif
