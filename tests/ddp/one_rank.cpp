// A group of one rank on a GPU, over NCCL, in a process of its own, for machines.py: what it meets on a machine
// that is not in order, beside other work, and with graphs.
//
//     one_rank SITUATION      prints lines: the status of a call, and the message after an error
#include <cuda_runtime_api.h>
#include <dlfcn.h>
#include <nccl.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "batchview/ddp.h"

// ---- NCCL, as far as the simulator's lacks it: no end of a communicator while graphs of its operations exist
// ---

#define STAND_IN __attribute__((visibility("default")))

static std::atomic<int> graphs_alive{0};
static std::atomic<bool> does_not_end{false};

template <typename Function> static Function *next(const char *name) {
  return reinterpret_cast<Function *>(dlsym(RTLD_NEXT, name));
}

STAND_IN ncclResult_t ncclCommFinalize(ncclComm_t comm) {
  does_not_end = graphs_alive > 0;
  return does_not_end ? ncclInProgress : next<ncclResult_t(ncclComm_t)>("ncclCommFinalize")(comm);
}

STAND_IN ncclResult_t ncclCommGetAsyncError(ncclComm_t comm, ncclResult_t *error) {
  if (!does_not_end)
    return next<ncclResult_t(ncclComm_t, ncclResult_t *)>("ncclCommGetAsyncError")(comm, error);
  *error = ncclInProgress;
  return ncclSuccess;
}

STAND_IN ncclResult_t ncclCommAbort(ncclComm_t comm) {
  while (graphs_alive > 0)
    usleep(1000);
  return next<ncclResult_t(ncclComm_t)>("ncclCommAbort")(comm);
}

// A good end takes its time where links and buffers are taken down.
static unsigned seconds_to_destroy = 0;
STAND_IN ncclResult_t ncclCommDestroy(ncclComm_t comm) {
  sleep(seconds_to_destroy);
  return next<ncclResult_t(ncclComm_t)>("ncclCommDestroy")(comm);
}

// ---- A group ---------------------------------------------------------------------------------------------

namespace {

bv_status report(const char *what, bv_status status) {
  printf("%s: status %d %s\n", what, status, bv_last_error());
  return status;
}

void check(cudaError_t error) {
  if (error != cudaSuccess)
    printf("the test's own call: %s\n", cudaGetErrorName(error));
}

struct Rank {
  bv_ddp_group *group = nullptr;
  void *pixels = nullptr;
  double *window = nullptr;

  bool set_up(int32_t backend) {
    bv_ddp_options options = BV_DDP_OPTIONS_INIT;
    options.backend = backend;
    options.timeout_seconds = 60;
    return report("setup", bv_setup_ddp(0, 1, &options, &group)) == BV_OK;
  }

  // Windows of the numbers 1 to 101 are 3 and 99.
  void allocate() {
    std::vector<float> numbers(101);
    for (size_t i = 0; i < numbers.size(); ++i)
      numbers[i] = static_cast<float>(i + 1);
    check(cudaMalloc(&pixels, numbers.size() * sizeof(float)));
    check(cudaMalloc(reinterpret_cast<void **>(&window), 2 * sizeof(double)));
    check(cudaMemcpy(pixels, numbers.data(), numbers.size() * sizeof(float), cudaMemcpyHostToDevice));
  }

  void release() const {
    check(cudaFree(pixels));
    check(cudaFree(window));
  }

  bv_status measure(bv_stream stream) const {
    const int64_t shape[4] = {1, 1, 1, 101}, windows_shape[2] = {1, 2};
    const bv_tensor batch = bv_contiguous_tensor(pixels, BV_F32, 0, 4, shape),
                    windows = bv_contiguous_tensor(window, BV_F64, 0, 2, windows_shape);
    return bv_ddp_measure_window(group, &batch, nullptr, &windows, stream);
  }

  void measure_and_look(bv_stream stream) const {
    double found[2] = {0, 0};
    check(cudaMemset(window, 0, sizeof found));
    report("measure", measure(stream));
    report("wait", bv_ddp_wait(group, stream));
    check(cudaMemcpy(found, window, sizeof found, cudaMemcpyDeviceToHost));
    printf("window %g %g\n", found[0], found[1]);
  }

  bv_stream stream() const {
    bv_ddp_info info;
    bv_ddp_get_info(group, &info);
    return info.stream;
  }
  void finish() const { report("finish", bv_ddp_finish(group)); }
};

// ---- Situations ------------------------------------------------------------------------------------------

void set_up_and_measure(int32_t backend) {
  Rank rank;
  if (!rank.set_up(backend))
    return;
  bv_ddp_info info;
  bv_ddp_get_info(rank.group, &info);
  printf("device %d\n", info.device);
  if (info.device != BV_CPU) {
    rank.allocate();
    for (int call = 0; call < 3; ++call)
      rank.measure_and_look(call < 2 ? rank.stream() : nullptr);
    rank.release();
  }
  rank.finish();
}

// Its memory comes first, so that what then fails is the library's.
void set_up_and_measure_without_memory() {
  Rank rank;
  rank.allocate();
  if (rank.set_up(BV_DDP_BACKEND_NCCL)) {
    report("measure", rank.measure(rank.stream()));
    report("again", rank.measure(rank.stream()));
    rank.finish();
  }
  rank.release();
  printf("left behind: %s\n", cudaGetErrorName(cudaGetLastError()));
}

cudaGraphExec_t capture(const Rank &rank) {
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t executable = nullptr;
  check(cudaStreamBeginCapture(rank.stream(), cudaStreamCaptureModeGlobal));
  const bv_status status = report("capture", rank.measure(rank.stream()));
  check(cudaStreamEndCapture(rank.stream(), &graph));
  if (status == BV_OK)
    check(cudaGraphInstantiate(&executable, graph, 0));
  check(cudaGraphDestroy(graph));
  return executable;
}

// Its graph lives as long as it is finished, or has been destroyed before.
void capture_and_finish(bool destroys, bool aborts = false) {
  Rank rank;
  if (!rank.set_up(BV_DDP_BACKEND_NCCL))
    return;
  rank.allocate();
  cudaGraphExec_t graph = capture(rank);
  graphs_alive = graph && !destroys;
  if (destroys)
    check(cudaGraphExecDestroy(graph));
  if (aborts)
    report("abort", bv_ddp_abort(rank.group));
  rank.finish();
  graphs_alive = 0;
}

void end_slowly() {
  Rank rank;
  seconds_to_destroy = 5; // an abort would have 3
  if (rank.set_up(BV_DDP_BACKEND_NCCL))
    rank.finish();
}

// All of a group's life while another thread captures a stream of its own.
void live_beside_a_capture() {
  std::atomic<int> stage{0};
  std::thread other([&] {
    cudaStream_t stream = nullptr;
    cudaGraph_t graph = nullptr;
    check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
    check(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal));
    stage = 1;
    while (stage < 2)
      usleep(1000);
    printf("capture: %s\n", cudaGetErrorName(cudaStreamEndCapture(stream, &graph)));
  });
  while (stage < 1)
    usleep(1000);
  Rank rank;
  if (rank.set_up(BV_DDP_BACKEND_NCCL)) {
    cudaStreamCaptureMode mode = cudaStreamCaptureModeRelaxed; // for the test's own calls
    check(cudaThreadExchangeStreamCaptureMode(&mode));
    rank.allocate();
    check(cudaThreadExchangeStreamCaptureMode(&mode));
    report("measure", rank.measure(rank.stream()));
    report("wait", bv_ddp_wait(rank.group, rank.stream()));
    report("barrier", bv_ddp_barrier(rank.group, rank.stream()));
    rank.finish();
  }
  stage = 2;
  other.join();
}

// An error that the caller has not looked at yet.
void live_with_an_error_pending() {
  Rank rank;
  void *memory = nullptr;
  check(cudaFree(nullptr));
  printf("%s\n", cudaGetErrorName(cudaMalloc(&memory, SIZE_MAX / 2)));
  if (rank.set_up(BV_DDP_BACKEND_NCCL)) {
    rank.allocate();
    report("measure", rank.measure(rank.stream()));
    report("wait", bv_ddp_wait(rank.group, rank.stream()));
    report("barrier", bv_ddp_barrier(rank.group, rank.stream()));
    rank.finish();
  }
  printf("pending: %s\n", cudaGetErrorName(cudaGetLastError()));
}

// Another stream does not come to its end: with CUSIM_ASYNC, whoever waits for the device calls this.
std::atomic<bool> is_over{false};
void keep_busy(void *) {
  while (!is_over)
    usleep(1000);
}

void abort_beside_a_busy_stream() {
  Rank rank;
  cudaStream_t stream = nullptr;
  if (!rank.set_up(BV_DDP_BACKEND_NCCL))
    return;
  check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  check(cudaLaunchHostFunc(stream, keep_busy, nullptr));
  report("abort", bv_ddp_abort(rank.group));
  is_over = true;
  report("finish", bv_ddp_finish(rank.group));
}

} // namespace

int main(int argc, char **argv) {
  const std::string situation = argc == 2 ? argv[1] : "";
  if (situation == "auto")
    set_up_and_measure(BV_DDP_BACKEND_AUTO);
  else if (situation == "nccl")
    set_up_and_measure(BV_DDP_BACKEND_NCCL);
  else if (situation == "memory")
    set_up_and_measure_without_memory();
  else if (situation == "graph-destroyed" || situation == "graph-kept")
    capture_and_finish(situation == "graph-destroyed");
  else if (situation == "graph-aborted")
    capture_and_finish(false, true);
  else if (situation == "slow-end")
    end_slowly();
  else if (situation == "beside-capture")
    live_beside_a_capture();
  else if (situation == "pending")
    live_with_an_error_pending();
  else if (situation == "busy")
    abort_beside_a_busy_stream();
  else
    return 2;
  if (situation != "graph-kept" && situation != "graph-aborted" && situation != "busy")
    return 0;
  fflush(stdout);
  _exit(0); // a thread may be left
}
