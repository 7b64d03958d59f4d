/* Writing of the resident kernel: a block maps and packs its part of a picture from shared memory. */
#ifndef BV_RESIDENT_WRITE_CUH
#define BV_RESIDENT_WRITE_CUH

#include "byte_table.cuh"
#include "resident_part.cuh"
#include "tile.cuh"

namespace bv {

/* A quad of a line whose pixels begin .. are held at `pixels`. */
template <bv_dtype held, int Width, typename T>
__device__ __forceinline__ void load_held_quad(const Task &task, const char *pixels, int begin, int lead,
                                               int first, T x[quad]) {
  const char *line = pixels - begin * Width;
  const int extent = (int)task.lines.run.extent;
  Raw<Width, quad> raw;
  if (first >= 0 && first + quad <= extent && is_wide<quad>(line, 1, Width, lead))
    load_wide<false>(line + first * Width, raw);
  else
    load_single(line, 1, extent, first, raw);
  decode_cell<Width, T, quad>(raw, held, x);
}

/* Where pixels are held and how they become a picture. */
template <typename T, typename PixelsOf> struct Held {
  PixelsOf pixels_of;              /* the block's part of a plane */
  const Map<T> *map;               /* of each plane */
  const uint32_t *colours, *table; /* the colour map, or the results by the bits of 8-bit pixels */
  uint32_t *exchange;              /* the warp's own */
};

/* A tile of a line, whose part in the block begins `row_at` bytes after that of its plane. */
template <bv_dtype held, int Width, typename T, typename PixelsOf>
__device__ __forceinline__ void write_tile(const Task &task, const Held<T, PixelsOf> &from, int row_at,
                                           int begin, const Line &line, int turn) {
  const int planes = (int)task.lines.channel.extent;
  const bool whole = turn >= 0 && turn + warp_pixels <= (int)task.lines.run.extent;
  const int first = turn + (int)threadIdx.x % warp_lanes * quad;
  uint32_t colour[quad] = {0xff000000u, 0xff000000u, 0xff000000u, 0xff000000u};
#pragma unroll 1
  for (int plane = 0; plane < planes; ++plane) {
    T y[quad];
    load_held_quad<held, Width>(task, from.pixels_of(plane) + row_at, begin, line.lead, first, y);
#pragma unroll
    for (int i = 0; i < quad; ++i)
      y[i] = apply_map(y[i], from.map[plane], task.source.zero_is_background);
    if (planes == 1)
      store_quad<T>(task.lines, task.sink, from.colours, line, first, whole, y, from.exchange);
    else
#pragma unroll
      for (int i = 0; i < quad; ++i)
        colour[i] |= (uint32_t)quantise(y[i], task.sink.nearest) << 8 * plane;
  }
  if (planes > 1)
    store_u8_quad(task.lines, task.sink, line, first, whole, colour, from.exchange);
}

/* As write_tile, the tiles turn, turn + step .. before `end`, which are whole and aligned: the hot loop.
 * Returns the turn after. */
template <bv_dtype held, int Width, typename Way>
__device__ __forceinline__ int write_whole_tiles(Way way, const Task &task, const QuickMap &quick,
                                                 const char *pixels, char *out, int turn, int step, int end,
                                                 uint32_t *exchange) {
  constexpr int tiles = Way::is_careful ? 1 : 4; /* at once */
  const int bytes = task.sink.bytes_of_pixel;
  const char *in = pixels + (turn + (int)threadIdx.x % warp_lanes * quad) * Width;
  out = address_of_lane(out + (int64_t)turn * bytes, bytes);
  const auto load = [&](int i, auto &raw) { load_wide<false>(in + i * step * Width, raw); };
  for (; tiles > 1 && turn + (tiles - 1) * step < end; turn += tiles * step) {
    map_quads<held, Width, tiles>(way, quick, load, out, step * bytes, exchange);
    in += tiles * step * Width;
    out += tiles * step * bytes;
  }
  for (; turn < end; turn += step) {
    map_quads<held, Width, 1>(way, quick, load, out, 0, exchange);
    in += step * Width;
    out += step * bytes;
  }
  return turn;
}

/* The same for 8-bit pixels, by a table. */
template <Packing packing>
__device__ __forceinline__ int write_byte_tiles(const Task &task, const uint32_t *table, const char *pixels,
                                                char *out, int turn, int step, int end, uint32_t *exchange) {
  const bool is_aligned = (uintptr_t)(pixels + turn) % 16 == 0; /* and so are the tiles after it */
  const int bytes = task.sink.bytes_of_pixel;
  const char *in = pixels + turn;
  out += (int64_t)turn * bytes;
#pragma unroll 1
  for (; turn < end; turn += step) {
    if constexpr (packing == packed_rgb)
      map_byte_tile_to_rgb(table, in, out, exchange);
    else
      map_byte_tile<packing, false>(table, in, is_aligned, out, (uint4 *)exchange);
    in += step;
    out += step * bytes;
  }
  return turn;
}

/* Maps and packs a block's part of its picture. */
template <bv_dtype held, int Width, typename T, typename PixelsOf>
__device__ __forceinline__ void write_part(const Task &task, const Place &place,
                                           const Held<T, PixelsOf> &from) {
  constexpr bool by_table = Width == 1;
  constexpr int tile = by_table ? byte_tile : warp_pixels;
  const int extent = (int)task.lines.run.extent;
  const Part &part = place.part;
  const Share share(part);
  const QuickMap quick = quick_map_of<held>(from.map[0], task.source, task.sink);
  const bool is_quick = by_table ? task.sink.packing != packed_otherwise : quick.is_for_all;
  for (int row = share.row; row < part.rows; row += share.row_step) {
    Line line = place.line;
    if (task.lines.rows > 1) {
      line = row_after(task, line, part.row + row);
      align_quads<Width>(task.lines, task.sink, line);
    }
    const int row_at = row * part.pixels_of_row() * Width;
    const char *pixels = from.pixels_of(0) + row_at - part.begin * Width; /* of the line */
    const bool is_wide = line.wide_out && bv::is_wide<quad>(pixels, 1, Width, line.lead);
    /* The first pixel of the part is the first of a tile, or of the line. */
    const int start = part.begin > 0 ? part.begin : -line.lead, step = share.turn_step * tile;
    const int past = min(part.end, extent - warp_pixels + 1) - (tile - warp_pixels); /* of whole tiles */
    for (int turn = start + share.turn * tile; turn < part.end; turn += step) {
      if (is_quick && is_wide && turn >= 0 && turn < past)
        with_packing(task.sink.packing, !by_table && quick.is_careful, [&](auto way) {
          using Way = decltype(way);
          if constexpr (!by_table)
            turn = write_whole_tiles<held, Width>(way, task, quick, pixels, line.out, turn, step, past,
                                                  from.exchange);
          else if constexpr (!Way::is_careful)
            turn = write_byte_tiles<Way::packing>(task, from.table, pixels, line.out, turn, step, past,
                                                  from.exchange);
        });
#pragma unroll 1
      for (int first = turn; first < min(part.end, turn + tile); first += warp_pixels)
        write_tile<held, Width, T>(task, from, row_at, part.begin, line, first);
    }
  }
}

} // namespace bv

#endif
