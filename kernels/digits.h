/* Selection by digits: the memory of a bv_selection, and how its counts become values. Plain C like
 * arithmetic.h, for both backends.
 *
 * Keys are left-aligned in 64 bits (a float's in the upper half) and are found from their highest byte, digit
 * 0, downwards. A tracker follows one index: among the keys that begin like its prefix, the one that it looks
 * for has `index` keys before it. */
#ifndef BV_DIGITS_H
#define BV_DIGITS_H

#include "arithmetic.h"
#include "batchview/selection.h"

#define BV_TRACKERS 4 /* the low percentile's two indices (below, above), the high percentile's two */
#define BV_DIGIT_BINS 256

typedef struct bv_selection_memory {
  uint64_t counts[BV_TRACKERS][BV_DIGIT_BINS]; /* of the next digit, among the keys with the tracker's prefix */
  uint64_t prefix[BV_TRACKERS];
  uint64_t index[BV_TRACKERS];
  uint64_t n; /* foreground pixels, known from digit 0 on */
} bv_selection_memory;

typedef char bv_selection_memory_fits[sizeof(bv_selection_memory) <= BV_SELECTION_BYTES ? 1 : -1];

/* The percentiles whose indices are tracked: those of 0 and 100 are the smallest and the largest value. */
typedef struct bv_percentiles {
  double low, high;
} bv_percentiles;

BV_INLINE int bv_selection_shift(int digit) { return 56 - 8 * digit; }

BV_INLINE bool bv_has_prefix(uint64_t key, uint64_t prefix, int digit) {
  return digit == 0 || ((key ^ prefix) >> (64 - 8 * digit)) == 0;
}

/* Trackers with the same prefix share the counts of the first of them. */
BV_INLINE int bv_counts_of_tracker(const uint64_t prefix[BV_TRACKERS], int tracker) {
  int first = 0;
  while (prefix[first] != prefix[tracker])
    ++first;
  return first;
}

typedef struct bv_narrowed {
  uint64_t prefix, index, n;
} bv_narrowed;

/* What becomes of a tracker. Reads only: all trackers are narrowed before any is written. */
BV_INLINE bv_narrowed bv_narrow_tracker(const bv_selection_memory *memory, int tracker, int digit,
                                        bv_percentiles percentiles) {
  const uint64_t *counts = memory->counts[bv_counts_of_tracker(memory->prefix, tracker)];
  bv_narrowed next = {memory->prefix[tracker], memory->index[tracker], memory->n};
  if (digit == 0) {
    next.n = 0;
    for (int bin = 0; bin < BV_DIGIT_BINS; ++bin)
      next.n += counts[bin];
    if (next.n > 0) {
      bv_index index =
          bv_index_of_percentile((int64_t)next.n, tracker < 2 ? percentiles.low : percentiles.high);
      next.index = (uint64_t)(tracker % 2 == 0 ? index.below : index.above);
    }
  }
  if (next.n == 0)
    return next;
  int bin = 0;
  for (; bin < BV_DIGIT_BINS - 1 && next.index >= counts[bin]; ++bin)
    next.index -= counts[bin];
  next.prefix |= (uint64_t)bin << bv_selection_shift(digit);
  return next;
}

BV_INLINE double bv_value_of_tracker(const bv_selection_memory *memory, int tracker, bool maps_in_f64) {
  uint64_t key = memory->prefix[tracker];
  return maps_in_f64 ? bv_f64_of_key(key) : (double)bv_f32_of_key((uint32_t)(key >> 32));
}

/* After the last digit: lo and hi. */
BV_INLINE void bv_selected_window(const bv_selection_memory *memory, bool maps_in_f64, bool interpolate,
                                  bv_percentiles percentiles, double window[2]) {
  window[0] = window[1] = bv_nan();
  if (memory->n == 0)
    return;
  for (int i = 0; i < 2; ++i) {
    double below = bv_value_of_tracker(memory, 2 * i, maps_in_f64);
    double above = bv_value_of_tracker(memory, 2 * i + 1, maps_in_f64);
    double percent = i == 0 ? percentiles.low : percentiles.high;
    window[i] = interpolate
                    ? bv_interpolate(below, above, bv_index_of_percentile((int64_t)memory->n, percent).t)
                    : below; /* index 0 or n - 1, which has no other above it */
  }
}

#endif
