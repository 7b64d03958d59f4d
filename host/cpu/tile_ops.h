/* The inner loops of the CPU backend: they work on tiles, short gap-free arrays of pixels in the map type
 * (float or double) that stay in the first-level cache. One table a map type; the tables are compiled for
 * several instruction sets, and the best that the processor has is used. */
#ifndef BV_TILE_OPS_H
#define BV_TILE_OPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "batchview/batchview.h"

/* Pixels of a tile: 16 KiB of double. */
#define BV_TILE_PIXELS 2048

/* The pixel of a sample's draw: one from each stratum of that many pixels, anywhere in it. */
static inline int64_t bv_sample_position(int64_t draw, int64_t stratum) {
  uint64_t random = ((uint64_t)draw * 0x9e3779b97f4a7c15u) >> 32; /* 32 bits without a pattern */
  return draw * stratum + (int64_t)((random * (uint64_t)stratum) >> 32);
}

/* Values that count_brackets may write beyond the last candidate. */
#define BV_CANDIDATE_SLACK 8

typedef struct bv_range {
  int64_t n; /* foreground pixels */
  double min, max;
} bv_range;

/* Two closed intervals, a0 <= a1 < b0 <= b1. If one is enough, it is a, and b0 and b1 are NaN. */
typedef struct bv_brackets {
  double a0, a1, b0, b1;
} bv_brackets;

/* What counting found. The candidates are the foreground pixels inside either bracket. */
typedef struct bv_bracket_counts {
  int64_t n;       /* foreground pixels */
  int64_t below_a; /* those under a0 */
  int64_t below_b; /* those under b0 */
  int64_t candidates;
} bv_bracket_counts;

/* The map of one group. */
typedef struct bv_map {
  double lo, hi, epsilon, floor;
  bool zero_is_background;
  bool round_to_nearest;
} bv_map;

typedef struct bv_tile_ops {
  size_t real_bytes;
  bv_dtype real_dtype;

  /* Elements `stride` apart to a tile. */
  void (*decode)(void *tile, const void *in, bv_dtype dtype, int64_t stride, int64_t count);
  /* Pixels where the mask is 0 become NaN. */
  void (*apply_mask)(void *tile, const uint8_t *mask, int64_t stride, int64_t count);

  /* Adds a tile to a range, which starts as {0, +inf, -inf}. */
  void (*measure_range)(const void *tile, int64_t count, bool zero_is_background, bv_range *range);
  /* Adds a tile to the counts and appends its candidates to `candidates`, which has room for all of the tile's
   * and BV_CANDIDATE_SLACK more. */
  void (*count_brackets)(const void *tile, int64_t count, bool zero_is_background, const bv_brackets *brackets,
                         bv_bracket_counts *counts, void *candidates);
  /* Draws `first` to `first` + `count` of a sample to `to`. */
  void (*gather)(const void *pixels, int64_t stratum, int64_t first, int64_t count, void *to);
  /* The keys, unsigned integers that sort like the values, of those from `lo` to `hi`, none of which is NaN.
   * Returns how many there are; `keys` has room for all values and BV_CANDIDATE_SLACK more. */
  int64_t (*collect_keys)(const void *values, int64_t count, double lo, double hi, void *keys);
  /* The value of an index, which moves the keys. */
  double (*select_value)(void *keys, int64_t count, int64_t index);
  /* The values of an index and the next one, which moves the keys. */
  void (*select_neighbours)(void *keys, int64_t count, int64_t index, double values[2]);
  /* Tile to 0 .. 1 in the map type; `y` may be `tile`. */
  void (*map)(const void *tile, int64_t count, const bv_map *map, void *y);
  /* Tile to 0 .. 255. */
  void (*map_to_u8)(const void *tile, int64_t count, const bv_map *map, uint8_t *grey);
  void (*stretch_to_u8)(const void *tile, int64_t count, double min, double max, uint8_t *grey);

  /* 0 .. 1 to an output type, elements `stride` apart. */
  void (*encode)(const void *y, int64_t count, void *out, bv_dtype dtype, int64_t stride);
  /* Each grey byte three times, and alpha 255 after them if asked for; gap-free. */
  void (*replicate)(const uint8_t *grey, int64_t count, uint8_t *out, bool alpha);
} bv_tile_ops;

/* The table for an input type on this processor. */
const bv_tile_ops *bv_tile_ops_for(bv_dtype in_dtype);

#endif
