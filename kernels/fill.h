/* The part of a grid of images that no image covers. Plain C, for both backends. */
#ifndef BV_FILL_H
#define BV_FILL_H

#include <stdint.h>

#include "arithmetic.h"
#include "job.h"

/* Fills what is padding around the images of the cells first_cell .. end_cell - 1, and all of those from
 * `images` on, which have none. The grid's extents are less than 2^31. */
typedef struct bv_fill {
  void *out;
  bv_dtype dtype;
  double value; /* of the padding, 0 .. 1 */
  bool round_to_nearest;
  int32_t rows, columns; /* of the picture, in pixels; strides count elements */
  int64_t row_stride, column_stride;
  int64_t components, component_stride; /* what a pixel has, alpha not counted */
  bool alpha;                           /* 255 after the components */
  int32_t padding, grid_columns;
  int32_t row_step, column_step; /* from cell to cell, in pixels */
  int64_t first_cell, end_cell, images;
  int32_t top, left, height, width; /* of an image in its cell */
} bv_fill;

/* Whether the pixel is to be filled. What is right of a row's last cell belongs to that cell. */
BV_INLINE bool bv_is_padding(const bv_fill *fill, int32_t y, int32_t x) {
  const int32_t row = y / fill->row_step, column = x / fill->column_step;
  const int32_t last = fill->grid_columns - 1;
  const int64_t cell = (int64_t)row * fill->grid_columns + (column < last ? column : last);
  if (cell < fill->first_cell || cell >= fill->end_cell)
    return false;
  const int32_t down = y - row * fill->row_step - fill->padding - fill->top;
  const int32_t right = x - column * fill->column_step - fill->padding - fill->left;
  return cell >= fill->images || column > last || down < 0 || down >= fill->height || right < 0 ||
         right >= fill->width;
}

/* The padding's value as an element of the picture, in the lowest bytes. */
BV_INLINE uint64_t bv_padding_bits(const bv_fill *fill) {
  switch (fill->dtype) {
  case BV_F32: return bv_bits_of_f32((float)fill->value);
  case BV_F64: return bv_bits_of_f64(fill->value);
  case BV_F16: return bv_f16_of_unit(fill->value);
  case BV_BF16: return bv_bf16_of_unit(fill->value);
  default: return bv_u8_of_f64(fill->value, fill->round_to_nearest);
  }
}

/* One element. */
BV_INLINE void bv_store_padding(const bv_fill *fill, int64_t at, uint64_t bits) {
  switch (fill->dtype) {
  case BV_F32: ((uint32_t *)fill->out)[at] = (uint32_t)bits; break;
  case BV_F64: ((uint64_t *)fill->out)[at] = bits; break;
  case BV_U8: ((uint8_t *)fill->out)[at] = (uint8_t)bits; break;
  default: ((uint16_t *)fill->out)[at] = (uint16_t)bits; break;
  }
}

BV_INLINE void bv_fill_pixel(const bv_fill *fill, int32_t y, int32_t x, uint64_t bits) {
  const int64_t at = y * fill->row_stride + x * fill->column_stride;
  for (int64_t i = 0; i < fill->components; ++i)
    bv_store_padding(fill, at + i * fill->component_stride, bits);
  if (fill->alpha)
    bv_store_padding(fill, at + fill->components * fill->component_stride, 255);
}

#endif
