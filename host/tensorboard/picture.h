/* Pictures: cells of equal size that lie one after another in memory become one grid, as a PNG file. */
#ifndef BV_TB_PICTURE_H
#define BV_TB_PICTURE_H

#include "bytes.h"
#include "report.h"

typedef struct tb_grid {
  int64_t cells, cell_height, cell_width; /* 1 or more */
  int channels;                           /* bytes a pixel: 1 grey, 3 RGB, 4 RGBA */
  int64_t columns, rows, padding;
  uint32_t height, width; /* of the whole */
} tb_grid;

/* Lays out a grid like torchvision's make_grid. BV_ERROR_SHAPE if it would be too large. */
bv_status tb_lay_out(int64_t cells, int64_t cell_height, int64_t cell_width, int channels, int64_t columns,
                     tb_grid *grid);

/* Of all cells. */
size_t tb_cell_bytes(const tb_grid *grid);

/* Makes `png` the file. BV_ERROR_MEMORY. */
bv_status tb_encode_png(const tb_grid *grid, const uint8_t *cells, tb_bytes *png);

#endif
