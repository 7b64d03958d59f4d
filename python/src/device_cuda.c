/* The module for device arrays, see device.h. */
#include "device.h"

#include <cuda_runtime_api.h>

#include "cuda/context.h"

const int device_arrays = 1;

static int finish(cudaError_t error, const char *what) {
  if (error == cudaSuccess)
    return 0;
  PyObject *type = batchview_error();
  if (type)
    PyErr_Format(type, "%s: %s (%s)", what, cudaGetErrorString(error), cudaGetErrorName(error));
  Py_XDECREF(type);
  return -1;
}

int device_find(const void *memory, int32_t *device) {
  struct cudaPointerAttributes facts = {.type = cudaMemoryTypeDevice};
  cudaError_t error = memory ? cudaPointerGetAttributes(&facts, memory) : cudaGetDevice(&facts.device);
  *device = facts.type == cudaMemoryTypeDevice || facts.type == cudaMemoryTypeManaged ? facts.device : BV_CPU;
  return error;
}

int device_of_memory(const void *memory, int32_t *device) {
  cudaError_t error = (cudaError_t)device_find(memory, device);
  if (error != cudaSuccess)
    return finish(error, "asking where an array lies");
  if (*device != BV_CPU)
    return 0;
  PyErr_Format(PyExc_ValueError, "the array's address, %p, is not of a device's memory", memory);
  return -1;
}

int device_order(int32_t device, bv_stream stream, bv_stream awaited) {
  bv_context_scope scope;
  cudaEvent_t event;
  cudaError_t error = (cudaError_t)bv_enter_context(device, &scope);
  if (error != cudaSuccess)
    return finish(error, "ordering streams");
  error = cudaEventCreateWithFlags(&event, cudaEventDisableTiming);
  if (error == cudaSuccess) {
    error = cudaEventRecord(event, awaited);
    if (error == cudaSuccess)
      error = cudaStreamWaitEvent(stream, event, 0);
    cudaEventDestroy(event); /* CUDA keeps what still waits for it */
  }
  bv_leave_context(&scope);
  return finish(error, "ordering streams");
}
