/* Percentiles by sorting: every pixel's key into an array, CUB's radix sort, indices read from the result.
 *
 * Background gets the largest key of all, so that it is sorted behind the foreground: sizes are known without
 * reading a count, and the count is found by bisection afterwards. The plain algorithm, of any size that fits
 * memory, that the others are compared with.
 */
#include <cub/device/device_radix_sort.cuh>
#include <cub/device/device_segmented_radix_sort.cuh>
#include <thrust/iterator/counting_iterator.h>
#include <thrust/iterator/transform_iterator.h>

#include "dispatch.cuh"
#include "walk.cuh"
#include "windows.cuh"

namespace bv {
namespace {

constexpr int block_threads = 256;

/* ---- Keys ---------------------------------------------------------------------------------------------- */

template <int Width, typename T>
__global__ void __launch_bounds__(block_threads, 2) /* without the 2, registers spill for more blocks */
    keys_kernel(const __grid_constant__ bv_lines lines, const __grid_constant__ Source source,
                int64_t tiles_of_line, int64_t groups, int parts, Key<T> *keys) {
  const int64_t run = lines.run.extent;
  for (int64_t block = blockIdx.x; block < groups * parts; block += gridDim.x) {
    int64_t group = quotient(block, parts);
    walk_group<Width, T, block_threads>(
        lines, source, tiles_of_line, group, (int)(block - group * parts), parts,
        [&](int64_t row, int64_t first, const T(&x)[cell_pixels<Width>]) {
#pragma unroll
          for (int i = 0; i < cell_pixels<Width>; ++i)
            if (first + i >= 0 && first + i < run)
              keys[(group * lines.rows + row) * run + first + i] =
                  is_foreground(x[i], source.zero_is_background) ? key_of(x[i]) : background_key<T>;
        });
  }
}

/* ---- Windows ------------------------------------------------------------------------------------------- */

/* How many of the sorted keys are foreground. */
template <typename K> __device__ int64_t count_foreground(const K *sorted, int64_t pixels, K background) {
  int64_t low = 0, high = pixels;
  while (low < high) {
    int64_t middle = low + (high - low) / 2;
    if (sorted[middle] == background)
      high = middle;
    else
      low = middle + 1;
  }
  return low;
}

template <typename T>
__global__ void __launch_bounds__(block_threads)
    windows_kernel(const Key<T> *keys, int64_t groups, int64_t pixels, double low, double high,
                   bv_windows windows) {
  for (int64_t group = (int64_t)blockIdx.x * block_threads + threadIdx.x; group < groups;
       group += (int64_t)gridDim.x * block_threads) {
    const Key<T> *sorted = keys + group * pixels;
    int64_t n = count_foreground(sorted, pixels, background_key<T>);
    auto value = [&](int64_t index) { return of_key(sorted[index]); };
    if (n)
      write_window(windows, group, percentile_of(n, low, value), percentile_of(n, high, value), n);
    else
      write_window(windows, group, bv_nan(), bv_nan(), 0);
  }
}

/* ---- The sort ------------------------------------------------------------------------------------------ */

struct Boundary {
  int pixels;
  __host__ __device__ int operator()(int segment) const { return segment * pixels; }
};

/* One call of CUB's sort, on the `groups` groups in `keys`; without `scratch` it only says how much it needs.
 */
template <typename K>
cudaError_t sort_once(const bv_sort_plan *plan, int64_t groups, int64_t pixels, cub::DoubleBuffer<K> &keys,
                      void *scratch, size_t &scratch_bytes, cudaStream_t stream) {
  const int bits = 8 * sizeof(K);
  if (!plan->segmented)
    return cub::DeviceRadixSort::SortKeys(scratch, scratch_bytes, keys, pixels, 0, bits, stream);
  auto boundaries = thrust::make_transform_iterator(thrust::make_counting_iterator(0), Boundary{(int)pixels});
  return cub::DeviceSegmentedRadixSort::SortKeys(scratch, scratch_bytes, keys, (int)(groups * pixels),
                                                 (int)groups, boundaries, boundaries + 1, 0, bits, stream);
}

template <int Width, typename T>
int launch_sort(const bv_job *job, const bv_sort_plan *plan, char *workspace, size_t workspace_bytes,
                bv_windows windows, cudaStream_t stream) {
  const bv_lines lines = bv_lines_for_measuring(job);
  const int64_t groups = bv_job_groups(job), pixels = bv_job_pixels(job);
  const int64_t tiles_of_line = tiles_to_read<Width>(job, lines);
  Key<T> *keys = (Key<T> *)workspace, *others = (Key<T> *)(workspace + plan->keys_bytes);
  void *scratch = workspace + 2 * plan->keys_bytes;
  size_t scratch_bytes = workspace_bytes - 2 * plan->keys_bytes;

  int parts = (int)blocks_for(lines.rows * tiles_of_line, block_threads / warp_lanes);
  int error = launch<keys_kernel<Width, T>>(blocks_for(groups * parts, 1), block_threads, stream, lines,
                                            source_of_job(job), tiles_of_line, groups, parts, keys);

  /* Every call leaves the sorted keys in the same one of the two arrays. */
  const Key<T> *sorted = keys;
  for (int64_t first = 0; !error && first < groups; first += plan->groups_of_call) {
    int64_t left = groups - first;
    cub::DoubleBuffer<Key<T>> buffers(keys + first * pixels, others + first * pixels);
    error = sort_once(plan, left < plan->groups_of_call ? left : plan->groups_of_call, pixels, buffers, scratch,
                      scratch_bytes, stream);
    sorted = buffers.selector ? others : keys;
  }
  if (error)
    return error;
  return launch<windows_kernel<T>>(blocks_for(groups, block_threads), block_threads, stream, sorted, groups,
                                   pixels, job->low, job->high, windows);
}

} // namespace
} // namespace bv

int bv_sort_scratch_bytes(const bv_job *job, const bv_sort_plan *plan, size_t *bytes) {
  return bv::with_kind_of(job->in_dtype, [&](auto kind) {
    cub::DoubleBuffer<bv::Key<typename decltype(kind)::T>> none(nullptr, nullptr);
    *bytes = 0;
    return (int)bv::sort_once(plan, plan->groups_of_call, bv_job_pixels(job), none, nullptr, *bytes, nullptr);
  });
}

int bv_launch_sort(const bv_job *job, const bv_sort_plan *plan, void *workspace, size_t workspace_bytes,
                   bv_windows windows, bv_stream stream) {
  return bv::with_kind_of(job->in_dtype, [&](auto kind) {
    using Kind = decltype(kind);
    return bv::launch_sort<Kind::Width, typename Kind::T>(job, plan, (char *)workspace, workspace_bytes,
                                                          windows, stream);
  });
}
