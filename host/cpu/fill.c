/* The padding of a grid of images. */
#include "fill.h"

#include "backend.h"

void bv_cpu_fill(const bv_fill *fill) {
  for (int32_t y = 0; y < fill->rows; ++y)
    for (int32_t x = 0; x < fill->columns; ++x)
      if (bv_is_padding(fill, y, x))
        bv_fill_pixel(fill, y, x);
}
