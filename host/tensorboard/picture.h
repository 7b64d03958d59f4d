/* Pictures: cells of equal size that lie one after another in memory become one grid, as a PNG file. */
#ifndef BV_TB_PICTURE_H
#define BV_TB_PICTURE_H

#include "batchview/pictures.h"
#include "bytes.h"
#include "report.h"

typedef struct tb_grid {
  int64_t cells, cell_height, cell_width; /* 1 or more */
  int channels;                           /* bytes a pixel: 1 grey, 3 RGB, 4 RGBA */
  int64_t columns, padding;
  uint8_t fill;           /* of the pixels around the cells; opaque */
  uint32_t height, width; /* of the whole */
} tb_grid;

/* Lays out a grid of `cells` u8 pictures that lie one after another, as bv_make_grid does. Returns like
 * bv_grid_size; BV_ERROR_SHAPE also if it would be too large for a log. */
bv_status tb_lay_out(int64_t cells, int64_t cell_height, int64_t cell_width, int channels,
                     const bv_grid_options *options, bool rounds_to_nearest, tb_grid *grid);

/* Of all cells. */
size_t tb_cell_bytes(const tb_grid *grid);

/* Makes `png` the file. BV_ERROR_MEMORY. */
bv_status tb_encode_png(const tb_grid *grid, const uint8_t *cells, tb_bytes *png);

#endif
