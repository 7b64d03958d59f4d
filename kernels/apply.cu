/* Map and pack: every pixel through the window of its group, in any packing. */
#include "byte_table.cuh"
#include "dispatch.cuh"
#include "launch.h"

namespace bv {
namespace {

constexpr int block_threads = 256;

/* How a pixel is mapped, by value: through windows in memory or, without, through lo and hi. */
struct Mapping {
  bv_windows windows;
  double lo, hi;
  double epsilon, floor;
  bool of_image; /* the uint8 conversion of an image, whose range is the window */
};

Mapping mapping_of_job(const bv_job *job, bv_windows windows) {
  return {windows, job->lo, job->hi, job->epsilon, job->floor, job->operation == BV_STRETCH};
}

template <typename T> __device__ __forceinline__ Map<T> map_of_group(const Mapping &mapping, int64_t group) {
  const double *window = mapping.windows.data + group * mapping.windows.stride[0];
  double lo = mapping.windows.data ? window[0] : mapping.lo;
  double hi = mapping.windows.data ? window[mapping.windows.stride[1]] : mapping.hi;
  Map<T> map;
  if (mapping.of_image)
    map_of_image(lo, hi, &map);
  else
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

/* A tile of any pixels in any packing. */
template <int Width, typename T, int Channels, int quads = quads_of_tile<Width, Channels>>
__device__ __forceinline__ void apply_tile(const bv_lines &lines, const Source &source, const Sink &sink,
                                           const Line &line, int64_t begin, const Map<T> map[Channels],
                                           const uint32_t *colours, uint32_t *exchange) {
  const int64_t of_lane = (int64_t)(threadIdx.x % warp_lanes) * quad;
  T x[Channels][quads][quad];
#pragma unroll
  for (int c = 0; c < Channels; ++c)
    load_cells<Width, T, quad, quads, true>(lines, source, c ? line_of_channel<Width>(lines, line, c) : line,
                                            begin + of_lane, warp_pixels, x[c]);
#pragma unroll
  for (int c = 0; c < Channels; ++c)
#pragma unroll
    for (int q = 0; q < quads; ++q)
#pragma unroll
      for (int i = 0; i < quad; ++i)
        x[c][q][i] = apply_map(x[c][q][i], map[c], source.zero_is_background);
#pragma unroll
  for (int q = 0; q < quads; ++q) {
    int64_t first = begin + q * warp_pixels;
    bool whole = is_whole(lines, first);
    if constexpr (Channels == 1) {
      store_quad<T>(lines, sink, colours, line, first + of_lane, whole, x[0][q], exchange);
    } else {
      uint32_t colour[quad];
#pragma unroll
      for (int i = 0; i < quad; ++i)
        colour[i] = colour_of_rgb(quantise(x[0][q][i], sink.nearest), quantise(x[1][q][i], sink.nearest),
                                  quantise(x[2][q][i], sink.nearest));
      store_u8_quad(lines, sink, line, first + of_lane, whole, colour, exchange);
    }
  }
}

/* The tiles at begin .. end - 1 that are whole; of a line that is aligned and without gaps. Returns where they
 * end: the hot loop. */
template <bv_dtype dtype, int Width, int Quads>
__device__ __forceinline__ int64_t map_tiles(const QuickMap &quick, const Sink &sink, const Line &line,
                                             int64_t begin, int64_t end, uint32_t *exchange) {
  const int tiles = (int)(end - begin) / (Quads * warp_pixels), bytes = sink.bytes_of_pixel;
  const char *in = line.in + (begin + threadIdx.x % warp_lanes * quad) * Width;
  char *out = address_of_lane(line.out + begin * bytes, bytes);
  const auto load = [&](int i, auto &raw) { load_wide<true>(in + i * warp_pixels * Width, raw); };
  with_packing(sink.packing, quick.is_careful, [&](auto way) {
    constexpr int at_once = decltype(way)::is_careful ? 1 : Quads, pixels = at_once * warp_pixels;
#pragma unroll 1
    for (int left = tiles * (Quads / at_once); left > 0; --left) {
      map_quads<dtype, Width, at_once>(way, quick, load, out, warp_pixels * bytes, exchange);
      in += pixels * Width;
      out += pixels * bytes;
    }
  });
  return begin + tiles * (Quads * warp_pixels);
}

/* One channel: most tiles are whole, without gaps, and go through the hot loop. */
template <bv_dtype dtype, int Width, typename T>
__global__ void __launch_bounds__(block_threads, Width == 1 ? 3 : 2)
    apply_kernel(const __grid_constant__ bv_lines lines, const __grid_constant__ Source source_of_any,
                 const __grid_constant__ Sink sink, const __grid_constant__ Mapping mapping, int out_bytes,
                 const __grid_constant__ Visits visits) {
  constexpr int quads = quads_of_tile<Width, 1>, tile = quads * warp_pixels;
  __shared__ uint32_t colours[colours_in_map];
  __shared__ uint4 exchange_of_warps[block_threads / warp_lanes][exchange_words / 4];
  uint32_t *exchange = (uint32_t *)exchange_of_warps[threadIdx.x / warp_lanes];
  Source source = source_of_any;
  source.dtype = dtype;
  load_colour_map(sink, colours);
  __syncthreads();

  walk_to_write<Width, quads>(
      lines, source, sink, out_bytes, visits, warp_of_grid<block_threads>(), warps_of_grid<block_threads>(),
      [&](const Line &line, int64_t begin, int64_t end) {
        const Map<T> map = map_of_group<T>(mapping, line.window);
        const QuickMap quick = quick_map_of<dtype>(map, source, sink);
        const bool is_quick = quick.is_for_all && line.wide_in && line.wide_out && !line.mask;
        for (; begin < end; begin += tile) {
          if (is_quick && begin >= 0)
            begin = map_tiles<dtype, Width, quads>(quick, sink, line, begin, end, exchange);
          if (begin < end)
            apply_tile<Width, T, 1>(lines, source, sink, line, begin, &map, colours, exchange);
        }
      });
}

/* Three channels that are R, G and B of one picture. */
template <int Width, typename T>
__global__ void __launch_bounds__(block_threads, sizeof(T) == 4 ? 3 : 2)
    apply_rgb_kernel(const __grid_constant__ bv_lines lines, const __grid_constant__ Source source,
                     const __grid_constant__ Sink sink, const __grid_constant__ Mapping mapping,
                     const __grid_constant__ Visits visits) {
  __shared__ uint4 exchange_of_warps[block_threads / warp_lanes][exchange_words / 4];
  uint32_t *exchange = (uint32_t *)exchange_of_warps[threadIdx.x / warp_lanes];
  walk_to_write<Width, quads_of_tile<Width, 3>>(
      lines, source, sink, 1, visits, warp_of_grid<block_threads>(), warps_of_grid<block_threads>(),
      [&](const Line &line, int64_t begin, int64_t end) {
        Map<T> map[3];
#pragma unroll
        for (int c = 0; c < 3; ++c)
          map[c] = map_of_group<T>(mapping, line.window + c * lines.channel.window);
        for (; begin < end; begin += quads_of_tile<Width, 3> * warp_pixels)
          apply_tile<Width, T, 3>(lines, source, sink, line, begin, map, nullptr, exchange);
      });
}

/* 8-bit pixels, in lines that are long enough for a table: a block makes that of a line's window for some
 * tiles.
 */
constexpr int byte_warps = block_threads / warp_lanes;
constexpr int byte_quads = byte_warps * byte_tile / warp_pixels; /* of a block's tile, for each lane */
constexpr int byte_step = byte_warps * byte_tile;                /* from one tile of a warp to its next */
constexpr int64_t byte_line = 4096;                              /* pixels that are worth a table */

/* A warp's tiles at begin, begin + byte_step .. before `end`, which are whole; of a line that is aligned and
 * without gaps. Returns the one after: the hot loop. */
__device__ __forceinline__ int64_t map_byte_tiles(const uint32_t *table, const Sink &sink, const Line &line,
                                                  int64_t begin, int64_t end, uint4 *exchange) {
  const bool is_aligned = (uintptr_t)(line.in - line.lead) % 16 == 0;
  const int tiles = ((int)(end - begin) + byte_step - 1) / byte_step, bytes = sink.bytes_of_pixel;
  const char *in = line.in + begin;
  char *out = line.out + begin * bytes;
  with_packing(sink.packing, false, [&](auto way) {
#pragma unroll 1
    for (int left = tiles; left > 0; --left) {
      map_byte_tile<decltype(way)::packing, true>(table, in, is_aligned, out, exchange);
      in += byte_step;
      out += byte_step * bytes;
    }
  });
  return begin + (int64_t)tiles * byte_step;
}

__global__ void __launch_bounds__(block_threads, 4)
    apply_bytes_kernel(const __grid_constant__ bv_lines lines, const __grid_constant__ Source source,
                       const __grid_constant__ Sink sink, const __grid_constant__ Mapping mapping,
                       int out_bytes, const __grid_constant__ Visits visits) {
  __shared__ uint32_t table[byte_values];
  __shared__ uint4 exchange_of_warps[byte_warps][byte_exchange_units];
  const int warp = (int)threadIdx.x / warp_lanes;
  uint4 *exchange = exchange_of_warps[warp];
  walk_to_write<1, byte_quads>(
      lines, source, sink, out_bytes, visits, blockIdx.x, gridDim.x,
      [&](const Line &line, int64_t begin_of_block, int64_t end) {
        const bv_map_f32 map = map_of_group<float>(mapping, line.window);
        __syncthreads(); /* the table before has been used */
        make_byte_table(map, source, sink, table);
        __syncthreads();
        const bool is_wide = line.wide_in && line.wide_out;
        const int64_t whole_end = lines.run.extent - byte_tile;
        for (int64_t begin = begin_of_block + warp * byte_tile; begin < end;) {
          if (is_wide && begin >= 0 && begin <= whole_end)
            begin = map_byte_tiles(table, sink, line, begin, min(end, whole_end + 1), exchange);
          if (begin >= end)
            break;
#pragma unroll 1
          for (int i = 0; i < byte_tile / warp_pixels; ++i)
            apply_tile<1, float, 1, 1>(lines, source, sink, line, begin + i * warp_pixels, &map, nullptr,
                                       (uint32_t *)exchange);
          begin += byte_step;
        }
      });
}

template <auto kernel, int Width, int Channels, typename... OutBytes>
int launch_apply(const bv_job *job, const bv_lines &lines, bv_windows windows, bv_stream stream,
                 OutBytes... out_bytes) {
  const Visits visits = visits_to_write<quads_of_tile<Width, Channels>>(job, lines);
  const Mapping mapping = mapping_of_job(job, windows);
  return launch<kernel>(blocks_for(lines.count * visits.of_line, block_threads / warp_lanes), block_threads,
                        stream, lines, source_of_job(job), sink_of_job(job, &lines), mapping, out_bytes...,
                        visits);
}

int launch_apply_bytes(const bv_job *job, const bv_lines &lines, const Sink &sink, bv_windows windows,
                       bv_stream stream) {
  constexpr int64_t enough = 256; /* blocks that share the making of tables */
  const Visits visits = visits_to_write<byte_quads>(job, lines, enough);
  const Mapping mapping = mapping_of_job(job, windows);
  return launch<apply_bytes_kernel>(blocks_for(lines.count * visits.of_line, 1), block_threads, stream, lines,
                                    source_of_job(job), sink, mapping, bytes_of_dtype(job->out_dtype), visits);
}

bool is_for_table(const bv_job *job, const bv_lines &lines, const Sink &sink) {
  return bytes_of_dtype(job->in_dtype) == 1 && sink.packing != packed_otherwise && lines.run.in == 1 &&
         !job->mask && lines.run.extent >= byte_line;
}

} // namespace
} // namespace bv

int bv_launch_apply(const bv_job *job, bv_windows windows, bv_stream stream) {
  bv_lines lines = bv_lines_for_applying(job);
  if (lines.channel.extent == 3)
    return bv::with_kind_of(job->in_dtype, [&](auto kind) {
      constexpr int Width = decltype(kind)::Width;
      constexpr auto kernel = bv::apply_rgb_kernel<Width, typename decltype(kind)::T>;
      return bv::launch_apply<kernel, Width, 3>(job, lines, windows, stream);
    });
  const bv::Sink sink = bv::sink_of_job(job, &lines);
  if (bv::is_for_table(job, lines, sink))
    return bv::launch_apply_bytes(job, lines, sink, windows, stream);
  return bv::with_type_of(job->in_dtype, [&](auto type) {
    constexpr int Width = decltype(type)::Width;
    constexpr auto kernel = bv::apply_kernel<decltype(type)::dtype, Width, typename decltype(type)::T>;
    return bv::launch_apply<kernel, Width, 1>(job, lines, windows, stream, bv::bytes_of_dtype(job->out_dtype));
  });
}
