/* Renderings as one picture: a grid of cells with square pixels. */
#ifndef BV_CLI_MONTAGE_H
#define BV_CLI_MONTAGE_H

#include "render.h"
#include "write.h"

typedef struct cli_montage {
  picture picture; /* grey, or RGB if anything in it has colours */
  void *memory;    /* owned */
  int64_t cells, grid_columns;
} cli_montage;

/* Draws the cells of all renderings (cell.h). They have the size of the largest, and hold their picture in the
 * middle. options->columns is the grid's number of columns, at most the number of cells; 0 makes the picture
 * near-square. options->padding pixels are between the cells and around all of them, unless there is only one.
 * Grey is shown in options->colours, if there are any; what is between the pictures has
 * options->padding_value. With options->colour_bar there is a bar at the right of each picture, which shows its
 * window, or one at the right of the grid if all of them have the same. On failure one line in `why`. */
cli_result montage_of_renderings(const cli_rendering *renderings, int count, const cli_options *options,
                                 cli_montage *montage, reason why);

void montage_free(cli_montage *montage);

#endif
