// More pixels and threads than any machine has memory for.
#include <gtest/gtest.h>

#include <string>

#include "batchview/batchview.h"

// Sanitizers end the program where malloc() would fail, unless told otherwise by functions that they find.
extern "C" {
#pragma GCC visibility push(default)
const char *__asan_default_options();
const char *__tsan_default_options();
const char *__asan_default_options() { return "allocator_may_return_null=1"; }
const char *__tsan_default_options() { return "allocator_may_return_null=1"; }
#pragma GCC visibility pop
}

namespace {

TEST(Scratch, ThatNoMachineHasIsRefused) {
  uint8_t pixel = 1;
  double window[2] = {-1, -1};
  const int64_t side = INT64_C(1) << 31, shape[4] = {1, 1, side, side}, window_shape[2] = {1, 2};
  bv_tensor batch = bv_contiguous_tensor(&pixel, BV_U8, BV_CPU, 4, shape);
  batch.stride[2] = batch.stride[3] = 0; // the same pixel 2^62 times
  const bv_tensor windows = bv_contiguous_tensor(window, BV_F64, BV_CPU, 2, window_shape);
  for (int threads : {1, 2, 8, 64}) { // with 8 and more, scratch takes more than 2^64 bytes
    ASSERT_EQ(bv_set_threads(threads), BV_OK);
    EXPECT_EQ(bv_measure_window(&batch, nullptr, &windows, nullptr), BV_ERROR_MEMORY) << threads << " threads";
    EXPECT_NE(std::string(bv_last_error()).find("no memory for the scratch"), std::string::npos)
        << bv_last_error();
  }
  ASSERT_EQ(bv_set_threads(0), BV_OK);
  EXPECT_EQ(window[0], -1);
  EXPECT_EQ(window[1], -1);
}

} // namespace
