/* What a block of the resident kernel holds: its part of a picture, and how that is made of pixels that cannot
 * be copied as they lie. */
#ifndef BV_RESIDENT_PART_CUH
#define BV_RESIDENT_PART_CUH

#include "cluster.cuh"
#include "launch.h"
#include "order.cuh"
#include "pack.cuh"
#include "narrow.cuh"

namespace bv {

constexpr int most_planes = 3;

struct Task {
  bv_lines lines;
  Source source;
  Sink sink;
  bv_windows windows;
  Percentiles percentiles;
  double epsilon, floor;
  bv_resident_plan plan;
  int32_t in_bytes, out_bytes; /* of an element */
  bool range;                  /* the window is the smallest and the largest value, not percentiles, */
  bool of_image;               /* for the uint8 conversion of an image */
};

/* ---- Lines and parts --------------------------------------------------------------------------------------
 */

/* The line so many rows after the first of its picture. What fits on chip has few rows. */
__device__ __forceinline__ Line row_after(const Task &task, Line line, int row) {
  int rows = (int)task.lines.rows;
  for (int i = 0; rows > 1; ++i) {
    const bv_line_axis &axis = task.lines.axis[i];
    const int extent = (int)axis.extent, index = row % extent;
    line.in += index * axis.in * task.in_bytes;
    if (line.mask)
      line.mask += index * axis.mask;
    line.out += index * axis.out * task.out_bytes;
    row /= extent;
    rows /= extent;
  }
  return line;
}

/* A block's part of its picture: of some rows the pixels begin .. end - 1. Either all of the rows, or, where
 * planes are single lines, a stretch of one, cut where quads of the output are aligned. */
struct Part {
  int row, rows;
  int begin, end;

  __device__ int pixels_of_row() const { return end - begin; }
};

/* Where a block is at work. */
struct Place {
  Line line; /* the first of the picture, aligned for writing */
  Part part;
};

template <int Width> __device__ __forceinline__ Place place_of_block(const Task &task) {
  const int block = Cluster::block(), rows = (int)task.lines.rows, extent = (int)task.lines.run.extent;
  Line line = locate_line(task.lines, task.source, task.sink.out,
                          blockIdx.x / Cluster::size() * task.lines.rows, task.in_bytes, task.out_bytes);
  if (task.sink.out)
    align_quads<Width>(task.lines, task.sink, line);
  if (rows > 1) {
    const int row = min(rows, block * task.plan.rows_of_block);
    return {line, {row, min(rows - row, task.plan.rows_of_block), 0, extent}};
  }
  const int begin = block * task.plan.pixels_of_block - line.lead;
  return {line, {0, 1, min(extent, max(0, begin)), min(extent, begin + task.plan.pixels_of_block)}};
}

/* How warps share the rows of a part: all take the same single row, or each takes whole rows. */
struct Share {
  int row, row_step;
  int turn, turn_step;

  __device__ explicit Share(const Part &part) {
    const int warp = (int)threadIdx.x / warp_lanes, warps = (int)blockDim.x / warp_lanes;
    bool single = part.rows == 1;
    row = single ? 0 : warp;
    row_step = single ? 1 : warps;
    turn = single ? warp : 0;
    turn_step = single ? warps : 1;
  }
};

/* ---- Conversion ----------------------------------------------------------------------------------------- */

/* The pixels of a line in the map type, one by one; `first` and `step` are pixels. */
template <int Width, typename T, typename Visit>
__device__ __forceinline__ void convert_line(const Task &task, const Line &line, char *pixels, int begin,
                                             int end, int first, int step, const Visit &visit) {
#pragma unroll 4
  for (int pixel = begin + first; pixel < end; pixel += step) {
    Bits<Width> bits = ((const Bits<Width> *)line.in)[pixel * task.lines.run.in];
    T x = decode<T>(bits, task.source.dtype);
    if (line.mask && !line.mask[pixel * task.lines.run.mask])
      x = not_a_number<T>();
    ((T *)pixels)[pixel - begin] = x;
    visit((Word<sizeof(T)>)pixel_at<sizeof(T)>(pixels, pixel - begin));
  }
}

template <typename T, typename Visit>
__device__ __forceinline__ void convert_rows(const Task &task, const Line &first_line, const Part &part,
                                             int plane, char *pixels, const Visit &visit) {
  const Share share(part);
  const int first = share.turn * warp_lanes + (int)threadIdx.x % warp_lanes;
  const int step = share.turn_step * warp_lanes;
  const int width = task.in_bytes;
  for (int row = share.row; row < part.rows; row += share.row_step) {
    Line line = row_after(task, first_line, part.row + row);
    line.in += plane * task.lines.channel.in * width;
    if (line.mask)
      line.mask += plane * task.lines.channel.mask;
    char *to = pixels + row * part.pixels_of_row() * sizeof(T);
    if constexpr (sizeof(T) == 4) {
      if (width == 1)
        convert_line<1, T>(task, line, to, part.begin, part.end, first, step, visit);
      else if (width == 2)
        convert_line<2, T>(task, line, to, part.begin, part.end, first, step, visit);
      else
        convert_line<4, T>(task, line, to, part.begin, part.end, first, step, visit);
    } else {
      if (width == 4)
        convert_line<4, T>(task, line, to, part.begin, part.end, first, step, visit);
      else
        convert_line<8, T>(task, line, to, part.begin, part.end, first, step, visit);
    }
  }
}

} // namespace bv

#endif
