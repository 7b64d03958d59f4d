/* The window of 8-bit pixels, from the counts of their 256 values, by one warp. */
#ifndef BV_BYTE_WINDOW_CUH
#define BV_BYTE_WINDOW_CUH

#include "narrow.cuh"

namespace bv {

struct Window {
  double lo, hi;
  uint32_t n;
};

/* `bins` are in the order of pixels' bits and aligned to 16 bytes. Each lane has eight values, ascending. */
template <bv_dtype dtype>
__device__ __forceinline__ Window window_of_bins(const uint32_t *bins, bool zero_is_background,
                                                 const Percentiles &percentiles) {
  constexpr uint32_t all = 0xffffffffu, each = byte_values / warp_lanes;
  constexpr uint32_t zero = dtype == BV_I8 ? 128 : 0; /* its place among the values */
  const uint32_t lane = threadIdx.x % warp_lanes, first = lane * each;
  const uint4 *own = (const uint4 *)(bins + (first ^ zero));
  const uint4 low = own[0], high = own[1];
  uint32_t count[each] = {low.x, low.y, low.z, low.w, high.x, high.y, high.z, high.w};
  if (zero_is_background && first == zero)
    count[0] = 0;

  uint32_t mine = 0;
#pragma unroll
  for (uint32_t i = 0; i < each; ++i)
    mine += count[i];
  uint32_t sum = mine; /* of this lane and those before */
#pragma unroll
  for (uint32_t distance = 1; distance < warp_lanes; distance *= 2) {
    const uint32_t other = __shfl_up_sync(all, sum, distance);
    sum += lane >= distance ? other : 0;
  }
  const uint32_t n = __shfl_sync(all, sum, warp_lanes - 1), before = sum - mine;
  if (n == 0)
    return {bv_nan(), bv_nan(), 0};

  const auto value_at = [&](int64_t place) {
    const uint32_t of_lane = (uint32_t)place - before;
    uint32_t value = first, passed = 0;
#pragma unroll
    for (uint32_t i = 0; i < each; ++i) {
      passed += count[i];
      value += passed <= of_lane;
    }
    const int holder = __ffs((int)__ballot_sync(all, of_lane < mine)) - 1;
    return (double)(int)(__shfl_sync(all, value, holder) - zero);
  };
  double end[ends];
#pragma unroll
  for (int e = 0; e < ends; ++e) {
    const bv_index index = bv_index_of_percentile(n, percentiles.percent[e]);
    end[e] = bv_interpolate(value_at(index.below), value_at(index.above), index.t);
  }
  return {end[0], end[1], n};
}

} // namespace bv

#endif
