/* The uint8 conversion of one image: every pixel by the image's range, as grey once or three times. */
#include "dispatch.cuh"
#include "launch.h"
#include "pack.cuh"

namespace bv {
namespace {

constexpr int block_threads = 256;
template <int Width> constexpr int quads_of_tile = Width == 8 ? 2 : 4;

template <int Width, typename T>
__global__ void __launch_bounds__(block_threads, sizeof(T) == 4 ? 3 : 2)
    stretch_kernel(const __grid_constant__ bv_lines lines, const __grid_constant__ Source source,
                   const __grid_constant__ Sink sink, bv_windows range, const __grid_constant__ Visits visits) {
  constexpr int quads = quads_of_tile<Width>;
  __shared__ uint4 exchange_of_warps[block_threads / warp_lanes][exchange_words / 4];
  uint32_t *exchange = (uint32_t *)exchange_of_warps[threadIdx.x / warp_lanes];
  Stretch<T> stretch;
  stretch_of_range((T)range.data[0], (T)range.data[range.stride[1]], &stretch);

  walk_to_write<Width, quads>(
      lines, source, sink, 1, visits, warp_of_grid<block_threads>(), warps_of_grid<block_threads>(),
      [&](const Line &line, int64_t begin, int64_t end) {
        const int64_t of_lane = (int64_t)(threadIdx.x % warp_lanes) * quad;
        for (; begin < end; begin += quads * warp_pixels) {
          T x[quads][quad];
          load_cells<Width, T, quad, quads, true>(lines, source, line, begin + of_lane, warp_pixels, x);
#pragma unroll
          for (int q = 0; q < quads; ++q) {
            int64_t first = begin + q * warp_pixels;
            uint32_t colour[quad];
#pragma unroll
            for (int i = 0; i < quad; ++i)
              colour[i] = three_times(apply_stretch(x[q][i], stretch));
            store_u8_quad(lines, sink, line, first + of_lane, is_whole(lines, first), colour, exchange);
          }
        }
      });
}

} // namespace
} // namespace bv

int bv_launch_stretch(const bv_job *job, bv_windows range, bv_stream stream) {
  bv_lines lines = bv_lines_for_applying(job);
  return bv::with_kind_of(job->in_dtype, [&](auto kind) {
    using Kind = decltype(kind);
    const bv::Visits visits = bv::visits_to_write<bv::quads_of_tile<Kind::Width>>(job, lines);
    return bv::launch<bv::stretch_kernel<Kind::Width, typename Kind::T>>(
        bv::blocks_for(lines.count * visits.of_line, bv::block_threads / bv::warp_lanes), bv::block_threads,
        stream, lines, bv::source_of_job(job), bv::sink_of_job(job, &lines), range, visits);
  });
}
