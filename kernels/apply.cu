/* Map and pack: every pixel through the window of its group, in any packing. */
#include "dispatch.cuh"
#include "launch.h"
#include "pack.cuh"

namespace bv {
namespace {

constexpr int block_threads = 256;

/* How a pixel is mapped, by value: through windows in memory or, without, through lo and hi. */
struct Mapping {
  bv_windows windows;
  double lo, hi;
  double epsilon, floor;
};

template <typename T> __device__ __forceinline__ Map<T> map_of_group(const Mapping &mapping, int64_t group) {
  const double *window = mapping.windows.data + group * mapping.windows.stride[0];
  double lo = mapping.windows.data ? window[0] : mapping.lo;
  double hi = mapping.windows.data ? window[mapping.windows.stride[1]] : mapping.hi;
  Map<T> map;
  map_of_window(lo, hi, mapping.epsilon, mapping.floor, &map);
  return map;
}

/* The line of another channel than the first. */
template <int Width>
__device__ __forceinline__ Line line_of_channel(const bv_lines &lines, const Line &line, int channel) {
  Line other = line;
  other.in += channel * lines.channel.in * Width;
  other.wide_in = is_wide<quad>(other.in, lines.run.in, Width, line.lead);
  if (line.mask) {
    other.mask += channel * lines.channel.mask;
    other.wide_mask = is_wide<quad>(other.mask, lines.run.mask, 1, line.lead);
  }
  return other;
}

/* As many as keep 64 bytes a lane in flight (16 of u8), over all channels. */
template <int Width, int Channels> constexpr int quads_of_tile = Channels == 3 ? 1 : Width == 8 ? 2 : 4;

template <int Width, typename T, int Channels>
__global__ void __launch_bounds__(block_threads, sizeof(T) == 4 ? 3 : 2)
    apply_kernel(const __grid_constant__ bv_lines lines, const __grid_constant__ Source source,
                 const __grid_constant__ Sink sink, const __grid_constant__ Mapping mapping, int out_bytes,
                 int64_t tiles_of_line) {
  constexpr int quads = quads_of_tile<Width, Channels>;
  __shared__ uint32_t colours[colours_in_map];
  load_colour_map(sink, colours);
  __syncthreads();

  walk_to_write<Width, quads, block_threads>(
      lines, source, sink, out_bytes, tiles_of_line, [&](const Line &line, int64_t begin) {
        const int64_t of_lane = (int64_t)(threadIdx.x % warp_lanes) * quad;
        T x[Channels][quads][quad];
#pragma unroll
        for (int c = 0; c < Channels; ++c)
          load_cells<Width, T, quad, quads, true>(lines, source,
                                                  c ? line_of_channel<Width>(lines, line, c) : line,
                                                  begin + of_lane, warp_pixels, x[c]);
#pragma unroll
        for (int c = 0; c < Channels; ++c) {
          Map<T> map = map_of_group<T>(mapping, line.window + c * lines.channel.window);
#pragma unroll
          for (int q = 0; q < quads; ++q)
#pragma unroll
            for (int i = 0; i < quad; ++i)
              x[c][q][i] = apply_map(x[c][q][i], map, source.zero_is_background);
        }
#pragma unroll
        for (int q = 0; q < quads; ++q) {
          int64_t first = begin + q * warp_pixels;
          bool whole = is_whole(lines, first);
          if constexpr (Channels == 1) {
            store_quad<T>(lines, sink, colours, line, first + of_lane, whole, x[0][q]);
          } else {
            uint32_t colour[quad];
#pragma unroll
            for (int i = 0; i < quad; ++i)
              colour[i] = colour_of_rgb(quantise(x[0][q][i], sink.nearest), quantise(x[1][q][i], sink.nearest),
                                        quantise(x[2][q][i], sink.nearest));
            store_u8_quad(lines, sink, line, first + of_lane, whole, colour);
          }
        }
      });
}

template <int Width, typename T, int Channels>
int launch_apply(const bv_job *job, const bv_lines &lines, bv_windows windows, bv_stream stream) {
  int64_t tiles_of_line = tiles_to_write<quads_of_tile<Width, Channels>>(job, lines);
  Mapping mapping = {windows, job->lo, job->hi, job->epsilon, job->floor};
  return launch(apply_kernel<Width, T, Channels>,
                blocks_for(lines.count * tiles_of_line, block_threads / warp_lanes), block_threads, stream,
                lines, source_of_job(job), sink_of_job(job, &lines), mapping, bytes_of_dtype(job->out_dtype),
                tiles_of_line);
}

} // namespace
} // namespace bv

int bv_launch_apply(const bv_job *job, bv_windows windows, bv_stream stream) {
  bv_lines lines = bv_lines_for_applying(job);
  return bv::with_kind_of(job->in_dtype, [&](auto kind) {
    using Kind = decltype(kind);
    return lines.channel.extent == 3
               ? bv::launch_apply<Kind::Width, typename Kind::T, 3>(job, lines, windows, stream)
               : bv::launch_apply<Kind::Width, typename Kind::T, 1>(job, lines, windows, stream);
  });
}
