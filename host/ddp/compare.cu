/* Ranks' calls on a device, see compare.h. */
#include "compare.h"

#include <cuda_runtime.h>

namespace {

constexpr int block_threads = 256;

__global__ void write_call(ddp_call *to, const __grid_constant__ ddp_call call) {
  constexpr int words = sizeof(ddp_call) / sizeof(uint64_t);
  if (threadIdx.x < words)
    reinterpret_cast<uint64_t *>(to)[threadIdx.x] = reinterpret_cast<const uint64_t *>(&call)[threadIdx.x];
}

__device__ bool differ(const ddp_call *a, const ddp_call *b) {
  for (int word = 0; word < DDP_CALL_COMMON_WORDS; ++word)
    if (reinterpret_cast<const uint64_t *>(a)[word] != reinterpret_cast<const uint64_t *>(b)[word])
      return true;
  return false;
}

__global__ void __launch_bounds__(block_threads)
    compare_calls(const ddp_call *calls, int world_size, ddp_difference *difference) {
  __shared__ int first;
  if (threadIdx.x == 0)
    first = world_size;
  __syncthreads();
  for (int rank = 1 + (int)threadIdx.x; rank < world_size; rank += block_threads)
    if (differ(&calls[rank], &calls[0]))
      atomicMin(&first, rank);
  __syncthreads();
  if (threadIdx.x > 0 || first == world_size || difference->other != 0)
    return;
  difference->of_rank_0 = calls[0];
  difference->of_other = calls[first];
  __threadfence_system();
  *static_cast<volatile int32_t *>(&difference->other) = first;
}

/* For cudaLaunchKernelEx, which returns what becomes of this launch alone. */
cudaLaunchConfig_t one_block(unsigned threads, bv_stream stream) {
  cudaLaunchConfig_t config = {};
  config.gridDim = dim3(1);
  config.blockDim = dim3(threads);
  config.stream = stream;
  return config;
}

} // namespace

int ddp_load_kernels(void) {
  cudaFuncAttributes attributes;
  const cudaError_t error = cudaFuncGetAttributes(&attributes, write_call);
  return error == cudaSuccess ? cudaFuncGetAttributes(&attributes, compare_calls) : error;
}

int ddp_launch_write_call(ddp_call *to, const ddp_call *call, bv_stream stream) {
  const cudaLaunchConfig_t config = one_block(32, stream);
  return cudaLaunchKernelEx(&config, write_call, to, *call);
}

int ddp_launch_compare_calls(const ddp_call *calls, int world_size, ddp_difference *difference,
                             bv_stream stream) {
  const cudaLaunchConfig_t config = one_block(block_threads, stream);
  return cudaLaunchKernelEx(&config, compare_calls, calls, world_size, difference);
}
