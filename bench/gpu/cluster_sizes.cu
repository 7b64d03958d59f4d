// How many clusters of each size a device runs at once, and how many of its multiprocessors they have, for
// blocks as large as the resident kernel's: what its plans leave out of account (host/cuda/plan_resident.c).
#include <cuda_runtime.h>

#include <cstdio>
#include <cstdlib>

namespace {

void check(cudaError_t error) {
  if (error == cudaSuccess)
    return;
  fprintf(stderr, "cluster_sizes: %s\n", cudaGetErrorString(error));
  exit(1);
}

constexpr int threads = 768;

// With the registers that such blocks have at most.
__global__ void __launch_bounds__(threads, 1) block_kernel(int *out) {
  extern __shared__ int room[];
  room[threadIdx.x] = out[threadIdx.x];
  __syncthreads();
  out[threadIdx.x] = room[threads - 1 - threadIdx.x];
}

} // namespace

int main() {
  cudaDeviceProp device;
  check(cudaGetDeviceProperties(&device, 0));
  printf("%s, %d multiprocessors\n", device.name, device.multiProcessorCount);
  if (!device.clusterLaunch) {
    printf("no clusters\n");
    return 0;
  }
  const int most = int(device.sharedMemPerBlockOptin);
  check(cudaFuncSetAttribute(block_kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, most));
  check(cudaFuncSetAttribute(block_kernel, cudaFuncAttributeNonPortableClusterSizeAllowed, 1));
  for (const int bytes : {64 << 10, 128 << 10, most}) {
    cudaLaunchAttribute cluster = {};
    cluster.id = cudaLaunchAttributeClusterDimension;
    cluster.val.clusterDim.y = cluster.val.clusterDim.z = 1;
    cudaLaunchConfig_t config = {};
    config.gridDim = dim3(16);
    config.blockDim = dim3(threads);
    config.dynamicSmemBytes = size_t(bytes);
    int largest = 0;
    check(cudaOccupancyMaxPotentialClusterSize(&largest, block_kernel, &config));
    printf("%3d KiB a block: clusters of %d blocks at most;", bytes >> 10, largest);
    config.attrs = &cluster;
    config.numAttrs = 1;
    for (int blocks = 1; blocks <= largest; blocks *= 2) {
      int clusters = 0;
      cluster.val.clusterDim.x = unsigned(blocks);
      check(cudaOccupancyMaxActiveClusters(&clusters, block_kernel, &config));
      printf(" %d of %d (%d blocks)%s", clusters, blocks, clusters * blocks,
             blocks * 2 <= largest ? "," : "\n");
    }
  }
  return 0;
}
