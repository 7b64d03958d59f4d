// Stream discipline: devices, streams, memory, workspaces and errors of calls on device tensors.
#include <cuda_runtime_api.h>
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "memory.h"
#include "random.h"

namespace {

#define EXPECT_CUDA(call) EXPECT_EQ(call, cudaSuccess)
#define ASSERT_CUDA(call) ASSERT_EQ(call, cudaSuccess)

constexpr int64_t shape[4] = {2, 3, 37, 41};
constexpr int64_t pixels = 2 * 3 * 37 * 41;
constexpr int64_t groups = 2 * 3;

std::vector<float> random_batch(Random &random) {
  std::vector<float> batch(pixels);
  for (float &pixel : batch)
    pixel = random.one_in(3) ? 0.0f : float(random.uniform(-100, 1000));
  return batch;
}

std::vector<float> on_cpu(std::vector<float> batch, const bv_display_options &options) {
  std::vector<float> out(batch.size());
  bv_tensor in_tensor = bv_contiguous_tensor(batch.data(), BV_F32, BV_CPU, 4, shape);
  bv_tensor out_tensor = bv_contiguous_tensor(out.data(), BV_F32, BV_CPU, 4, shape);
  bv_display_options plain = options;
  plain.workspace = nullptr;
  plain.workspace_bytes = 0;
  EXPECT_EQ(bv_normalize_batch_for_display(&in_tensor, &out_tensor, &plain, nullptr), BV_OK) << bv_last_error();
  return out;
}

bv_display_options options_of(int32_t algorithm = BV_ALGORITHM_AUTO) {
  bv_display_options options = BV_DISPLAY_OPTIONS_INIT;
  options.algorithm = algorithm;
  return options;
}

// Memory of one device, 256-byte aligned.
class DeviceMemory {
public:
  DeviceMemory(int device, size_t bytes) {
    int current = 0;
    EXPECT_CUDA(cudaGetDevice(&current));
    EXPECT_CUDA(cudaSetDevice(device));
    EXPECT_CUDA(cudaMalloc(&data_, bytes));
    EXPECT_CUDA(cudaSetDevice(current));
  }
  ~DeviceMemory() { EXPECT_CUDA(cudaFree(data_)); }
  DeviceMemory(const DeviceMemory &) = delete;
  DeviceMemory &operator=(const DeviceMemory &) = delete;

  void *at(size_t byte = 0) const { return static_cast<char *>(data_) + byte; }

private:
  void *data_ = nullptr;
};

// A batch and room for its result on one device.
struct Batch {
  explicit Batch(Random &random, int device_number = 0)
      : device(device_number), host(random_batch(random)), in(device, pixels * 4), out(device, pixels * 4) {
    write(host);
    EXPECT_CUDA(cudaMemset(out.at(), 0xa5, pixels * 4));
    EXPECT_CUDA(cudaDeviceSynchronize());
  }

  void write(const std::vector<float> &batch) {
    host = batch;
    EXPECT_CUDA(cudaMemcpy(in.at(), host.data(), pixels * 4, cudaMemcpyHostToDevice));
  }
  std::vector<float> result() const {
    std::vector<float> values(pixels);
    EXPECT_CUDA(cudaMemcpy(values.data(), out.at(), pixels * 4, cudaMemcpyDeviceToHost));
    return values;
  }
  bool untouched() const {
    std::vector<uint8_t> bytes(pixels * 4);
    EXPECT_CUDA(cudaMemcpy(bytes.data(), out.at(), bytes.size(), cudaMemcpyDeviceToHost));
    return bytes == std::vector<uint8_t>(bytes.size(), 0xa5);
  }
  bv_tensor in_tensor() const { return bv_contiguous_tensor(in.at(), BV_F32, device, 4, shape); }
  bv_tensor out_tensor() const { return bv_contiguous_tensor(out.at(), BV_F32, device, 4, shape); }
  bv_status display(const bv_display_options &options, cudaStream_t stream = nullptr) const {
    bv_tensor batch = in_tensor(), picture = out_tensor();
    return bv_normalize_batch_for_display(&batch, &picture, &options, stream);
  }

  int device;
  std::vector<float> host;
  DeviceMemory in, out;
};

bool same_bits(const std::vector<float> &a, const std::vector<float> &b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), 4 * a.size()) == 0;
}

bool says(const std::string &part) { return std::string(bv_last_error()).find(part) != std::string::npos; }

class Device : public testing::Test {
protected:
  void SetUp() override { BATCHVIEW_NEED_DEVICE(Mode::Eager); }
  void TearDown() override {
    if (!IsSkipped()) {
      EXPECT_EQ(cudaGetLastError(), cudaSuccess) << "a call left an error in the runtime";
    }
  }
};

class TwoDevices : public Device {
protected:
  void SetUp() override {
    Device::SetUp();
    int count = 0;
    if (!IsSkipped() && !HasFatalFailure()) {
      ASSERT_CUDA(cudaGetDeviceCount(&count));
      if (count < 2)
        GTEST_SKIP() << "one CUDA device; this test takes two";
    }
  }
};

const int32_t algorithms[] = {BV_ALGORITHM_AUTO, BV_ALGORITHM_SORT, BV_ALGORITHM_SELECT, BV_ALGORITHM_RESIDENT};

} // namespace

// ---- Devices ------------------------------------------------------------------------------------------

TEST_F(TwoDevices, TheTensorsDeviceWorksAndTheCurrentOneStays) {
  Random random;
  for (int tensors : {0, 1})
    for (int current : {0, 1})
      for (int32_t algorithm : algorithms) {
        Batch batch(random, tensors);
        ASSERT_CUDA(cudaSetDevice(current));
        ASSERT_EQ(batch.display(options_of(algorithm)), BV_OK) << bv_last_error();
        int now = -1;
        ASSERT_CUDA(cudaGetDevice(&now));
        EXPECT_EQ(now, current);
        ASSERT_CUDA(cudaSetDevice(tensors));
        ASSERT_CUDA(cudaDeviceSynchronize());
        EXPECT_TRUE(same_bits(batch.result(), on_cpu(batch.host, options_of())));
      }
  ASSERT_CUDA(cudaSetDevice(0));
}

TEST_F(TwoDevices, TheCurrentDeviceStaysAlsoAfterAnError) {
  Random random;
  Batch batch(random, 1);
  bv_display_options options = options_of(BV_ALGORITHM_SORT);
  DeviceMemory workspace(1, 256);
  options.workspace = workspace.at();
  options.workspace_bytes = 256;
  ASSERT_CUDA(cudaSetDevice(0));
  EXPECT_EQ(batch.display(options), BV_ERROR_WORKSPACE);
  int now = -1;
  ASSERT_CUDA(cudaGetDevice(&now));
  EXPECT_EQ(now, 0);
}

TEST_F(TwoDevices, MemoryOfTheOtherDeviceIsRefusedByName) {
  Random random;
  Batch here(random, 0), there(random, 1);
  DeviceMemory mask(1, pixels), windows(1, groups * 16);
  bv_tensor in = here.in_tensor(), out = here.out_tensor();

  bv_tensor wrong_in = there.in_tensor();
  wrong_in.device = 0;
  EXPECT_EQ(bv_normalize_batch_for_display(&wrong_in, &out, nullptr, nullptr), BV_ERROR_DEVICE);
  EXPECT_TRUE(says("batch") && says("device 1") && says("device 0")) << bv_last_error();
  EXPECT_EQ(bv_normalize_image_to_uint8(&wrong_in, &out, nullptr), BV_ERROR_TYPE);

  bv_tensor wrong_out = there.out_tensor();
  wrong_out.device = 0;
  EXPECT_EQ(bv_normalize_batch_for_display(&in, &wrong_out, nullptr, nullptr), BV_ERROR_DEVICE);
  EXPECT_TRUE(says("out") && says("device 1") && says("device 0")) << bv_last_error();

  bv_tensor wrong_mask = bv_contiguous_tensor(mask.at(), BV_U8, 0, 4, shape);
  bv_display_options masked = options_of();
  masked.foreground = BV_FOREGROUND_MASK;
  masked.mask = &wrong_mask;
  EXPECT_EQ(bv_normalize_batch_for_display(&in, &out, &masked, nullptr), BV_ERROR_DEVICE);
  EXPECT_TRUE(says("mask") && says("device 1") && says("device 0")) << bv_last_error();

  int64_t windows_shape[2] = {groups, 2};
  bv_tensor wrong_windows = bv_contiguous_tensor(windows.at(), BV_F64, 0, 2, windows_shape);
  EXPECT_EQ(bv_measure_window(&in, nullptr, &wrong_windows, nullptr), BV_ERROR_DEVICE);
  EXPECT_TRUE(says("windows") && says("device 1") && says("device 0")) << bv_last_error();
  EXPECT_EQ(bv_apply_window(&in, &wrong_windows, &out, nullptr, nullptr), BV_ERROR_DEVICE);
  EXPECT_TRUE(says("windows")) << bv_last_error();
  EXPECT_TRUE(here.untouched());
}

// ---- Memory -------------------------------------------------------------------------------------------

TEST_F(Device, PageableHostMemoryIsRefusedByNameWhereTheDeviceDoesNotSeeIt) {
  int sees_it = 0;
  ASSERT_CUDA(cudaDeviceGetAttribute(&sees_it, cudaDevAttrPageableMemoryAccess, 0));
  if (sees_it)
    GTEST_SKIP() << "this device sees all host memory";
  Random random;
  Batch batch(random);
  std::vector<float> host = batch.host;
  bv_tensor in = bv_contiguous_tensor(host.data(), BV_F32, 0, 4, shape), out = batch.out_tensor();
  EXPECT_EQ(bv_normalize_batch_for_display(&in, &out, nullptr, nullptr), BV_ERROR_DEVICE);
  EXPECT_TRUE(says("batch") && says("host memory")) << bv_last_error();
  EXPECT_TRUE(batch.untouched());
}

TEST_F(Device, ManagedAndPinnedMemoryAreTaken) {
  Random random;
  std::vector<float> host = random_batch(random);
  void *managed = nullptr, *pinned = nullptr;
  ASSERT_CUDA(cudaMallocManaged(&managed, pixels * 4, cudaMemAttachGlobal));
  ASSERT_CUDA(cudaMallocHost(&pinned, pixels * 4));
  for (void *memory : {managed, pinned}) {
    std::memcpy(memory, host.data(), pixels * 4);
    bv_tensor tensor = bv_contiguous_tensor(memory, BV_F32, 0, 4, shape);
    EXPECT_EQ(bv_normalize_batch_for_display(&tensor, &tensor, nullptr, nullptr), BV_OK) << bv_last_error();
    ASSERT_CUDA(cudaDeviceSynchronize());
    std::vector<float> result(pixels);
    std::memcpy(result.data(), memory, pixels * 4);
    EXPECT_TRUE(same_bits(result, on_cpu(host, options_of())));
  }
  ASSERT_CUDA(cudaFree(managed));
  ASSERT_CUDA(cudaFreeHost(pinned));
}

// ---- Streams ------------------------------------------------------------------------------------------

TEST_F(Device, EveryKindOfStream) {
  Random random;
  cudaStream_t blocking = nullptr, apart = nullptr;
  ASSERT_CUDA(cudaStreamCreate(&blocking));
  ASSERT_CUDA(cudaStreamCreateWithFlags(&apart, cudaStreamNonBlocking));
  for (cudaStream_t stream : {cudaStream_t(nullptr), cudaStreamLegacy, cudaStreamPerThread, blocking, apart})
    for (int32_t algorithm : algorithms) {
      Batch batch(random);
      ASSERT_EQ(batch.display(options_of(algorithm), stream), BV_OK) << bv_last_error();
      ASSERT_CUDA(cudaStreamSynchronize(stream));
      EXPECT_TRUE(same_bits(batch.result(), on_cpu(batch.host, options_of())));
    }
  ASSERT_CUDA(cudaStreamDestroy(blocking));
  ASSERT_CUDA(cudaStreamDestroy(apart));
}

TEST_F(Device, WorkIsOrderedAfterWhatTheStreamHolds) {
  Random random;
  cudaStream_t stream = nullptr;
  ASSERT_CUDA(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  for (int32_t algorithm : algorithms) {
    Batch batch(random);
    std::vector<float> *pinned = &batch.host;
    std::vector<float> other = random_batch(random);
    ASSERT_CUDA(cudaHostRegister(other.data(), pixels * 4, cudaHostRegisterDefault));
    ASSERT_CUDA(cudaMemcpyAsync(batch.in.at(), other.data(), pixels * 4, cudaMemcpyHostToDevice, stream));
    ASSERT_EQ(batch.display(options_of(algorithm), stream), BV_OK) << bv_last_error();
    ASSERT_CUDA(cudaMemsetAsync(batch.in.at(), 0, pixels * 4, stream));
    ASSERT_CUDA(cudaStreamSynchronize(stream));
    EXPECT_TRUE(same_bits(batch.result(), on_cpu(other, options_of())));
    EXPECT_FALSE(same_bits(batch.result(), on_cpu(*pinned, options_of())));
    ASSERT_CUDA(cudaHostUnregister(other.data()));
  }
  ASSERT_CUDA(cudaStreamDestroy(stream));
}

TEST_F(Device, GraphsSeeTheDataOfTheReplay) {
  Random random;
  cudaStream_t stream = nullptr;
  ASSERT_CUDA(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  for (int32_t algorithm : algorithms) {
    Batch batch(random);
    ASSERT_CUDA(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal));
    EXPECT_EQ(batch.display(options_of(algorithm), stream), BV_OK) << bv_last_error();
    cudaGraph_t graph = nullptr;
    ASSERT_CUDA(cudaStreamEndCapture(stream, &graph));
    EXPECT_TRUE(batch.untouched());
    cudaGraphExec_t executable = nullptr;
    ASSERT_CUDA(cudaGraphInstantiate(&executable, graph, 0));
    for (int replay = 0; replay < 3; ++replay) {
      batch.write(random_batch(random));
      ASSERT_CUDA(cudaDeviceSynchronize());
      ASSERT_CUDA(cudaGraphLaunch(executable, stream));
      ASSERT_CUDA(cudaStreamSynchronize(stream));
      EXPECT_TRUE(same_bits(batch.result(), on_cpu(batch.host, options_of())));
    }
    ASSERT_CUDA(cudaGraphExecDestroy(executable));
    ASSERT_CUDA(cudaGraphDestroy(graph));
  }
  ASSERT_CUDA(cudaStreamDestroy(stream));
}

TEST_F(Device, ThreadsOnStreamsOfTheirOwn) {
  std::vector<std::thread> threads;
  for (int number = 0; number < 4; ++number)
    threads.emplace_back([number] {
      Random random(uint64_t(number) + 1);
      cudaStream_t stream = nullptr;
      EXPECT_CUDA(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
      for (int turn = 0; turn < 3; ++turn) {
        Batch batch(random);
        EXPECT_EQ(batch.display(options_of(turn % 2 ? BV_ALGORITHM_SORT : BV_ALGORITHM_AUTO), stream), BV_OK);
        EXPECT_CUDA(cudaStreamSynchronize(stream));
        EXPECT_TRUE(same_bits(batch.result(), on_cpu(batch.host, options_of())));
      }
      EXPECT_CUDA(cudaStreamDestroy(stream));
    });
  for (std::thread &thread : threads)
    thread.join();
}

// ---- Workspace ----------------------------------------------------------------------------------------

class Workspace : public Device {
protected:
  static size_t needed(const Batch &batch, const bv_display_options &options) {
    bv_tensor in = batch.in_tensor(), out = batch.out_tensor();
    size_t bytes = 0;
    EXPECT_EQ(bv_workspace_size(&in, &out, &options, &bytes), BV_OK) << bv_last_error();
    return bytes;
  }
  static bv_display_options with(bv_display_options options, void *workspace, size_t bytes) {
    options.workspace = workspace;
    options.workspace_bytes = bytes;
    return options;
  }
};

TEST_F(Workspace, OfExactlyTheSizeAskedForIsUsedAndNotOverrun) {
  Random random;
  const size_t guard = 4096;
  for (int32_t algorithm : algorithms) {
    Batch batch(random);
    bv_display_options options = options_of(algorithm);
    size_t bytes = needed(batch, options);
    EXPECT_GE(bytes, algorithm == BV_ALGORITHM_SORT ? size_t(2 * 4 * pixels) : 0);
    DeviceMemory memory(0, guard + bytes + guard);
    ASSERT_CUDA(cudaMemset(memory.at(), 0x5a, guard + bytes + guard));
    ASSERT_EQ(batch.display(with(options, memory.at(guard), bytes)), BV_OK) << bv_last_error();
    ASSERT_CUDA(cudaDeviceSynchronize());
    EXPECT_TRUE(same_bits(batch.result(), on_cpu(batch.host, options_of())));
    std::vector<uint8_t> before(guard), after(guard), expected(guard, 0x5a);
    ASSERT_CUDA(cudaMemcpy(before.data(), memory.at(), guard, cudaMemcpyDeviceToHost));
    ASSERT_CUDA(cudaMemcpy(after.data(), memory.at(guard + bytes), guard, cudaMemcpyDeviceToHost));
    EXPECT_EQ(before, expected);
    EXPECT_EQ(after, expected);
  }
}

TEST_F(Workspace, OneByteTooFewOrMisalignedOrOnTheHostIsRefused) {
  Random random;
  Batch batch(random);
  bv_display_options options = options_of(BV_ALGORITHM_SORT);
  size_t bytes = needed(batch, options);
  DeviceMemory memory(0, bytes + 512);
  EXPECT_EQ(batch.display(with(options, memory.at(), bytes - 1)), BV_ERROR_WORKSPACE);
  EXPECT_TRUE(says(std::to_string(bytes)) && says(std::to_string(bytes - 1))) << bv_last_error();
  EXPECT_EQ(batch.display(with(options, memory.at(128), bytes)), BV_ERROR_WORKSPACE);
  EXPECT_TRUE(says("256")) << bv_last_error();
  std::vector<uint8_t> host(bytes + 256);
  void *aligned = host.data() + (256 - reinterpret_cast<uintptr_t>(host.data()) % 256) % 256;
  int sees_it = 0;
  ASSERT_CUDA(cudaDeviceGetAttribute(&sees_it, cudaDevAttrPageableMemoryAccess, 0));
  if (!sees_it) {
    EXPECT_EQ(batch.display(with(options, aligned, bytes)), BV_ERROR_WORKSPACE);
  }
  EXPECT_TRUE(batch.untouched());
}

TEST_F(TwoDevices, WorkspaceOnTheOtherDeviceIsRefused) {
  Random random;
  Batch batch(random);
  DeviceMemory memory(1, 1 << 20);
  bv_display_options options = options_of(BV_ALGORITHM_SORT);
  options.workspace = memory.at();
  options.workspace_bytes = 1 << 20;
  EXPECT_EQ(batch.display(options), BV_ERROR_WORKSPACE);
  EXPECT_TRUE(says("workspace") && says("device 1") && says("device 0")) << bv_last_error();
  EXPECT_TRUE(batch.untouched());
}

TEST_F(Workspace, OfAHugeCallThatDoesNotFitIsAnErrorThatLeavesNothingBehind) {
  DeviceMemory pixel(0, 256), window(0, 256);
  ASSERT_CUDA(cudaMemset(pixel.at(), 1, 256));
  const int64_t side = int64_t(1) << 22, huge[4] = {1, 1, side, side}, windows_shape[2] = {1, 2};
  bv_tensor batch = bv_contiguous_tensor(pixel.at(), BV_U8, 0, 4, huge);
  batch.stride[2] = batch.stride[3] = 0; // the same pixel 2^44 times
  bv_tensor windows = bv_contiguous_tensor(window.at(), BV_F64, 0, 2, windows_shape);
  bv_display_options options = options_of(BV_ALGORITHM_SORT);
  EXPECT_EQ(bv_measure_window(&batch, &options, &windows, nullptr), BV_ERROR_MEMORY) << bv_last_error();
  EXPECT_EQ(cudaPeekAtLastError(), cudaSuccess);
}

// ---- Errors of the runtime -------------------------------------------------------------------------------

TEST_F(Device, AFailedLaunchIsAStatusAndLeavesNothingBehind) {
  Random random;
  Batch batch(random);
  cudaStream_t stream = nullptr;
  ASSERT_CUDA(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  for (int32_t algorithm : algorithms) {
    // Waiting for a stream that is captured ends the capture: nothing can be launched into it any more.
    ASSERT_CUDA(cudaStreamBeginCapture(stream, cudaStreamCaptureModeRelaxed));
    ASSERT_NE(cudaStreamSynchronize(stream), cudaSuccess);
    ASSERT_NE(cudaGetLastError(), cudaSuccess);
    EXPECT_EQ(batch.display(options_of(algorithm), stream), BV_ERROR_CUDA);
    EXPECT_TRUE(says("cudaErrorStreamCaptureInvalidated")) << bv_last_error();
    EXPECT_EQ(cudaPeekAtLastError(), cudaSuccess);
    cudaGraph_t graph = nullptr;
    EXPECT_NE(cudaStreamEndCapture(stream, &graph), cudaSuccess);
    ASSERT_NE(cudaGetLastError(), cudaSuccess);
    EXPECT_TRUE(batch.untouched());
  }
  EXPECT_EQ(batch.display(options_of(), stream), BV_OK) << bv_last_error();
  ASSERT_CUDA(cudaStreamSynchronize(stream));
  EXPECT_TRUE(same_bits(batch.result(), on_cpu(batch.host, options_of())));
  ASSERT_CUDA(cudaStreamDestroy(stream));
}

TEST_F(Device, AnErrorThatTheCallerHasPendingStaysPending) {
  Random random;
  Batch batch(random);
  void *too_much = nullptr;
  ASSERT_EQ(cudaMalloc(&too_much, SIZE_MAX / 2), cudaErrorMemoryAllocation);
  bv_display_options fixed = options_of();
  fixed.window = BV_WINDOW_FIXED;
  fixed.hi = 500;
  EXPECT_EQ(batch.display(fixed), BV_OK) << bv_last_error();
  EXPECT_EQ(cudaPeekAtLastError(), cudaErrorMemoryAllocation);
  // CUB could not tell whose error it is.
  EXPECT_EQ(batch.display(options_of(BV_ALGORITHM_SORT)), BV_ERROR_CUDA);
  EXPECT_TRUE(says("pending") && says("cudaErrorMemoryAllocation")) << bv_last_error();
  EXPECT_EQ(cudaGetLastError(), cudaErrorMemoryAllocation);
  ASSERT_CUDA(cudaDeviceSynchronize());
  EXPECT_TRUE(same_bits(batch.result(), on_cpu(batch.host, fixed)));
}
