/* Argument checks: what every public function does before anything is written. Each returns BV_OK, or the kind
 * of error after storing a message that names the argument, its value and what is allowed. */
#ifndef BV_CHECK_H
#define BV_CHECK_H

#include <math.h>
#include <stdbool.h>

#include "batchview/batchview.h"

#define BV_SHAPE_TEXT_BYTES 256

/* A shape as text, "[8, 1, 256, 256]". */
typedef struct bv_shape_text {
  char text[BV_SHAPE_TEXT_BYTES];
} bv_shape_text;

bv_shape_text bv_format_shape(int32_t ndim, const int64_t *shape);

/* A pointer that must not be NULL. */
bv_status bv_check_pointer(const char *name, const void *pointer);

/* Rank, extents, strides, type, device and data of one tensor by themselves. */
bv_status bv_check_tensor(const char *name, const bv_tensor *tensor);

bv_status bv_check_ndim(const char *name, const bv_tensor *tensor, int32_t ndim, const char *axes);

/* No two elements of an output share memory. */
bv_status bv_check_distinct(const char *name, const bv_tensor *tensor);

bv_status bv_check_same_device(const char *name, const bv_tensor *tensor, const char *other_name,
                               const bv_tensor *other);

/* The output shares no memory with the input; with `in_place` it may be exactly the input. */
bv_status bv_check_apart(const char *name, const bv_tensor *output, const char *input_name,
                         const bv_tensor *input, bool in_place);

/* A tensor's strides along `ndim` axes of these extents, to which it broadcasts as in NumPy: 0 where it
 * repeats. False if it does not broadcast. */
bool bv_broadcast(const bv_tensor *tensor, int32_t ndim, const int64_t *shape, int64_t *stride);

bool bv_is_empty(const bv_tensor *tensor);

/* NaN is not, and is seen without a comparison, at which a caller's traps would end the program. */
static inline bool bv_is_within(double value, double least, double most) {
  return !isnan(value) && value >= least && value <= most;
}

#endif
