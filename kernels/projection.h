/* Projections of volumes along an axis, for both backends. Plain C. */
#ifndef BV_PROJECTION_H
#define BV_PROJECTION_H

#include <stdint.h>

#include "arithmetic.h"
#include "batchview/pictures.h"

/* A checked call. Strides count elements. */
typedef struct bv_projection {
  const void *in;
  bv_dtype in_dtype;
  int64_t rows, columns, depth; /* of what is written, and of what becomes one pixel of it */
  int64_t row_stride, column_stride, depth_stride;
  void *out; /* double if in_dtype maps in f64, else float */
  int64_t out_row_stride, out_column_stride;
  int32_t kind; /* BV_PROJECTION_... */
  int32_t device;
} bv_projection;

/* One pixel of it, on the way: every value is added in the order of the axis, so that sums round alike
 * everywhere. */
typedef struct bv_projected {
  double value;
  int64_t count; /* values that are not NaN */
} bv_projected;

BV_INLINE void bv_add_value(bv_projected *to, double x, int32_t kind) {
  if (x != x)
    return;
  const bool is_first = to->count++ == 0;
  if (!is_first && kind == BV_PROJECTION_MEAN)
    to->value += x;
  else if (is_first || (kind == BV_PROJECTION_MAX ? x > to->value : x < to->value))
    to->value = x;
}

BV_INLINE double bv_end_projection(bv_projected p, int32_t kind) {
  const double value = kind == BV_PROJECTION_MEAN ? p.value / (double)p.count : p.value;
  return p.count == 0 || value != value ? bv_nan() : value;
}

/* Which NaN a conversion makes differs between processors. */
BV_INLINE float bv_f32_of_projected(double value) {
  return value != value ? bv_f32_of_bits(0x7fc00000u) : (float)value;
}

#endif
