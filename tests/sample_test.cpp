// Pixels that mislead the CPU backend's sample: it looks at some places first, and those are unlike all others.
// The places are the library's own, so that this test includes its header.
#include <gtest/gtest.h>

#include <cstring>

#include "array.h"
#include "cpu/tile_ops.h"
#include "oracle.h"

namespace {

constexpr int64_t side = 512, stratum = 64; // of which one pixel is drawn

class MisleadingSample : public testing::Test {
protected:
  template <typename Pixel> void check(bv_dtype dtype, Pixel drawn, Pixel others) {
    Array batch(dtype, {1, 1, side, side}, Layout::Contiguous, random);
    std::vector<Pixel> pixels(static_cast<size_t>(side * side));
    for (Pixel &pixel : pixels)
      pixel = others + static_cast<Pixel>(random.below(50));
    for (int64_t draw = 0; draw < side * side / stratum; ++draw)
      pixels[static_cast<size_t>(bv_sample_position(draw, stratum))] = drawn;
    memcpy(batch.bytes.data(), pixels.data(), batch.bytes.size());

    double window[3] = {};
    const int64_t shape[2] = {1, 3};
    const bv_tensor tensor = batch.tensor(), windows = bv_contiguous_tensor(window, BV_F64, BV_CPU, 2, shape);
    const bv_display_options options = BV_DISPLAY_OPTIONS_INIT;
    ASSERT_EQ(bv_measure_window(&tensor, &options, &windows, nullptr), BV_OK) << bv_last_error();
    const oracle::Window expected = oracle::measure(tensor, options).front();
    EXPECT_EQ(window[0], expected.lo);
    EXPECT_EQ(window[1], expected.hi);
    EXPECT_EQ(window[2], expected.count);
  }

  Random random;
};

TEST_F(MisleadingSample, AboveAllOthers) {
  check<float>(BV_F32, 1000, 1);
  check<double>(BV_F64, 1000, 1);
}

TEST_F(MisleadingSample, BelowAllOthers) {
  check<float>(BV_F32, -1000, 1);
  check<int32_t>(BV_I32, -1000, 1);
}

TEST_F(MisleadingSample, Background) { check<float>(BV_F32, 0, 1); }

} // namespace
