/* Pieces: neighbouring pixels of a plane that a block holds in shared memory, in their own type. */
#ifndef BV_PIECE_CUH
#define BV_PIECE_CUH

#include "cluster.cuh"
#include "launch.h"
#include "order.cuh"

namespace bv {

constexpr int good_loads = 4; /* of 16 bytes, of a thread, that wait for each other */

/* The copy in shared memory lies to 16 bytes as the original does, so that all but a few
 * pixels at the edges form units of 16 bytes in both. */
template <int Width> struct Piece {
  char *pixels;     /* in shared memory */
  const char *from; /* in global memory; NULL if the pixels were converted */
  int count, head, units;

  __device__ Piece(char *room, const char *origin, int pixel_count) : from(origin), count(pixel_count) {
    int past = (int)((uintptr_t)origin % 16);
    pixels = room + past;
    head = min(count, (16 - past) % 16 / Width);
    units = (count - head) / (16 / Width);
  }
  __device__ char *unit(int number) const { return pixels + head * Width + number * 16; }
  __device__ const char *unit_from(int number) const { return from + head * Width + number * 16; }
  /* The pixel outside of the units that is this thread's, or -1. */
  __device__ int edge() const {
    int tail = count - head - units * (16 / Width), thread = (int)threadIdx.x;
    return thread < head ? thread : thread < head + tail ? count - tail + thread - head : -1;
  }
};

template <int Width> __device__ __forceinline__ Bits<Width> &pixel_at(char *pixels, int index) {
  return ((Bits<Width> *)pixels)[index];
}

template <int Width, typename Visit>
__device__ __forceinline__ void visit_unit(const Raw<Width, 16 / Width> &unit, const Visit &visit) {
#pragma unroll
  for (int i = 0; i < 16 / Width; ++i)
    visit((Word<Width>)bits_of(unit, i));
}

/* A number that is a template argument of what is called with it. */
template <int value_> struct Constant { static constexpr int value = value_; };
template <int loads> using Loads = Constant<loads>;

/* Units of a warp's turn: `good_loads` for each lane, a warp apart, so that each load is of neighbours and
 * their addresses differ by constants. */
constexpr int turn_units = good_loads * warp_lanes;

/* Calls turn(Loads<n>(), number) for the numbers below `units` of this thread's units, and the n - 1 that
 * follow that a warp apart. At the end n is 1. */
template <int loads, typename Turn> __device__ __forceinline__ void take_turns(int units, const Turn &turn) {
  const int warp = (int)threadIdx.x / warp_lanes, lane = (int)threadIdx.x % warp_lanes;
  int number = warp * turn_units + lane;
#pragma unroll 1
  for (; number + (turn_units - warp_lanes) < units; number += good_loads * (int)blockDim.x)
#pragma unroll
    for (int i = 0; i < good_loads; i += loads)
      turn(Loads<loads>(), number + i * warp_lanes);
#pragma unroll 1
  for (; number < units; number += warp_lanes)
    turn(Loads<1>(), number);
}

/* Calls visit(unit, address) for units in shared memory, a warp apart, after all of them have been loaded. */
template <int Width, int loads, typename Visit>
__device__ __forceinline__ void visit_turn(Loads<loads>, const char *address, const Visit &visit) {
  Raw<Width, 16 / Width> unit[loads];
#pragma unroll
  for (int i = 0; i < loads; ++i)
    load_wide<false>(address + i * warp_lanes * 16, unit[i]);
#pragma unroll
  for (int i = 0; i < loads; ++i)
    visit(unit[i], address + i * warp_lanes * 16);
}

/* Calls visit(unit, address) for this thread's units in shared memory, so many of them loaded at once. */
template <int loads, int Width, typename Visit>
__device__ __forceinline__ void visit_units(const Piece<Width> &piece, const Visit &visit) {
  take_turns<loads>(piece.units,
                    [&](auto many, int number) { visit_turn<Width>(many, piece.unit(number), visit); });
}

/* ---- Loading ------------------------------------------------------------------------------------------ */

/* A chunk of units is what the warps of a block visit by one turn each, so that a turn waits once. */
constexpr int most_chunks = BV_RESIDENT_MOST_CHUNKS;
__device__ __forceinline__ int units_of_chunk() { return good_loads * (int)blockDim.x; }

/* By one thread, before a barrier. */
template <int Width>
__device__ __forceinline__ void start_copies(const Piece<Width> &piece, Arrival arrivals[most_chunks]) {
#if __CUDA_ARCH__ >= 900
  const int of_chunk = units_of_chunk(), chunks = (piece.units + of_chunk - 1) / of_chunk;
  for (int chunk = 0; chunk < chunks; ++chunk)
    init_arrival(&arrivals[chunk]);
  publish_arrivals();
  for (int chunk = 0, begin = 0; chunk < chunks; ++chunk, begin += of_chunk)
    copy_bulk(piece.unit(begin), piece.unit_from(begin), (uint32_t)min(of_chunk, piece.units - begin) * 16,
              &arrivals[chunk]);
#endif
}

/* The first visit of a piece, which loads it: its units go to visit(unit), and the pixels outside of them to
 * visit_edge(bits). */
template <int Width, typename Visit, typename VisitEdge>
__device__ __forceinline__ void load_piece(const Piece<Width> &piece, Arrival arrivals[most_chunks],
                                           const Visit &visit, const VisitEdge &visit_edge) {
  const int edge = piece.edge();
  if (edge >= 0) {
    Bits<Width> bits = ((const Bits<Width> *)piece.from)[edge];
    pixel_at<Width>(piece.pixels, edge) = bits;
    visit_edge((Word<Width>)bits);
  }
#if __CUDA_ARCH__ >= 900
  Arrival *arrival = arrivals;
  take_turns<good_loads>(piece.units, [&](auto loads, int number) {
    wait_for(arrival); /* the last units, visited one by one, are of one chunk */
    arrival += decltype(loads)::value == good_loads;
    visit_turn<Width>(loads, piece.unit(number), [&](const auto &unit, const char *) { visit(unit); });
  });
#else
  take_turns<good_loads>(piece.units, [&](auto loads, int number) {
    constexpr int step_bytes = warp_lanes * 16;
    const char *from = piece.unit_from(number);
    char *to = piece.unit(number);
    Raw<Width, 16 / Width> unit[decltype(loads)::value];
#pragma unroll
    for (int i = 0; i < decltype(loads)::value; ++i)
      load_wide<true>(from + i * step_bytes, unit[i]);
#pragma unroll
    for (int i = 0; i < decltype(loads)::value; ++i) {
      const uint32_t *word = unit[i].word;
      *(uint4 *)(to + i * step_bytes) = make_uint4(word[0], word[1], word[2], word[3]);
      visit(unit[i]);
    }
  });
#endif
}

} // namespace bv

#endif
