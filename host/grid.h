/* What a grid is: its options, its cells, and the picture that they are in. */
#ifndef BV_GRID_H
#define BV_GRID_H

#include <stdbool.h>

#include "batchview/pictures.h"

typedef struct bv_grid {
  int64_t images, columns, rows; /* columns and rows of cells */
  int64_t padding;
  int64_t cell[2], extent[2]; /* height and width, in pixels */
} bv_grid;

/* How the picture is walked. */
typedef struct bv_canvas {
  const bv_tensor *out;
  int64_t row_stride, column_stride;
  int64_t channels, channel_stride; /* planes of C; 1 if there are colours */
  int64_t colours, colour_stride;   /* 3 or 4, or 0 */
} bv_canvas;

/* "batches[3]" */
typedef struct bv_batch_name {
  char text[24];
} bv_batch_name;
bv_batch_name bv_name_of_batch(int32_t number);

bv_status bv_read_grid_options(const bv_grid_options *given, bv_grid_options *options);
bv_status bv_check_batches(const bv_tensor *batches, int32_t count);
bv_status bv_lay_out_grid(const bv_tensor *batches, int32_t count, const bv_grid_options *options, bv_grid *to);
bv_status bv_find_canvas(const bv_tensor *out, int64_t channels, const bv_grid *of, bv_canvas *to);

/* The images of a row of cells, the first of which has its upper left pixel at (y, x), as an output of a
 * display function. */
bv_tensor bv_view_row(const bv_canvas *on, const bv_grid *of, const bv_tensor *batch, int64_t images, int64_t y,
                      int64_t x);

/* Fills the padding around the images of the cells first .. end - 1, which have these extents; of the cells
 * that have no image it is the rest. `value` is 0 .. 1. */
bv_status bv_fill_cells(const bv_canvas *on, const bv_grid *of, int64_t first, int64_t end,
                        const int64_t extent[2], double value, bool round_to_nearest, bv_stream stream);

#endif
