// Logs pictures of a device, for check_log_calls.py to count what that does to the device:
//   log_calls DIRECTORY REPEATS
// behind one that is written before.
#include <cuda_runtime_api.h>

#include <cstdio>
#include <cstdlib>

#include "batchview/tensorboard.h"

namespace {

void check(bool done, const char *what) {
  if (done)
    return;
  fprintf(stderr, "log_calls: %s: %s\n", what, bv_last_error());
  exit(1);
}

} // namespace

int main(int argc, char **argv) {
  check(argc == 3, "log_calls DIRECTORY REPEATS");
  const int64_t shape[4] = {4, 1, 32, 32};
  void *pixels;
  cudaStream_t stream;
  check(cudaMalloc(&pixels, 4 * 4096) == cudaSuccess, "cudaMalloc");
  check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking) == cudaSuccess, "cudaStreamCreateWithFlags");
  const bv_tensor batch = bv_contiguous_tensor(pixels, BV_F32, 0, 4, shape);
  bv_tb_writer *log;
  check(bv_tb_open(argv[1], nullptr, &log) == BV_OK, "bv_tb_open");
  for (int64_t step = 0; step <= atoi(argv[2]); ++step) {
    check(cudaMemsetAsync(pixels, int(step), 4 * 4096, stream) == cudaSuccess, "cudaMemsetAsync");
    check(bv_tb_add_images(log, "batch", step, &batch, nullptr, nullptr, stream) == BV_OK, "bv_tb_add_images");
    if (step == 0)
      check(bv_tb_flush(log) == BV_OK, "bv_tb_flush");
  }
  check(bv_tb_close(log) == BV_OK, "bv_tb_close");
  check(cudaStreamDestroy(stream) == cudaSuccess && cudaFree(pixels) == cudaSuccess, "freeing");
  return 0;
}
