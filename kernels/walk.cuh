/* Reading a group: every pixel of it once, by the warps of one or more blocks, with 16-byte loads where
 * possible. */
#ifndef BV_WALK_CUH
#define BV_WALK_CUH

#include "pixel.cuh"

namespace bv {

/* Pixels of a cell for reading, and of a tile: for each lane of a warp up to four cells, as many as their
 * numbers have room in registers. */
template <int Width> constexpr int cell_pixels = 16 / Width;
template <int Width> constexpr int cells_of_tile = Width < 4 ? Width : 4;
template <int Width> constexpr int tile_pixels = cells_of_tile<Width> *warp_lanes *cell_pixels<Width>;

/* Tiles that cover any line of the job. */
template <int Width> int64_t tiles_to_read(const bv_job *job, const bv_lines &lines) {
  uintptr_t misaligned = (uintptr_t)job->in;
  for (int i = 0; i < lines.ndim; ++i)
    misaligned |= (uintptr_t)lines.axis[i].in * Width;
  int64_t most_lead = lines.run.in == 1 && misaligned % 16 ? cell_pixels<Width> - 1 : 0;
  return (lines.run.extent + most_lead + tile_pixels<Width> - 1) / tile_pixels<Width>;
}

/* Calls visit(row, first, x) for cells x[cell_pixels<Width>] that begin at pixel `first` of a row of the group;
 * pixels that are masked or not there are NaN. A block is number `part` of the `parts` that share the group. */
template <int Width, typename T, int Threads, typename Visit>
__device__ __forceinline__ void walk_group(const bv_lines &lines, const Source &source, int64_t tiles_of_line,
                                           int64_t group, int part, int parts, const Visit &visit) {
  constexpr int pixels = cell_pixels<Width>, warps = Threads / warp_lanes;
  constexpr int64_t step = warp_lanes * pixels;
  const int64_t tiles = lines.rows * tiles_of_line;
  int64_t current = -1;
  Line line;
  for (int64_t tile = (int64_t)part * warps + threadIdx.x / warp_lanes; tile < tiles;
       tile += (int64_t)parts * warps) {
    int64_t row = quotient(tile, tiles_of_line);
    if (row != current) {
      line = line_to_read<Width, pixels>(lines, source, group * lines.rows + row);
      current = row;
    }
    int64_t first = (tile - row * tiles_of_line) * tile_pixels<Width> - line.lead +
                    (int64_t)(threadIdx.x % warp_lanes) * pixels;
    T x[cells_of_tile<Width>][pixels];
    load_cells<Width, T, pixels, cells_of_tile<Width>, false>(lines, source, line, first, step, x);
#pragma unroll
    for (int cell = 0; cell < cells_of_tile<Width>; ++cell)
      visit(row, first + cell * step, x[cell]);
  }
}

} // namespace bv

#endif
