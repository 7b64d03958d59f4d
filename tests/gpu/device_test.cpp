// Stream discipline: devices, streams, memory and errors of calls on device tensors.
#include <memory>
#include <thread>

#include "device_fixture.h"

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

// Batches that lie in host memory, in place: small planes, one that blocks share, one that all of the device
// shares; among them those that are copied in bulk, and those at odd addresses that are not.
void expect_host_memory_is_taken(void *memory, size_t bytes) {
  Random random;
  const int64_t shapes[][4] = {{2, 3, 37, 41}, {1, 1, 160, 161}, {1, 1, 300, 301}};
  for (const auto &extents : shapes)
    for (int32_t algorithm : algorithms)
      for (size_t offset : {size_t(0), sizeof(float)}) {
        SCOPED_TRACE(testing::Message() << extents[2] << " x " << extents[3] << ", algorithm " << algorithm
                                        << ", offset " << offset);
        std::vector<float> host(size_t(extents[0] * extents[1] * extents[2] * extents[3]));
        for (float &pixel : host)
          pixel = random.one_in(3) ? 0.0f : float(random.uniform(-100, 1000));
        float *const at = static_cast<float *>(memory) + offset / sizeof(float);
        ASSERT_LE(offset + 4 * host.size(), bytes);
        std::memcpy(at, host.data(), 4 * host.size());
        const bv_tensor tensor = bv_contiguous_tensor(at, BV_F32, 0, 4, extents),
                        expected = bv_contiguous_tensor(host.data(), BV_F32, BV_CPU, 4, extents);
        const bv_display_options options = options_of(algorithm);
        const bv_status status = bv_normalize_batch_for_display(&tensor, &tensor, &options, nullptr);
        if (algorithm == BV_ALGORITHM_RESIDENT && status == BV_ERROR_VALUE)
          continue; // does not fit on chip
        ASSERT_EQ(status, BV_OK) << bv_last_error();
        ASSERT_CUDA(cudaDeviceSynchronize());
        ASSERT_EQ(bv_normalize_batch_for_display(&expected, &expected, nullptr, nullptr), BV_OK);
        EXPECT_EQ(std::memcmp(at, host.data(), 4 * host.size()), 0);
      }
}
constexpr size_t host_bytes = 4 * 300 * 301 + 64;

TEST_F(Device, ManagedMemoryIsTaken) {
  void *memory = nullptr;
  ASSERT_CUDA(cudaMallocManaged(&memory, host_bytes, cudaMemAttachGlobal));
  expect_host_memory_is_taken(memory, host_bytes);
  ASSERT_CUDA(cudaFree(memory));
}

TEST_F(Device, PinnedMemoryIsTaken) {
  void *memory = nullptr;
  ASSERT_CUDA(cudaMallocHost(&memory, host_bytes));
  expect_host_memory_is_taken(memory, host_bytes);
  ASSERT_CUDA(cudaFreeHost(memory));
}

// HMM, and devices that share the host's page tables.
TEST_F(Device, PageableMemoryIsTakenWhereTheDeviceSeesIt) {
  int sees_it = 0;
  ASSERT_CUDA(cudaDeviceGetAttribute(&sees_it, cudaDevAttrPageableMemoryAccess, 0));
  if (!sees_it)
    GTEST_SKIP() << "this device does not see all host memory";
  std::vector<char> memory(host_bytes);
  void *aligned = memory.data();
  size_t room = memory.size();
  ASSERT_TRUE(std::align(16, host_bytes - 16, aligned, room));
  expect_host_memory_is_taken(aligned, room);
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
