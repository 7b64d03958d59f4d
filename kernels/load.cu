/* Loading all kernels. CUDA loads each at its first use, and may wait for the whole device to be idle for that:
 * it belongs before the first call, not between the kernels of one that are already on a stream. */
#include "dispatch.cuh"
#include "launch.h"

int bv_load_kernels(void) {
  for (const bv::Launched *each = bv::all_launched; each; each = each->next) {
    cudaFuncAttributes attributes;
    const int error = cudaFuncGetAttributes(&attributes, each->kernel);
    if (error != cudaSuccess)
      return error;
  }
  return cudaSuccess;
}
