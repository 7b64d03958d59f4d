/* CUDA devices through the runtime, see device.h. */
#include "device.h"

#include <cuda_runtime_api.h>
#include <string.h>

#include "report.h"

bv_status ddp_check_cuda(int error, const char *what) {
  if (error == cudaSuccess)
    return BV_OK;
  const cudaError_t result = (cudaError_t)error;
  const char *advice = bv_cuda_advice(error);
  return ddp_fail(error == cudaErrorMemoryAllocation ? BV_ERROR_MEMORY : BV_ERROR_CUDA, "%s: %s (%s)%s%s", what,
                  cudaGetErrorString(result), cudaGetErrorName(result), advice ? "; " : "",
                  advice ? advice : "");
}

bv_status ddp_device_count(int *count) {
  return ddp_check_cuda(bv_count_devices(count), "looking for CUDA devices");
}

bv_status ddp_identify_device(int device, unsigned char uuid[16]) {
  struct cudaDeviceProp properties;
  _Static_assert(sizeof properties.uuid == 16, "a UUID has 16 bytes");
  DDP_TRY(ddp_check_cuda(cudaGetDeviceProperties(&properties, device), "cudaGetDeviceProperties"));
  memcpy(uuid, &properties.uuid, sizeof properties.uuid);
  return BV_OK;
}

bv_status ddp_prepare_device(int device) {
  DDP_TRY(ddp_check_cuda(cudaSetDevice(device), "cudaSetDevice"));
  return bv_prepare_device(device);
}

bv_status ddp_enter_device(int device, bv_context_scope *scope) {
  return ddp_check_cuda(bv_enter_context(device, scope), "making the group's device current");
}

void ddp_leave_device(const bv_context_scope *scope) { bv_leave_context(scope); }

bool ddp_has_error_pending(void) { return cudaPeekAtLastError() != cudaSuccess; }

void ddp_drop_error(bool was_pending) {
  if (!was_pending)
    cudaGetLastError();
}

bv_status ddp_create_stream(bv_stream *stream) {
  return ddp_check_cuda(cudaStreamCreateWithFlags(stream, cudaStreamNonBlocking), "cudaStreamCreateWithFlags");
}

void ddp_destroy_stream(bv_stream stream) { ddp_check_cuda(cudaStreamDestroy(stream), "cudaStreamDestroy"); }

bv_status ddp_copy(void *to, const void *from, size_t bytes, bv_stream stream) {
  return ddp_check_cuda(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, stream), "cudaMemcpyAsync");
}

bv_status ddp_wait_for_stream(bv_stream stream, ddp_time deadline, double timeout_seconds,
                              bv_status (*trouble)(void *), void *argument) {
  ddp_pause pause = DDP_PAUSE_LOCAL;
  for (;;) {
    cudaError_t result = cudaStreamQuery(stream);
    if (result != cudaErrorNotReady)
      return ddp_check_cuda(result, "waiting for a stream");
    DDP_TRY(trouble(argument));
    if (ddp_has_passed(deadline))
      return ddp_fail(BV_DDP_ERROR_TIMEOUT, "the stream has not done its work within %g s", timeout_seconds);
    ddp_sleep(&pause);
  }
}
