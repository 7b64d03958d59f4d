/* Windows without selection: the smallest and largest foreground value of each group, and fixed windows.
 *
 * `parts` blocks share a group. Each writes its smallest, its largest and its count, as float64 (which holds
 * every map-type number); a second kernel joins them. A block that has a group to itself writes the window at
 * once.
 */
#include "dispatch.cuh"
#include "launch.h"
#include "walk.cuh"
#include "windows.cuh"

namespace bv {
namespace {

constexpr int block_threads = 256;
constexpr int join_threads = 128;

struct Range {
  double min, max;
  int64_t n;
};
static_assert(sizeof(Range) == BV_RANGE_PARTIAL_BYTES, "plans count the bytes of partial results");

__device__ __forceinline__ Range empty_range() {
  return {bv_f64_of_bits(0x7ff0000000000000u), bv_f64_of_bits(0xfff0000000000000u), 0};
}

__device__ __forceinline__ Range join(Range a, Range b) {
  return {a.min < b.min ? a.min : b.min, a.max > b.max ? a.max : b.max, a.n + b.n};
}

/* The range of a block's threads, in thread 0. */
template <int Threads> __device__ Range join_block(Range range) {
  __shared__ Range of_warp[Threads / warp_lanes];
#pragma unroll
  for (int distance = warp_lanes / 2; distance > 0; distance /= 2) {
    Range other = {__shfl_down_sync(0xffffffffu, range.min, distance),
                   __shfl_down_sync(0xffffffffu, range.max, distance),
                   __shfl_down_sync(0xffffffffu, range.n, distance)};
    range = join(range, other);
  }
  if (threadIdx.x % warp_lanes == 0)
    of_warp[threadIdx.x / warp_lanes] = range;
  __syncthreads();
  if (threadIdx.x == 0)
    for (int warp = 1; warp < Threads / warp_lanes; ++warp)
      range = join(range, of_warp[warp]);
  __syncthreads(); /* before the next group writes */
  return range;
}

__device__ __forceinline__ void write_range(bv_windows windows, int64_t group, Range range) {
  if (range.n)
    write_window(windows, group, range.min, range.max, range.n);
  else
    write_window(windows, group, bv_nan(), bv_nan(), 0);
}

template <int Width, typename T>
__global__ void __launch_bounds__(block_threads)
    range_kernel(const __grid_constant__ bv_lines lines, const __grid_constant__ Source source,
                 int64_t tiles_of_line, int64_t groups, int parts, Range *partials, bv_windows windows) {
  for (int64_t block = blockIdx.x; block < groups * parts; block += gridDim.x) {
    int64_t group = quotient(block, parts);
    T min = (T)empty_range().min, max = (T)empty_range().max;
    uint32_t n = 0; /* plans give no block 2^32 pixels */
    walk_group<Width, T, block_threads>(lines, source, tiles_of_line, group, (int)(block - group * parts),
                                        parts, [&](int64_t, int64_t, const auto &x) {
#pragma unroll
                                          for (T value : x) {
                                            bool inside = is_foreground(value, source.zero_is_background);
                                            n += inside;
                                            min = inside && value < min ? value : min;
                                            max = inside && value > max ? value : max;
                                          }
                                        });
    /* Adding 0 makes -0 the +0 that windows hold. */
    Range range = join_block<block_threads>({(double)min + 0.0, (double)max + 0.0, (int64_t)n});
    if (threadIdx.x == 0) {
      if (parts == 1)
        write_range(windows, group, range);
      else
        partials[block] = range;
    }
  }
}

__global__ void __launch_bounds__(join_threads)
    join_kernel(int64_t groups, int parts, const Range *partials, bv_windows windows) {
  for (int64_t group = blockIdx.x; group < groups; group += gridDim.x) {
    Range range = empty_range();
    for (int part = threadIdx.x; part < parts; part += join_threads)
      range = join(range, partials[group * parts + part]);
    range = join_block<join_threads>(range);
    if (threadIdx.x == 0)
      write_range(windows, group, range);
  }
}

__global__ void __launch_bounds__(block_threads)
    fixed_windows_kernel(int64_t groups, double lo, double hi, bv_windows windows) {
  for (int64_t group = (int64_t)blockIdx.x * block_threads + threadIdx.x; group < groups;
       group += (int64_t)gridDim.x * block_threads)
    write_window(windows, group, lo, hi, 0);
}

} // namespace
} // namespace bv

int bv_launch_range(const bv_job *job, const bv_range_plan *plan, void *workspace, bv_windows windows,
                    bv_stream stream) {
  bv_lines lines = bv_lines_for_measuring(job);
  int64_t groups = bv_job_groups(job);
  int parts = plan->parts_of_group;
  bv::Range *partials = (bv::Range *)workspace;
  int error = bv::with_kind_of(job->in_dtype, [&](auto kind) {
    using Kind = decltype(kind);
    return bv::launch<bv::range_kernel<Kind::Width, typename Kind::T>>(
        bv::blocks_for(groups * parts, 1), bv::block_threads, stream, lines, bv::source_of_job(job),
        bv::tiles_to_read<Kind::Width>(job, lines), groups, parts, partials, windows);
  });
  if (error || parts == 1)
    return error;
  return bv::launch<bv::join_kernel>(bv::blocks_for(groups, 1), bv::join_threads, stream, groups, parts,
                                     partials, windows);
}

int bv_launch_fixed_windows(const bv_job *job, bv_windows windows, bv_stream stream) {
  int64_t groups = bv_job_groups(job);
  return bv::launch<bv::fixed_windows_kernel>(bv::blocks_for(groups, bv::block_threads), bv::block_threads,
                                              stream, groups, job->lo, job->hi, windows);
}
