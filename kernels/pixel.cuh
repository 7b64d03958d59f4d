/* How threads get at pixels: where a line lies, what the accesses to it may be, and decoding to the map type.
 *
 * Templates are keyed on the width of a pixel in bytes and the map type, (1, float) (2, float) (4, float)
 * (4, double) (8, double); which of the types of that width it is, is a switch that all threads take the same
 * way. Lines are cut into cells of `Pixels` neighbours, one cell a thread. The cut is shifted by `lead` pixels,
 * so that cells are aligned in memory wherever the line begins: cell c holds the pixels c * Pixels - lead and
 * on, and those before 0 or from run.extent on do not exist (they load as NaN).
 */
#ifndef BV_PIXEL_CUH
#define BV_PIXEL_CUH

#include <cuda_fp16.h>

#include "lines.h"
#include "number.cuh"

namespace bv {

constexpr int warp_lanes = 32;
constexpr int byte_values = 256;

/* What is read, by value. */
struct Source {
  const void *in;
  const uint8_t *mask; /* NULL without */
  bv_dtype dtype;
  bool zero_is_background;
};

inline Source source_of_job(const bv_job *job) {
  return {job->in, job->mask, job->in_dtype, job->zero_is_background};
}

inline int bytes_of_dtype(bv_dtype dtype) {
  switch (dtype) {
  case BV_F64: return 8;
  case BV_F32:
  case BV_I32:
  case BV_U32: return 4;
  case BV_U8:
  case BV_I8: return 1;
  default: return 2;
  }
}

/* One line, and how it may be accessed. */
struct Line {
  const char *in;
  const uint8_t *mask;
  char *out;
  int64_t window; /* the number of its (first channel's) window */
  int32_t lead;   /* 0 .. 15 */
  bool wide_in, wide_mask, wide_out;
};

/* n / d for n >= 0, d > 0: most numbers are small, and 64-bit division is slow. */
__device__ __forceinline__ int64_t quotient(int64_t n, int64_t d) {
  return ((uint64_t)n | (uint64_t)d) >> 32 ? n / d : (int64_t)((uint32_t)n / (uint32_t)d);
}

/* Line `number` with the offsets of its first pixel: `in_bytes` and `out_bytes` are the sizes of elements. */
__device__ __forceinline__ Line locate_line(const bv_lines &lines, const Source &source, void *out,
                                            int64_t number, int in_bytes, int out_bytes) {
  int64_t in_at = 0, mask_at = 0, out_at = 0, window = 0;
  for (int i = 0; i < lines.ndim; ++i) {
    const bv_line_axis &axis = lines.axis[i];
    int64_t next = i + 1 < lines.ndim ? quotient(number, axis.extent) : 0;
    int64_t index = number - next * axis.extent;
    in_at += index * axis.in;
    mask_at += index * axis.mask;
    out_at += index * axis.out;
    window += index * axis.window;
    number = next;
  }
  return {(const char *)source.in + in_at * in_bytes,
          source.mask ? source.mask + mask_at : nullptr,
          (char *)out + out_at * out_bytes,
          window,
          0,
          false,
          false,
          false};
}

/* ---- Raw pixels ---------------------------------------------------------------------------------------- */

__host__ __device__ constexpr int bytes_of_access(int bytes) { return bytes < 16 ? bytes : 16; }

/* The bits of a cell as they lie in memory; at least 4 bytes. */
template <int Width, int Pixels> struct Raw {
  static_assert(Width * Pixels % 4 == 0, "cells are whole words");
  static constexpr int words = Width * Pixels / 4;
  uint32_t word[words];
};

template <int Width> struct BitsOf;
template <> struct BitsOf<1> { using Type = uint8_t; };
template <> struct BitsOf<2> { using Type = uint16_t; };
template <> struct BitsOf<4> { using Type = uint32_t; };
template <> struct BitsOf<8> { using Type = uint64_t; };
template <int Width> using Bits = typename BitsOf<Width>::Type;

/* `index` is a constant after unrolling. */
template <int Width, int Pixels>
__device__ __forceinline__ Bits<Width> bits_of(const Raw<Width, Pixels> &raw, int index) {
  if constexpr (Width == 8)
    return (uint64_t)raw.word[2 * index + 1] << 32 | raw.word[2 * index];
  else
    return (Bits<Width>)(raw.word[index * Width / 4] >> (index * Width % 4 * 8));
}

/* LastUse: nobody reads these pixels again, so they need not stay in a cache. */
template <bool LastUse, typename Word> __device__ __forceinline__ Word load(const Word *address) {
  return LastUse ? __ldcs(address) : *address;
}

/* A whole, aligned cell. */
template <bool LastUse, int Width, int Pixels>
__device__ __forceinline__ void load_wide(const void *address, Raw<Width, Pixels> &raw) {
  if constexpr (Width * Pixels == 4) {
    raw.word[0] = load<LastUse>((const uint32_t *)address);
  } else if constexpr (Width * Pixels == 8) {
    uint2 words = load<LastUse>((const uint2 *)address);
    raw.word[0] = words.x;
    raw.word[1] = words.y;
  } else {
#pragma unroll
    for (int i = 0; i < Width * Pixels / 16; ++i) {
      uint4 words = load<LastUse>((const uint4 *)address + i);
      raw.word[4 * i] = words.x;
      raw.word[4 * i + 1] = words.y;
      raw.word[4 * i + 2] = words.z;
      raw.word[4 * i + 3] = words.w;
    }
  }
}

/* Pixel by pixel: of the cell at pixel `first`, those that exist; the others are 0. */
template <int Width, int Pixels>
__device__ __forceinline__ void load_single(const char *line, int64_t stride, int64_t extent, int64_t first,
                                            Raw<Width, Pixels> &raw) {
#pragma unroll
  for (int i = 0; i < Raw<Width, Pixels>::words; ++i)
    raw.word[i] = 0;
#pragma unroll
  for (int i = 0; i < Pixels; ++i) {
    int64_t pixel = first + i;
    if (pixel < 0 || pixel >= extent)
      continue;
    Bits<Width> bits = ((const Bits<Width> *)line)[pixel * stride];
    if constexpr (Width == 8) {
      raw.word[2 * i] = (uint32_t)bits;
      raw.word[2 * i + 1] = (uint32_t)(bits >> 32);
    } else {
      raw.word[i * Width / 4] |= (uint32_t)bits << (i * Width % 4 * 8);
    }
  }
}

/* ---- Decoding ------------------------------------------------------------------------------------------ */

/* The conversion instruction from f16 is exact, and so equals arithmetic.h's. */
template <typename T> __device__ __forceinline__ T decode(uint8_t bits, bv_dtype dtype) {
  return dtype == BV_U8 ? (T)bits : (T)(int8_t)bits;
}
template <typename T> __device__ __forceinline__ T decode(uint16_t bits, bv_dtype dtype) {
  switch (dtype) {
  case BV_F16: return __half2float(__ushort_as_half(bits));
  case BV_BF16: return bv_f32_of_bf16(bits);
  case BV_U16: return (T)bits;
  default: return (T)(int16_t)bits;
  }
}
template <typename T> __device__ __forceinline__ T decode(uint32_t bits, bv_dtype dtype) {
  if constexpr (sizeof(T) == 4)
    return bv_f32_of_bits(bits);
  else
    return dtype == BV_U32 ? (T)bits : (T)(int32_t)bits;
}
template <typename T> __device__ __forceinline__ T decode(uint64_t bits, bv_dtype) {
  return bv_f64_of_bits(bits);
}

template <int Width, typename T, int Pixels>
__device__ __forceinline__ void decode_cell(const Raw<Width, Pixels> &raw, bv_dtype dtype, T x[Pixels]) {
#pragma unroll
  for (int i = 0; i < Pixels; ++i)
    x[i] = decode<T>(bits_of(raw, i), dtype);
}

/* ---- Cells --------------------------------------------------------------------------------------------- */

/* Whether cells of a line are aligned in a tensor of `bytes` an element, and what the lead must be for it. */
template <int Pixels> __device__ __forceinline__ int lead_of(const void *line, int bytes) {
  return (int)((uintptr_t)line % bytes_of_access(bytes * Pixels)) / bytes;
}
template <int Pixels>
__device__ __forceinline__ bool is_wide(const void *line, int64_t stride, int bytes, int lead) {
  return stride == 1 && ((uintptr_t)line - (uintptr_t)(lead * bytes)) % bytes_of_access(bytes * Pixels) == 0;
}

/* A line for reading in cells of `Pixels`, its lead chosen for the input. */
template <int Width, int Pixels>
__device__ __forceinline__ Line line_to_read(const bv_lines &lines, const Source &source, int64_t number) {
  Line line = locate_line(lines, source, nullptr, number, Width, 1);
  line.lead = lines.run.in == 1 ? lead_of<Pixels>(line.in, Width) : 0;
  line.wide_in = is_wide<Pixels>(line.in, lines.run.in, Width, line.lead);
  line.wide_mask = is_wide<Pixels>(line.mask, lines.run.mask, 1, line.lead);
  return line;
}

/* The mask's bytes of a cell, NaN into the pixels where it is 0 or that do not exist. */
template <typename T, int Pixels>
__device__ __forceinline__ void mask_cell(const bv_lines &lines, const Line &line, int64_t first, bool whole,
                                          T x[Pixels]) {
  if (line.mask) {
    Raw < 1, Pixels<4 ? 4 : Pixels> inside;
    if (Pixels >= 4 && whole && line.wide_mask)
      load_wide<false>(line.mask + first, inside);
    else
      load_single((const char *)line.mask, lines.run.mask, lines.run.extent, first, inside);
#pragma unroll
    for (int i = 0; i < Pixels; ++i)
      x[i] = bits_of(inside, i) ? x[i] : not_a_number<T>();
  }
  if (!whole) {
#pragma unroll
    for (int i = 0; i < Pixels; ++i)
      x[i] = first + i >= 0 && first + i < lines.run.extent ? x[i] : not_a_number<T>();
  }
}

/* The cell at pixel `first` (cell * Pixels - lead): in map-type numbers, NaN where masked or not there. */
template <int Width, typename T, int Pixels, bool LastUse>
__device__ __forceinline__ void load_cell(const bv_lines &lines, const Source &source, const Line &line,
                                          int64_t first, T x[Pixels]) {
  bool whole = first >= 0 && first + Pixels <= lines.run.extent;
  Raw<Width, Pixels> raw;
  if (whole && line.wide_in)
    load_wide<LastUse>(line.in + first * Width, raw);
  else
    load_single(line.in, lines.run.in, lines.run.extent, first, raw);
  decode_cell<Width, T, Pixels>(raw, source.dtype, x);
  mask_cell<T, Pixels>(lines, line, first, whole, x);
}

/* As load_cell, several cells `step` pixels apart, with all loads in flight before the first is used. */
template <int Width, typename T, int Pixels, int Cells, bool LastUse>
__device__ __forceinline__ void load_cells(const bv_lines &lines, const Source &source, const Line &line,
                                           int64_t first, int64_t step, T x[Cells][Pixels]) {
  bool whole = first >= 0 && first + (Cells - 1) * step + Pixels <= lines.run.extent;
  if (whole && line.wide_in) {
    Raw<Width, Pixels> raw[Cells];
#pragma unroll
    for (int c = 0; c < Cells; ++c)
      load_wide<LastUse>(line.in + (first + c * step) * Width, raw[c]);
#pragma unroll
    for (int c = 0; c < Cells; ++c) {
      decode_cell<Width, T, Pixels>(raw[c], source.dtype, x[c]);
      mask_cell<T, Pixels>(lines, line, first + c * step, true, x[c]);
    }
  } else {
#pragma unroll
    for (int c = 0; c < Cells; ++c)
      load_cell<Width, T, Pixels, LastUse>(lines, source, line, first + c * step, x[c]);
  }
}

} // namespace bv

#endif
