/* Selection by digits on the device: one read of a piece counts the digit of all trackers (digits.h).
 *
 * Blocks count in shared memory and add what they have to the selection's counts at the end. The trackers'
 * steps are a few hundred additions: one thread each. */
#include "digits.h"
#include "dispatch.cuh"
#include "launch.h"
#include "walk.cuh"
#include "windows.cuh"

namespace bv {
namespace {

constexpr int block_threads = 256;
constexpr int blocks_of_multiprocessor = 2; /* so many at least have the registers that they need: none spill */
/* Pixels of a block at most, so that it may count in 32 bits with a wide margin for uneven shares. */
constexpr int64_t block_pixels = (int64_t)1 << 31;

/* Keys as digits.h wants them, left-aligned. */
__device__ __forceinline__ uint64_t aligned_key_of(float x) { return (uint64_t)key_of(x) << 32; }
__device__ __forceinline__ uint64_t aligned_key_of(double x) { return key_of(x); }

template <int Width, typename T>
__global__ void __launch_bounds__(block_threads, blocks_of_multiprocessor)
    count_digit_kernel(const __grid_constant__ bv_lines lines, const __grid_constant__ Source source,
                       int64_t tiles_of_line, int digit, bv_selection_memory *memory) {
  __shared__ uint32_t counts[BV_TRACKERS][BV_DIGIT_BINS]; /* see block_pixels */
  for (int i = threadIdx.x; i < BV_TRACKERS * BV_DIGIT_BINS; i += block_threads)
    counts[i / BV_DIGIT_BINS][i % BV_DIGIT_BINS] = 0;
  uint64_t prefix[BV_TRACKERS];
  bool counts_itself[BV_TRACKERS];
#pragma unroll
  for (int tracker = 0; tracker < BV_TRACKERS; ++tracker) {
    prefix[tracker] = memory->prefix[tracker];
    counts_itself[tracker] = bv_counts_of_tracker(memory->prefix, tracker) == tracker;
  }
  __syncthreads();

  walk_group<Width, T, block_threads>(
      lines, source, tiles_of_line, 0, (int)blockIdx.x, (int)gridDim.x, [&](int64_t, int64_t, const auto &x) {
#pragma unroll
        for (T value : x) {
          if (!is_foreground(value, source.zero_is_background))
            continue;
          uint64_t key = aligned_key_of(value);
#pragma unroll
          for (int tracker = 0; tracker < BV_TRACKERS; ++tracker)
            if (counts_itself[tracker] && bv_has_prefix(key, prefix[tracker], digit))
              atomicAdd(&counts[tracker][(key >> bv_selection_shift(digit)) % BV_DIGIT_BINS], 1u);
        }
      });

  __syncthreads();
  for (int i = threadIdx.x; i < BV_TRACKERS * BV_DIGIT_BINS; i += block_threads) {
    uint32_t count = counts[i / BV_DIGIT_BINS][i % BV_DIGIT_BINS];
    if (count)
      atomicAdd((unsigned long long *)&memory->counts[i / BV_DIGIT_BINS][i % BV_DIGIT_BINS], count);
  }
}

__global__ void __launch_bounds__(block_threads)
    narrow_kernel(bv_selection_memory *memory, int digit, bv_percentiles percentiles) {
  const int tracker = threadIdx.x;
  bv_narrowed next;
  if (tracker < BV_TRACKERS)
    next = bv_narrow_tracker(memory, tracker, digit, percentiles);
  __syncwarp(); /* trackers take loops of different lengths */
  __syncthreads();
  if (tracker < BV_TRACKERS) {
    memory->prefix[tracker] = next.prefix;
    memory->index[tracker] = next.index;
  }
  if (tracker == 0)
    memory->n = next.n;
  for (int i = threadIdx.x; i < BV_TRACKERS * BV_DIGIT_BINS; i += block_threads)
    memory->counts[i / BV_DIGIT_BINS][i % BV_DIGIT_BINS] = 0;
}

__global__ void selected_window_kernel(const bv_selection_memory *memory, bool maps_in_f64, bool interpolate,
                                       bv_percentiles percentiles, bv_windows windows) {
  double window[2];
  bv_selected_window(memory, maps_in_f64, interpolate, percentiles, window);
  write_window(windows, 0, window[0], window[1], (int64_t)memory->n);
}

} // namespace
} // namespace bv

int bv_launch_count_digit(const bv_job *job, int blocks, bv_selection_memory *memory, int digit,
                          bv_stream stream) {
  bv_lines lines = bv_lines_for_measuring(job);
  int64_t least = bv_job_pixels(job) / bv::block_pixels + 1;
  if (blocks < least)
    blocks = least < INT32_MAX ? (int)least : INT32_MAX;
  return bv::with_kind_of(job->in_dtype, [&](auto kind) {
    using Kind = decltype(kind);
    int64_t tiles_of_line = bv::tiles_to_read<Kind::Width>(job, lines);
    unsigned needed = bv::blocks_for(lines.rows * tiles_of_line, bv::block_threads / bv::warp_lanes);
    return bv::launch<bv::count_digit_kernel<Kind::Width, typename Kind::T>>(
        needed < (unsigned)blocks ? needed : (unsigned)blocks, bv::block_threads, stream, lines,
        bv::source_of_job(job), tiles_of_line, digit, memory);
  });
}

int bv_launch_narrow(bv_selection_memory *memory, int digit, bv_percentiles percentiles, bv_stream stream) {
  return bv::launch<bv::narrow_kernel>(1, bv::block_threads, stream, memory, digit, percentiles);
}

int bv_launch_selected_window(const bv_job *job, const bv_selection_memory *memory, bv_percentiles percentiles,
                              bv_windows windows, bv_stream stream) {
  return bv::launch<bv::selected_window_kernel>(1, 1, stream, memory, bv_maps_in_f64(job->in_dtype),
                                                job->window == BV_WINDOW_PERCENTILE, percentiles, windows);
}
