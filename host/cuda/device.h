/* CUDA devices: their limits, the calling thread's current device, and the runtime's errors. */
#ifndef BV_DEVICE_H
#define BV_DEVICE_H

#include "context.h"
#include "plan.h"

/* The status for a cudaError_t, storing for bv_last_error() what was being done. */
bv_status bv_cuda_status(int error, const char *doing, ...) __attribute__((format(printf, 2, 3)));

/* Returns from the calling function unless the CUDA call, or the launcher, succeeds. */
#define BV_TRY_CUDA(call, ...)                            \
  do {                                                    \
    int bv_cuda_error_ = (call);                          \
    if (bv_cuda_error_ != 0)                              \
      return bv_cuda_status(bv_cuda_error_, __VA_ARGS__); \
  } while (0)

/* The state of the calling thread between bv_enter_device and bv_leave_device. */
typedef struct bv_device_scope {
  bv_context_scope context;
  bv_limits limits;
} bv_device_scope;

/* Makes a context of `device` current in which all kernels are loaded, or fails, with nothing to leave:
 * BV_ERROR_DEVICE if there is none of this number, BV_ERROR_CUDA if it cannot be used. */
bv_status bv_enter_device(int32_t device, bv_device_scope *scope);

/* From now on the device has no clusters: it refused the launch of one, for which no query is a promise. */
void bv_give_up_clusters(int32_t device, bv_device_scope *scope);

/* bv_leave_context, also after an error. Returns `status`, or what went wrong now. */
bv_status bv_leave_device(const bv_device_scope *scope, bv_status status);

/* Memory that kernels on `device` can use: its own, managed memory, and host memory where the device sees it
 * under the same address. `status` is what the caller is told otherwise. */
bv_status bv_check_device_memory(const char *name, const void *pointer, int32_t device, bv_status status);

#endif
