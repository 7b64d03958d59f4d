/* CUDA devices. */
#include "device.h"

#include <cuda_runtime_api.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>

#include "backend.h"
#include "status.h"

/* Devices beyond this are asked each time. */
#define REMEMBERED_DEVICES 64

/* ---- Errors -------------------------------------------------------------------------------------------- */

bv_status bv_cuda_status(int error, const char *doing, ...) {
  if (error == cudaSuccess)
    return BV_OK;
  char text[128];
  va_list arguments;
  va_start(arguments, doing);
  vsnprintf(text, sizeof text, doing, arguments);
  va_end(arguments);
  const char *advice = bv_cuda_advice(error);
  return bv_fail(error == cudaErrorMemoryAllocation ? BV_ERROR_MEMORY : BV_ERROR_CUDA, "%s: %s (%s)%s%s", text,
                 cudaGetErrorString((cudaError_t)error), cudaGetErrorName((cudaError_t)error),
                 advice ? "; " : "", advice ? advice : "");
}

/* ---- Preparing ----------------------------------------------------------------------------------------- */

static bv_status ask_limits(int32_t device, bv_limits *limits) {
  static const enum cudaDeviceAttr wanted[] = {cudaDevAttrComputeCapabilityMajor,
                                               cudaDevAttrComputeCapabilityMinor,
                                               cudaDevAttrMultiProcessorCount,
                                               cudaDevAttrMaxSharedMemoryPerBlockOptin,
                                               cudaDevAttrMaxSharedMemoryPerMultiprocessor,
                                               cudaDevAttrReservedSharedMemoryPerBlock,
                                               cudaDevAttrL2CacheSize,
                                               cudaDevAttrClusterLaunch};
  enum { COUNT = sizeof wanted / sizeof wanted[0] };
  int value[COUNT];
  for (int i = 0; i < COUNT; ++i)
    BV_TRY_CUDA(cudaDeviceGetAttribute(&value[i], wanted[i], device), "asking for the limits of CUDA device %d",
                device);
  *limits = (bv_limits){.compute_capability = 10 * value[0] + value[1],
                        .multiprocessors = value[2],
                        .shared_bytes_of_multiprocessor = value[4],
                        .shared_bytes_reserved = value[5],
                        .l2_bytes = value[6]};
  BV_TRY_CUDA(bv_load_kernels(), "loading kernels on CUDA device %d", device);
  bv_resident_limits resident = {.shared_bytes_of_device = value[3],
                                 .most_blocks = value[7] ? BV_RESIDENT_MOST_BLOCKS : 1};
  BV_TRY_CUDA(bv_prepare_resident(&resident), "preparing the resident kernel on CUDA device %d", device);
  limits->shared_bytes_of_block = resident.shared_bytes_of_block;
  limits->resident_most_blocks = resident.most_blocks;
  return BV_OK;
}

/* What was asked and loaded, once for each context. */
static struct {
  pthread_mutex_t mutex;
  unsigned long long context; /* what it was asked in; what was loaded is gone with it */
  bv_limits limits;
} remembered[REMEMBERED_DEVICES] = {[0 ... REMEMBERED_DEVICES - 1] = {.mutex = PTHREAD_MUTEX_INITIALIZER}};

static bv_status remember(int32_t device, bv_device_scope *scope) {
  if (device >= REMEMBERED_DEVICES)
    return ask_limits(device, &scope->limits);
  pthread_mutex_lock(&remembered[device].mutex);
  bv_status status = BV_OK;
  if (remembered[device].context != scope->context.id) {
    status = ask_limits(device, &remembered[device].limits);
    remembered[device].context = status == BV_OK ? scope->context.id : 0;
  }
  scope->limits = remembered[device].limits;
  pthread_mutex_unlock(&remembered[device].mutex);
  return status;
}

/* Queries may have been refused, which costs what they asked about. CUB would take that for an error of its
 * own. */
static bv_status prepare(int32_t device, bv_device_scope *scope) {
  bv_status status = remember(device, scope);
  bv_take_errors_back(&scope->context);
  return status;
}

void bv_give_up_clusters(int32_t device, bv_device_scope *scope) {
  scope->limits.resident_most_blocks = 1;
  if (device >= REMEMBERED_DEVICES)
    return;
  pthread_mutex_lock(&remembered[device].mutex);
  if (remembered[device].context == scope->context.id)
    remembered[device].limits.resident_most_blocks = 1;
  pthread_mutex_unlock(&remembered[device].mutex);
}

/* ---- The current device -------------------------------------------------------------------------------- */

bv_status bv_cuda_device_count(int *count) {
  BV_TRY_CUDA(bv_count_devices(count), "looking for CUDA devices");
  return BV_OK;
}

bv_status bv_enter_device(int32_t device, bv_device_scope *scope) {
  int count;
  BV_TRY(bv_cuda_device_count(&count));
  if (device < 0 || device >= count)
    return bv_fail(BV_ERROR_DEVICE, "CUDA device %d does not exist; there are %d", device, count);
  BV_TRY_CUDA(bv_enter_context(device, &scope->context), "making CUDA device %d current", device);
  bv_status status = prepare(device, scope);
  return status == BV_OK ? BV_OK : bv_leave_device(scope, status);
}

bv_status bv_leave_device(const bv_device_scope *scope, bv_status status) {
  int error = bv_leave_context(&scope->context);
  return status == BV_OK ? bv_cuda_status(error, "making the caller's CUDA context current again") : status;
}

/* ---- Memory -------------------------------------------------------------------------------------------- */

bv_status bv_check_device_memory(const char *name, const void *pointer, int32_t device, bv_status status) {
  struct cudaPointerAttributes attributes;
  BV_TRY_CUDA(cudaPointerGetAttributes(&attributes, pointer), "looking up the memory of %s", name);
  switch (attributes.type) {
  case cudaMemoryTypeDevice:
    if (attributes.device == device)
      return BV_OK;
    return bv_fail(status, "%s is in the memory of CUDA device %d; it must be on device %d", name,
                   attributes.device, device);
  case cudaMemoryTypeManaged: return BV_OK;
  case cudaMemoryTypeHost:
    if (attributes.devicePointer == pointer)
      return BV_OK;
    break;
  default: {
    int sees_all_host_memory = 0;
    BV_TRY_CUDA(cudaDeviceGetAttribute(&sees_all_host_memory, cudaDevAttrPageableMemoryAccess, device),
                "asking whether CUDA device %d sees host memory", device);
    if (sees_all_host_memory)
      return BV_OK;
  }
  }
  return bv_fail(status, "%s is host memory at %p; it must be on CUDA device %d", name, pointer, device);
}
