/* Projections of volumes: a thread a pixel, which goes along the axis. */
#include "dispatch.cuh"
#include "launch.h"
#include "pixel.cuh"

namespace bv {
namespace {

constexpr int block_threads = 256;

template <int Width, typename T>
__global__ void __launch_bounds__(block_threads) project_kernel(const __grid_constant__ bv_projection p) {
  const int64_t pixels = p.rows * p.columns;
  for (int64_t pixel = (int64_t)blockIdx.x * block_threads + threadIdx.x; pixel < pixels;
       pixel += (int64_t)gridDim.x * block_threads) {
    const int64_t row = quotient(pixel, p.columns), column = pixel - row * p.columns;
    const Bits<Width> *from = (const Bits<Width> *)p.in + row * p.row_stride + column * p.column_stride;
    bv_projected to = {0, 0};
    for (int64_t depth = 0; depth < p.depth; ++depth, from += p.depth_stride)
      bv_add_value(&to, (double)decode<T>(*from, p.in_dtype), p.kind);
    const double value = bv_end_projection(to, p.kind);
    const int64_t at = row * p.out_row_stride + column * p.out_column_stride;
    if constexpr (sizeof(T) == sizeof(float))
      ((float *)p.out)[at] = bv_f32_of_projected(value);
    else
      ((double *)p.out)[at] = value;
  }
}

} // namespace
} // namespace bv

int bv_launch_project(const bv_projection *p, bv_stream stream) {
  return bv::with_kind_of(p->in_dtype, [&](auto kind) {
    return bv::launch<bv::project_kernel<decltype(kind)::Width, typename decltype(kind)::T>>(
        bv::blocks_for(p->rows * p->columns, bv::block_threads), bv::block_threads, stream, *p);
  });
}
