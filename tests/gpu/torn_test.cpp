// Pinned frames that the host goes on writing while they are measured and mapped: windows and pictures may be
// anything, but nothing outside of them and the workspace is touched, and every call comes to its end.
#include <cuda_runtime_api.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "batchview/selection.h"
#include "device_fixture.h"

namespace {

constexpr int64_t columns = 256;
constexpr size_t guard = 4096;

// What each call is given: a pinned frame of `rows` rows, and device memory for its results, with room around.
struct Frame {
  int64_t rows = 0;
  bv_dtype dtype = BV_F32;
  void *pixels = nullptr;
  char *windows = nullptr, *picture = nullptr, *workspace = nullptr; // of the device
  size_t workspace_bytes = 0;

  size_t count() const { return size_t(rows * columns); }
  size_t bytes() const { return count() * bv_dtype_size(dtype); }
  bv_tensor batch() const {
    const int64_t extents[4] = {1, 1, rows, columns};
    return bv_contiguous_tensor(pixels, dtype, 0, 4, extents);
  }
  bv_tensor image() const {
    const int64_t extents[2] = {rows, columns};
    return bv_contiguous_tensor(pixels, dtype, 0, 2, extents);
  }
  bv_tensor grey(int32_t ndim) const {
    const int64_t extents[4] = {1, 1, rows, columns};
    return bv_contiguous_tensor(picture, BV_U8, 0, ndim, extents + 4 - ndim);
  }
  bv_tensor window() const {
    const int64_t extents[2] = {1, 2};
    return bv_contiguous_tensor(windows, BV_F64, 0, 2, extents);
  }
};

// Percentiles among a few pixels of neighbouring values in one of the frames: a pass collects these.
bv_display_options options_for(const Frame &frame, int32_t algorithm) {
  bv_display_options options = options_of(algorithm);
  options.low = 45;
  options.high = 55;
  options.workspace = frame.workspace;
  options.workspace_bytes = frame.workspace_bytes;
  return options;
}

bv_status normalise(const Frame &frame, bv_display_options options) {
  const bv_tensor batch = frame.batch(), picture = frame.grey(4);
  return bv_normalize_batch_for_display(&batch, &picture, &options, nullptr);
}

bv_status normalise_by_sort(const Frame &frame) {
  return normalise(frame, options_for(frame, BV_ALGORITHM_SORT));
}
bv_status normalise_by_select(const Frame &frame) {
  return normalise(frame, options_for(frame, BV_ALGORITHM_SELECT));
}
bv_status normalise_on_chip(const Frame &frame) {
  return normalise(frame, options_for(frame, BV_ALGORITHM_RESIDENT));
}

bv_status normalise_from_smallest_to_largest(const Frame &frame) {
  bv_display_options options = options_for(frame, BV_ALGORITHM_SELECT);
  options.window = BV_WINDOW_MINMAX;
  return normalise(frame, options);
}

bv_status measure_by_select(const Frame &frame) {
  const bv_tensor batch = frame.batch(), window = frame.window();
  const bv_display_options options = options_for(frame, BV_ALGORITHM_SELECT);
  return bv_measure_window(&batch, &options, &window, nullptr);
}

bv_status stretch(const Frame &frame) {
  const bv_tensor image = frame.image(), picture = frame.grey(2);
  return bv_normalize_image_to_uint8(&image, &picture, nullptr);
}

bv_status select_by_digits(const Frame &frame) {
  const bv_tensor batch = frame.batch(), window = frame.window();
  const bv_display_options options = options_for(frame, BV_ALGORITHM_AUTO);
  const bv_selection selection = {batch.dtype, &options, &window, frame.workspace};
  bv_status status = bv_selection_begin(&selection, nullptr);
  for (int digit = 0; digit < bv_selection_digits(batch.dtype) && status == BV_OK; ++digit) {
    status = bv_selection_count(&selection, digit, &batch, nullptr);
    if (status == BV_OK)
      status = bv_selection_narrow(&selection, digit, nullptr);
  }
  return status == BV_OK ? bv_selection_finish(&selection, nullptr) : status;
}

struct Case {
  const char *name;
  bv_status (*call)(const Frame &frame);
  int64_t rows;
};

const Case cases[] = {{"Sort", normalise_by_sort, 40},
                      {"SelectByOneBlock", measure_by_select, 200},
                      {"SelectByManyBlocks", measure_by_select, 400},
                      {"SelectAndDraw", normalise_by_select, 400},
                      {"OnChip", normalise_on_chip, 25},
                      {"Range", normalise_from_smallest_to_largest, 200},
                      {"Stretch", stretch, 200},
                      {"Digits", select_by_digits, 200}};

class Torn : public testing::TestWithParam<std::tuple<Case, bv_dtype>> {
protected:
  void SetUp() override { BATCHVIEW_NEED_DEVICE(Mode::Eager); }

  // In one frame the percentiles are among a few pixels of 64 neighbouring values, in the other all pixels have
  // these.
  void make_frames(const Frame &frame, std::vector<uint8_t> frames[2]) {
    std::vector<double> values[2];
    for (size_t i = 0; i < frame.count(); ++i) {
      const double few = 500 + double(random_.below(64)) * (frame.dtype == BV_F32 ? 0x1p-15 : 0x1p-43);
      const int64_t place = random_.between(1, 1000);
      values[0].push_back(place < 450   ? double(random_.uniform(1, 400))
                          : place > 451 ? double(600 + place)
                                        : few);
      values[1].push_back(few);
    }
    for (int i = 0; i < 2; ++i) {
      frames[i].resize(frame.bytes());
      for (size_t at = 0; at < frame.count(); ++at) {
        const auto single = static_cast<float>(values[i][at]);
        const auto byte = static_cast<uint8_t>(i == 0 ? values[i][at] / 7 : 70);
        const void *pixel = &values[i][at];
        if (frame.dtype == BV_F32)
          pixel = &single;
        else if (frame.dtype == BV_U8)
          pixel = &byte;
        const size_t size = bv_dtype_size(frame.dtype);
        std::memcpy(&frames[i][at * size], pixel, size);
      }
    }
  }

  // Calls again and again while another thread writes one frame and the other.
  void call_while_frames_change(const Frame &frame, bv_status (*call)(const Frame &frame)) {
    std::vector<uint8_t> frames[2];
    make_frames(frame, frames);
    std::memcpy(frame.pixels, frames[0].data(), frame.bytes());
    std::atomic<bool> stop{false};
    std::thread writer([&] {
      Random random;
      for (int next = 1; !stop; next = 1 - next) {
        std::memcpy(frame.pixels, frames[next].data(), frame.bytes());
        std::this_thread::sleep_for(std::chrono::microseconds(random.between(1, 8000)));
      }
    });
    cudaError_t error = cudaSuccess;
    for (int i = 0; i < 60 && error == cudaSuccess; ++i) {
      EXPECT_EQ(call(frame), BV_OK) << bv_last_error();
      error = cudaDeviceSynchronize();
    }
    stop = true;
    writer.join();
    EXPECT_EQ(error, cudaSuccess);
  }

  Random random_;
};

INSTANTIATE_TEST_SUITE_P(, Torn,
                         testing::Combine(testing::ValuesIn(cases), testing::Values(BV_F32, BV_F64, BV_U8)),
                         [](const auto &each) {
                           return std::string(std::get<0>(each.param).name) + "_" +
                                  bv_dtype_name(std::get<1>(each.param));
                         });

TEST_P(Torn, LeavesAllElseAlone) {
  const Case &each = std::get<0>(GetParam());
  Frame frame;
  frame.rows = each.rows;
  frame.dtype = std::get<1>(GetParam());
  frame.workspace_bytes = 8 << 20; // more than any of them needs
  const size_t sizes[] = {16, frame.count(), frame.workspace_bytes};
  char **const places[] = {&frame.windows, &frame.picture, &frame.workspace};
  std::vector<size_t> guards = {0}; // guards lie before and after each of them
  size_t total = guard;
  for (size_t size : sizes) {
    total += (size + 255) / 256 * 256;
    guards.push_back(total);
    total += guard;
  }
  const DeviceMemory memory(0, total);
  for (size_t i = 0; i < 3; ++i)
    *places[i] = static_cast<char *>(memory.at(guards[i] + guard));
  ASSERT_CUDA(cudaMemset(memory.at(), 0x5a, total));
  ASSERT_CUDA(cudaMallocHost(&frame.pixels, frame.bytes()));

  call_while_frames_change(frame, each.call);

  for (size_t at : guards) {
    std::vector<uint8_t> around(guard);
    ASSERT_CUDA(cudaMemcpy(around.data(), memory.at(at), guard, cudaMemcpyDeviceToHost));
    EXPECT_EQ(around, std::vector<uint8_t>(guard, 0x5a)) << "at " << at << " of " << total;
  }
  EXPECT_CUDA(cudaFreeHost(frame.pixels));
}

} // namespace
