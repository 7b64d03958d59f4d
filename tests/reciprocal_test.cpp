// The map by the divisor's reciprocal gives the division's bits wherever arithmetic.h says that it does.
#include <gtest/gtest.h>

#include <cmath>

#include "arithmetic.h"
#include "random.h"

namespace {

constexpr uint32_t least_mantissa = 1u << 23, mantissas = 1u << 23;

// The quotients a / d, with D the integer of d's mantissa, that are n / 2D units from the middle between two
// numbers, |n| <= 7. With A the integer of a's mantissa and M odd, A * power = M * D + n, where power is 2^24
// if A >= D, else 2^25: M is known modulo power. Returns how many there are, of which `wrong` come out wrong.
int try_hard_quotients(uint32_t D, int *wrong) {
  int tried = 0;
  const int twos = __builtin_ctz(D); // n has as many, for M is odd
  const uint64_t odd = D >> twos;
  uint64_t inverse = odd;
  for (int i = 0; i < 5; ++i)
    inverse *= 2 - odd * inverse;
  for (int log_power = 24; log_power <= 25; ++log_power)
    for (int n = -7; n <= 7; ++n) {
      if (n == 0 || __builtin_ctz(static_cast<unsigned>(std::abs(n))) != twos)
        continue;
      const uint64_t power = uint64_t{1} << log_power, modulus = power >> twos;
      const uint64_t first = static_cast<uint64_t>(-static_cast<int64_t>(n >> twos)) * inverse & (modulus - 1);
      for (uint64_t M = first; M < 1u << 25; M += modulus) {
        const int64_t product = static_cast<int64_t>(M * D) + n;
        const auto A = static_cast<uint64_t>(product) >> log_power;
        if (M < 1u << 24 || product < 0 || product % static_cast<int64_t>(power) != 0 || A < least_mantissa ||
            A >= 1u << 24 || (A >= D) != (log_power == 24))
          continue;
        // Quotients between 1/2 and 1
        bv_map_f32 map = {};
        map.divisor = std::ldexp(static_cast<float>(D), -23);
        map.reciprocal = 1.0f / map.divisor;
        const float a = std::ldexp(static_cast<float>(A), log_power == 24 ? -24 : -23);
        *wrong += bv_apply_by_reciprocal_f32(a, map) != a / map.divisor;
        ++tried;
      }
    }
  return tried;
}

TEST(Reciprocal, GivesTheQuotientsThatAreHardestToRound) {
  const uint32_t step = getenv("BATCHVIEW_EVERY_CASE") ? 1 : 4;
  int64_t tried = 0;
  int wrong = 0;
  for (auto D = least_mantissa + static_cast<uint32_t>(Random().below(step)); D < 2 * mantissas; D += step)
    tried += try_hard_quotients(D, &wrong);
  for (uint32_t i = 0; i < 4096; ++i) { // the smallest mantissas and the largest, all ones among them
    tried += try_hard_quotients(least_mantissa + i, &wrong);
    tried += try_hard_quotients(2 * mantissas - 1 - i, &wrong);
  }
  EXPECT_EQ(wrong, 0) << "of " << tried;
  EXPECT_GT(tried, 1000000);
}

class ReciprocalOfWindows : public testing::Test {
protected:
  float any() { return bv_f32_of_bits(static_cast<uint32_t>(random.bits())); }
  float unit() { return static_cast<float>(random.uniform(0, 1)); }
  float power(int least, int most) { return std::ldexp(1.0f, static_cast<int>(random.between(least, most))); }

  // Windows of all sizes: at the edges of what the reciprocal is for, and beyond
  bv_map_f32 window() {
    float lo = 0, hi = 1;
    switch (random.below(8)) {
    case 0: hi = (1 + unit()) * power(-20, 20); break;
    case 1:
      lo = static_cast<float>(random.below(4096));
      hi = lo + static_cast<float>(random.between(1, 4096));
      break;
    case 2:
      lo = any();
      hi = any();
      break;
    case 3:
      lo = -1000 * unit();
      hi = lo + 1000 * unit();
      break;
    case 4:
      lo = unit();
      hi = lo + unit() * power(-30, 0);
      break;
    case 5: hi = (1 + unit()) * power(-130, 126); break;
    case 6:
      lo = (1 + unit()) * power(-80, -76);
      hi = lo + (1 + unit()) * power(-80, 25);
      break;
    default: lo = any(); hi = bv_f32_of_bits(bv_bits_of_f32(lo) + static_cast<uint32_t>(random.below(100000)));
    }
    return bv_map_f32_of_window(lo, hi, random.one_in(2) ? 1e-8 : 0, 0);
  }

  float pixel(const bv_map_f32 &map) {
    switch (random.below(12)) {
    case 0: return any();
    case 1: return map.lo + map.divisor;
    case 2: return neighbour_of(map.lo);
    case 3: return neighbour_of(map.lo + map.divisor);
    case 4: return random.one_in(2) ? INFINITY : -INFINITY;
    case 5: return NAN;
    case 6: return bv_f32_of_bits(static_cast<uint32_t>(random.bits()) & 0x8fffffffu); // tiny
    case 7: return random.one_in(2) ? 0.0f : -0.0f;
    case 8: return unit() * power(-149, 0);
    default: return map.lo + map.divisor * (unit() * 1.1f - 0.05f);
    }
  }

  float neighbour_of(float x) {
    return bv_f32_of_bits(bv_bits_of_f32(x) + static_cast<uint32_t>(random.between(-64, 64)));
  }

  static bool is_near(float x, const bv_map_f32 &map) {
    const float a = std::fabs(x - map.lo);
    return a > 0 && a < bv_nearest_of_map_f32(map);
  }

  Random random;
};

constexpr int windows = 100000, pixels = 32;

TEST_F(ReciprocalOfWindows, GivesTheBitsOfTheDivision) {
  int64_t near = 0, others = 0;
  for (int i = 0; i < windows; ++i) {
    const bv_map_f32 map = window();
    if (!bv_has_reciprocal_f32(map))
      continue;
    for (int j = 0; j < pixels; ++j) {
      const float x = pixel(map);
      if (is_near(x, map)) {
        ++near;
        ASSERT_FALSE(bv_is_nothing_near_f32(map)) << x << " is near " << map.lo << ", divisor " << map.divisor;
        continue;
      }
      ++others;
      ASSERT_EQ(bv_bits_of_f32(bv_apply_by_reciprocal_f32(x, map)),
                bv_bits_of_f32(bv_apply_map_f32(x, map, false)))
          << "x " << x << ", lo " << map.lo << ", divisor " << map.divisor;
    }
  }
  EXPECT_GT(near, 1000);
  EXPECT_GT(others, 1000000);
}

// The conversion of one image to bytes is a map by its range, so that kernels need no other.
TEST_F(ReciprocalOfWindows, TheConversionOfAnImageIsAMap) {
  for (int i = 0; i < windows; ++i) {
    const bv_map_f32 window_of_image = window();
    const float min = random.one_in(20) ? NAN : window_of_image.lo;
    const float max = random.one_in(20) ? NAN : window_of_image.lo + window_of_image.divisor;
    const bv_stretch_f32 stretch = bv_stretch_f32_of_range(min, max);
    const bv_map_f32 map = bv_map_f32_of_stretch(stretch);
    const bv_stretch_f64 wide_stretch = bv_stretch_f64_of_range(min, max);
    const bv_map_f64 wide_map = bv_map_f64_of_stretch(wide_stretch);
    for (int j = 0; j < pixels; ++j) {
      const float x = pixel(random.one_in(2) ? map : window_of_image);
      const int byte = bv_apply_stretch_f32(x, stretch);
      ASSERT_EQ(bv_u8_of_f32(bv_apply_map_f32(x, map, false), false), byte)
          << "x " << x << " of " << min << " .. " << max;
      if (bv_gives_bytes_by_reciprocal_f32(map)) {
        ASSERT_EQ(bv_u8_of_f32(bv_apply_by_reciprocal_f32(x, map), false), byte) << "x " << x;
      }
      ASSERT_EQ(bv_u8_of_f64(bv_apply_map_f64(x, wide_map, false), false),
                bv_apply_stretch_f64(x, wide_stretch))
          << "x " << x << " of " << min << " .. " << max;
    }
  }
}

TEST_F(ReciprocalOfWindows, GivesTheBytesOfTheDivisionEverywhere) {
  for (int i = 0; i < windows; ++i) {
    const bv_map_f32 map = window();
    if (!bv_gives_bytes_by_reciprocal_f32(map))
      continue;
    for (int j = 0; j < pixels; ++j) {
      const float x = pixel(map);
      for (const bool nearest : {false, true})
        ASSERT_EQ(bv_u8_of_f32(bv_apply_by_reciprocal_f32(x, map), nearest),
                  bv_u8_of_f32(bv_apply_map_f32(x, map, false), nearest))
            << "x " << x << ", lo " << map.lo << ", divisor " << map.divisor;
    }
  }
}

} // namespace
