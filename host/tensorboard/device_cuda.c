/* Pictures on CUDA devices, through the runtime, see device.h.
 *
 * The caller's stream draws into memory that is allocated on it. A stream of the writer's own waits for that by
 * an event, copies to pinned memory, and gives the memory back: the caller's stream waits for nothing, and the
 * caller may write to the batch as soon as it is drawn. Pinned memory is kept for later copies, as allocating
 * it makes the device wait. So is device memory where there are no pools to allocate from in the order of a
 * stream (fractional vGPUs). */
#include "device.h"

#include <cuda_runtime_api.h>
#include <pthread.h>
#include <stdlib.h>

#include "cuda/context.h"

struct tb_copy {
  tb_copy *next; /* idle ones */
  tb_device *device;
  uint8_t *pixels; /* pinned */
  size_t room;
  void *kept; /* of the device, without pools */
  size_t kept_room;
  cudaEvent_t drawn, copied;
};

struct tb_device {
  int32_t ordinal;
  unsigned long long context; /* its id */
  bool has_pools;
  cudaStream_t stream;
  pthread_mutex_t mutex; /* guards the list */
  tb_copy *idle;
};

/* The one place where results of the CUDA runtime become statuses. The error stays in the runtime, for
 * bv_leave_context. */
static bv_status check_cuda(int error, const char *what) {
  if (error == cudaSuccess)
    return BV_OK;
  const cudaError_t result = (cudaError_t)error;
  const char *advice = bv_cuda_advice(error);
  return tb_fail(error == cudaErrorMemoryAllocation ? BV_ERROR_MEMORY : BV_ERROR_CUDA, "%s: %s (%s)%s%s", what,
                 cudaGetErrorString(result), cudaGetErrorName(result), advice ? "; " : "",
                 advice ? advice : "");
}
#define TRY_CUDA(call, what) TB_TRY(check_cuda(call, what))

/* ---- The writer's side of the device ------------------------------------------------------------------ */

static bv_status new_device(int32_t ordinal, unsigned long long context, tb_device **device) {
  tb_device *made = calloc(1, sizeof *made);
  if (!made)
    return tb_fail(BV_ERROR_MEMORY, "no memory for a stream");
  made->ordinal = ordinal;
  made->context = context;
  int has_pools = 0;
  bv_status status = check_cuda(cudaDeviceGetAttribute(&has_pools, cudaDevAttrMemoryPoolsSupported, ordinal),
                                "asking for memory pools");
  made->has_pools = has_pools != 0;
  if (status == BV_OK)
    status = check_cuda(cudaStreamCreateWithFlags(&made->stream, cudaStreamNonBlocking), "making a stream");
  if (status == BV_OK && pthread_mutex_init(&made->mutex, NULL) != 0) {
    status = tb_fail(BV_ERROR_MEMORY, "no memory for a mutex");
    cudaStreamDestroy(made->stream);
  }
  if (status == BV_OK)
    *device = made;
  else
    free(made);
  return status;
}

/* A writer's first call makes it, of whatever thread. *device is NULL on failure. */
static bv_status find_device(tb_device **made, int32_t ordinal, const bv_context_scope *scope,
                             tb_device **device) {
  static pthread_mutex_t making = PTHREAD_MUTEX_INITIALIZER;
  bv_status status = BV_OK;
  *device = NULL;
  pthread_mutex_lock(&making);
  if (!*made)
    status = new_device(ordinal, scope->id, made);
  tb_device *found = *made;
  pthread_mutex_unlock(&making);
  if (!found)
    return status;
  if (found->ordinal != ordinal)
    return tb_fail(BV_ERROR_DEVICE, "the tensor is on CUDA device %d, but this writer's are on device %d",
                   ordinal, found->ordinal);
  if (found->context != scope->id)
    return tb_fail(BV_ERROR_DEVICE,
                   "the tensor is in another context of CUDA device %d than this writer's first: a device that "
                   "was reset needs a new writer",
                   ordinal);
  *device = found;
  return BV_OK;
}

/* ---- Copies -------------------------------------------------------------------------------------------- */

static void free_copy(tb_copy *copy) {
  if (copy->drawn)
    cudaEventDestroy(copy->drawn);
  if (copy->copied)
    cudaEventDestroy(copy->copied);
  if (copy->pixels)
    cudaFreeHost(copy->pixels);
  if (copy->kept)
    cudaFree(copy->kept);
  free(copy);
}

/* The smallest that is large enough; else any, whose memory is too small; else NULL. */
static tb_copy *take_idle(tb_device *device, size_t bytes) {
  tb_copy **best = NULL;
  pthread_mutex_lock(&device->mutex);
  for (tb_copy **at = &device->idle; *at; at = &(*at)->next) {
    const bool fits = (*at)->room >= bytes, best_fits = best && (*best)->room >= bytes;
    if (!best || (fits && (!best_fits || (*at)->room < (*best)->room)))
      best = at;
  }
  tb_copy *copy = best ? *best : NULL;
  if (copy)
    *best = copy->next;
  pthread_mutex_unlock(&device->mutex);
  return copy;
}

/* What a copy needs, as far as it is not there yet. */
static bv_status equip(tb_copy *copy, size_t bytes) {
  if (!copy->drawn)
    TRY_CUDA(cudaEventCreateWithFlags(&copy->drawn, cudaEventDisableTiming), "making an event");
  if (!copy->copied) /* the thread that waits for it sleeps */
    TRY_CUDA(cudaEventCreateWithFlags(&copy->copied, cudaEventDisableTiming | cudaEventBlockingSync),
             "making an event");
  if (copy->room >= bytes)
    return BV_OK;
  if (copy->pixels)
    cudaFreeHost(copy->pixels);
  copy->pixels = NULL;
  copy->room = 0;
  TRY_CUDA(cudaHostAlloc((void **)&copy->pixels, bytes, cudaHostAllocDefault), "allocating pinned memory");
  copy->room = bytes;
  return BV_OK;
}

static bv_status take_copy(tb_device *device, size_t bytes, tb_copy **copy) {
  tb_copy *taken = take_idle(device, bytes);
  *copy = NULL;
  if (!taken && !(taken = calloc(1, sizeof *taken)))
    return tb_fail(BV_ERROR_MEMORY, "no memory for a copy");
  taken->device = device;
  bv_status status = equip(taken, bytes);
  if (status == BV_OK)
    *copy = taken;
  else
    free_copy(taken);
  return status;
}

/* `pixels` are memory of the device, which is given back behind the copy. */
static bv_status order_copy(tb_copy *copy, void *pixels, size_t bytes, bv_stream stream) {
  cudaStream_t behind = copy->device->stream;
  TRY_CUDA(cudaEventRecord(copy->drawn, stream), "recording an event");
  TRY_CUDA(cudaStreamWaitEvent(behind, copy->drawn, 0), "waiting for an event");
  TRY_CUDA(cudaMemcpyAsync(copy->pixels, pixels, bytes, cudaMemcpyDeviceToHost, behind), "copying a picture");
  return check_cuda(cudaEventRecord(copy->copied, behind), "recording an event");
}

/* Memory to draw into, for work on `stream`. */
static bv_status allocate(tb_copy *copy, size_t bytes, bv_stream stream, void **pixels) {
  if (copy->device->has_pools)
    return check_cuda(cudaMallocAsync(pixels, bytes, stream), "cudaMallocAsync for a picture");
  if (copy->kept_room < bytes) {
    if (copy->kept)
      cudaFree(copy->kept);
    copy->kept = NULL;
    copy->kept_room = 0;
    TRY_CUDA(cudaMalloc(&copy->kept, bytes), "cudaMalloc for a picture");
    copy->kept_room = bytes;
  }
  *pixels = copy->kept;
  return BV_OK;
}

static bv_status release(const tb_copy *copy, void *pixels, bv_stream stream) {
  return copy->device->has_pools ? check_cuda(cudaFreeAsync(pixels, stream), "cudaFreeAsync for a picture")
                                 : BV_OK;
}

static bv_status draw_and_copy(tb_copy *copy, size_t bytes, tb_draw *draw, const void *context,
                               bv_stream stream) {
  cudaStream_t behind = copy->device->stream;
  void *pixels;
  TB_TRY(allocate(copy, bytes, stream, &pixels));
  bv_status status = draw(context, pixels);
  if (status != BV_OK) {
    release(copy, pixels, stream);
    return status;
  }
  status = order_copy(copy, pixels, bytes, stream);
  const bv_status released = release(copy, pixels, behind);
  if (status == BV_OK)
    status = released;
  if (status != BV_OK) /* the device has failed: nothing may write to memory that is used again */
    cudaStreamSynchronize(behind);
  return status;
}

static bv_status refuse_capture(bv_stream stream) {
  enum cudaStreamCaptureStatus capture;
  TRY_CUDA(cudaStreamIsCapturing(stream, &capture), "asking whether a stream is captured");
  return capture == cudaStreamCaptureStatusNone
             ? BV_OK
             : tb_fail(BV_ERROR_VALUE, "stream is being captured in a graph: a replay would log nothing");
}

static bv_status start_copy(tb_device **writers, int32_t ordinal, size_t bytes, tb_draw *draw,
                            const void *context, bv_stream stream, const bv_context_scope *scope,
                            tb_copy **copy) {
  tb_device *device;
  tb_copy *taken;
  TB_TRY(refuse_capture(stream));
  bv_status status = find_device(writers, ordinal, scope, &device);
  if (!device)
    return status;
  status = take_copy(device, bytes, &taken);
  if (!taken)
    return status;
  status = draw_and_copy(taken, bytes, draw, context, stream);
  if (status == BV_OK)
    *copy = taken;
  else
    tb_end_copy(taken);
  return status;
}

bv_status tb_start_copy(tb_device **device, int32_t ordinal, size_t bytes, tb_draw *draw, const void *context,
                        bv_stream stream, tb_copy **copy) {
  bv_context_scope scope;
  TB_TRY(bv_prepare_device(ordinal)); /* also whether there is such a device */
  TRY_CUDA(bv_enter_context(ordinal, &scope), "making the tensor's device current");
  bv_status status = start_copy(device, ordinal, bytes, draw, context, stream, &scope, copy);
  bv_leave_context(&scope);
  return status;
}

bv_status tb_copy_on_device(void *to, const void *from, size_t bytes, bv_stream stream) {
  return check_cuda(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, stream), "copying a picture");
}

bv_status tb_await_copy(tb_copy *copy, const uint8_t **pixels) {
  bv_context_scope scope;
  TRY_CUDA(bv_enter_context(copy->device->ordinal, &scope), "making the picture's device current");
  bv_status status = check_cuda(cudaEventSynchronize(copy->copied), "waiting for a picture");
  bv_leave_context(&scope);
  *pixels = copy->pixels;
  return status;
}

void tb_end_copy(tb_copy *copy) {
  if (!copy)
    return;
  tb_device *device = copy->device;
  pthread_mutex_lock(&device->mutex);
  copy->next = device->idle;
  device->idle = copy;
  pthread_mutex_unlock(&device->mutex);
}

void tb_close_device(tb_device *device) {
  bv_context_scope scope;
  if (!device)
    return;
  const bool entered = bv_enter_context(device->ordinal, &scope) == cudaSuccess;
  /* In another context, after a reset, there is nothing left to be freed. */
  const bool is_there = entered && scope.id == device->context;
  for (tb_copy *copy = device->idle, *next; copy; copy = next) {
    next = copy->next;
    if (is_there)
      free_copy(copy);
    else
      free(copy);
  }
  if (is_there)
    cudaStreamDestroy(device->stream);
  if (entered)
    bv_leave_context(&scope);
  pthread_mutex_destroy(&device->mutex);
  free(device);
}
