/* The inner loops for one instruction set: compiled once for each, with BV_TILE_ISA naming it. */
#include "tile_ops.h"

#include <float.h>
#include <math.h>

#include "arithmetic.h"

#if defined(__AVX2__)
#include <immintrin.h>
#endif

/* Buckets of a selection: of all candidates, and of one bucket of theirs. */
#define WIDE_BITS 11
#define FEW_BITS 8 /* of fewer than FEW_VALUES candidates */
#define FEW_VALUES 2048
#define NARROW_BITS 6

#define PASTE_(a, b) a##b
#define PASTE(a, b) PASTE_(a, b)

/* ---- Bytes: the same for both map types ----------------------------------------------------------------- */

static void replicate(const uint8_t *grey, int64_t count, uint8_t *out, bool alpha) {
  int64_t i = 0;
  int step = alpha ? 4 : 3;
#if defined(__AVX2__)
  /* Sixteen pixels to three or four vectors: byte k is of pixel k / step. */
  const __m128i rgb[3] = {_mm_setr_epi8(0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 5),
                          _mm_setr_epi8(5, 5, 6, 6, 6, 7, 7, 7, 8, 8, 8, 9, 9, 9, 10, 10),
                          _mm_setr_epi8(10, 11, 11, 11, 12, 12, 12, 13, 13, 13, 14, 14, 14, 15, 15, 15)};
  const __m128i rgba = _mm_setr_epi8(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
  const __m128i opaque = _mm_set1_epi32((int)0xff000000u);
  for (; i + 16 <= count; i += 16) {
    __m128i pixels = _mm_loadu_si128((const __m128i *)(grey + i));
    __m128i *to = (__m128i *)(out + i * step);
    for (int k = 0; k < step; ++k) {
      __m128i order = alpha ? _mm_add_epi8(rgba, _mm_set1_epi8((char)(4 * k))) : rgb[k];
      __m128i bytes = _mm_shuffle_epi8(pixels, order);
      _mm_storeu_si128(to + k, alpha ? _mm_or_si128(bytes, opaque) : bytes);
    }
  }
#endif
  for (; i < count; ++i) {
    out[i * step] = out[i * step + 1] = out[i * step + 2] = grey[i];
    if (alpha)
      out[i * step + 3] = 255;
  }
}

/* ---- Vectors: what the loops of either map type need of AVX2 ------------------------------------------- */

#if defined(__AVX2__)

/* Appends the lanes that a mask of four bits names. Branching on the mask would cost more: it is hard to
 * predict. */
static inline float *append_lanes_f32(float *to, __m128 lanes, unsigned mask) {
  static const int32_t front[16][4] = {{0},    {0},       {1},       {0, 1},      {2},    {0, 2},
                                       {1, 2}, {0, 1, 2}, {3},       {0, 3},      {1, 3}, {0, 1, 3},
                                       {2, 3}, {0, 2, 3}, {1, 2, 3}, {0, 1, 2, 3}};
  _mm_storeu_ps(to, _mm_permutevar_ps(lanes, _mm_loadu_si128((const __m128i *)front[mask])));
  return to + __builtin_popcount(mask);
}

static inline double *append_lanes_f64(double *to, __m256d lanes, unsigned mask) {
  /* Each lane is two words. */
  static const int32_t front[16][8] = {{0},
                                       {0, 1},
                                       {2, 3},
                                       {0, 1, 2, 3},
                                       {4, 5},
                                       {0, 1, 4, 5},
                                       {2, 3, 4, 5},
                                       {0, 1, 2, 3, 4, 5},
                                       {6, 7},
                                       {0, 1, 6, 7},
                                       {2, 3, 6, 7},
                                       {0, 1, 2, 3, 6, 7},
                                       {4, 5, 6, 7},
                                       {0, 1, 4, 5, 6, 7},
                                       {2, 3, 4, 5, 6, 7},
                                       {0, 1, 2, 3, 4, 5, 6, 7}};
  __m256i order = _mm256_loadu_si256((const __m256i *)front[mask]);
  _mm256_storeu_pd(to, _mm256_castsi256_pd(_mm256_permutevar8x32_epi32(_mm256_castpd_si256(lanes), order)));
  return to + __builtin_popcount(mask);
}

static inline float *append_vector_f32(float *to, __m256 x, unsigned mask) {
  to = append_lanes_f32(to, _mm256_castps256_ps128(x), mask & 15);
  return append_lanes_f32(to, _mm256_extractf128_ps(x, 1), mask >> 4);
}

static inline double *append_vector_f64(double *to, __m256d x, unsigned mask) {
  return append_lanes_f64(to, x, mask);
}

#define V(operation) PASTE(_mm256_##operation##_, VECTOR)
#define VECTOR_TO_INTEGER PASTE(PASTE(_mm256_cast, VECTOR), _si256)
#define VECTOR_OF_INTEGER PASTE(_mm256_castsi256_, VECTOR)
#define INTEGER_SUBTRACT PASTE(_mm256_sub_epi, KEY_BITS)
#define LANES (256 / KEY_BITS)

#endif

/* ---- Ranks ------------------------------------------------------------------------------------------- */

/* The first bucket that ends beyond a rank. */
static int bucket_of_rank(const int64_t *ends, int buckets, int64_t rank) {
  int low = 0, high = buckets - 1;
  while (low < high) {
    int middle = (low + high) / 2;
    if (rank < ends[middle])
      high = middle;
    else
      low = middle + 1;
  }
  return low;
}

/* ---- The tables ----------------------------------------------------------------------------------------- */

#define REAL float
#define TYPE f32
#define REAL_MAX FLT_MAX
#define KEY uint32_t
#define KEY_BITS 32
#define VECTOR ps
#define VECTOR_TYPE __m256
#include "tile_ops.inc"
#undef REAL
#undef TYPE
#undef REAL_MAX
#undef KEY
#undef KEY_BITS
#undef VECTOR
#undef VECTOR_TYPE

#define REAL double
#define TYPE f64
#define REAL_MAX DBL_MAX
#define KEY uint64_t
#define KEY_BITS 64
#define VECTOR pd
#define VECTOR_TYPE __m256d
#include "tile_ops.inc"
