/* Labels over pictures: a block a part of a line. Only pixels that have a label are read and written. */
#include "dispatch.cuh"
#include "overlay.h"

namespace bv {
namespace {

constexpr int block_threads = 256;

__global__ void __launch_bounds__(block_threads) overlay_kernel(const __grid_constant__ bv_overlay overlay) {
  const int64_t parts = bv_overlay_parts_of_line(&overlay);
  for (int64_t block = blockIdx.x; block < overlay.lines.count * parts; block += gridDim.x) {
    const int64_t line = block / parts, begin = (block - line * parts) * BV_OVERLAY_PART;
    const int64_t left = overlay.lines.run.extent - begin;
    const int64_t end = begin + (left < BV_OVERLAY_PART ? left : BV_OVERLAY_PART);
    bv_overlay_run(&overlay, line, begin + threadIdx.x, end, block_threads);
  }
}

} // namespace
} // namespace bv

int bv_launch_overlay(const bv_overlay *overlay, bv_stream stream) {
  return bv::launch<bv::overlay_kernel>(
      bv::blocks_for(overlay->lines.count * bv_overlay_parts_of_line(overlay), 1), bv::block_threads, stream,
      *overlay);
}
