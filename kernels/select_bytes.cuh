/* Percentiles of 8-bit pixels: one read counts the values of a group in 256 bins, which say it all.
 *
 * Blocks that share a group add up their bins in its ByteState, and the last of them has the percentiles.
 */
#ifndef BV_SELECT_BYTES_CUH
#define BV_SELECT_BYTES_CUH

#include "select.cuh"

namespace bv {

constexpr int byte_threads = 256; /* a bin each */

/* Of a group, all zero at first. */
struct ByteState {
  Total bins[byte_values];
  uint32_t arrived;
};
static_assert(sizeof(ByteState) <= BV_SELECT_BYTE_STATE_BYTES, "as planned");

/* Adds a part of a group to the block's bins, which are in the order of the pixels' bits. */
__device__ __forceinline__ void count_bytes(const bv_lines &lines, const Source &source, int64_t tiles_of_line,
                                            int64_t group, int part, int parts, uint32_t *bins) {
  const auto count_cell = [&](const float x[cell_pixels<1>]) {
#pragma unroll
    for (int i = 0; i < cell_pixels<1>; ++i)
      if (x[i] == x[i])
        atomicAdd(bins + ((int)x[i] & 0xff), 1u);
  };
  const Line line = line_to_read<1, cell_pixels<1>>(lines, source, group * lines.rows);
  if (is_run(lines, line))
    walk_run<1, float, byte_threads>(
        lines, source, line, part, parts,
        [&](const Raw<1, cell_pixels<1>> raw[loads_of_strip], const char *) {
#pragma unroll
          for (int i = 0; i < lane_pixels<1>; ++i)
            atomicAdd(bins + bits_of(raw[i / cell_pixels<1>], i % cell_pixels<1>), 1u);
        },
        count_cell);
  else
    walk_group<1, float, byte_threads>(lines, source, tiles_of_line, group, part, parts,
                                       [&](int64_t, int64_t, const auto &x) { count_cell(x); });
}

/* The window, from `count`, the pixels of each thread's value; `number` is the value itself. Values are in
 * ascending order of threads. */
__device__ __forceinline__ void write_window_of_bytes(const bv_windows &windows, int64_t group,
                                                      const Percentiles &percentiles, Total count, int number) {
  __shared__ Scratch<Total> scratch;
  __shared__ double found[2 * ends]; /* x(j) and x(j + 1) of each end */
  Total n;
  const Total before = sum_before(count, scratch, &n);
  if (n == 0) {
    if (threadIdx.x == 0)
      write_window(windows, group, bv_nan(), bv_nan(), 0);
    return;
  }
  double t[ends];
#pragma unroll
  for (int e = 0; e < ends; ++e) {
    const bv_index index = bv_index_of_percentile((int64_t)n, percentiles.percent[e]);
    t[e] = index.t;
    if ((Total)index.below - before < count)
      found[2 * e] = number;
    if ((Total)index.above - before < count)
      found[2 * e + 1] = number;
  }
  __syncthreads();
  if (threadIdx.x == 0)
    write_window(windows, group, bv_interpolate(found[0], found[1], t[0]),
                 bv_interpolate(found[2], found[3], t[1]), (int64_t)n);
}

__global__ void __launch_bounds__(byte_threads)
    select_bytes_kernel(const __grid_constant__ bv_lines lines, const __grid_constant__ Source source,
                        int64_t tiles_of_line, int64_t groups, int parts, Percentiles percentiles,
                        ByteState *states, bv_windows windows) {
  __shared__ uint32_t bins[byte_values];
  /* This thread's bin when values ascend, and its value */
  const int bin = (int)threadIdx.x ^ (source.dtype == BV_I8 ? 0x80 : 0);
  const int value = source.dtype == BV_I8 ? (int)(int8_t)bin : bin;
  const bool is_background = source.zero_is_background && value == 0;

  for (int64_t item = blockIdx.x; item < groups * parts; item += gridDim.x) {
    const int64_t group = quotient(item, parts);
    bins[threadIdx.x] = 0;
    __syncthreads();
    count_bytes(lines, source, tiles_of_line, group, (int)(item - group * parts), parts, bins);
    __syncthreads();
    Total count = bins[bin];
    if (parts > 1) {
      ByteState &state = states[group];
      if (count > 0)
        atomicAdd(&state.bins[bin], count);
      if (!is_last_part(&state.arrived, parts))
        continue;
      count = __ldcg(&state.bins[bin]);
    }
    write_window_of_bytes(windows, group, percentiles, is_background ? 0 : count, value);
    __syncthreads();
  }
}

} // namespace bv

#endif
