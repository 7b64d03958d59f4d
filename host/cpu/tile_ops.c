/* The inner loops for one instruction set: compiled once for each, with BV_TILE_ISA naming it. */
#include "tile_ops.h"

#include <float.h>
#include <math.h>

#include "arithmetic.h"

#if defined(__AVX2__)
#include <immintrin.h>
#endif

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

/* Elements 0, 3, 6, ... 21 of the 24 that are loaded. */
static inline __m256 every_third_f32(const float *from) {
  __m256 a = _mm256_loadu_ps(from), b = _mm256_loadu_ps(from + 8), c = _mm256_loadu_ps(from + 16);
  __m256 mixed = _mm256_blend_ps(_mm256_blend_ps(a, b, 0x92), c, 0x24);
  return _mm256_permutevar8x32_ps(mixed, _mm256_setr_epi32(0, 3, 6, 1, 4, 7, 2, 5));
}

/* The numbers of a mask's set bits, a byte each, lowest first. */
#define BIT(mask, bit) \
  ((uint64_t)((mask) >> (bit)&1) * (bit) << 8 * __builtin_popcount((mask) & ((1 << (bit)) - 1)))
#define BITS_OF(mask) \
  (BIT(mask, 1) | BIT(mask, 2) | BIT(mask, 3) | BIT(mask, 4) | BIT(mask, 5) | BIT(mask, 6) | BIT(mask, 7))
#define BITS_OF_4(mask) BITS_OF(mask), BITS_OF((mask) + 1), BITS_OF((mask) + 2), BITS_OF((mask) + 3)
#define BITS_OF_16(mask) BITS_OF_4(mask), BITS_OF_4((mask) + 4), BITS_OF_4((mask) + 8), BITS_OF_4((mask) + 12)
#define BITS_OF_64(mask) \
  BITS_OF_16(mask), BITS_OF_16((mask) + 16), BITS_OF_16((mask) + 32), BITS_OF_16((mask) + 48)
static const uint64_t bits_of[256] = {BITS_OF_64(0), BITS_OF_64(64), BITS_OF_64(128), BITS_OF_64(192)};

/* Appends the lanes that a mask names. Branching on the mask would cost more: it is hard to predict. */
static inline float *append_vector_f32(float *to, __m256 x, unsigned mask) {
  __m256i order = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)&bits_of[mask]));
  _mm256_storeu_ps(to, _mm256_permutevar8x32_ps(x, order));
  return to + __builtin_popcount(mask);
}

static inline double *append_vector_f64(double *to, __m256d x, unsigned mask) {
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
  _mm256_storeu_pd(to, _mm256_castsi256_pd(_mm256_permutevar8x32_epi32(_mm256_castpd_si256(x), order)));
  return to + __builtin_popcount(mask);
}

#define V(operation) PASTE(_mm256_##operation##_, VECTOR)
#define VECTOR_TO_INTEGER PASTE(PASTE(_mm256_cast, VECTOR), _si256)
#define VECTOR_OF_INTEGER PASTE(_mm256_castsi256_, VECTOR)
#define INTEGER(operation) PASTE(_mm256_##operation##_epi, KEY_BITS)
#define LANES (256 / KEY_BITS)

#endif

/* ---- The tables ----------------------------------------------------------------------------------------- */

#define REAL float
#define TYPE f32
#define REAL_MAX FLT_MAX
#define KEY uint32_t
#define KEY_BITS 32
#define VECTOR ps
#define VECTOR_TYPE __m256
#define VECTOR_OF_KEY(key) _mm256_set1_epi32((int32_t)(key))
#include "tile_ops.inc"
#undef REAL
#undef TYPE
#undef REAL_MAX
#undef KEY
#undef KEY_BITS
#undef VECTOR
#undef VECTOR_TYPE
#undef VECTOR_OF_KEY

#define REAL double
#define TYPE f64
#define REAL_MAX DBL_MAX
#define KEY uint64_t
#define KEY_BITS 64
#define VECTOR pd
#define VECTOR_TYPE __m256d
#define VECTOR_OF_KEY(key) _mm256_set1_epi64x((int64_t)(key))
#include "tile_ops.inc"
