// What the first call on a device costs, and whether it waits for work that is there:
//   first_call ALGORITHM [prepared] [--milliseconds N]
// ALGORITHM is auto, sort, select, resident, minmax or uint8. A kernel keeps one stream busy for N ms (1000)
// while the first call is made on another one, in a process that has called nothing before, or
// bv_prepare_device alone. Prints how long the call took the host, and whether that is half of N ms: then it
// has waited. Ends with status 1 if a prepared call has; but for sort, whose kernels cannot be loaded before.
#include <cuda_runtime.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "batchview/batchview.h"

namespace {

[[noreturn]] void fail(const char *what) {
  fprintf(stderr, "first_call: %s\n", what);
  exit(1);
}

void check(cudaError_t error) {
  if (error != cudaSuccess)
    fail(cudaGetErrorString(error));
}

__global__ void spin_kernel(long long nanoseconds) {
  long long begin, now;
  asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(begin));
  do
    asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(now));
  while (now - begin < nanoseconds);
}

double milliseconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
}

} // namespace

int main(int argc, char **argv) {
  std::string algorithm;
  bool is_prepared = false;
  long long milliseconds = 1000;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "prepared")
      is_prepared = true;
    else if (argument == "--milliseconds" && i + 1 < argc)
      milliseconds = atoll(argv[++i]);
    else
      algorithm = argument;
  }
  bv_display_options options = BV_DISPLAY_OPTIONS_INIT;
  options.window = algorithm == "minmax" ? BV_WINDOW_MINMAX : BV_WINDOW_PERCENTILE;
  if (algorithm == "sort")
    options.algorithm = BV_ALGORITHM_SORT;
  else if (algorithm == "select")
    options.algorithm = BV_ALGORITHM_SELECT;
  else if (algorithm == "resident")
    options.algorithm = BV_ALGORITHM_RESIDENT;
  else if (algorithm != "auto" && algorithm != "minmax" && algorithm != "uint8")
    fail("first_call auto|sort|select|resident|minmax|uint8 [prepared] [--milliseconds N]");

  const int64_t shape[4] = {1, 1, 300, 300};
  const size_t bytes = 300 * 300 * sizeof(float), workspace_bytes = 16 << 20;
  void *in, *out, *workspace;
  cudaStream_t busy, stream;
  check(cudaMalloc(&in, bytes));
  check(cudaMalloc(&out, bytes));
  check(cudaMalloc(&workspace, workspace_bytes));
  check(cudaMemset(in, 1, bytes));
  check(cudaStreamCreateWithFlags(&busy, cudaStreamNonBlocking));
  check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  spin_kernel<<<1, 1, 0, busy>>>(1); // is loaded now
  check(cudaGetLastError());
  check(cudaDeviceSynchronize());
  if (is_prepared && bv_prepare_device(0) != BV_OK)
    fail(bv_last_error());

  const bv_tensor batch = bv_contiguous_tensor(in, BV_F32, 0, 4, shape),
                  picture = bv_contiguous_tensor(out, algorithm == "uint8" ? BV_U8 : BV_F32, 0, 4, shape);
  options.workspace = workspace;
  options.workspace_bytes = workspace_bytes;
  spin_kernel<<<1, 1, 0, busy>>>(milliseconds * 1000000);
  check(cudaGetLastError());
  const auto begin = std::chrono::steady_clock::now();
  const bv_status status = algorithm == "uint8"
                               ? bv_normalize_image_to_uint8(&batch, &picture, stream)
                               : bv_normalize_batch_for_display(&batch, &picture, &options, stream);
  const double took = milliseconds_since(begin);
  if (status != BV_OK)
    fail(bv_last_error());
  check(cudaDeviceSynchronize());
  const bool has_waited = took > double(milliseconds) / 2;
  const char *loading = getenv("CUDA_MODULE_LOADING");
  printf("%-8s %-10s %-5s %9.3f ms%s\n", algorithm.c_str(), is_prepared ? "prepared" : "unprepared",
         loading ? loading : "LAZY", took, has_waited ? ", HAS WAITED for the other stream's work" : "");
  return has_waited && is_prepared && algorithm != "sort";
}
