// One call in a process of its own, for check_machines.py: what a caller meets on a machine that is not in
// order.
//
//     one_call SITUATION      prints a line: the status, and the message after an error
#include <cuda.h>
#include <cuda_runtime_api.h>
#include <dlfcn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "batchview/batchview.h"
#include "batchview/selection.h"

// ---- The runtime, as far as the simulator's lacks it ------------------------------------------------------

#define STAND_IN extern "C" __attribute__((visibility("default")))

template <typename Function> static Function *next(Function *, const char *name) {
  return reinterpret_cast<Function *>(dlsym(RTLD_NEXT, name));
}

// It has no use in the child of a process that has used it.
static const pid_t first_process = getpid();
STAND_IN cudaError_t cudaGetDeviceCount(int *count) {
  return getpid() == first_process ? next(&cudaGetDeviceCount, "cudaGetDeviceCount")(count)
                                   : cudaErrorInitializationError;
}

// Kernels may be refused more shared memory than all devices have.
static bool refuses_shared_memory = false;
static int attributes_set = 0;
STAND_IN cudaError_t cudaFuncSetAttribute(const void *kernel, cudaFuncAttribute attribute, int value) {
  ++attributes_set;
  return refuses_shared_memory && attribute == cudaFuncAttributeMaxDynamicSharedMemorySize && value > 48 << 10
             ? cudaErrorInvalidValue
             : next(&cudaFuncSetAttribute, "cudaFuncSetAttribute")(kernel, attribute, value);
}

// A device may have contexts other than its primary one: here one of the caller's own on device 0, which works
// as the primary one does, under another handle and with another id.
static CUcontext primary = nullptr, own = nullptr;
static unsigned times_made_current = 0;
static struct {
  CUresult (*get_current)(CUcontext *context);
  CUresult (*set_current)(CUcontext context);
  CUresult (*id_of)(CUcontext context, unsigned long long *id);
} driver;
static bool own_is_current = false;

static CUresult get_current(CUcontext *context) {
  const CUresult result = driver.get_current(context);
  if (own_is_current)
    *context = own;
  return result;
}
static CUresult set_current(CUcontext context) {
  ++times_made_current;
  own_is_current = own && context == own;
  return driver.set_current(own_is_current ? primary : context);
}
static CUresult id_of(CUcontext context, unsigned long long *id) {
  const bool is_own = own && context == own;
  const CUresult result = driver.id_of(is_own ? primary : context, id);
  *id += is_own ? 1000000 : 0;
  return result;
}

template <typename Function>
static void stand_in(const char *name, const char *other, Function *here, Function *&there, void **function) {
  if (strcmp(name, other) != 0)
    return;
  there = reinterpret_cast<Function *>(*function);
  *function = reinterpret_cast<void *>(here);
}

static void stand_in_for_driver(const char *name, void **function) {
  stand_in(name, "cuCtxGetCurrent", get_current, driver.get_current, function);
  stand_in(name, "cuCtxSetCurrent", set_current, driver.set_current, function);
  stand_in(name, "cuCtxGetId", id_of, driver.id_of, function);
}

#if CUDART_VERSION >= 12050
STAND_IN cudaError_t cudaGetDriverEntryPointByVersion(const char *name, void **function, unsigned version,
                                                      unsigned long long flags,
                                                      cudaDriverEntryPointQueryResult *found) {
  const cudaError_t error = next(&cudaGetDriverEntryPointByVersion,
                                 "cudaGetDriverEntryPointByVersion")(name, function, version, flags, found);
  stand_in_for_driver(name, function);
  return error;
}
#else
STAND_IN cudaError_t cudaGetDriverEntryPoint(const char *name, void **function, unsigned long long flags,
                                             cudaDriverEntryPointQueryResult *found) {
  const cudaError_t error =
      next<cudaError_t(const char *, void **, unsigned long long, cudaDriverEntryPointQueryResult *)>(
          nullptr, "cudaGetDriverEntryPoint")(name, function, flags, found);
  stand_in_for_driver(name, function);
  return error;
}
#endif

static bool find_in_driver(const char *name, [[maybe_unused]] unsigned version, void **function) {
  cudaDriverEntryPointQueryResult found;
#if CUDART_VERSION >= 12050
  return cudaGetDriverEntryPointByVersion(name, function, version, cudaEnableDefault, &found) == cudaSuccess;
#else
  return cudaGetDriverEntryPoint(name, function, cudaEnableDefault, &found) == cudaSuccess;
#endif
}

// ---- Calls -------------------------------------------------------------------------------------------------

namespace {

int64_t side = 160; // 100 KiB of f32: more than a kernel may have without asking
size_t bytes = size_t(side * side) * 4;

struct Tensors {
  void *in = nullptr, *out = nullptr;
  void release() const { cudaFree(in), cudaFree(out); }
  bool allocate() { return cudaMalloc(&in, bytes) == cudaSuccess && cudaMalloc(&out, bytes) == cudaSuccess; }
};

bv_status normalise(const Tensors &tensors, int device, int32_t algorithm = BV_ALGORITHM_AUTO,
                    void *workspace = nullptr, size_t workspace_bytes = 0) {
  const int64_t shape[4] = {1, 1, side, side};
  const bv_tensor in = bv_contiguous_tensor(tensors.in, BV_F32, device, 4, shape),
                  out = bv_contiguous_tensor(tensors.out, BV_F32, device, 4, shape);
  bv_display_options options = BV_DISPLAY_OPTIONS_INIT;
  options.algorithm = algorithm;
  options.workspace = workspace;
  options.workspace_bytes = workspace_bytes;
  return bv_normalize_batch_for_display(&in, &out, &options, nullptr);
}

// The result's bytes are the CPU's.
bool is_right(const Tensors &tensors, const std::vector<float> &pixels) {
  std::vector<float> found(pixels.size()), expected(pixels.size());
  const int64_t shape[4] = {1, 1, side, side};
  const bv_tensor in = bv_contiguous_tensor(const_cast<float *>(pixels.data()), BV_F32, BV_CPU, 4, shape),
                  out = bv_contiguous_tensor(expected.data(), BV_F32, BV_CPU, 4, shape);
  return cudaMemcpy(found.data(), tensors.out, bytes, cudaMemcpyDeviceToHost) == cudaSuccess &&
         bv_normalize_batch_for_display(&in, &out, nullptr, nullptr) == BV_OK &&
         memcmp(found.data(), expected.data(), bytes) == 0;
}

std::vector<float> some_pixels() {
  std::vector<float> pixels(side * side);
  for (size_t i = 0; i < pixels.size(); ++i)
    pixels[i] = static_cast<float>((i * 2654435761U) % 1000);
  return pixels;
}

void report(bv_status status, bool right = true) {
  printf("status %d %s%s\n", status, bv_last_error(), right ? "" : " WRONG");
}

// A call whose results are looked at, on `device`.
void call_on(int device, int32_t algorithm = BV_ALGORITHM_AUTO) {
  const std::vector<float> pixels = some_pixels();
  Tensors tensors;
  if (cudaSetDevice(device) != cudaSuccess || !tensors.allocate() ||
      cudaMemcpy(tensors.in, pixels.data(), bytes, cudaMemcpyHostToDevice) != cudaSuccess)
    return report(normalise(tensors, device, algorithm)); // which says why
  const bv_status status = normalise(tensors, device, algorithm);
  const cudaError_t pending = cudaPeekAtLastError();
  report(status, status != BV_OK || is_right(tensors, pixels));
  if (pending != cudaSuccess)
    printf("left behind: %s\n", cudaGetErrorName(pending));
}

// Calls on a plane that a few blocks hold together, and whether the next one needs a workspace.
void call_in_clusters() {
  side = 512;
  bytes = size_t(side * side) * 4;
  call_on(0);
  call_on(0);
  Tensors tensors;
  const int64_t shape[4] = {1, 1, side, side};
  size_t workspace_bytes = 0;
  if (!tensors.allocate())
    return report(BV_ERROR_CUDA, false);
  const bv_tensor batch = bv_contiguous_tensor(tensors.in, BV_F32, 0, 4, shape);
  if (bv_workspace_size(&batch, &batch, nullptr, &workspace_bytes) != BV_OK)
    printf("%s\n", bv_last_error());
  printf("%s\n", workspace_bytes > 0 ? "with a workspace" : "without a workspace");
}

// A call that has no memory for its workspace leaves the picture alone, and nothing behind.
void call_without_memory() {
  Tensors tensors;
  std::vector<uint8_t> poison(bytes, 0xa5), found(bytes);
  if (!tensors.allocate() ||
      cudaMemcpy(tensors.out, poison.data(), bytes, cudaMemcpyHostToDevice) != cudaSuccess)
    return report(BV_ERROR_CUDA, false);
  report(normalise(tensors, 0, BV_ALGORITHM_SELECT));
  if (cudaPeekAtLastError() != cudaSuccess)
    printf("left behind: %s\n", cudaGetErrorName(cudaGetLastError()));
  printf("%s\n",
         cudaMemcpy(found.data(), tensors.out, bytes, cudaMemcpyDeviceToHost) == cudaSuccess && found == poison
             ? "untouched"
             : "TOUCHED");
  tensors.release();
}

// The first calls on a device, while another thread captures in the mode that forbids most.
void call_beside_a_capture() {
  cudaStream_t stream = nullptr;
  cudaGraph_t graph = nullptr;
  Tensors tensors;
  if (!tensors.allocate() || cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking) != cudaSuccess ||
      cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal) != cudaSuccess)
    return report(BV_ERROR_CUDA, false);
  std::thread([&] {
    for (int32_t algorithm : {BV_ALGORITHM_AUTO, BV_ALGORITHM_SELECT, BV_ALGORITHM_SORT})
      report(normalise(tensors, 0, algorithm));
  }).join();
  printf("capture: %s\n", cudaGetErrorName(cudaStreamEndCapture(stream, &graph)));
}

// A program that has made a context of its own: it stays current, is not changed for calls on its device, and
// comes back after those on another one.
void call_in_a_context_of_ones_own() {
  call_on(0);
  CUcontext current = nullptr;
  if (!driver.get_current || driver.get_current(&primary) != CUDA_SUCCESS)
    return report(BV_ERROR_CUDA, false);
  static char somewhere;
  own = reinterpret_cast<CUcontext>(&somewhere);
  own_is_current = true;
  const int set_before = attributes_set;
  times_made_current = 0;
  call_on(0);
  printf("%s, made current %u times\n", attributes_set > set_before ? "prepared" : "NOT prepared",
         times_made_current);

  Tensors there;
  if (cudaSetDevice(1) != cudaSuccess || !there.allocate() || cudaSetDevice(0) != cudaSuccess)
    return report(BV_ERROR_CUDA, false);
  report(normalise(there, 1));
  printf("%s\n", get_current(&current) == CUDA_SUCCESS && current == own ? "current again" : "LOST");
}

// Work that nobody has waited for; with CUSIM_ASYNC it stays so.
bool begin_work() {
  void *memory = nullptr;
  return cudaMalloc(&memory, bytes) == cudaSuccess && cudaMemsetAsync(memory, 0, bytes, nullptr) == cudaSuccess;
}

bv_status select_by_digits(const bv_tensor &batch, const bv_tensor &windows, void *memory) {
  const bv_selection selection = {batch.dtype, nullptr, &windows, memory};
  bv_status status = bv_selection_begin(&selection, nullptr);
  for (int digit = 0; digit < bv_selection_digits(batch.dtype) && status == BV_OK; ++digit) {
    status = bv_selection_count(&selection, digit, &batch, nullptr);
    if (status == BV_OK)
      status = bv_selection_narrow(&selection, digit, nullptr);
  }
  return status == BV_OK ? bv_selection_finish(&selection, nullptr) : status;
}

// All kinds of calls, on a device where there is work already.
void call_all_while_busy(bool prepares) {
  Tensors tensors;
  void *memory = nullptr;
  if (!tensors.allocate() || cudaMalloc(&memory, BV_SELECTION_BYTES + 16) != cudaSuccess)
    return report(BV_ERROR_CUDA, false);
  report(prepares ? bv_prepare_device(0) : BV_OK);
  if (!begin_work())
    return report(BV_ERROR_CUDA, false);
  const int64_t shape[4] = {1, 1, side, side}, windows_shape[2] = {1, 2};
  const bv_tensor batch = bv_contiguous_tensor(tensors.in, BV_F32, 0, 4, shape),
                  image = bv_contiguous_tensor(tensors.in, BV_F32, 0, 2, shape + 2),
                  grey = bv_contiguous_tensor(tensors.out, BV_U8, 0, 2, shape + 2),
                  windows = bv_contiguous_tensor(static_cast<char *>(memory) + BV_SELECTION_BYTES, BV_F64, 0, 2,
                                                 windows_shape);
  bv_display_options fixed = BV_DISPLAY_OPTIONS_INIT;
  fixed.window = BV_WINDOW_FIXED;
  for (int32_t algorithm : {BV_ALGORITHM_SELECT, BV_ALGORITHM_SORT, BV_ALGORITHM_RESIDENT})
    report(normalise(tensors, 0, algorithm));
  report(bv_measure_window(&batch, &fixed, &windows, nullptr));
  report(bv_normalize_image_to_uint8(&image, &grey, nullptr));
  report(select_by_digits(batch, windows, memory));
}

// Device 1's tensors, drawn by a thread that has used no device.
void call_from_a_fresh_thread() {
  const std::vector<float> pixels = some_pixels();
  Tensors tensors;
  if (cudaSetDevice(1) != cudaSuccess || !tensors.allocate() ||
      cudaMemcpy(tensors.in, pixels.data(), bytes, cudaMemcpyHostToDevice) != cudaSuccess)
    return report(BV_ERROR_CUDA, false);
  std::thread([&] {
    const bv_status status = normalise(tensors, 1);
    int current = -1;
    report(status, cudaGetDevice(&current) == cudaSuccess && current == 0);
  }).join();
  printf("%s\n", is_right(tensors, pixels) ? "right" : "WRONG");
  CUresult (*state_of)(CUdevice, unsigned *, int *) = nullptr;
  unsigned flags = 0;
  int active = -1;
  if (find_in_driver("cuDevicePrimaryCtxGetState", 7000, reinterpret_cast<void **>(&state_of)) &&
      state_of(0, &flags, &active) == CUDA_SUCCESS)
    printf("device 0 has %s context\n", active ? "a" : "no");
}

} // namespace

int main(int argc, char **argv) {
  const std::string situation = argc == 2 ? argv[1] : "";
  if (situation == "call") {
    call_on(0);
  } else if (situation == "select") {
    call_on(0, BV_ALGORITHM_SELECT);
  } else if (situation == "sort") {
    call_on(0, BV_ALGORITHM_SORT);
  } else if (situation == "shared-memory") {
    refuses_shared_memory = true;
    call_on(0, BV_ALGORITHM_SORT);
    call_on(0);
  } else if (situation == "beside-capture") {
    call_beside_a_capture();
  } else if (situation == "memory") {
    call_without_memory();
  } else if (situation == "own-context") {
    call_in_a_context_of_ones_own();
  } else if (situation == "workspace") {
    void *workspace = nullptr;
    Tensors tensors;
    if (!tensors.allocate() || cudaMalloc(&workspace, 1 << 24) != cudaSuccess)
      return 1;
    report(normalise(tensors, 0, BV_ALGORITHM_SELECT, workspace, 1 << 24));
  } else if (situation == "reset") {
    call_on(0);
    if (cudaDeviceReset() != cudaSuccess)
      return 1;
    call_on(0);
  } else if (situation == "second-device") {
    call_on(0);
    call_on(1);
  } else if (situation == "fork") {
    Tensors tensors;
    if (!tensors.allocate())
      return 1;
    const pid_t child = fork();
    if (child == 0)
      report(normalise(tensors, 0));
    else
      waitpid(child, nullptr, 0);
  } else if (situation == "cluster") {
    call_in_clusters();
  } else if (situation == "busy" || situation == "prepared") {
    call_all_while_busy(situation == "prepared");
  } else if (situation == "describe") {
    char text[4096];
    bv_describe(text, sizeof text);
    fputs(text, stdout);
  } else if (situation == "fresh-thread") {
    call_from_a_fresh_thread();
  } else {
    return 2;
  }
  return 0;
}
