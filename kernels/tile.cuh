/* The hot loop of mapping: whole quads of neighbouring pixels, whose type and packing the compiler knows.
 *
 * Pixels are mapped by the reciprocal of the window's divisor. Planes that need more care (a floor, background
 * in the middle of the window, numbers very near lo) are corrected quad by quad; windows that the reciprocal is
 * not for, and all that is not whole, aligned and gap-free, go the general way (pack.cuh).
 */
#ifndef BV_TILE_CUH
#define BV_TILE_CUH

#include "pack.cuh"

namespace bv {

/* ---- Decided once a plane ------------------------------------------------------------------------------ */

/* A plane's map as the loop wants it. */
struct QuickMap {
  bv_map_f32 map;
  float half;      /* what bytes are rounded with */
  bool is_for_all; /* or the plane has to go the general way */
  bool is_careful; /* results are to be corrected */
  bool zero_is_background;
};

/* What all numbers of a type are multiples of, or 0; below 0 for types that are mapped in f64. */
__host__ __device__ constexpr float step_of_dtype(bv_dtype dtype) {
  switch (dtype) {
  case BV_F64:
  case BV_I32:
  case BV_U32: return -1.0f;
  case BV_F32:
  case BV_BF16: return 0.0f;
  case BV_F16: return 0x1p-24f;
  default: return 1.0f;
  }
}

/* Results below this become the byte 0, rounded either way. */
constexpr float floor_without_bytes = 0x1p-9f;

template <bv_dtype dtype>
__device__ __forceinline__ QuickMap quick_map_of(const bv_map_f32 &map, const Source &source,
                                                 const Sink &sink) {
  const bool steps_over = map.lo == 0.0f && bv_nearest_of_map_f32(map) <= step_of_dtype(dtype);
  const bool is_bytes = sink.dtype == BV_U8;
  const bool is_nothing_near =
      steps_over || bv_is_nothing_near_f32(map) || (is_bytes && bv_gives_bytes_by_reciprocal_f32(map));
  QuickMap quick;
  quick.map = map;
  quick.half = sink.nearest ? 0.5f : 0.0f;
  quick.is_for_all = sink.packing != packed_otherwise && bv_has_reciprocal_f32(map);
  quick.is_careful = !is_nothing_near || (is_bytes && map.floor > floor_without_bytes) ||
                     (source.zero_is_background && map.lo < 0.0f);
  quick.zero_is_background = source.zero_is_background;
  return quick;
}

/* Pixels that are mapped in f64 have no reciprocal. */
template <bv_dtype dtype>
__device__ __forceinline__ QuickMap quick_map_of(const bv_map_f64 &, const Source &, const Sink &) {
  return {};
}

/* ---- Quads --------------------------------------------------------------------------------------------- */

__device__ __forceinline__ void correct_quad(const QuickMap &quick, const float x[quad], float y[quad]) {
  const bv_map_f32 &map = quick.map;
  const float nearest = bv_nearest_of_map_f32(map);
  bool is_near = false;
#pragma unroll
  for (int i = 0; i < quad; ++i) {
    const float a = fabsf(x[i] - map.lo);
    is_near |= a > 0.0f && a < nearest;
    y[i] = y[i] < map.floor || (quick.zero_is_background && x[i] == 0.0f) ? 0.0f : y[i];
  }
  if (is_near)
#pragma unroll
    for (int i = 0; i < quad; ++i)
      y[i] = bv_apply_map_f32(x[i], map, quick.zero_is_background);
}

/* `address` is the lane's, as address_of_lane() finds it. */
template <Packing packing>
__device__ __forceinline__ void store_packed(const float y[quad], float half, char *address,
                                             uint32_t *exchange) {
  if constexpr (packing == packed_f32) {
    __stcs((float4 *)address, make_float4(y[0], y[1], y[2], y[3]));
  } else if constexpr (packing == packed_f16) {
    const __half2 low = __floats2half2_rn(y[0], y[1]), high = __floats2half2_rn(y[2], y[3]);
    __stcs((uint2 *)address, make_uint2(*(const uint32_t *)&low, *(const uint32_t *)&high));
  } else if constexpr (packing == packed_bf16) {
    const __nv_bfloat162 low = __floats2bfloat162_rn(y[0], y[1]), high = __floats2bfloat162_rn(y[2], y[3]);
    __stcs((uint2 *)address, make_uint2(*(const uint32_t *)&low, *(const uint32_t *)&high));
  } else {
    uint32_t grey[quad];
#pragma unroll
    for (int i = 0; i < quad; ++i)
      grey[i] = bv_byte_of_f32(y[i], half);
    if constexpr (packing == packed_grey) {
      __stcs((uint32_t *)address, lowest_bytes(grey));
    } else if constexpr (packing == packed_rgb) {
      uint32_t word[3];
      rgb_words_of_grey(grey, word);
      store_rgb_warp(address, word, exchange);
    } else {
      __stcs((uint4 *)address, rgba_of_grey(grey));
    }
  }
}

/* What the compiler is to know of a plane's loop. */
template <Packing packing_, bool is_careful_> struct Way {
  static constexpr Packing packing = packing_;
  static constexpr bool is_careful = is_careful_;
};

/* Maps quads of each lane that begin `step_bytes` of the output apart. load(i, raw) loads quad i; `address` is
 * where the first goes. */
template <bv_dtype dtype, int Width, int Quads, typename Way, typename Load>
__device__ __forceinline__ void map_quads(Way, const QuickMap &quick, const Load &load, char *address,
                                          int step_bytes, uint32_t *exchange) {
  if constexpr (step_of_dtype(dtype) < 0) {
    return; /* pixels that are mapped in f64 */
  } else {
    Raw<Width, quad> raw[Quads];
#pragma unroll
    for (int i = 0; i < Quads; ++i)
      load(i, raw[i]);
#pragma unroll
    for (int i = 0; i < Quads; ++i) {
      float x[quad], y[quad];
      decode_cell<Width, float, quad>(raw[i], dtype, x);
#pragma unroll
      for (int j = 0; j < quad; ++j)
        y[j] = bv_apply_by_reciprocal_f32(x[j], quick.map);
      if constexpr (Way::packing <= packed_bf16)
#pragma unroll
        for (int j = 0; j < quad; ++j)
          y[j] = y[j] < quick.map.floor ? 0.0f : y[j];
      if constexpr (Way::is_careful)
        correct_quad(quick, x, y);
      store_packed<Way::packing>(y, quick.half, address + i * step_bytes, exchange);
    }
  }
}

/* call(Way<...>()) for a packing that has a loop. */
template <Packing packing, typename Call>
__device__ __forceinline__ void with_care(bool is_careful, const Call &call) {
  if (is_careful)
    call(Way<packing, true>());
  else
    call(Way<packing, false>());
}

template <typename Call>
__device__ __forceinline__ void with_packing(Packing packing, bool is_careful, const Call &call) {
  switch (packing) {
  case packed_f32: with_care<packed_f32>(is_careful, call); break;
  case packed_f16: with_care<packed_f16>(is_careful, call); break;
  case packed_bf16: with_care<packed_bf16>(is_careful, call); break;
  case packed_grey: with_care<packed_grey>(is_careful, call); break;
  case packed_rgb: with_care<packed_rgb>(is_careful, call); break;
  case packed_rgba: with_care<packed_rgba>(is_careful, call); break;
  case packed_otherwise: break;
  }
}

} // namespace bv

#endif
