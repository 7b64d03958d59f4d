/* The CUDA backend and the devices in bv_describe's text. Makes no context. */
#include <cuda_runtime_api.h>

#include "context.h"
#include "describe.h"

static const char *yes_or_no(int value) { return value ? "yes" : "no"; }

static void describe_device(bv_description *description, int device) {
  struct cudaDeviceProp p;
  cudaError_t error = cudaGetDeviceProperties(&p, device);
  if (error != cudaSuccess) {
    cudaGetLastError();
    bv_add_line(description, "CUDA device %d: %s (%s)\n", device, cudaGetErrorString(error),
                cudaGetErrorName(error));
    return;
  }
  const double mebibyte = 1048576;
  bv_add_line(
      description,
      "CUDA device %d: %s, sm_%d%d, %d multiprocessors, %.0f MiB, %zu KiB of shared memory a block, memory "
      "pools %s, clusters %s, blocks that run together %s, host memory seen %s\n",
      device, p.name, p.major, p.minor, p.multiProcessorCount, (double)p.totalGlobalMem / mebibyte,
      p.sharedMemPerBlockOptin / 1024, yes_or_no(p.memoryPoolsSupported), yes_or_no(p.clusterLaunch),
      yes_or_no(p.cooperativeLaunch), p.pageableMemoryAccess ? "all" : "pinned and managed");
}

void bv_describe_cuda(bv_description *description) {
  int runtime = 0, driver = 0, count = 0;
  bool error_was_pending = cudaPeekAtLastError() != cudaSuccess;
  if (cudaRuntimeGetVersion(&runtime) != cudaSuccess || cudaDriverGetVersion(&driver) != cudaSuccess)
    driver = 0;
  bv_add_line(description, "CUDA: built with %d.%d for %s; runtime %d.%d; ", CUDART_VERSION / 1000,
              CUDART_VERSION % 1000 / 10, BV_CUDA_ARCHITECTURES, runtime / 1000, runtime % 1000 / 10);
  if (driver > 0)
    bv_add_line(description, "driver for CUDA %d.%d\n", driver / 1000, driver % 1000 / 10);
  else
    bv_add_line(description, "no driver\n");
  cudaError_t error = (cudaError_t)bv_count_devices(&count);
  if (error != cudaSuccess)
    bv_add_line(description, "CUDA devices: %s (%s)\n", cudaGetErrorString(error), cudaGetErrorName(error));
  else if (count == 0)
    bv_add_line(description, "CUDA devices: none\n");
  for (int device = 0; device < count; ++device)
    describe_device(description, device);
  if (!error_was_pending)
    cudaGetLastError();
}
