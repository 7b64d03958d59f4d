// A plane with more than 2^31 pixels of foreground: counts, offsets and indices pass 31 bits. Needs 2.3 GiB of
// memory.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <new>
#include <vector>

#include "batchview/batchview.h"
#include "random.h"

namespace {

constexpr int64_t rows = 49003,
                  columns = 49009; // 2.4 thousand million pixels; both odd, so that rows are misaligned

// A pixel is known from its number, so that the picture can be made in place of the plane.
uint8_t pixel_at(int64_t number, uint64_t seed) {
  uint64_t bits = (static_cast<uint64_t>(number) + seed) * 0x9e3779b97f4a7c15u;
  bits ^= bits >> 32;
  return bits & 0xf00 ? static_cast<uint8_t>(bits) : 0;
}

// x(index) of the foreground, from how often each value occurs.
double value_at(const std::vector<int64_t> &counts, int64_t index) {
  for (size_t value = 1; value < 256; ++value) {
    if (index < counts[value])
      return static_cast<double>(value);
    index -= counts[value];
  }
  return -1;
}

double percentile(const std::vector<int64_t> &counts, int64_t n, double percent) {
  const double h = static_cast<double>(n - 1) * (percent / 100), t = h - std::floor(h);
  const int64_t j = static_cast<int64_t>(std::floor(h));
  const double a = value_at(counts, j), b = value_at(counts, std::min(j + 1, n - 1));
  return t < 0.5 ? a + (b - a) * t : b - (b - a) * (1 - t);
}

TEST(LargePlane, WindowAndPictureAreRightBeyond31Bits) {
  const uint64_t seed = test_seed();
  const int64_t pixels = rows * columns;
  const std::unique_ptr<uint8_t[]> memory(new (std::nothrow) uint8_t[static_cast<size_t>(pixels)]);
  ASSERT_TRUE(memory) << "no memory for " << pixels << " bytes";
  std::vector<int64_t> counts(256);
  for (int64_t number = 0; number < pixels; ++number)
    ++counts[memory[static_cast<size_t>(number)] = pixel_at(number, seed)];
  const int64_t n = pixels - counts[0];
  ASSERT_GT(n, int64_t{1} << 31);

  const int64_t shape[4] = {1, 1, rows, columns}, windows_shape[2] = {1, 3};
  double window[3] = {};
  const bv_tensor plane = bv_contiguous_tensor(memory.get(), BV_U8, BV_CPU, 4, shape);
  const bv_tensor windows = bv_contiguous_tensor(window, BV_F64, BV_CPU, 2, windows_shape);
  bv_display_options options = BV_DISPLAY_OPTIONS_INIT;
  options.low = 12.5;
  options.high = 93.75;
  ASSERT_EQ(bv_measure_window(&plane, &options, &windows, nullptr), BV_OK) << bv_last_error();
  EXPECT_EQ(window[0], percentile(counts, n, 12.5));
  EXPECT_EQ(window[1], percentile(counts, n, 93.75));
  EXPECT_EQ(window[2], static_cast<double>(n));

  ASSERT_EQ(bv_normalize_batch_for_display(&plane, &plane, &options, nullptr), BV_OK) << bv_last_error();
  uint8_t grey_of[256] = {};
  const float lo = static_cast<float>(window[0]), divisor = (static_cast<float>(window[1]) - lo) + 1e-8f;
  for (int value = 1; value < 256; ++value) {
    const float y = std::min(std::max((static_cast<float>(value) - lo) / divisor, 0.0f), 1.0f);
    grey_of[value] = static_cast<uint8_t>(255 * (y < 1e-3f ? 0 : y));
  }
  int64_t wrong = 0;
  for (int64_t number = 0; number < pixels; ++number)
    wrong += memory[static_cast<size_t>(number)] != grey_of[pixel_at(number, seed)];
  EXPECT_EQ(wrong, 0);
}

} // namespace
