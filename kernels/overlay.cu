/* Labels and images over pictures: a block a part of a line. Of the pictures only those pixels are read and
 * written that something lies over. */
#include "dispatch.cuh"
#include "overlay.h"

namespace bv {
namespace {

constexpr int block_threads = 256;

__global__ void __launch_bounds__(block_threads) overlay_kernel(const __grid_constant__ bv_overlay overlay) {
  for (int64_t part = blockIdx.x; part < bv_overlay_parts(&overlay); part += gridDim.x)
    bv_overlay_part(&overlay, part, threadIdx.x, block_threads);
}

} // namespace
} // namespace bv

int bv_launch_overlay(const bv_overlay *overlay, bv_stream stream) {
  return bv::launch<bv::overlay_kernel>(bv::blocks_for(bv_overlay_parts(overlay), 1), bv::block_threads, stream,
                                        *overlay);
}
