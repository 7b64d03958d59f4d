/* One cell of a montage: a plane, or the three channels of an image in colour, with square pixels. */
#ifndef BV_CLI_CELL_H
#define BV_CLI_CELL_H

#include "canvas.h"
#include "render.h"

int64_t count_cells(const cli_rendering *rendering);

/* The rows and columns of pixels of each of a rendering's cells. */
void size_of_cells(const cli_rendering *rendering, int64_t size[2]);

/* Draws a cell, by its number in the rendering. Rows and columns that are spaced wider than the pixels of
 * slices->pixel are stretched to it by linear interpolation; then grey is shown in the canvas's shades, and the
 * image and the labels are laid over it, stretched alike, but of labels the nearest. On failure one line in
 * `why`. */
cli_result draw_cell(const cli_rendering *rendering, int64_t cell, const cli_options *options,
                     cli_canvas canvas, reason why);

#endif
