/* The padding of a grid of images: a thread a pixel, which writes if no image does. */
#include "dispatch.cuh"
#include "fill.h"
#include "launch.h"

namespace bv {
namespace {

constexpr int block_threads = 256;

__global__ void __launch_bounds__(block_threads) fill_kernel(const __grid_constant__ bv_fill fill) {
  const uint64_t bits = bv_padding_bits(&fill);
  const int32_t blocks_of_row = (fill.columns - 1) / block_threads + 1;
  for (int64_t block = blockIdx.x; block < (int64_t)fill.rows * blocks_of_row; block += gridDim.x) {
    const int32_t y = (int32_t)(block / blocks_of_row);
    const int64_t x = (block - (int64_t)y * blocks_of_row) * block_threads + threadIdx.x;
    if (x < fill.columns && bv_is_padding(&fill, y, (int32_t)x))
      bv_fill_pixel(&fill, y, (int32_t)x, bits);
  }
}

} // namespace
} // namespace bv

int bv_launch_fill(const bv_fill *fill, bv_stream stream) {
  const int64_t blocks_of_row = (fill->columns - 1) / bv::block_threads + 1;
  return bv::launch<bv::fill_kernel>(bv::blocks_for(fill->rows * blocks_of_row, 1), bv::block_threads, stream,
                                     *fill);
}
