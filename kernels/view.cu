/* Views of volumes: a thread a pixel, which reads the voxels around it. */
#include "dispatch.cuh"
#include "view.h"

namespace bv {
namespace {

constexpr int block_threads = 256;

__global__ void __launch_bounds__(block_threads) view_kernel(const __grid_constant__ bv_view view) {
  const bv_view_map map = bv_map_of_view(&view);
  const int64_t blocks_of_row = (view.out_columns - 1) / block_threads + 1;
  for (int64_t block = blockIdx.x; block < view.out_rows * blocks_of_row; block += gridDim.x) {
    const int64_t row = block / blocks_of_row;
    const int64_t column = (block - row * blocks_of_row) * block_threads + threadIdx.x;
    if (column < view.out_columns)
      bv_draw_pixel(&view, &map, bv_find_between(view.rows, view.out_rows, row), row, column);
  }
}

} // namespace
} // namespace bv

int bv_launch_view(const bv_view *view, bv_stream stream) {
  const int64_t blocks_of_row = (view->out_columns - 1) / bv::block_threads + 1;
  return bv::launch<bv::view_kernel>(bv::blocks_for(view->out_rows * blocks_of_row, 1), bv::block_threads,
                                     stream, *view);
}
