/* A colour bar: all shades from white at its top to black at its bottom, and beside them the numbers that they
 * stand for, the window's upper and lower end. */
#ifndef BV_CLI_COLOUR_BAR_H
#define BV_CLI_COLOUR_BAR_H

#include <stdbool.h>

#include "canvas.h"

#define COLOUR_BAR_ROWS 23 /* at least: two lines of text, and what is around them */

/* Whether a window, lo and hi, has numbers that can be written: there is none where nothing was measured. */
bool colour_bar_is_possible(const double window[2]);

/* Columns of a bar that is as high as so many rows, with its numbers and what is around them: from 400 rows on
 * both grow with it. */
int64_t colour_bar_columns(const double window[2], int64_t rows);

/* Draws it; `ink` is the grey of the numbers. */
void colour_bar_draw(const double window[2], int64_t rows, uint8_t ink, cli_canvas canvas);

#endif
