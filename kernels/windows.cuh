/* Windows in device memory: written by the kernels that measure, read by those that map. */
#ifndef BV_WINDOWS_CUH
#define BV_WINDOWS_CUH

#include "launch.h"
#include "number.cuh"

namespace bv {

__device__ __forceinline__ void write_window(const bv_windows &windows, int64_t group, double lo, double hi,
                                             int64_t n) {
  double *window = windows.data + group * windows.stride[0];
  window[0] = lo;
  window[windows.stride[1]] = hi;
  if (windows.count)
    window[2 * windows.stride[1]] = (double)n;
}

/* The value of a percentile among n >= 1 numbers, of which value(i) is the i-th in ascending order. */
template <typename Value>
__device__ __forceinline__ double percentile_of(int64_t n, double percent, const Value &value) {
  bv_index index = bv_index_of_percentile(n, percent);
  return bv_interpolate((double)value(index.below), (double)value(index.above), index.t);
}

} // namespace bv

#endif
