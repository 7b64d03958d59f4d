// The writer and CUDA devices: order on streams, captures, contexts, memory.
#include <gtest/gtest.h>

#include <cuda_runtime_api.h>

#include <numeric>

#include "log_directory.h"
#include "memory.h"
#include "random.h"

namespace {

class DeviceLog : public LogDirectory {
protected:
  void SetUp() override {
    BATCHVIEW_NEED_DEVICE(Mode::Eager);
    ASSERT_EQ(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), cudaSuccess);
    ASSERT_EQ(cudaMalloc(&pixels_, bytes), cudaSuccess);
  }
  void TearDown() override {
    if (stream_) {
      EXPECT_EQ(cudaFree(pixels_), cudaSuccess);
      EXPECT_EQ(cudaStreamDestroy(stream_), cudaSuccess);
      EXPECT_EQ(cudaPeekAtLastError(), cudaSuccess) << "a call left an error in the runtime";
    }
  }

  bv_tensor picture(int64_t height = 16, int32_t device = 0) const {
    const int64_t shape[2] = {height, bytes / 16};
    return bv_contiguous_tensor(pixels_, BV_U8, device, 2, shape);
  }

  static constexpr int64_t bytes = 4096;
  cudaStream_t stream_ = nullptr;
  void *pixels_ = nullptr;
};

// Nothing here waits between the calls: what is logged is what was there in the order of the stream, while
// later work writes to the same memory.
TEST_F(DeviceLog, PicturesAreThoseOfTheirTimeOnTheStream) {
  bv_tb_options options = BV_TB_OPTIONS_INIT;
  options.queue_entries = 5;
  bv_tb_writer *writer = open(&options);
  const bv_tensor tensor = picture();
  for (int step = 0; step < 40; ++step) {
    ASSERT_EQ(cudaMemsetAsync(pixels_, step + 1, bytes, stream_), cudaSuccess);
    EXPECT_DONE(bv_tb_add_image(writer, "picture", step, &tensor, nullptr, stream_));
  }
  ASSERT_EQ(cudaMemsetAsync(pixels_, 0xee, bytes, stream_), cudaSuccess);
  EXPECT_DONE(bv_tb_close(writer));
  ASSERT_EQ(cudaStreamSynchronize(stream_), cudaSuccess);
  const Log log = read_log(directory_);
  ASSERT_EQ(log.events.size(), 40u);
  for (size_t i = 0; i < log.events.size(); ++i)
    EXPECT_TRUE(decode_png(log.events[i].png).pixels == std::vector<uint8_t>(bytes, uint8_t(i + 1))) << i;
}

TEST_F(DeviceLog, SizesMayChange) {
  Random random;
  bv_tb_writer *writer = open();
  std::vector<int64_t> heights;
  for (int step = 0; step < 30; ++step) {
    heights.push_back(random.between(1, 16));
    const bv_tensor tensor = picture(heights.back());
    ASSERT_EQ(cudaMemsetAsync(pixels_, step + 1, bytes, stream_), cudaSuccess);
    EXPECT_DONE(bv_tb_add_image(writer, "picture", step, &tensor, nullptr, stream_));
  }
  EXPECT_DONE(bv_tb_close(writer));
  const Log log = read_log(directory_);
  ASSERT_EQ(log.events.size(), heights.size());
  for (size_t i = 0; i < heights.size(); ++i)
    EXPECT_TRUE(decode_png(log.events[i].png).pixels ==
                std::vector<uint8_t>(size_t(heights[i] * bytes / 16), uint8_t(i + 1)));
}

TEST_F(DeviceLog, ACaptureIsRefusedAndGoesOn) {
  bv_tb_writer *writer = open();
  const bv_tensor tensor = picture();
  ASSERT_EQ(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeGlobal), cudaSuccess);
  ASSERT_EQ(cudaMemsetAsync(pixels_, 1, bytes, stream_), cudaSuccess);
  EXPECT_REFUSED(bv_tb_add_image(writer, "picture", 0, &tensor, nullptr, stream_), BV_ERROR_VALUE,
                 "captured in a graph");
  ASSERT_EQ(cudaMemsetAsync(pixels_, 2, bytes, stream_), cudaSuccess);
  cudaGraph_t graph;
  ASSERT_EQ(cudaStreamEndCapture(stream_, &graph), cudaSuccess);
  EXPECT_EQ(cudaGraphDestroy(graph), cudaSuccess);
  EXPECT_DONE(bv_tb_close(writer));
  EXPECT_TRUE(read_log(directory_).events.empty());
}

// A capture of the caller's on another stream does not end because the writer's thread waits for pictures.
TEST_F(DeviceLog, CapturesOfOthersAreLeftAlone) {
  bv_tb_writer *writer = open();
  const bv_tensor tensor = picture();
  cudaStream_t other;
  ASSERT_EQ(cudaStreamCreateWithFlags(&other, cudaStreamNonBlocking), cudaSuccess);
  ASSERT_EQ(cudaMemsetAsync(pixels_, 1, bytes, stream_), cudaSuccess);
  EXPECT_DONE(bv_tb_add_image(writer, "picture", 0, &tensor, nullptr, stream_));
  ASSERT_EQ(cudaStreamBeginCapture(other, cudaStreamCaptureModeGlobal), cudaSuccess);
  ASSERT_EQ(cudaMemsetAsync(pixels_, 2, bytes, other), cudaSuccess);
  EXPECT_DONE(bv_tb_add_image(writer, "picture", 1, &tensor, nullptr, stream_));
  EXPECT_DONE(bv_tb_flush(writer));
  cudaGraph_t graph;
  ASSERT_EQ(cudaStreamEndCapture(other, &graph), cudaSuccess);
  EXPECT_EQ(cudaGraphDestroy(graph), cudaSuccess);
  EXPECT_EQ(cudaStreamDestroy(other), cudaSuccess);
  EXPECT_DONE(bv_tb_close(writer));
  EXPECT_EQ(read_log(directory_).events.size(), 2u);
}

TEST_F(DeviceLog, OneDeviceAWriter) {
  int devices = 0;
  ASSERT_EQ(cudaGetDeviceCount(&devices), cudaSuccess);
  if (devices < 2)
    GTEST_SKIP() << "there is one device";
  bv_tb_writer *writer = open();
  const bv_tensor here = picture(), there = picture(16, 1);
  ASSERT_EQ(cudaMemsetAsync(pixels_, 1, bytes, stream_), cudaSuccess);
  EXPECT_DONE(bv_tb_add_image(writer, "picture", 0, &here, nullptr, stream_));
  EXPECT_REFUSED(bv_tb_add_image(writer, "picture", 1, &there, nullptr, nullptr), BV_ERROR_DEVICE,
                 "are on device 0");
  int current = -1;
  EXPECT_EQ(cudaGetDevice(&current), cudaSuccess);
  EXPECT_EQ(current, 0);
  EXPECT_DONE(bv_tb_close(writer));
}

TEST_F(DeviceLog, DroppedPicturesCostTheDeviceNothing) {
  bv_tb_options options = BV_TB_OPTIONS_INIT;
  options.when_full = BV_TB_DROP;
  options.queue_entries = 1;
  bv_tb_writer *writer = open(&options);
  const bv_tensor tensor = picture();
  for (int step = 0; step < 200; ++step) {
    ASSERT_EQ(cudaMemsetAsync(pixels_, 7, bytes, stream_), cudaSuccess);
    EXPECT_DONE(bv_tb_add_image(writer, "picture", step, &tensor, nullptr, stream_));
  }
  EXPECT_DONE(bv_tb_flush(writer));
  const bv_tb_info info = info_of(writer);
  EXPECT_GT(info.written, 0);
  EXPECT_EQ(info.written + info.dropped, 200);
  EXPECT_DONE(bv_tb_close(writer));
  EXPECT_EQ(int64_t(read_log(directory_).events.size()), info.written);
}

} // namespace
