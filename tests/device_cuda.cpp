// The device of programs that test device tensors: CUDA device 0.
#include "device.h"

#include <cuda_runtime_api.h>
#include <gtest/gtest.h>
#include <stdexcept>

namespace device {

namespace {

void check(cudaError_t error, const char *call) {
  if (error != cudaSuccess)
    throw std::runtime_error(std::string(call) + ": " + cudaGetErrorString(error));
}
#define CHECK(call) check(call, #call)

} // namespace

const bool in_this_program = true;

std::string why_none() {
  int count = 0;
  cudaError_t error = cudaGetDeviceCount(&count);
  if (error != cudaSuccess)
    return std::string("no CUDA device: ") + cudaGetErrorString(error);
  return count > 0 ? "" : "no CUDA device";
}

void *allocate(size_t bytes) {
  void *memory = nullptr;
  CHECK(cudaMalloc(&memory, bytes));
  return memory;
}

// Destructors call the three that free, after failures too: no exceptions.
void release(void *memory) { EXPECT_EQ(cudaFree(memory), cudaSuccess); }

void upload(void *memory, const std::vector<uint8_t> &bytes) {
  CHECK(cudaMemcpy(memory, bytes.data(), bytes.size(), cudaMemcpyHostToDevice));
  CHECK(cudaDeviceSynchronize()); // the copy may still be on its way, and other streams do not wait for it
}

std::vector<uint8_t> download(const void *memory, size_t bytes) {
  std::vector<uint8_t> result(bytes);
  CHECK(cudaMemcpy(result.data(), memory, bytes, cudaMemcpyDeviceToHost));
  return result;
}

bv_stream make_stream() {
  bv_stream stream = nullptr;
  CHECK(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  return stream;
}

void destroy_stream(bv_stream stream) { EXPECT_EQ(cudaStreamDestroy(stream), cudaSuccess); }
void wait(bv_stream stream) { CHECK(cudaStreamSynchronize(stream)); }

void *record(bv_stream stream, const Calls &calls, bv_status *status) {
  CHECK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal));
  *status = calls(stream);
  cudaGraph_t graph = nullptr;
  CHECK(cudaStreamEndCapture(stream, &graph));
  cudaGraphExec_t executable = nullptr;
  if (*status == BV_OK)
    CHECK(cudaGraphInstantiate(&executable, graph, 0));
  CHECK(cudaGraphDestroy(graph));
  return executable;
}

void replay(void *graph, bv_stream stream) {
  CHECK(cudaGraphLaunch(static_cast<cudaGraphExec_t>(graph), stream));
}

void destroy_graph(void *graph) {
  EXPECT_EQ(cudaGraphExecDestroy(static_cast<cudaGraphExec_t>(graph)), cudaSuccess);
}

} // namespace device
