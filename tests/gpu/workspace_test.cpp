// The workspace of calls on device tensors: its size, its place, and what is refused.
#include "device_fixture.h"

namespace {

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

} // namespace

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

// Kernels write there while they read and write the tensors.
TEST_F(Workspace, OverlappingATensorIsRefusedByName) {
  Random random;
  Batch batch(random);
  bv_tensor in = batch.in_tensor(), out = batch.out_tensor();
  const size_t tensor_bytes = pixels * 4, part = 1024;
  DeviceMemory memory(0, 1 << 20), windows(0, 4096);
  const auto refuses = [&](const char *name, void *workspace, size_t bytes, bv_display_options options,
                           auto call) {
    options.workspace = workspace;
    options.workspace_bytes = bytes;
    EXPECT_EQ(call(options), BV_ERROR_OVERLAP) << name;
    EXPECT_TRUE(says("options.workspace") && says(name)) << bv_last_error();
  };
  const auto display = [&](const bv_display_options &options) {
    return bv_normalize_batch_for_display(&in, &out, &options, nullptr);
  };
  for (int32_t algorithm : algorithms) {
    const bv_display_options options = options_of(algorithm);
    refuses("batch", in.data, part, options, display);
    refuses("batch", static_cast<char *>(in.data) + tensor_bytes / 256 / 2 * 256, 1 << 20, options, display);
    refuses("out", out.data, part, options, display);
  }
  bv_tensor mask = bv_contiguous_tensor(memory.at(), BV_U8, 0, 4, shape);
  bv_display_options masked = options_of();
  masked.foreground = BV_FOREGROUND_MASK;
  masked.mask = &mask;
  refuses("options.mask", memory.at(), part, masked, display);
  const int64_t windows_shape[2] = {groups, 2};
  const bv_tensor to = bv_contiguous_tensor(windows.at(), BV_F64, 0, 2, windows_shape);
  refuses("windows", windows.at(), part, options_of(),
          [&](const bv_display_options &options) { return bv_measure_window(&in, &options, &to, nullptr); });
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
