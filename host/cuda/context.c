/* Contexts, see context.h.
 *
 * Since CUDA 12, cudaSetDevice makes a device's primary context if it has none: to "restore" device 0 on a
 * thread that never used it costs hundreds of megabytes there, in each process, and on a device of another
 * process's alone it fails. It also replaces a context that the caller has made itself. So that contexts are
 * left as they were, they are exchanged through the driver, whose functions the runtime finds: there is no
 * library to link. */
#include "context.h"

#include <cuda.h>
#include <cuda_runtime_api.h>
#include <pthread.h>

/* ---- The driver's functions ---------------------------------------------------------------------------- */

static struct {
  CUresult (*get_device)(CUdevice *device, int ordinal);
  CUresult (*retain_primary)(CUcontext *context, CUdevice device);
  CUresult (*release_primary)(CUdevice device);
  CUresult (*get_current)(CUcontext *context);
  CUresult (*set_current)(CUcontext context);
  CUresult (*device_of_current)(CUdevice *device);
  CUresult (*id_of)(CUcontext context, unsigned long long *id);
} driver;

static const struct {
  const char *name;
  unsigned version; /* of CUDA that has it in the form above */
  void **function;
} wanted[] = {{"cuDeviceGet", 2000, (void **)&driver.get_device},
              {"cuDevicePrimaryCtxRetain", 7000, (void **)&driver.retain_primary},
              {"cuDevicePrimaryCtxRelease", 11000, (void **)&driver.release_primary},
              {"cuCtxGetCurrent", 4000, (void **)&driver.get_current},
              {"cuCtxSetCurrent", 4000, (void **)&driver.set_current},
              {"cuCtxGetDevice", 2000, (void **)&driver.device_of_current},
              {"cuCtxGetId", 12000, (void **)&driver.id_of}};

static cudaError_t find_function(const char *name, unsigned version, void **function) {
  enum cudaDriverEntryPointQueryResult found;
#if CUDART_VERSION >= 12050
  cudaError_t error = cudaGetDriverEntryPointByVersion(name, function, version, cudaEnableDefault, &found);
#else
  (void)version;
  cudaError_t error = cudaGetDriverEntryPoint(name, function, cudaEnableDefault, &found);
#endif
  return error == cudaSuccess && found != cudaDriverEntryPointSuccess ? cudaErrorCallRequiresNewerDriver
                                                                      : error;
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static cudaError_t find_driver(void) {
  static bool found;
  pthread_mutex_lock(&mutex);
  cudaError_t error = cudaSuccess;
  for (size_t i = 0; !found && error == cudaSuccess && i < sizeof wanted / sizeof wanted[0]; ++i)
    error = find_function(wanted[i].name, wanted[i].version, wanted[i].function);
  found = found || error == cudaSuccess;
  pthread_mutex_unlock(&mutex);
  return error;
}

/* The driver's errors have the runtime's numbers where both know them. */
static cudaError_t runtimes(CUresult result) { return (cudaError_t)result; }

#define TRY(call)                             \
  do {                                        \
    cudaError_t error_ = (cudaError_t)(call); \
    if (error_ != cudaSuccess)                \
      return error_;                          \
  } while (0)

/* ---- Entering and leaving ------------------------------------------------------------------------------ */

/* The device's primary context, which the process keeps once it has been asked for here. A reset takes a
 * context away from all who keep it, and the next one has another id. */
static cudaError_t keep_primary_context(CUdevice device, CUcontext *context, unsigned long long *id) {
  enum { REMEMBERED = 64 };
  static unsigned long long kept[REMEMBERED];
  TRY(driver.retain_primary(context, device));
  TRY(driver.id_of(*context, id));
  if (device >= REMEMBERED)
    return cudaSuccess; /* kept once for each call */
  pthread_mutex_lock(&mutex);
  bool twice = kept[device] == *id;
  kept[device] = *id;
  pthread_mutex_unlock(&mutex);
  return twice ? runtimes(driver.release_primary(device)) : cudaSuccess;
}

static cudaError_t change_context(int device, bv_context_scope *scope) {
  CUcontext context = NULL;
  CUdevice current, wanted_device;
  TRY(find_driver());
  TRY(driver.get_device(&wanted_device, device));
  TRY(driver.get_current((CUcontext *)&scope->callers));
  if (scope->callers)
    TRY(driver.device_of_current(&current));
  if (scope->callers && current == wanted_device)
    return runtimes(driver.id_of(scope->callers, &scope->id));
  TRY(keep_primary_context(wanted_device, &context, &scope->id));
  TRY(driver.set_current(context));
  scope->changed = true;
  return cudaSuccess;
}

/* A thread whose mode is global, as each is at first, is refused whatever may be unsafe while any other thread
 * captures in that mode, and invalidates that capture. Nothing here is unsafe: no capture of another thread
 * depends on it, and on a stream that captures there are only launches and copies. */
static cudaError_t relax(bv_context_scope *scope) {
  enum cudaStreamCaptureMode mode = cudaStreamCaptureModeRelaxed;
  TRY(cudaThreadExchangeStreamCaptureMode(&mode));
  scope->relaxed = true;
  scope->capture_mode = mode;
  return cudaSuccess;
}

int bv_enter_context(int device, bv_context_scope *scope) {
  *scope = (bv_context_scope){.error_was_pending = cudaPeekAtLastError() != cudaSuccess};
  cudaError_t error = change_context(device, scope);
  if (error == cudaSuccess)
    error = relax(scope); /* now that there is a context: without one, the runtime might make one */
  if (error != cudaSuccess)
    bv_leave_context(scope);
  return error;
}

void bv_take_errors_back(const bv_context_scope *scope) {
  if (!scope->error_was_pending)
    cudaGetLastError();
}

int bv_leave_context(const bv_context_scope *scope) {
  enum cudaStreamCaptureMode mode = (enum cudaStreamCaptureMode)scope->capture_mode;
  cudaError_t error = scope->relaxed ? cudaThreadExchangeStreamCaptureMode(&mode) : cudaSuccess;
  bv_take_errors_back(scope);
  return scope->changed ? (int)driver.set_current(scope->callers) : (int)error;
}

/* ---- Counting ------------------------------------------------------------------------------------------ */

int bv_count_devices(int *count) {
  bool error_was_pending = cudaPeekAtLastError() != cudaSuccess;
  int version = 0;
  *count = 0;
  cudaError_t error = cudaGetDeviceCount(count);
  if (error == cudaSuccess)
    return error;
  *count = 0;
  /* Without any driver the runtime says that it is too old. */
  bool none = error == cudaErrorNoDevice || (error == cudaErrorInsufficientDriver &&
                                             cudaDriverGetVersion(&version) == cudaSuccess && version == 0);
  if (!error_was_pending)
    cudaGetLastError();
  return none ? 0 : (int)error;
}

/* ---- Advice -------------------------------------------------------------------------------------------- */

const char *bv_cuda_advice(int error) {
  switch ((cudaError_t)error) {
  case cudaErrorInsufficientDriver:
    return "update the NVIDIA driver, or use a batchview that was built with an older CUDA toolkit";
  case cudaErrorSystemNotReady: return "the fabric manager has to run on this machine (nvidia-fabricmanager)";
  case cudaErrorInitializationError:
    return "CUDA cannot be used in the child of a fork after the parent has used it: spawn the process instead";
  case cudaErrorCompatNotSupportedOnDevice:
    return "this device does not support CUDA's forward compatibility: update the NVIDIA driver";
  case cudaErrorNoKernelImageForDevice: return "this batchview was built for other architectures";
  default: return NULL;
  }
}
