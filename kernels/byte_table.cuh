/* Mapping 8-bit pixels by a table of the 256 results, in shared memory and in the type of the output: grey
 * values are bytes there, so that lookups of 32 lanes take two passes over the banks at most.
 */
#ifndef BV_BYTE_TABLE_CUH
#define BV_BYTE_TABLE_CUH

#include "tile.cuh"

namespace bv {

/* Pixels of a warp's tile, and what its lanes exchange of it in RGB. */
constexpr int byte_tile = 512;
constexpr int byte_exchange_units = byte_tile * 3 / 16; /* of 16 bytes */

template <Packing packing> struct EntryOf { using Type = uint8_t; };
template <> struct EntryOf<packed_f32> { using Type = uint32_t; };
template <> struct EntryOf<packed_f16> { using Type = uint16_t; };
template <> struct EntryOf<packed_bf16> { using Type = uint16_t; };

/* By all threads of a block, before a barrier: the results by the bits of pixels. */
__device__ __forceinline__ void make_byte_table(const bv_map_f32 &map, const Source &source, const Sink &sink,
                                                uint32_t table[byte_values]) {
  for (int bits = (int)threadIdx.x; bits < byte_values; bits += (int)blockDim.x) {
    const float y = apply_map(decode<float>((uint8_t)bits, source.dtype), map, source.zero_is_background);
    if (sink.dtype == BV_U8)
      ((uint8_t *)table)[bits] = quantise(y, sink.nearest);
    else
      store_float(sink, (char *)table, bits, y);
  }
}

/* The results of the four pixels in a word. */
template <Packing packing>
__device__ __forceinline__ void look_up(const uint32_t *table, uint32_t pixels, uint32_t result[quad]) {
  const auto *entries = (const typename EntryOf<packing>::Type *)table;
#pragma unroll
  for (int i = 0; i < quad; ++i)
    result[i] = entries[pixels >> 8 * i & 0xff];
}

/* Maps a whole tile from `in` to `out`: the hot loop's body. `exchange` is the warp's own, for RGB. */
template <Packing packing, bool LastUse>
__device__ __forceinline__ void map_byte_tile(const uint32_t *table, const char *in, bool is_aligned, char *out,
                                              uint4 *exchange) {
  const int lane = (int)threadIdx.x % warp_lanes;
  uint32_t result[4][quad];
  if constexpr (packing == packed_grey || packing == packed_rgb) {
    /* 16 neighbours a lane */
    Raw<1, 16> raw;
    if (is_aligned)
      load_wide<LastUse>(in + 16 * lane, raw);
    else
#pragma unroll
      for (int i = 0; i < 4; ++i)
        raw.word[i] = load<LastUse>((const uint32_t *)(in + 16 * lane) + i);
#pragma unroll
    for (int i = 0; i < 4; ++i)
      look_up<packing>(table, raw.word[i], result[i]);
    if constexpr (packing == packed_grey) {
      __stcs((uint4 *)out + lane, make_uint4(lowest_bytes(result[0]), lowest_bytes(result[1]),
                                             lowest_bytes(result[2]), lowest_bytes(result[3])));
    } else {
      uint32_t word[4][3];
#pragma unroll
      for (int i = 0; i < 4; ++i)
        rgb_words_of_grey(result[i], word[i]);
      const uint32_t *words = word[0];
      __syncwarp(); /* the units before have been read */
#pragma unroll
      for (int i = 0; i < 3; ++i)
        exchange[3 * lane + i] = make_uint4(words[4 * i], words[4 * i + 1], words[4 * i + 2], words[4 * i + 3]);
      __syncwarp();
#pragma unroll
      for (int i = 0; i < 3; ++i)
        __stcs((uint4 *)out + i * warp_lanes + lane, exchange[i * warp_lanes + lane]);
    }
  } else {
    uint32_t pixels[4];
#pragma unroll
    for (int i = 0; i < 4; ++i)
      pixels[i] = load<LastUse>((const uint32_t *)in + i * warp_lanes + lane);
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      look_up<packing>(table, pixels[i], result[i]);
      const int at = i * warp_lanes + lane;
      if constexpr (packing == packed_f16 || packing == packed_bf16)
        __stcs((uint2 *)out + at,
               make_uint2(result[i][0] | result[i][1] << 16, result[i][2] | result[i][3] << 16));
      else
        __stcs((uint4 *)out + at, packing == packed_rgba
                                      ? rgba_of_grey(result[i])
                                      : make_uint4(result[i][0], result[i][1], result[i][2], result[i][3]));
    }
  }
}

/* The same, to RGB, with less to exchange at a time: for pixels in shared memory. */
__device__ __forceinline__ void map_byte_tile_to_rgb(const uint32_t *table, const char *in, char *out,
                                                     uint32_t exchange[exchange_words]) {
  uint32_t pixels[byte_tile / warp_pixels];
#pragma unroll
  for (int i = 0; i < byte_tile / warp_pixels; ++i)
    pixels[i] = ((const uint32_t *)in)[i * warp_lanes + (int)threadIdx.x % warp_lanes];
  out = address_of_lane(out, 3);
#pragma unroll
  for (int i = 0; i < byte_tile / warp_pixels; ++i) {
    uint32_t grey[quad], word[3];
    look_up<packed_rgb>(table, pixels[i], grey);
    rgb_words_of_grey(grey, word);
    store_rgb_warp(out + i * warp_pixels * 3, word, exchange);
  }
}

} // namespace bv

#endif
