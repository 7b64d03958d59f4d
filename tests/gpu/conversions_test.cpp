// Conversions that a device has instructions for, against arithmetic.h: every float in 0 .. 1 as f16 and bf16,
// and every f16 and bf16 as it is read. A part is drawn each time; BATCHVIEW_EVERY_CASE=1 takes all 2^30
// floats.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <vector>

#include "arithmetic.h"
#include "memory.h"
#include "random.h"

namespace {

constexpr uint32_t bits_of_one = 0x3f800000;

class Conversions : public testing::TestWithParam<bv_dtype> {
protected:
  void SetUp() override { BATCHVIEW_NEED_DEVICE(Mode::Eager); }

  // What a window that changes nothing, or changes all alike, makes of the pixels.
  static std::vector<uint8_t> map(Mode mode, const std::vector<uint8_t> &pixels, bv_dtype in, bv_dtype out,
                                  double lo, double hi) {
    const int64_t count = int64_t(pixels.size() / bv_dtype_size(in)), shape[4] = {1, 1, 1, count};
    Memory from(mode, pixels), to(mode, std::vector<uint8_t>(size_t(count) * bv_dtype_size(out), 0xcd));
    bv_display_options options = BV_DISPLAY_OPTIONS_INIT;
    options.foreground = BV_FOREGROUND_ALL;
    options.window = BV_WINDOW_FIXED;
    options.lo = lo;
    options.hi = hi;
    options.epsilon = options.floor = 0;
    const bv_tensor batch = bv_contiguous_tensor(from.data(), in, device_of(mode), 4, shape),
                    picture = bv_contiguous_tensor(to.data(), out, device_of(mode), 4, shape);
    EXPECT_EQ(bv_normalize_batch_for_display(&batch, &picture, &options, nullptr), BV_OK) << bv_last_error();
    return to.read();
  }

  template <typename Number> static std::vector<uint8_t> bytes_of(const std::vector<Number> &numbers) {
    std::vector<uint8_t> bytes(numbers.size() * sizeof(Number));
    std::memcpy(bytes.data(), numbers.data(), bytes.size());
    return bytes;
  }

  // The floats with the bits first .. last.
  static void write_floats(uint32_t first, uint32_t last) {
    std::vector<uint32_t> floats(last - first + 1);
    std::iota(floats.begin(), floats.end(), first);
    std::vector<uint16_t> expected(floats.size());
    for (size_t i = 0; i < floats.size(); ++i) {
      const double y = double(bv_f32_of_bits(floats[i]));
      expected[i] = GetParam() == BV_F16 ? bv_f16_of_unit(y) : bv_bf16_of_unit(y);
    }
    EXPECT_TRUE(map(Mode::Eager, bytes_of(floats), BV_F32, GetParam(), 0, 1) == bytes_of(expected))
        << "of the floats with bits " << first << " to " << last;
  }

  Random random_;
};

INSTANTIATE_TEST_SUITE_P(, Conversions, testing::Values(BV_F16, BV_BF16),
                         [](const auto &each) { return std::string(bv_dtype_name(each.param)); });

} // namespace

TEST_P(Conversions, OfEveryFloatFrom0To1) {
  if (is_set("BATCHVIEW_EVERY_CASE")) {
    const uint32_t chunk = 1 << 22;
    for (uint32_t first = 0; first <= bits_of_one; first += chunk)
      write_floats(first, std::min(first + chunk - 1, bits_of_one));
    return;
  }
  // The ends, and where numbers of either type become denormal or 0
  const uint32_t chunk = 1 << 14;
  for (const uint32_t middle : {chunk / 2, bits_of_one - chunk / 2, 0x00008000u, 0x00800000u, 0x33000000u,
                                0x33800000u, 0x38800000u, uint32_t(random_.between(chunk, bits_of_one - chunk)),
                                uint32_t(random_.between(0x33000000, bits_of_one - chunk))})
    write_floats(middle - std::min(middle, chunk / 2), std::min(middle + chunk / 2, bits_of_one));
}

// Numbers of more than 16 bits of which each comes from one pixel alone; infinities and NaN come out as 0
// and 1.
TEST_P(Conversions, OfEveryNumberThatIsRead) {
  std::vector<uint16_t> halves(1 << 16);
  std::iota(halves.begin(), halves.end(), uint16_t(0));
  for (const double most : GetParam() == BV_F16 ? std::vector<double>{65504, 1, 0x1p-14}
                                                : std::vector<double>{0x1p126, 1, 0x1p-126})
    for (const bv_dtype out : {BV_F32, BV_F64}) {
      const std::vector<uint8_t> pixels = bytes_of(halves);
      EXPECT_TRUE(map(Mode::Eager, pixels, GetParam(), out, -most, most) ==
                  map(Mode::Cpu, pixels, GetParam(), out, -most, most))
          << "to " << bv_dtype_name(out) << ", window of " << most;
    }
}
