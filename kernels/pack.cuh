/* How results are written: quads of 4 neighbouring pixels a thread, in every packing.
 *
 * A warp's quads follow each other, so that the stores of a warp are whole sectors: 16 bytes a lane for f32 and
 * RGBA, 8 for f16 and bf16, 4 for grey, and for RGB 16 bytes from 24 of the lanes, after an exchange of words.
 */
#ifndef BV_PACK_CUH
#define BV_PACK_CUH

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "pixel.cuh"

namespace bv {

constexpr int quad = 4;
constexpr int colours_in_map = 256;

/* Gap-free packings of one channel that have a hot loop of their own (tile.cuh), and all others. */
enum Packing { packed_f32, packed_f16, packed_bf16, packed_grey, packed_rgb, packed_rgba, packed_otherwise };

/* What is written, by value. */
struct Sink {
  void *out;
  bv_dtype dtype;
  Packing packing;
  int32_t bytes_of_pixel; /* in gap-free packings: 1, 2, 3, 4 or 8; else 0 */
  int32_t components;     /* u8 values of a pixel, alpha not counted: 1 or 3 */
  int64_t component_stride;
  bool alpha;
  bool nearest;
  bool has_colour_map;
  uint8_t colour_map[3 * colours_in_map];
};

inline Packing packing_of_sink(const Sink &sink, bool one_channel) {
  if (!one_channel || sink.bytes_of_pixel == 0 || sink.has_colour_map)
    return packed_otherwise;
  switch (sink.dtype) {
  case BV_F32: return packed_f32;
  case BV_F16: return packed_f16;
  case BV_BF16: return packed_bf16;
  case BV_U8:
    return sink.bytes_of_pixel == 1 ? packed_grey : sink.bytes_of_pixel == 3 ? packed_rgb : packed_rgba;
  default: return packed_otherwise;
  }
}

/* `lines` is the one for applying. */
inline Sink sink_of_job(const bv_job *job, const bv_lines *lines) {
  Sink sink = {};
  sink.out = job->out;
  sink.dtype = job->out_dtype;
  sink.components = lines->channel.extent == 3 ? 3 : job->components;
  sink.component_stride = lines->channel.extent == 3 ? lines->channel.out : job->component_stride;
  sink.alpha = job->alpha;
  sink.nearest = job->round_to_nearest;
  sink.has_colour_map = job->has_colour_map;
  memcpy(sink.colour_map, job->colour_map, sizeof sink.colour_map);

  int values = job->out_dtype == BV_U8 ? sink.components + job->alpha : 1;
  bool values_adjoin = values == 1 || sink.component_stride == 1;
  if (lines->run.out == values && values_adjoin && values != 2)
    sink.bytes_of_pixel = values * bytes_of_dtype(job->out_dtype);
  sink.packing = packing_of_sink(sink, lines->channel.extent == 1);
  return sink;
}

/* ---- Colours: R in the lowest byte, alpha 255 in the highest ------------------------------------------- */

/* The colour map where threads can look it up quickly: `colours` is shared memory. A barrier must follow. */
__device__ __forceinline__ void load_colour_map(const Sink &sink, uint32_t colours[colours_in_map]) {
  if (sink.has_colour_map)
    for (int i = threadIdx.x; i < colours_in_map; i += blockDim.x)
      colours[i] = sink.colour_map[3 * i] | sink.colour_map[3 * i + 1] << 8 | sink.colour_map[3 * i + 2] << 16 |
                   0xff000000u;
}

__device__ __forceinline__ uint32_t colour_of_rgb(uint32_t red, uint32_t green, uint32_t blue) {
  return red | green << 8 | blue << 16 | 0xff000000u;
}

__device__ __forceinline__ uint32_t three_times(uint32_t grey) { return grey * 0x010101u + 0xff000000u; }

__device__ __forceinline__ uint32_t colour_of_grey(const Sink &sink, const uint32_t *colours, uint32_t grey) {
  return sink.has_colour_map ? colours[grey] : three_times(grey);
}

/* ---- A line's output ----------------------------------------------------------------------------------- */

/* How a located line is read and written in quads, its lead chosen so that tiles of the output are aligned to
 * 16 bytes where that is possible. */
template <int Width>
__device__ __forceinline__ void align_quads(const bv_lines &lines, const Sink &sink, Line &line) {
  int past = (int)((uintptr_t)line.out % 16);
  if (sink.bytes_of_pixel == 3) {
    line.lead = past * 11 % 16; /* 3 * 11 = 1 modulo 16 */
    line.wide_out = true;
  } else if (sink.bytes_of_pixel && past % sink.bytes_of_pixel == 0) {
    line.lead = past / sink.bytes_of_pixel;
    line.wide_out = true;
  } else if (lines.run.in == 1) {
    line.lead = lead_of<quad>(line.in, Width);
  }
  line.wide_in = is_wide<quad>(line.in, lines.run.in, Width, line.lead);
  line.wide_mask = is_wide<quad>(line.mask, lines.run.mask, 1, line.lead);
}

template <int Width>
__device__ __forceinline__ Line line_to_write(const bv_lines &lines, const Source &source, const Sink &sink,
                                              int out_bytes, int64_t number) {
  Line line = locate_line(lines, source, sink.out, number, Width, out_bytes);
  align_quads<Width>(lines, sink, line);
  return line;
}

/* ---- Stores -------------------------------------------------------------------------------------------- */

/* y in 0 .. 1 as f16 or bf16. From f32 the conversion instructions round once to nearest even, as arithmetic.h
 * does; from f64 not every architecture has them. */
__device__ __forceinline__ uint16_t encode_half(float y, bv_dtype dtype) {
  return dtype == BV_F16 ? __half_as_ushort(__float2half_rn(y)) : __bfloat16_as_ushort(__float2bfloat16_rn(y));
}
__device__ __forceinline__ uint16_t encode_half(double y, bv_dtype dtype) {
  return dtype == BV_F16 ? bv_f16_of_unit(y) : bv_bf16_of_unit(y);
}

/* One pixel of a float output; `at` counts elements. */
template <typename T>
__device__ __forceinline__ void store_float(const Sink &sink, char *line, int64_t at, T y) {
  switch (sink.dtype) {
  case BV_F32: ((float *)line)[at] = (float)y; break;
  case BV_F64: ((double *)line)[at] = (double)y; break;
  default: ((uint16_t *)line)[at] = encode_half(y, sink.dtype);
  }
}

/* A whole, aligned quad of a gap-free float output. */
template <typename T>
__device__ __forceinline__ void store_float_quad(const Sink &sink, char *address, const T y[quad]) {
  switch (sink.dtype) {
  case BV_F32:
    __stcs((float4 *)address, make_float4((float)y[0], (float)y[1], (float)y[2], (float)y[3]));
    break;
  case BV_F64:
    __stcs((double2 *)address, make_double2((double)y[0], (double)y[1]));
    __stcs((double2 *)address + 1, make_double2((double)y[2], (double)y[3]));
    break;
  default: {
    uint32_t low = encode_half(y[0], sink.dtype) | (uint32_t)encode_half(y[1], sink.dtype) << 16;
    uint32_t high = encode_half(y[2], sink.dtype) | (uint32_t)encode_half(y[3], sink.dtype) << 16;
    __stcs((uint2 *)address, make_uint2(low, high));
  }
  }
}

/* Shared memory of a warp, for the words that its lanes exchange: 128 pixels of RGB. */
constexpr int exchange_words = 96;

/* The address of what a lane writes of its warp's 128 pixels: in RGB, 16 bytes of 24 lanes. */
__device__ __forceinline__ char *address_of_lane(char *warp, int bytes_of_pixel) {
  return warp + (int)(threadIdx.x % warp_lanes) * (bytes_of_pixel == 3 ? 16 : quad * bytes_of_pixel);
}

/* A warp's 128 pixels as 384 bytes: lane s has the words 3s, 3s + 1 and 3s + 2 of them, and lane v < 24 stores
 * the words 4v .. 4v + 3. All lanes of the warp take part. */
__device__ __forceinline__ void store_rgb_warp(char *address, const uint32_t word[3],
                                               uint32_t exchange[exchange_words]) {
  const int lane = threadIdx.x % warp_lanes;
  __syncwarp(); /* the words before have been read */
#pragma unroll
  for (int i = 0; i < 3; ++i)
    exchange[3 * lane + i] = word[i];
  __syncwarp();
  if (lane < 24)
    __stcs((uint4 *)address, ((const uint4 *)exchange)[lane]);
}

/* The lowest bytes of four words; and four greys, their lowest bytes, as 12 bytes of RGB or as RGBA. */
__device__ __forceinline__ uint32_t lowest_bytes(const uint32_t word[quad]) {
  return __byte_perm(__byte_perm(word[0], word[1], 0x0040), __byte_perm(word[2], word[3], 0x0040), 0x5410);
}

__device__ __forceinline__ void rgb_words_of_grey(const uint32_t grey[quad], uint32_t word[3]) {
  word[0] = __byte_perm(grey[0], grey[1], 0x4000);
  word[1] = __byte_perm(grey[1], grey[2], 0x4400);
  word[2] = __byte_perm(grey[2], grey[3], 0x4440);
}
__device__ __forceinline__ uint4 rgba_of_grey(const uint32_t grey[quad]) {
  const auto pixel = [&](int i) { return __byte_perm(grey[i], 0xffffffffu, 0x4000); }; /* alpha 255 */
  return make_uint4(pixel(0), pixel(1), pixel(2), pixel(3));
}

/* Pixels of a u8 output one by one. */
__device__ __forceinline__ void store_colours(const bv_lines &lines, const Sink &sink, const Line &line,
                                              int64_t first, const uint32_t colour[quad]) {
#pragma unroll
  for (int i = 0; i < quad; ++i) {
    int64_t pixel = first + i;
    if (pixel < 0 || pixel >= lines.run.extent)
      continue;
    uint8_t *address = (uint8_t *)line.out + pixel * lines.run.out;
    for (int component = 0; component < sink.components; ++component)
      address[component * sink.component_stride] = (uint8_t)(colour[i] >> 8 * component);
    if (sink.alpha)
      address[3 * sink.component_stride] = 255;
  }
}

/* Writes a quad of colours at pixel `first`, to u8 outputs. All lanes of a warp call it together, with the
 * quads of the warp one after another; `whole` says that all of the warp's quads are within the line. */
__device__ __forceinline__ void store_u8_quad(const bv_lines &lines, const Sink &sink, const Line &line,
                                              int64_t first, bool whole, const uint32_t colour[quad],
                                              uint32_t *exchange) {
  if (!whole || !line.wide_out) {
    store_colours(lines, sink, line, first, colour);
    return;
  }
  const int64_t first_of_warp = first - (int64_t)(threadIdx.x % warp_lanes) * quad;
  char *address = address_of_lane(line.out + first_of_warp * sink.bytes_of_pixel, sink.bytes_of_pixel);
  if (sink.bytes_of_pixel == 1) {
    __stcs((uint32_t *)address, lowest_bytes(colour));
  } else if (sink.bytes_of_pixel == 4) {
    __stcs((uint4 *)address, make_uint4(colour[0], colour[1], colour[2], colour[3]));
  } else {
    const uint32_t word[3] = {__byte_perm(colour[0], colour[1], 0x4210),
                              __byte_perm(colour[1], colour[2], 0x5421),
                              __byte_perm(colour[2], colour[3], 0x6542)};
    store_rgb_warp(address, word, exchange);
  }
}

/* Writes a quad of results y in 0 .. 1 at pixel `first`, in any packing of one channel. Called as
 * store_u8_quad. */
template <typename T>
__device__ __forceinline__ void store_quad(const bv_lines &lines, const Sink &sink, const uint32_t *colours,
                                           const Line &line, int64_t first, bool whole, const T y[quad],
                                           uint32_t *exchange) {
  if (sink.dtype == BV_U8) {
    uint32_t colour[quad];
#pragma unroll
    for (int i = 0; i < quad; ++i)
      colour[i] = colour_of_grey(sink, colours, quantise(y[i], sink.nearest));
    store_u8_quad(lines, sink, line, first, whole, colour, exchange);
  } else if (whole && line.wide_out) {
    store_float_quad(sink, line.out + first * sink.bytes_of_pixel, y);
  } else {
#pragma unroll
    for (int i = 0; i < quad; ++i)
      if (first + i >= 0 && first + i < lines.run.extent)
        store_float(sink, line.out, (first + i) * lines.run.out, y[i]);
  }
}

/* ---- Walking the lines to write ------------------------------------------------------------------------ */

constexpr int warp_pixels = warp_lanes * quad; /* of one quad a lane */

/* The largest lead that line_to_write may choose: 0 if all lines begin alike, on 16 pixels of the output. */
inline int most_lead_of_lines(const bv_job *job, const bv_lines *lines) {
  const int most = 15;
  uintptr_t in = (uintptr_t)job->in, out = (uintptr_t)job->out;
  for (int i = 0; i < lines->ndim; ++i) {
    in |= (uintptr_t)lines->axis[i].in * bytes_of_dtype(job->in_dtype);
    out |= (uintptr_t)lines->axis[i].out * bytes_of_dtype(job->out_dtype);
  }
  return (in | out) % 16 ? most : 0;
}

/* How warps or blocks share the lines of a job: each visit goes to some tiles, one after another. A tile is of
 * `Quads` quads for each lane of a warp. */
struct Visits {
  int64_t of_line;
  int32_t tiles;
};

template <int Quads> Visits visits_to_write(const bv_job *job, const bv_lines &lines, int64_t enough = 2048) {
  constexpr int64_t tile = Quads * warp_pixels, most_tiles = 8;
  const int64_t tiles_of_line = (lines.run.extent + most_lead_of_lines(job, &lines) + tile - 1) / tile;
  /* Finding a line costs as much as mapping a few tiles, but all of the device should have something to do. */
  int64_t tiles = lines.count * tiles_of_line / enough;
  tiles = tiles < 1 ? 1 : tiles < most_tiles ? tiles : most_tiles;
  tiles = tiles < tiles_of_line ? tiles : tiles_of_line;
  return {(tiles_of_line + tiles - 1) / tiles, (int32_t)tiles};
}

/* Calls visit(line, begin, end) for the tiles that begin at the pixels begin .. end - 1 of a line, in all
 * visits of whoever is number `first` of `step` that share them: warps or blocks. Few long lines and many short
 * ones fill the device alike. */
template <int Width, int Quads, typename Visit>
__device__ __forceinline__ void walk_to_write(const bv_lines &lines, const Source &source, const Sink &sink,
                                              int out_bytes, const Visits &visits, int64_t first, int64_t step,
                                              const Visit &visit) {
  const int64_t pixels = (int64_t)visits.tiles * Quads * warp_pixels, all = lines.count * visits.of_line;
  for (int64_t item = first; item < all; item += step) {
    int64_t number = quotient(item, visits.of_line);
    Line line = line_to_write<Width>(lines, source, sink, out_bytes, number);
    int64_t begin = (item - number * visits.of_line) * pixels - line.lead;
    int64_t end = begin + pixels < lines.run.extent ? begin + pixels : lines.run.extent;
    if (begin < end)
      visit(line, begin, end);
  }
}

/* The number of this warp among all, and how many they are. */
template <int Threads> __device__ __forceinline__ int64_t warp_of_grid() {
  return (int64_t)blockIdx.x * (Threads / warp_lanes) + threadIdx.x / warp_lanes;
}
template <int Threads> __device__ __forceinline__ int64_t warps_of_grid() {
  return (int64_t)gridDim.x * (Threads / warp_lanes);
}

/* Whether all pixels that a warp has in the quads at `begin` exist. */
__device__ __forceinline__ bool is_whole(const bv_lines &lines, int64_t begin) {
  return begin >= 0 && begin + warp_pixels <= lines.run.extent;
}

} // namespace bv

#endif
