/* Whether strided views share memory: both are halved along their longest axis until the halves lie apart or
 * interleave, or are known to fill their ranges. Views in real use are told apart in a few steps; a budget
 * bounds the others. */
#include "overlap.h"

#include <stdlib.h>

#define STEP_BUDGET 100000

/* A view as bytes: `axes` axes with extents over 1 and positive strides, largest stride first. */
typedef struct view {
  uint64_t first; /* address */
  uint64_t element_bytes;
  int axes;
  uint64_t extent[BV_MAX_NDIM];
  uint64_t stride[BV_MAX_NDIM]; /* bytes */
} view;

static view view_of(const bv_tensor *tensor) {
  view v = {.first = (uintptr_t)tensor->data, .element_bytes = bv_dtype_size(tensor->dtype)};
  for (int axis = 0; axis < tensor->ndim; ++axis) {
    uint64_t extent = (uint64_t)tensor->shape[axis];
    if (extent == 1)
      continue;
    int64_t stride = tensor->stride[axis] * (int64_t)v.element_bytes;
    if (stride < 0)
      v.first -= (extent - 1) * (uint64_t)-stride;
    uint64_t magnitude = (uint64_t)llabs(stride);
    int at = v.axes++;
    for (; at > 0 && v.stride[at - 1] < magnitude; --at) {
      v.stride[at] = v.stride[at - 1];
      v.extent[at] = v.extent[at - 1];
    }
    v.stride[at] = magnitude;
    v.extent[at] = extent;
  }
  return v;
}

/* Bytes from the first to the last, both included. */
static uint64_t span_of(const view *v) {
  uint64_t span = v->element_bytes;
  for (int axis = 0; axis < v->axes; ++axis)
    span += (v->extent[axis] - 1) * v->stride[axis];
  return span;
}

/* Whether every byte of the span belongs to an element. */
static bool is_dense(const view *v) {
  uint64_t inner = v->element_bytes;
  for (int axis = v->axes - 1; axis >= 0; --axis) {
    if (v->extent[axis] > 1 && v->stride[axis] > inner)
      return false;
    inner += (v->extent[axis] - 1) * v->stride[axis];
  }
  return true;
}

static uint64_t greatest_common_divisor(uint64_t a, uint64_t b) {
  while (b != 0) {
    uint64_t rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

/* The greatest common divisor of the strides between the gap-free blocks, of *block bytes, that a view is made
 * of; 0 if it is one block. */
static uint64_t period_of(const view *v, uint64_t *block) {
  uint64_t period = 0;
  *block = v->element_bytes;
  for (int axis = v->axes - 1; axis >= 0; --axis)
    if (v->extent[axis] > 1 && (period != 0 || v->stride[axis] > *block))
      period = greatest_common_divisor(period, v->stride[axis]);
    else
      *block += (v->extent[axis] - 1) * v->stride[axis];
  return period;
}

/* Whether the blocks of each view lie between those of the other in every period that they have in common, as
 * the channels of one picture do. */
static bool interleave(const view *a, const view *b) {
  uint64_t a_block, b_block;
  uint64_t period = greatest_common_divisor(period_of(a, &a_block), period_of(b, &b_block));
  if (period == 0)
    return false;
  uint64_t a_place = a->first % period, b_place = b->first % period;
  uint64_t distance = b_place >= a_place ? b_place - a_place : period - (a_place - b_place);
  return distance >= a_block && period - distance >= b_block;
}

/* The axis that covers the longest stretch of memory. */
static int longest_axis(const view *v) {
  int longest = 0;
  for (int axis = 1; axis < v->axes; ++axis)
    if ((v->extent[axis] - 1) * v->stride[axis] > (v->extent[longest] - 1) * v->stride[longest])
      longest = axis;
  return longest;
}

static void halve(const view *v, int axis, view *low, view *high) {
  *low = *high = *v;
  low->extent[axis] = v->extent[axis] / 2;
  high->extent[axis] = v->extent[axis] - low->extent[axis];
  high->first += low->extent[axis] * v->stride[axis];
}

static bool overlap(const view *a, const view *b, int *budget) {
  uint64_t a_span = span_of(a), b_span = span_of(b);
  if (a->first + a_span <= b->first || b->first + b_span <= a->first || interleave(a, b))
    return false;
  if ((is_dense(a) && is_dense(b)) || --*budget < 0)
    return true;
  const view *split = a_span >= b_span ? a : b, *whole = split == a ? b : a;
  if (is_dense(split)) { /* the other has gaps, in which this one may lie */
    const view *swap = split;
    split = whole;
    whole = swap;
  }
  view low, high;
  halve(split, longest_axis(split), &low, &high);
  return overlap(&low, whole, budget) || overlap(&high, whole, budget);
}

bool bv_tensors_overlap(const bv_tensor *a, const bv_tensor *b) {
  int budget = STEP_BUDGET;
  view va = view_of(a), vb = view_of(b);
  return overlap(&va, &vb, &budget);
}

bool bv_tensor_overlaps_itself(const bv_tensor *tensor) {
  view v = view_of(tensor);
  uint64_t inner = v.element_bytes;
  bool nested = true; /* each axis steps over everything that the axes inside it cover */
  for (int axis = v.axes - 1; axis >= 0; --axis) {
    nested = nested && v.stride[axis] >= inner;
    inner += (v.extent[axis] - 1) * v.stride[axis];
  }
  if (nested)
    return false;
  /* The halves must lie apart, and then each half's halves; halves of one size differ by a translation only. */
  int budget = STEP_BUDGET;
  for (int axis = 0; axis < v.axes; ++axis)
    while (v.extent[axis] > 1) {
      view low, high;
      halve(&v, axis, &low, &high);
      if (overlap(&low, &high, &budget))
        return true;
      v = high;
    }
  return false;
}
