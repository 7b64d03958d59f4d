/* The arithmetic of batchview, all of it: decoding, key order, percentiles, interpolation, map, quantisation.
 * (The CPU backend's loops for AVX2 say the most frequent cases again; tests hold them to the same bits.)
 *
 * Plain inline C that gcc, clang and nvcc compile, so that the CPU and every GPU compute the same bits. Compile
 * without contraction (-ffp-contract=off, -fmad=false), without fast math, and with denormals.
 *
 * "Map type" is the type T of the map: float for inputs of at most 16 bits and f32, double for i32, u32 and
 * f64.
 */
#ifndef BV_ARITHMETIC_H
#define BV_ARITHMETIC_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "batchview/batchview.h"

#if defined(__CUDACC__)
#define BV_INLINE static __host__ __device__ __forceinline__
#else
#define BV_INLINE static inline __attribute__((always_inline, unused))
#endif

/* ---- Bits ------------------------------------------------------------------------------------------- */

BV_INLINE uint32_t bv_bits_of_f32(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

BV_INLINE float bv_f32_of_bits(uint32_t bits) {
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

BV_INLINE uint64_t bv_bits_of_f64(double x) {
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

BV_INLINE double bv_f64_of_bits(uint64_t bits) {
  double x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

/* ---- Decoding: every input type has an exact value in its map type ----------------------------------- */

BV_INLINE float bv_f32_of_f16(uint16_t half) {
  /* The exponent is moved to f32's place; the product with 2^112 rebases it and makes f16's denormals normal.
   */
  uint32_t magnitude = (uint32_t)(half & 0x7fff) << 13;
  uint32_t sign = (uint32_t)(half & 0x8000) << 16;
  uint32_t bits = magnitude >= 0x0f800000u ? magnitude | 0x70000000u /* infinity, NaN */
                                           : bv_bits_of_f32(bv_f32_of_bits(magnitude) * 0x1p112f);
  return bv_f32_of_bits(bits | sign);
}

BV_INLINE float bv_f32_of_bf16(uint16_t half) { return bv_f32_of_bits((uint32_t)half << 16); }

/* True if the map type of inputs of this type is double. */
BV_INLINE bool bv_maps_in_f64(bv_dtype dtype) { return dtype == BV_F64 || dtype == BV_I32 || dtype == BV_U32; }

/* ---- Key order: unsigned integers that sort like the finite values ----------------------------------- */

/* Both zeros have the key of +0, so that which of them an index falls on cannot matter. */
BV_INLINE uint32_t bv_key_of_f32(float x) {
  uint32_t bits = bv_bits_of_f32(x + 0.0f);
  return bits ^ ((uint32_t)((int32_t)bits >> 31) | 0x80000000u);
}

BV_INLINE float bv_f32_of_key(uint32_t key) {
  return bv_f32_of_bits(key ^ (key >> 31 ? 0x80000000u : 0xffffffffu));
}

BV_INLINE uint64_t bv_key_of_f64(double x) {
  uint64_t bits = bv_bits_of_f64(x + 0.0);
  return bits ^ ((uint64_t)((int64_t)bits >> 63) | 0x8000000000000000u);
}

BV_INLINE double bv_f64_of_key(uint64_t key) {
  return bv_f64_of_bits(key ^ (key >> 63 ? 0x8000000000000000u : 0xffffffffffffffffu));
}

/* ---- Foreground -------------------------------------------------------------------------------------- */

BV_INLINE bool bv_is_finite_f32(float x) { return (bv_bits_of_f32(x) & 0x7fffffffu) < 0x7f800000u; }
BV_INLINE bool bv_is_finite_f64(double x) {
  return (bv_bits_of_f64(x) & 0x7fffffffffffffffu) < 0x7ff0000000000000u;
}

/* Whether a pixel is measured. Loaders turn pixels outside a mask into NaN, so that two rules serve the three
 * foregrounds: `zero_is_background` is true for BV_FOREGROUND_NONZERO alone. */
BV_INLINE bool bv_is_foreground_f32(float x, bool zero_is_background) {
  return bv_is_finite_f32(x) && !(zero_is_background && x == 0.0f);
}
BV_INLINE bool bv_is_foreground_f64(double x, bool zero_is_background) {
  return bv_is_finite_f64(x) && !(zero_is_background && x == 0.0);
}

/* ---- Index and interpolation: NumPy's `linear` on float64 data, in its order of operations ------------- */

typedef struct bv_index {
  int64_t below; /* j: the value lies between x(j) ... */
  int64_t above; /* min(j + 1, n - 1): ... and x of this */
  double t;      /* at this fraction of the way */
} bv_index;

/* n >= 1, 0 <= percent <= 100. */
BV_INLINE bv_index bv_index_of_percentile(int64_t n, double percent) {
  bv_index index;
  double h = (double)(n - 1) * (percent / 100.0);
  double j = floor(h);
  index.below = (int64_t)j;
  index.t = h - j;
  if (index.below > n - 1) /* (double)(n - 1) may round up beyond 2^53 */
    index.below = n - 1;
  index.above = index.below + 1 < n ? index.below + 1 : n - 1;
  return index;
}

/* The one NaN that batchview writes: which NaN an operation makes differs between processors. */
BV_INLINE double bv_nan(void) { return bv_f64_of_bits(0x7ff8000000000000u); }

BV_INLINE double bv_interpolate(double a, double b, double t) {
  double difference = b - a; /* may overflow: then NaN is NumPy's answer too */
  double value = t < 0.5 ? a + difference * t : b - difference * (1.0 - t);
  return value == value ? value : bv_nan();
}

/* ---- The map ----------------------------------------------------------------------------------------- */

/* A window made ready for one group: the numbers of the map, rounded once to the map type. `lo` and `hi` are
 * NaN for a group without foreground: then everything is 0, infinities too. */
typedef struct bv_map_f32 {
  float lo, divisor, floor;
  float reciprocal; /* of the divisor */
} bv_map_f32;

typedef struct bv_map_f64 {
  double lo, divisor, floor;
} bv_map_f64;

BV_INLINE bv_map_f32 bv_map_f32_of_window(double lo, double hi, double epsilon, double floor) {
  bv_map_f32 map;
  float h = (float)hi;
  map.lo = (float)lo;
  map.divisor = (h - map.lo) + (float)epsilon;
  map.reciprocal = 1.0f / map.divisor;
  map.floor = (float)floor;
  if (isnan(hi))
    map.lo = h; /* either NaN makes the group 0 */
  return map;
}

BV_INLINE bv_map_f64 bv_map_f64_of_window(double lo, double hi, double epsilon, double floor) {
  bv_map_f64 map;
  map.lo = lo;
  map.divisor = (hi - lo) + epsilon;
  map.floor = floor;
  if (isnan(hi))
    map.lo = hi;
  return map;
}

/* Pixel to 0 .. 1. Written as selections, so that compilers make no branches of it and NaN gives 0. The plain
 * map is the same for most windows: infinities and background follow from the formula where bv_is_plain_map_...
 */
BV_INLINE bool bv_is_plain_map_f32(bv_map_f32 map, bool zero_is_background) {
  return bv_is_finite_f32(map.lo) && map.divisor > 0.0f && bv_is_finite_f32(map.divisor) &&
         !(zero_is_background && map.lo < 0.0f);
}

BV_INLINE bool bv_is_plain_map_f64(bv_map_f64 map, bool zero_is_background) {
  return bv_is_finite_f64(map.lo) && map.divisor > 0.0 && bv_is_finite_f64(map.divisor) &&
         !(zero_is_background && map.lo < 0.0);
}

BV_INLINE float bv_apply_plain_map_f32(float x, bv_map_f32 map) {
  float y = (x - map.lo) / map.divisor;
  y = y > 0.0f ? y : 0.0f;
  y = y < 1.0f ? y : 1.0f;
  return y < map.floor ? 0.0f : y;
}

BV_INLINE float bv_apply_map_f32(float x, bv_map_f32 map, bool zero_is_background) {
  float y = bv_apply_plain_map_f32(x, map);
  y = x == INFINITY && map.lo == map.lo ? 1.0f : y;
  y = x == -INFINITY ? 0.0f : y; /* also where lo > hi */
  return zero_is_background && x == 0.0f ? 0.0f : y;
}

/* ---- The plain map without a division ------------------------------------------------------------------ */

/* With a = RN(x - lo), the divisor d and r = RN(1 / d), the quotient and its correction by what is left of a,
 *     q = RN(a r), e = RN(a - q d), y = RN(q + e r),
 * give RN(a / d), bit for bit. Let a unit be one in the last place of q. q is less than 1.5 units off: half of
 * one by its own rounding, and by r's, whose error is at most 2^-24 of r, less than one. So e / d is less
 * than 1.5 units, its own rounding and r's error are at most 2^-24 of it each, and what is rounded to y is less
 * than 3 * 2^-24 units off. That can only matter where a / d is as near to the middle between two numbers. It
 * is n / 2D units away, with D < 2^24 the integer that d's mantissa is and n an integer, not 0: so only |n| <=
 * 6 is to be feared. All such quotients of all D can be listed, and none comes out wrong
 * (tests/reciprocal_test.cpp).
 *
 * All this is of numbers without over- and underflow:
 *   - 2^-125 <= d <= 2^125, so that r is normal;
 *   - a is 0 or |a| >= 2^-102: a - q d is a multiple of a's last place times 2^-24, which must be a number;
 *   - a is 0 or |a| >= d 2^-126, so that quotients are normal.
 * Pixels for which that does not hold are near lo. Clamping changes nothing: where a / d > 1, q is 1 and e >=
 * 0, and where a < 0, q is 0 and e = a, infinities too. NaN becomes 0. */

#if defined(__CUDA_ARCH__)
/* One instruction each; NaN becomes 0. */
BV_INLINE float bv_clamped_product(float a, float b) {
  float y;
  asm("mul.rn.sat.f32 %0, %1, %2;" : "=f"(y) : "f"(a), "f"(b));
  return y;
}
BV_INLINE float bv_clamped_fma(float a, float b, float c) {
  float y;
  asm("fma.rn.sat.f32 %0, %1, %2, %3;" : "=f"(y) : "f"(a), "f"(b), "f"(c));
  return y;
}
#else
BV_INLINE float bv_clamped(float y) { return y > 0.0f ? y < 1.0f ? y : 1.0f : 0.0f; }
BV_INLINE float bv_clamped_product(float a, float b) { return bv_clamped(a * b); }
BV_INLINE float bv_clamped_fma(float a, float b, float c) { return bv_clamped(fmaf(a, b, c)); }
#endif

/* Whether pixels that are not near lo may be mapped by the reciprocal. */
BV_INLINE bool bv_has_reciprocal_f32(bv_map_f32 map) {
  return bv_is_finite_f32(map.lo) && map.divisor >= 0x1p-125f && map.divisor <= 0x1p125f;
}

/* What differences to lo must not be below, but for 0. */
BV_INLINE float bv_nearest_of_map_f32(bv_map_f32 map) {
  float least = map.divisor * 0x1p-126f;
  return least > 0x1p-102f ? least : 0x1p-102f;
}

/* Whether no binary32 number but lo itself is near lo: the next one is |lo| 2^-25 away, or more. */
BV_INLINE bool bv_is_nothing_near_f32(bv_map_f32 map) {
  float size = fabsf(map.lo);
  return size >= 0x1p-78f && map.divisor <= 0x1p100f * size;
}

/* Whether bytes come out right for pixels near lo as well: their quotients are so small that they become 0. */
BV_INLINE bool bv_gives_bytes_by_reciprocal_f32(bv_map_f32 map) {
  return bv_has_reciprocal_f32(map) && map.divisor >= 0x1p-70f;
}

/* The plain map, without a floor. */
BV_INLINE float bv_apply_by_reciprocal_f32(float x, bv_map_f32 map) {
  float a = x - map.lo;
  float q = bv_clamped_product(a, map.reciprocal);
  float e = fmaf(-q, map.divisor, a);
  return bv_clamped_fma(e, map.reciprocal, q);
}

BV_INLINE double bv_apply_plain_map_f64(double x, bv_map_f64 map) {
  double y = (x - map.lo) / map.divisor;
  y = y > 0.0 ? y : 0.0;
  y = y < 1.0 ? y : 1.0;
  return y < map.floor ? 0.0 : y;
}

BV_INLINE double bv_apply_map_f64(double x, bv_map_f64 map, bool zero_is_background) {
  double y = bv_apply_plain_map_f64(x, map);
  y = x == (double)INFINITY && map.lo == map.lo ? 1.0 : y;
  y = x == -(double)INFINITY ? 0.0 : y; /* also where lo > hi */
  return zero_is_background && x == 0.0 ? 0.0 : y;
}

/* ---- Quantisation: y in 0 .. 1 to 0 .. 255 ------------------------------------------------------------ */

BV_INLINE uint8_t bv_u8_of_f32(float y, bool nearest) {
  return (uint8_t)(int32_t)(255.0f * y + (nearest ? 0.5f : 0.0f));
}

/* The low byte of the result is bv_u8_of_f32's, without a conversion: 2^23 added with truncation leaves the
 * integer part in the last places. `half` is 0.5 to round to nearest, else 0. */
BV_INLINE uint32_t bv_byte_of_f32(float y, float half) {
#if defined(__CUDA_ARCH__)
  return bv_bits_of_f32(__fadd_rz(255.0f * y + half, 0x1p23f));
#else
  return (uint32_t)(int32_t)(255.0f * y + half);
#endif
}

BV_INLINE uint8_t bv_u8_of_f64(double y, bool nearest) {
  return (uint8_t)(int32_t)(255.0 * y + (nearest ? 0.5 : 0.0));
}

/* ---- The uint8 conversion of one image ---------------------------------------------------------------- */

/* From the smallest and largest finite pixel; NaN for both if there is none. */
typedef struct bv_stretch_f32 {
  float shift;   /* min(m, 0): subtracted */
  float divisor; /* M, or 1 where M <= 0.1: x / 1 is x */
} bv_stretch_f32;

typedef struct bv_stretch_f64 {
  double shift;
  double divisor;
} bv_stretch_f64;

/* Rounding is monotone, so the largest of the rounded differences is the rounded difference of the largest. */
BV_INLINE bv_stretch_f32 bv_stretch_f32_of_range(float min, float max) {
  bv_stretch_f32 stretch;
  stretch.shift = min < 0.0f ? min : 0.0f;
  max = max - stretch.shift;
  stretch.divisor = max > 0.1f ? max : 1.0f;
  return stretch;
}

BV_INLINE bv_stretch_f64 bv_stretch_f64_of_range(double min, double max) {
  bv_stretch_f64 stretch;
  stretch.shift = min < 0.0 ? min : 0.0;
  max = max - stretch.shift;
  stretch.divisor = max > 0.1 ? max : 1.0;
  return stretch;
}

BV_INLINE uint8_t bv_apply_stretch_f32(float x, bv_stretch_f32 stretch) {
  float scaled = 255.0f * ((x - stretch.shift) / stretch.divisor);
  scaled = scaled > 0.0f ? scaled : 0.0f;
  scaled = scaled < 255.0f ? scaled : 255.0f;
  return x == INFINITY ? 255 : (uint8_t)(int32_t)scaled;
}

BV_INLINE uint8_t bv_apply_stretch_f64(double x, bv_stretch_f64 stretch) {
  double scaled = 255.0 * ((x - stretch.shift) / stretch.divisor);
  scaled = scaled > 0.0 ? scaled : 0.0;
  scaled = scaled < 255.0 ? scaled : 255.0;
  return x == (double)INFINITY ? 255 : (uint8_t)(int32_t)scaled;
}

/* The same conversion as a map: its y, rounded down to bytes, gives the same byte of every x. */
BV_INLINE bv_map_f32 bv_map_f32_of_stretch(bv_stretch_f32 stretch) {
  bv_map_f32 map;
  map.lo = stretch.shift;
  map.divisor = stretch.divisor;
  map.reciprocal = 1.0f / map.divisor;
  map.floor = 0.0f;
  return map;
}

BV_INLINE bv_map_f64 bv_map_f64_of_stretch(bv_stretch_f64 stretch) {
  bv_map_f64 map;
  map.lo = stretch.shift;
  map.divisor = stretch.divisor;
  map.floor = 0.0;
  return map;
}

/* ---- Encoding of float outputs: y in 0 .. 1, rounded once to nearest even ------------------------------ */

/* A binary64 y in 0 .. 1 as the nearest number of `fraction_bits` fraction bits and least normal exponent
 * `min_exponent`, in units of its least denormal: for f16 and bf16 of positive numbers that integer is the
 * encoding. Scaling by powers of two is exact, so that the only rounding is the addition of 2^52. */
BV_INLINE uint16_t bv_encode_unit(double y, int fraction_bits, int min_exponent) {
  int exponent = (int)(bv_bits_of_f64(y) >> 52) - 1023;
  if (exponent < min_exponent)
    exponent = min_exponent;
  /* y in units of its last place: at most 2^(fraction_bits + 1) */
  double in_ulps = y * bv_f64_of_bits((uint64_t)(fraction_bits - exponent + 1023) << 52);
  double rounded = (in_ulps + 0x1p52) - 0x1p52;
  return (uint16_t)((int32_t)rounded + ((exponent - min_exponent) << fraction_bits));
}

BV_INLINE uint16_t bv_f16_of_unit(double y) { return bv_encode_unit(y, 10, -14); }
BV_INLINE uint16_t bv_bf16_of_unit(double y) { return bv_encode_unit(y, 7, -126); }

#endif
