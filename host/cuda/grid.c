/* What grids need of a device beside jobs: padding, and memory for a window between two of them. */
#include "backend.h"

#include <cuda_runtime_api.h>

#include "device.h"
#include "launch.h"
#include "status.h"

bv_status bv_cuda_fill(const bv_fill *fill, int32_t device, bv_stream stream) {
  bv_device_scope scope;
  BV_TRY(bv_enter_device(device, &scope));
  bv_status status = bv_check_device_memory("out", fill->out, device, BV_ERROR_DEVICE);
  if (status == BV_OK)
    status = bv_cuda_status(bv_launch_fill(fill, stream), "filling a grid's padding");
  return bv_leave_device(&scope, status);
}

bv_status bv_cuda_borrow(int32_t device, size_t bytes, void **memory, bv_stream stream) {
  bv_device_scope scope;
  BV_TRY(bv_enter_device(device, &scope));
  return bv_leave_device(&scope,
                         bv_cuda_status(cudaMallocAsync(memory, bytes, stream), "allocating %zu bytes", bytes));
}

bv_status bv_cuda_give_back(int32_t device, void *memory, bv_stream stream) {
  bv_device_scope scope;
  BV_TRY(bv_enter_device(device, &scope));
  return bv_leave_device(&scope, bv_cuda_status(cudaFreeAsync(memory, stream), "freeing a window"));
}
