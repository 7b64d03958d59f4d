/* Map and pack: every pixel through the window of its group, in any packing.
 *
 * A warp takes tiles of a line: `Quads` quads of pixels a lane, a warp's quads of the same number next to each
 * other. Tiles are numbered through all lines, and the grid walks them, so that few long lines and many short
 * ones fill the device alike.
 */
#include "dispatch.cuh"
#include "launch.h"
#include "pack.cuh"

namespace bv {
namespace {

constexpr int block_threads = 256;
constexpr int warps = block_threads / warp_lanes;
constexpr int warp_quads = warp_lanes * quad; /* pixels of a quad of every lane */

struct Mapping {
  bv_windows windows;
  double epsilon, floor;
};

template <typename T> __device__ __forceinline__ Map<T> map_of_group(const Mapping &mapping, int64_t group) {
  const double *window = mapping.windows.data + group * mapping.windows.stride[0];
  Map<T> map;
  map_of_window(window[0], window[mapping.windows.stride[1]], mapping.epsilon, mapping.floor, &map);
  return map;
}

/* 64 bytes a lane in flight, in as many loads as that takes. */
template <int Width, int Channels> constexpr int quads_of_tile = Channels == 3 ? 1 : Width == 8 ? 2 : 4;

template <int Width, typename T, int Channels>
__global__ void __launch_bounds__(block_threads, sizeof(T) == 4 ? 3 : 2)
    apply_kernel(const __grid_constant__ bv_layout layout, const __grid_constant__ Source source,
                 const __grid_constant__ Sink sink, const __grid_constant__ Mapping mapping, int out_bytes,
                 int64_t tiles_of_line) {
  constexpr int quads = quads_of_tile<Width, Channels>;
  __shared__ uint32_t colours[colours_in_map];
  load_colour_map(sink, colours);
  __syncthreads();

  const int lane = threadIdx.x % warp_lanes;
  const int64_t tiles = layout.lines * tiles_of_line;
  for (int64_t tile = (int64_t)blockIdx.x * warps + threadIdx.x / warp_lanes; tile < tiles;
       tile += (int64_t)gridDim.x * warps) {
    int64_t number = quotient(tile, tiles_of_line);
    Line line = line_to_write<Width>(layout, source, sink, out_bytes, number);
    int64_t begin = (tile - number * tiles_of_line) * quads * warp_quads - line.lead;
    if (begin >= layout.run.extent)
      continue;

    T x[Channels][quads][quad];
#pragma unroll
    for (int c = 0; c < Channels; ++c) {
      Line channel = line;
      channel.in += c * layout.channel.in * Width;
      channel.wide_in = line.wide_in && (c == 0 || is_wide<quad>(channel.in, layout.run.in, Width, line.lead));
      if (line.mask) {
        channel.mask += c * layout.channel.mask;
        channel.wide_mask = is_wide<quad>(channel.mask, layout.run.mask, 1, line.lead);
      }
      load_cells<Width, T, quad, quads, true>(layout, source, channel, begin + lane * quad, warp_quads, x[c]);
    }
#pragma unroll
    for (int c = 0; c < Channels; ++c) {
      Map<T> map = map_of_group<T>(mapping, line.window + c * layout.channel.window);
#pragma unroll
      for (int q = 0; q < quads; ++q)
#pragma unroll
        for (int i = 0; i < quad; ++i)
          x[c][q][i] = apply_map(x[c][q][i], map, source.zero_is_background);
    }
#pragma unroll
    for (int q = 0; q < quads; ++q) {
      int64_t first = begin + q * warp_quads;
      bool whole = first >= 0 && first + warp_quads <= layout.run.extent;
      first += lane * quad;
      if constexpr (Channels == 1) {
        store_quad<T>(layout, sink, colours, line, first, whole, x[0][q]);
      } else {
        uint32_t colour[quad];
#pragma unroll
        for (int i = 0; i < quad; ++i)
          colour[i] = colour_of_rgb(quantise(x[0][q][i], sink.nearest), quantise(x[1][q][i], sink.nearest),
                                    quantise(x[2][q][i], sink.nearest));
        store_u8_quad(layout, sink, line, first, whole, colour);
      }
    }
  }
}

template <int Width, typename T, int Channels>
int launch(const bv_job *job, const bv_layout &layout, bv_windows windows, cudaStream_t stream) {
  constexpr int64_t pixels_of_tile = quads_of_tile<Width, Channels> * warp_quads;
  int64_t tiles_of_line =
      (layout.run.extent + most_lead_of_lines(job, &layout) + pixels_of_tile - 1) / pixels_of_tile;
  apply_kernel<Width, T, Channels>
      <<<blocks_for(layout.lines * tiles_of_line, warps), block_threads, 0, stream>>>(
          layout, source_of_job(job), sink_of_job(job, &layout), {windows, job->epsilon, job->floor},
          bytes_of_dtype(job->out_dtype), tiles_of_line);
  return cudaPeekAtLastError();
}

} // namespace
} // namespace bv

int bv_launch_apply(const bv_job *job, bv_windows windows, bv_stream stream) {
  bv_layout layout = bv_layout_for_applying(job);
  return bv::with_kind_of(job->in_dtype, [&](auto kind) {
    using Kind = decltype(kind);
    return layout.channel.extent == 3
               ? bv::launch<Kind::Width, typename Kind::T, 3>(job, layout, windows, stream)
               : bv::launch<Kind::Width, typename Kind::T, 1>(job, layout, windows, stream);
  });
}
