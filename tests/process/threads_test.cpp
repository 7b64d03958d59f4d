// Any function from any thread: the same inputs read by many threads at once, and errors that stay apart. Built
// with the thread sanitizer it looks for races in the library too.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include <pthread.h>

#include "array.h"
#include "data.h"
#include "oracle.h"

namespace {

constexpr int threads = 8;

template <typename Body> void run_in_threads(Body body) {
  std::vector<std::thread> running;
  for (int thread = 0; thread < threads; ++thread)
    running.emplace_back(body, thread);
  for (std::thread &thread : running)
    thread.join();
}

Array filled(bv_dtype dtype, const Shape &shape, Random &random) {
  Array array(dtype, shape, Layout::Contiguous, random);
  array.bytes = make_pixels(dtype, product(shape), Data::Uniform, Filled::Half, random);
  return array;
}

// Small batches and one that several threads share.
TEST(Threads, ShareTheirInputs) {
  Random random;
  for (const Shape &shape : {Shape{3, 2, 17, 33}, Shape{1, 1, 520, 510}}) {
    Array batch = filled(BV_F32, shape, random), mask = filled(BV_U8, {shape[2], shape[3]}, random);
    std::vector<uint8_t> colours(256 * 3, 7);
    const bv_tensor batch_tensor = batch.tensor(), mask_tensor = mask.tensor();
    bv_display_options options = BV_DISPLAY_OPTIONS_INIT;
    options.foreground = BV_FOREGROUND_MASK;
    options.mask = &mask_tensor;
    options.colour_map = colours.data();
    const Shape out_shape = {shape[0], shape[1], shape[2], shape[3], 3};
    const Array empty(BV_U8, out_shape, Layout::Contiguous, random);
    const Array empty_windows(BV_F64, {shape[0] * shape[1], 3}, Layout::Contiguous, random);
    const std::vector<oracle::Window> windows = oracle::measure(batch_tensor, options);
    Array description = empty;
    const std::vector<uint8_t> expected = oracle::apply(batch_tensor, windows, description.tensor(), options);

    std::atomic<int> wrong{0};
    run_in_threads([&](int) {
      Array normalised = empty, applied = empty, measured = empty_windows;
      const bv_tensor normalised_tensor = normalised.tensor(), applied_tensor = applied.tensor(),
                      measured_tensor = measured.tensor();
      for (int repeat = 0; repeat < 3; ++repeat) {
        const bool done =
            bv_normalize_batch_for_display(&batch_tensor, &normalised_tensor, &options, nullptr) == BV_OK &&
            bv_measure_window(&batch_tensor, &options, &measured_tensor, nullptr) == BV_OK &&
            bv_apply_window(&batch_tensor, &measured_tensor, &applied_tensor, &options, nullptr) == BV_OK;
        if (!done || normalised.bytes != expected || applied.bytes != expected)
          ++wrong;
      }
    });
    EXPECT_EQ(wrong, 0);
  }
}

TEST(Threads, ConvertOneImage) {
  Random random;
  Array image = filled(BV_I16, {300, 300}, random);
  const bv_tensor image_tensor = image.tensor();
  const std::vector<uint8_t> expected = oracle::to_uint8(image_tensor);
  std::atomic<int> wrong{0};
  run_in_threads([&](int) {
    std::vector<uint8_t> grey(expected.size());
    bv_tensor out = image_tensor;
    out.data = grey.data();
    out.dtype = BV_U8;
    if (bv_normalize_image_to_uint8(&image_tensor, &out, nullptr) != BV_OK || grey != expected)
      ++wrong;
  });
  EXPECT_EQ(wrong, 0);
}

TEST(Threads, HaveTheirOwnLastError) {
  const std::string before = bv_last_error();
  std::atomic<int> failed{0}, wrong{0};
  run_in_threads([&](int thread) {
    if (bv_last_error()[0] != '\0')
      ++wrong;
    bv_tensor image = {};
    image.device = BV_CPU;
    image.ndim = 100 + thread;
    if (bv_visualize_2d_image(&image, &image, nullptr) != BV_ERROR_SHAPE)
      ++wrong;
    ++failed;
    while (failed < threads) // until all messages have been written
      std::this_thread::yield();
    if (std::string(bv_last_error()).find(std::to_string(100 + thread)) == std::string::npos)
      ++wrong;
  });
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(bv_last_error(), before) << "the thread that started them has no new error";
}

// A thread that is cancelled in a call finishes it, or leaves nothing locked behind.
TEST(Threads, MayBeCancelledInCalls) {
  Random random;
  Array batch = filled(BV_F32, {4, 1, 520, 510}, random);
  const bv_tensor tensor = batch.tensor();
  ASSERT_EQ(bv_set_threads(4), BV_OK);
  const auto call = [](void *argument) -> void * {
    const bv_tensor &batch_tensor = *static_cast<const bv_tensor *>(argument);
    std::vector<uint8_t> grey(4 * 520 * 510);
    bv_tensor out = bv_contiguous_tensor(grey.data(), BV_U8, BV_CPU, 4, batch_tensor.shape);
    for (int repeat = 0; repeat < 30; ++repeat)
      bv_normalize_batch_for_display(&batch_tensor, &out, nullptr, nullptr);
    return nullptr;
  };
  for (int round = 0; round < 20; ++round) {
    pthread_t thread;
    ASSERT_EQ(pthread_create(&thread, nullptr, call, const_cast<bv_tensor *>(&tensor)), 0);
    std::this_thread::sleep_for(std::chrono::microseconds(random.below(3000)));
    pthread_cancel(thread); // at the next cancellation point, if it comes to one
    std::vector<uint8_t> grey(4 * 520 * 510);
    bv_tensor out = bv_contiguous_tensor(grey.data(), BV_U8, BV_CPU, 4, tensor.shape);
    EXPECT_EQ(bv_normalize_batch_for_display(&tensor, &out, nullptr, nullptr), BV_OK); // would wait for ever
    EXPECT_EQ(bv_set_threads(round % 3 + 2), BV_OK);
    pthread_join(thread, nullptr);
  }
  ASSERT_EQ(bv_set_threads(0), BV_OK);
}

TEST(Threads, NumbersOutOfRangeAreRefused) {
  const int before = bv_get_threads();
  for (int wanted : {-1, 1025, INT32_MAX, INT32_MIN}) {
    EXPECT_EQ(bv_set_threads(wanted), BV_ERROR_VALUE) << wanted;
    const std::string message = bv_last_error();
    EXPECT_NE(message.find("threads is " + std::to_string(wanted)), std::string::npos) << message;
    EXPECT_NE(message.find("1 to 1024"), std::string::npos) << message;
    EXPECT_EQ(bv_get_threads(), before);
  }
}

} // namespace
