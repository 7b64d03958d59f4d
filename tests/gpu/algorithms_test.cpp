// The algorithms against each other: on data made to break them, all give the bits of the CPU backend.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "oracle.h"
#include "outcome.h"
#include "random.h"

namespace {

// ---- Data: each kind fills a group with numbers --------------------------------------------------------

using Values = std::vector<double>;

struct Kind {
  const char *name;
  void (*fill)(Values &values, Random &random);
};

void fill_random(Values &values, Random &random) {
  for (double &value : values)
    value = random.one_in(3) ? 0 : random.uniform(-1000, 1000);
}
void fill_equal(Values &values, Random &random) {
  std::fill(values.begin(), values.end(), std::floor(random.uniform(1, 100)));
}
void fill_two(Values &values, Random &random) {
  for (double &value : values)
    value = random.one_in(7) ? 3 : 100;
}
void fill_ties(Values &values, Random &random) {
  for (double &value : values)
    value = double(random.between(-2, 5));
}
void fill_sorted(Values &values, Random &random) {
  fill_random(values, random);
  std::sort(values.begin(), values.end());
}
void fill_reversed(Values &values, Random &random) {
  fill_sorted(values, random);
  std::reverse(values.begin(), values.end());
}
// Neighbours in float32: all bits but the last are the same.
void fill_one_bucket(Values &values, Random &random) {
  for (double &value : values)
    value = 1 + double(random.below(64)) * 0x1p-23;
}
// A sample that steps through the group evenly sees another distribution than there is.
void fill_periodic(Values &values, Random &random) {
  int64_t period = int64_t(1) << random.between(1, 10);
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = int64_t(i) % period == 0 ? random.uniform(1e6, 2e6) : random.uniform(1, 2);
}
// The first half knows nothing of the second.
void fill_halves(Values &values, Random &random) {
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = 2 * i < values.size() ? random.uniform(1, 2) : random.uniform(-2000, -1000);
}
void fill_sparse(Values &values, Random &random) {
  for (double &value : values)
    value = random.one_in(1000) ? random.uniform(-5, 5) : 0;
}
void fill_one_pixel(Values &values, Random &random) {
  std::fill(values.begin(), values.end(), 0);
  values[size_t(random.below(int64_t(values.size())))] = 42;
}
void fill_background(Values &values, Random &) { std::fill(values.begin(), values.end(), 0); }
void fill_wild(Values &values, Random &random) {
  const double special[] = {INFINITY, -INFINITY, NAN, 0.0, -0.0, 1e-42, -1e-42, 3e38, -3e38, 1, -1};
  for (double &value : values)
    value = random.one_in(4) ? random.pick(special)
                             : std::ldexp(random.uniform(-1, 1), int(random.between(-140, 120)));
}
// One outlier far from all others, which stretches every bracket and bucket.
void fill_outlier(Values &values, Random &random) {
  for (double &value : values)
    value = random.uniform(100, 101);
  values[size_t(random.below(int64_t(values.size())))] = -1e30;
}

// NaN and both infinities in every place of the accesses of a lane and of a warp, which are of 2^k pixels.
void fill_every_place(Values &values, Random &random) {
  const double special[] = {NAN, INFINITY, -INFINITY};
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = i % 5 < 3 ? special[i % 5] : random.uniform(-3, 700);
}
// Every number that 8 bits have, in no order.
void fill_every_byte(Values &values, Random &random) {
  const auto first = double(random.between(-128, 0));
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = first + double(i * 37 % 256);
}
// Counters in one bank of shared memory: those of bytes, or of the highest bits of float32.
void fill_one_bank(Values &values, Random &random) {
  const bool are_bytes = random.one_in(2);
  for (double &value : values)
    value = are_bytes ? double(5 + 32 * random.below(8)) : std::ldexp(1.25, int(8 * random.between(-8, 8)));
}
// The normal numbers that differ least from 0, which is lo where it is foreground.
void fill_smallest(Values &values, Random &random) {
  for (double &value : values)
    value = random.one_in(4) ? 0 : std::ldexp(double(random.between(1, 4)), int(random.between(-128, -100)));
}
void fill_mantissas_of_ones(Values &values, Random &random) {
  for (double &value : values)
    value = (2 - 0x1p-23) * std::ldexp(random.one_in(3) ? -1 : 1, int(random.between(-3, 10)));
}
// Divisors next to the largest and the smallest that have a reciprocal, 2^125 and 2^-125.
void fill_edges(Values &values, Random &random) {
  const double edge =
      std::ldexp(random.pick({1.0, 1 - 0x1p-24, 1 + 0x1p-23, 2 - 0x1p-23}),
                 random.one_in(2) ? int(random.between(123, 126)) : int(random.between(-127, -123)));
  const double lo = random.one_in(2) ? 0 : -edge / 2;
  for (double &value : values)
    value = lo + edge * (random.one_in(3) ? double(random.below(2)) : random.uniform(0, 1));
}

const Kind kinds[] = {{"Random", fill_random},
                      {"AllEqual", fill_equal},
                      {"TwoValues", fill_two},
                      {"HeavyTies", fill_ties},
                      {"Sorted", fill_sorted},
                      {"Reversed", fill_reversed},
                      {"OneBucket", fill_one_bucket},
                      {"Periodic", fill_periodic},
                      {"Halves", fill_halves},
                      {"MostlyZero", fill_sparse},
                      {"OnePixel", fill_one_pixel},
                      {"Background", fill_background},
                      {"EveryMagnitude", fill_wild},
                      {"Outlier", fill_outlier},
                      {"EveryPlace", fill_every_place},
                      {"EveryByte", fill_every_byte},
                      {"OneBank", fill_one_bank},
                      {"Smallest", fill_smallest},
                      {"MantissasOfOnes", fill_mantissas_of_ones},
                      {"Edges", fill_edges}};

template <typename Pixel> std::vector<uint8_t> bytes_of(const Values &values) {
  std::vector<uint8_t> bytes(values.size() * sizeof(Pixel));
  for (size_t i = 0; i < values.size(); ++i) {
    using Limits = std::numeric_limits<Pixel>;
    double value = values[i];
    if (Limits::is_integer)
      value =
          std::isfinite(value) ? std::min(std::max(value, double(Limits::min())), double(Limits::max())) : 0;
    Pixel pixel = Pixel(value);
    std::memcpy(&bytes[i * sizeof pixel], &pixel, sizeof pixel);
  }
  return bytes;
}

std::vector<uint8_t> encode(const Values &values, bv_dtype dtype) {
  switch (dtype) {
  case BV_F32: return bytes_of<float>(values);
  case BV_F64: return bytes_of<double>(values);
  case BV_I16: return bytes_of<int16_t>(values);
  case BV_U8: return bytes_of<uint8_t>(values);
  case BV_F16: {
    std::vector<uint8_t> bytes(values.size() * 2);
    for (size_t i = 0; i < values.size(); ++i)
      oracle::encode(values[i], dtype, &bytes[2 * i]);
    return bytes;
  }
  default: return bytes_of<int32_t>(values);
  }
}

// ---- One comparison ------------------------------------------------------------------------------------

class Algorithms : public testing::TestWithParam<Kind> {
protected:
  void SetUp() override { BATCHVIEW_NEED_DEVICE(Mode::Eager); }

  void compare(bv_dtype dtype, const int64_t (&shape)[4], int32_t scope, double low, double high) {
    Values values(size_t(shape[0] * shape[1] * shape[2] * shape[3]));
    GetParam().fill(values, random_);
    std::vector<uint8_t> pixels = encode(values, dtype);
    bv_display_options options = BV_DISPLAY_OPTIONS_INIT;
    options.scope = scope;
    options.low = low;
    options.high = high;
    options.foreground = random_.one_in(3) ? BV_FOREGROUND_ALL : BV_FOREGROUND_NONZERO;
    Outcome cpu = outcome_of(Mode::Cpu, pixels, dtype, shape, options);
    ASSERT_EQ(cpu.status, BV_OK) << bv_last_error();
    for (int32_t algorithm :
         {BV_ALGORITHM_SORT, BV_ALGORITHM_SELECT, BV_ALGORITHM_RESIDENT, BV_ALGORITHM_AUTO}) {
      SCOPED_TRACE(testing::Message() << "algorithm " << algorithm << " on " << bv_dtype_name(dtype) << " ["
                                      << shape[0] << ", " << shape[1] << ", " << shape[2] << ", " << shape[3]
                                      << "], scope " << scope << ", foreground " << options.foreground
                                      << ", percentiles " << low << " and " << high);
      options.algorithm = algorithm;
      Outcome device = outcome_of(Mode::Eager, pixels, dtype, shape, options);
      if (algorithm == BV_ALGORITHM_RESIDENT && device.status == BV_ERROR_VALUE)
        continue; // does not fit on chip
      ASSERT_EQ(device.status, BV_OK) << bv_last_error();
      EXPECT_EQ(device.windows, cpu.windows);
      EXPECT_EQ(device.picture, cpu.picture);
    }
  }

  Random random_;
};

INSTANTIATE_TEST_SUITE_P(, Algorithms, testing::ValuesIn(kinds),
                         [](const auto &kind) { return kind.param.name; });

} // namespace

TEST_P(Algorithms, AgreeOnSmallPlanes) {
  for (bv_dtype dtype : {BV_F32, BV_F16, BV_F64, BV_I16, BV_U8, BV_I32})
    compare(dtype, {2, 2, random_.between(1, 40), random_.between(1, 40)}, BV_SCOPE_PLANE, 2, 98);
}

TEST_P(Algorithms, AgreeOnTheSmallestGroups) {
  for (int64_t columns = 1; columns <= 5; ++columns)
    compare(BV_F32, {1, 2, 1, columns}, BV_SCOPE_PLANE, 0, 100);
}

TEST_P(Algorithms, AgreeOnAPlaneOfManyBlocks) {
  compare(BV_F32, {1, 1, 256, 300}, BV_SCOPE_PLANE, 2, 98);
  compare(BV_F16, {1, 1, 256, 256}, BV_SCOPE_PLANE, 1, 99);
  compare(BV_U8, {1, 1, 250, 301}, BV_SCOPE_PLANE, random_.uniform(0, 10), random_.uniform(90, 100));
  compare(BV_F64, {1, 1, 130, 301}, BV_SCOPE_PLANE, 0.5, 99.5);
}

TEST_P(Algorithms, AgreeOnGroupsOfSeveralPlanes) {
  compare(BV_F32, {2, 3, 50, 61}, BV_SCOPE_IMAGE, 50, 50);
  compare(BV_I16, {3, 2, 64, 64}, BV_SCOPE_BATCH, random_.uniform(0, 50), random_.uniform(50, 100));
}
