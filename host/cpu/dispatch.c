/* Which instruction set's inner loops are used. */
#include "arithmetic.h"
#include "tile_ops.h"

extern const bv_tile_ops bv_tile_ops_f32_baseline, bv_tile_ops_f64_baseline;
#if defined(BV_TILE_OPS_AVX2)
extern const bv_tile_ops bv_tile_ops_f32_avx2, bv_tile_ops_f64_avx2;
#endif

const bv_tile_ops *bv_tile_ops_for(bv_dtype in_dtype) {
#if defined(BV_TILE_OPS_AVX2)
  if (__builtin_cpu_supports("avx2")) /* whatever has AVX2 has F16C */
    return bv_maps_in_f64(in_dtype) ? &bv_tile_ops_f64_avx2 : &bv_tile_ops_f32_avx2;
#endif
  return bv_maps_in_f64(in_dtype) ? &bv_tile_ops_f64_baseline : &bv_tile_ops_f32_baseline;
}
