/* Labels in colour over pictures, for both backends. Plain C. */
#ifndef BV_OVERLAY_H
#define BV_OVERLAY_H

#include "arithmetic.h"
#include "lines.h"

#define BV_OVERLAY_PART 4096 /* pixels of a run that are one piece of work */

/* A checked call: `lines` has the labels as `in` and the pictures as `out`. */
typedef struct bv_overlay {
  bv_lines lines;
  const void *labels;
  bv_dtype labels_dtype;
  uint8_t *pictures;
  int64_t component_stride;
  uint32_t opacity; /* 0 .. 256 */
  bool has_colours; /* else the first BV_LABEL_COLOURS of them in turns */
  uint8_t colours[256 * 3];
} bv_overlay;

#define BV_LABEL_COLOURS 6

BV_INLINE int64_t bv_overlay_parts_of_line(const bv_overlay *o) {
  return (o->lines.run.extent - 1) / BV_OVERLAY_PART + 1;
}

/* The parts of all lines, which number the work. */
BV_INLINE int64_t bv_overlay_parts(const bv_overlay *o) { return o->lines.count * bv_overlay_parts_of_line(o); }

/* The label of an element, of any integer type, as 32 bits. */
BV_INLINE uint32_t bv_label_at(const bv_overlay *o, int64_t at) {
  switch (o->labels_dtype) {
  case BV_U8: return ((const uint8_t *)o->labels)[at];
  case BV_I8: return (uint32_t)((const int8_t *)o->labels)[at];
  case BV_U16: return ((const uint16_t *)o->labels)[at];
  case BV_I16: return (uint32_t)((const int16_t *)o->labels)[at];
  default: return ((const uint32_t *)o->labels)[at];
  }
}

/* Of a part's pixels the one of number `first`, and every `step`th after it. */
BV_INLINE void bv_overlay_part(const bv_overlay *o, int64_t part, int64_t first, int64_t step) {
  const int64_t parts = bv_overlay_parts_of_line(o), begin = part % parts * BV_OVERLAY_PART;
  const int64_t left = o->lines.run.extent - begin,
                end = begin + (left < BV_OVERLAY_PART ? left : BV_OVERLAY_PART);
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
      *component = (uint8_t)((*component * (256 - o->opacity) + colour[i] * o->opacity + 128) >> 8);
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
