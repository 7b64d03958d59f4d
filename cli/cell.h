/* One cell of a montage: a plane, or the three channels of an image in colour, with square pixels. */
#ifndef BV_CLI_CELL_H
#define BV_CLI_CELL_H

#include "render.h"

/* Where to draw in a picture of bytes. */
typedef struct cli_canvas {
  uint8_t *pixels;          /* the upper left one */
  int64_t row_stride;       /* in bytes */
  int channels;             /* 1 grey, 3 RGB */
  const uint8_t *shades[3]; /* what is drawn of each grey value, in each channel */
} cli_canvas;

/* The same from another pixel on. */
cli_canvas canvas_at(cli_canvas canvas, int64_t row, int64_t column);

int64_t count_cells(const cli_rendering *rendering);

/* The rows and columns of pixels of each of a rendering's cells. */
void size_of_cells(const cli_rendering *rendering, int64_t size[2]);

/* Draws a cell, by its number in the rendering. Rows and columns that are spaced wider than the pixels of
 * slices->pixel are stretched to it by linear interpolation; then grey is shown in the canvas's shades, and
 * labels are laid over it, of each pixel the nearest. On failure one line in `why`. */
cli_result draw_cell(const cli_rendering *rendering, int64_t cell, double opacity, cli_canvas canvas,
                     reason why);

#endif
