/* Labels and images in colour over pictures, for both backends. Plain C. */
#ifndef BV_OVERLAY_H
#define BV_OVERLAY_H

#include "arithmetic.h"
#include "lines.h"

#define BV_OVERLAY_PART 4096 /* pixels of a run that are one piece of work */

/* A checked call: `lines` has what lies over the pictures as `in`, and the pictures as `out`. */
typedef struct bv_overlay {
  bv_lines lines;
  const void *over; /* labels, of an integer type; or an image, u8 or float */
  bv_dtype over_dtype;
  uint8_t *pictures;
  int64_t component_stride;
  double opacity;   /* 0 .. 1 */
  bool has_colours; /* else the first BV_LABEL_COLOURS of them in turns */
  uint8_t colours[256 * 3];
} bv_overlay;

#define BV_LABEL_COLOURS 6

BV_INLINE int64_t bv_overlay_parts_of_line(const bv_overlay *o) {
  return (o->lines.run.extent - 1) / BV_OVERLAY_PART + 1;
}

/* The parts of all lines, which number the work. */
BV_INLINE int64_t bv_overlay_parts(const bv_overlay *o) { return o->lines.count * bv_overlay_parts_of_line(o); }

/* A display value as the byte that it would have been written as: clamped, and 0 for NaN. */
BV_INLINE uint8_t bv_u8_of_display_f32(float y) {
  y = y > 0.0f ? y : 0.0f;
  return bv_u8_of_f32(y < 1.0f ? y : 1.0f, false);
}

BV_INLINE uint8_t bv_u8_of_display_f64(double y) {
  y = y > 0.0 ? y : 0.0;
  return bv_u8_of_f64(y < 1.0 ? y : 1.0, false);
}

/* The label of an element as 32 bits; of an image's, its byte. */
BV_INLINE uint32_t bv_label_at(const bv_overlay *o, int64_t at) {
  switch (o->over_dtype) {
  case BV_U8: return ((const uint8_t *)o->over)[at];
  case BV_I8: return (uint32_t)((const int8_t *)o->over)[at];
  case BV_U16: return ((const uint16_t *)o->over)[at];
  case BV_I16: return (uint32_t)((const int16_t *)o->over)[at];
  case BV_F32: return bv_u8_of_display_f32(((const float *)o->over)[at]);
  case BV_F16: return bv_u8_of_display_f32(bv_f32_of_f16(((const uint16_t *)o->over)[at]));
  case BV_BF16: return bv_u8_of_display_f32(bv_f32_of_bf16(((const uint16_t *)o->over)[at]));
  case BV_F64: return bv_u8_of_display_f64(((const double *)o->over)[at]);
  default: return ((const uint32_t *)o->over)[at];
  }
}

/* Of a part's pixels the one of number `first`, and every `step`th after it. */
BV_INLINE void bv_overlay_part(const bv_overlay *o, int64_t part, int64_t first, int64_t step) {
  const int64_t parts = bv_overlay_parts_of_line(o), begin = part % parts * BV_OVERLAY_PART;
  const int64_t left = o->lines.run.extent - begin,
                end = begin + (left < BV_OVERLAY_PART ? left : BV_OVERLAY_PART);
  const uint32_t opacity = (uint32_t)(256 * o->opacity + 0.5); /* 0 .. 256 */
  int64_t line = part / parts, in = 0, out = 0;
  for (int axis = 0; axis < o->lines.ndim; ++axis) {
    const bv_line_axis *along = &o->lines.axis[axis];
    const int64_t index = line % along->extent;
    line /= along->extent;
    in += index * along->in;
    out += index * along->out;
  }
  for (int64_t pixel = begin + first; pixel < end; pixel += step) {
    const uint32_t label = bv_label_at(o, in + pixel * o->lines.run.in);
    if (label == 0)
      continue;
    const size_t number = o->has_colours ? label & 255 : (label - 1) % BV_LABEL_COLOURS;
    const uint8_t *colour = o->colours + 3 * number;
    uint8_t *to = o->pictures + out + pixel * o->lines.run.out;
    for (int i = 0; i < 3; ++i) {
      uint8_t *component = to + i * o->component_stride;
      *component = (uint8_t)((*component * (256 - opacity) + colour[i] * opacity + 128) >> 8);
    }
  }
}

#ifdef __cplusplus
extern "C" {
#endif

/* overlay.cu; see launch.h. */
int bv_launch_overlay(const bv_overlay *overlay, bv_stream stream);

#ifdef __cplusplus
}
#endif

#endif
