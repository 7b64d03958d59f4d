// One call in a process of its own, for check_machines.py: what a caller meets on a machine that is not in
// order.
//
//     one_call SITUATION      prints a line: the status, and the message after an error
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

// The runtime, as far as the simulator's lacks it: it has no use in the child of a process that has used it.
static const pid_t first_process = getpid();
__attribute__((visibility("default"))) cudaError_t cudaGetDeviceCount(int *count) {
  static auto *const next =
      reinterpret_cast<decltype(&cudaGetDeviceCount)>(dlsym(RTLD_NEXT, "cudaGetDeviceCount"));
  return getpid() == first_process ? next(count) : cudaErrorInitializationError;
}

namespace {

int64_t side = 160; // 100 KiB of f32: more than a kernel may have without asking
size_t bytes = size_t(side * side) * 4;

struct Tensors {
  void *in = nullptr, *out = nullptr;
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
  printf("status %d %s%s\n", status, status == BV_OK ? "" : bv_last_error(), right ? "" : " WRONG");
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
}

} // namespace

int main(int argc, char **argv) {
  const std::string situation = argc == 2 ? argv[1] : "";
  if (situation == "call") {
    call_on(0);
  } else if (situation == "select") {
    call_on(0, BV_ALGORITHM_SELECT);
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
