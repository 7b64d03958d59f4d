/* The padding of a grid of images. */
#include "fill.h"

#include "backend.h"
#include "floating.h"
#include "pool.h"

/* Fewer pixels are not worth waking other threads. */
#define LEAST_SHARED_PIXELS 262144

static void fill_row(const void *context, int seat, int64_t y) {
  (void)seat;
  const bv_fill *fill = context;
  const uint64_t bits = bv_padding_bits(fill);
  for (int32_t x = 0; x < fill->columns; ++x)
    if (bv_is_padding(fill, (int32_t)y, x))
      bv_fill_pixel(fill, (int32_t)y, x, bits);
}

void bv_cpu_fill(const bv_fill *fill) {
  bv_call *call = NULL;
  if ((int64_t)fill->rows * fill->columns >= LEAST_SHARED_PIXELS)
    bv_open_call(BV_MOST_THREADS, &call);
  fenv_t callers = bv_enter_arithmetic();
  bv_share_items(call, fill->rows, fill_row, fill);
  bv_leave_arithmetic(&callers);
  bv_close_call(call);
}
