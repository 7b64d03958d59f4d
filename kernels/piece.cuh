/* Pieces: neighbouring pixels of a plane that a block holds in shared memory, in their own type. */
#ifndef BV_PIECE_CUH
#define BV_PIECE_CUH

#include "cluster.cuh"
#include "order.cuh"

namespace bv {

constexpr int good_loads = 4;      /* of 16 bytes, of a thread, that wait for each other */
constexpr int chunks_of_piece = 4; /* each can be visited while the next ones arrive */

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
  __device__ int chunk_begin(int chunk) const { return (int)((int64_t)units * chunk / chunks_of_piece); }
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

/* Calls visit(unit, address) for this thread's units in shared memory, so many of them loaded at once. */
template <int loads, int Width, typename Visit>
__device__ __forceinline__ void visit_units(const Piece<Width> &piece, int begin, int end, const Visit &visit) {
  const int step = (int)blockDim.x;
  int number = begin + (int)threadIdx.x;
  const char *address = piece.unit(number);
#pragma unroll 1
  for (; loads > 1 && number + (loads - 1) * step < end; number += loads * step) {
    Raw<Width, 16 / Width> unit[loads];
#pragma unroll
    for (int i = 0; i < loads; ++i)
      load_wide<false>(address + i * step * 16, unit[i]);
#pragma unroll
    for (int i = 0; i < loads; ++i)
      visit(unit[i], address + i * step * 16);
    address += loads * step * 16;
  }
#pragma unroll 1
  for (; number < end; number += step) {
    Raw<Width, 16 / Width> unit;
    load_wide<false>(address, unit);
    visit(unit, address);
    address += step * 16;
  }
}

/* ---- Loading ------------------------------------------------------------------------------------------ */

/* By one thread, before a barrier. */
template <int Width>
__device__ __forceinline__ void start_copies(const Piece<Width> &piece, Arrival arrivals[chunks_of_piece]) {
#if __CUDA_ARCH__ >= 900
  for (int chunk = 0; chunk < chunks_of_piece; ++chunk)
    init_arrival(&arrivals[chunk]);
  publish_arrivals();
  for (int chunk = 0; chunk < chunks_of_piece; ++chunk) {
    int begin = piece.chunk_begin(chunk), units = piece.chunk_begin(chunk + 1) - begin;
    if (units > 0)
      copy_bulk(piece.unit(begin), piece.unit_from(begin), (uint32_t)units * 16, &arrivals[chunk]);
  }
#endif
}

#if __CUDA_ARCH__ >= 900

/* As they arrive. */
template <int Width, typename Visit>
__device__ __forceinline__ void load_units(const Piece<Width> &piece, Arrival arrivals[chunks_of_piece],
                                           const Visit &visit) {
  for (int chunk = 0; chunk < chunks_of_piece; ++chunk) {
    int begin = piece.chunk_begin(chunk), end = piece.chunk_begin(chunk + 1);
    if (begin < end) {
      wait_for(&arrivals[chunk]);
      visit_units<good_loads>(piece, begin, end, [&](const Raw<Width, 16 / Width> &unit, const char *) {
        visit_unit(unit, visit);
      });
    }
  }
}

#else

/* Through registers, several loads in flight. */
template <int Width, typename Visit>
__device__ __forceinline__ void load_units(const Piece<Width> &piece, Arrival *, const Visit &visit) {
  constexpr int loads = 4;
  for (int first = (int)threadIdx.x; first < piece.units; first += loads * (int)blockDim.x) {
    Raw<Width, 16 / Width> unit[loads];
#pragma unroll
    for (int i = 0; i < loads; ++i)
      if (first + i * (int)blockDim.x < piece.units)
        load_wide<true>(piece.unit_from(first + i * (int)blockDim.x), unit[i]);
#pragma unroll
    for (int i = 0; i < loads; ++i)
      if (first + i * (int)blockDim.x < piece.units) {
        *(uint4 *)piece.unit(first + i * (int)blockDim.x) =
            make_uint4(unit[i].word[0], unit[i].word[1], unit[i].word[2], unit[i].word[3]);
        visit_unit(unit[i], visit);
      }
  }
}

#endif

/* The first visit of a piece, which loads it. */
template <int Width, typename Visit>
__device__ __forceinline__ void load_piece(const Piece<Width> &piece, Arrival arrivals[chunks_of_piece],
                                           const Visit &visit) {
  int edge = piece.edge();
  if (edge >= 0) {
    Bits<Width> bits = ((const Bits<Width> *)piece.from)[edge];
    pixel_at<Width>(piece.pixels, edge) = bits;
    visit((Word<Width>)bits);
  }
  load_units(piece, arrivals, visit);
}

} // namespace bv

#endif
