/* Reading a group: every pixel of it once, by the warps of one or more blocks, with 16-byte loads where
 * possible: walk_group() for any group, walk_run() for one that is a single run. */
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

/* ---- Groups that are one run, without gaps or mask ----------------------------------------------------- */

/* A strip: for each lane of a warp so many loads of 16 bytes, all in flight before the first is used. */
constexpr int loads_of_strip = 4;
constexpr int load_bytes = 16 * warp_lanes, strip_bytes = loads_of_strip * load_bytes;
template <int Width> constexpr int lane_pixels = loads_of_strip *cell_pixels<Width>; /* of a strip */

__device__ __forceinline__ bool is_run(const bv_lines &lines, const Line &line) {
  return lines.rows == 1 && line.wide_in && !line.mask;
}

/* Calls visit_strip(raw, address) for whole strips, of which `address` is the lane's, and visit_cell(x) for the
 * cells of those at the ends, NaN in pixels that are not there. A block is number `part` of the `parts` that
 * share the group. */
template <int Width, typename T, int Threads, typename VisitStrip, typename VisitCell>
__device__ __forceinline__ void walk_run(const bv_lines &lines, const Source &source, const Line &line,
                                         int part, int parts, const VisitStrip &visit_strip,
                                         const VisitCell &visit_cell) {
  constexpr int pixels = cell_pixels<Width>, warps = Threads / warp_lanes;
  constexpr int strip_pixels = strip_bytes / Width;
  const int warp = (int)threadIdx.x / warp_lanes, lane = (int)threadIdx.x % warp_lanes;
  const int64_t covered = line.lead + lines.run.extent;
  const int64_t first = line.lead > 0 ? 1 : 0, end = covered / strip_pixels; /* whole strips */
  const char *const origin = line.in - line.lead * Width, *const last = origin + end * strip_bytes;
  const int64_t step = (int64_t)parts * warps * strip_bytes;
  const char *address = origin + (first + (int64_t)part * warps + warp) * strip_bytes + lane * 16;
#pragma unroll 1
  for (; address < last; address += step) {
    Raw<Width, pixels> raw[loads_of_strip];
#pragma unroll
    for (int i = 0; i < loads_of_strip; ++i)
      load_wide<false>(address + i * load_bytes, raw[i]);
    visit_strip(raw, address);
  }

  /* Two warps take the ends. */
  const int64_t strip = warp == 0 ? 0 : end;
  const bool is_end = warp == 0 ? first > 0 : warp == 1 && end >= first && end * strip_pixels < covered;
  if (part == parts - 1 && is_end)
#pragma unroll 1
    for (int i = 0; i < loads_of_strip; ++i) {
      T x[pixels];
      load_cell<Width, T, pixels, false>(
          lines, source, line, strip * strip_pixels - line.lead + (int64_t)(i * warp_lanes + lane) * pixels, x);
      visit_cell(x);
    }
}

} // namespace bv

#endif
