// Percentiles of large groups, which the whole device shares: the pixels that its sample looks at are unlike
// all others, or there are more candidates than room, so that it goes over all pixels again; many types and
// groups.
#include <cuda_runtime_api.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <vector>

#include "oracle.h"
#include "outcome.h"
#include "random.h"

namespace {

constexpr int64_t rows = 260, columns = 301, plane = rows * columns; // large is above 65536
constexpr int64_t sample_keys = 9216, sample_wide_keys = 4096; // BV_SELECT_SAMPLE_KEYS of kernels/launch.h

// The place in a plane of the pixel that the sample has from its stratum, as kernels/select.cu finds it.
int64_t sampled_place(int64_t number, int64_t stratum) {
  uint64_t x = uint64_t(number) + 0x9e3779b97f4a7c15u;
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
  x = (x ^ x >> 27) * 0x94d049bb133111ebu;
  x ^= x >> 31;
  return number * stratum + int64_t(x % uint64_t(stratum));
}

class Select : public testing::Test {
protected:
  void SetUp() override { BATCHVIEW_NEED_DEVICE(Mode::Eager); }

  // On the device, on the CPU, and once more by the oracle.
  void check(const std::vector<uint8_t> &pixels, bv_dtype dtype, int64_t planes, int32_t algorithm, double low,
             double high) {
    SCOPED_TRACE(testing::Message() << planes << " planes of type " << bv_dtype_name(dtype) << ", percentiles "
                                    << low << " and " << high << ", algorithm " << algorithm);
    const int64_t shape[4] = {planes, 1, rows, columns};
    bv_display_options options = BV_DISPLAY_OPTIONS_INIT;
    options.scope = BV_SCOPE_PLANE;
    options.low = low;
    options.high = high;
    Outcome cpu = outcome_of(Mode::Cpu, pixels, dtype, shape, options);
    ASSERT_EQ(cpu.status, BV_OK) << bv_last_error();
    options.algorithm = algorithm;
    Outcome device = outcome_of(Mode::Eager, pixels, dtype, shape, options);
    ASSERT_EQ(device.status, BV_OK) << bv_last_error();
    EXPECT_EQ(device.windows, cpu.windows);
    EXPECT_EQ(device.picture, cpu.picture);

    std::vector<double> expected;
    std::vector<uint8_t> copy = pixels; // a tensor is not of const
    for (const oracle::Window &window :
         oracle::measure(bv_contiguous_tensor(copy.data(), dtype, BV_CPU, 4, shape), options))
      expected.insert(expected.end(), {window.lo, window.hi, window.count});
    std::vector<double> measured(expected.size());
    ASSERT_EQ(device.windows.size(), measured.size() * sizeof(double));
    std::memcpy(measured.data(), device.windows.data(), device.windows.size());
    EXPECT_EQ(measured, expected);
  }

  // A plane of float32 and one of float64: one value at the places that the sample looks at, another elsewhere.
  using Value = std::function<double()>;
  void check_sampled(const Value &sampled, const Value &others, double low, double high) {
    check_sampled_as<float>(BV_F32, sample_keys, sampled, others, low, high);
    check_sampled_as<double>(BV_F64, sample_wide_keys, sampled, others, low, high);
  }

  Random random_;

private:
  template <typename Pixel>
  void check_sampled_as(bv_dtype dtype, int64_t keys, const Value &sampled, const Value &others, double low,
                        double high) {
    std::vector<Pixel> values(static_cast<size_t>(plane));
    for (Pixel &value : values)
      value = Pixel(others());
    for (int64_t number = 0; number < keys; ++number)
      values[size_t(sampled_place(number, plane / keys))] = Pixel(sampled());
    std::vector<uint8_t> pixels(values.size() * sizeof(Pixel));
    std::memcpy(pixels.data(), values.data(), pixels.size());
    check(pixels, dtype, 1, BV_ALGORITHM_SELECT, low, high);
  }
};

// Of any type: an eighth is background, a half few values, and the rest any; of floats some are not finite.
std::vector<uint8_t> mixture(bv_dtype dtype, int64_t planes, Random &random) {
  const size_t size = bv_dtype_size(dtype);
  const bool is_float = dtype == BV_F16 || dtype == BV_BF16 || dtype == BV_F32 || dtype == BV_F64;
  std::vector<uint8_t> pixels(size_t(planes * plane) * size);
  for (size_t i = 0; i < pixels.size(); i += size)
    oracle::encode(is_float && random.one_in(64)
                       ? random.pick({double(INFINITY), -double(INFINITY), double(NAN), -0.0})
                   : random.one_in(8) ? 0
                   : random.one_in(2) ? double(random.between(1, 9))
                                      : random.uniform(1, 250) * (dtype == BV_U8   ? 1
                                                                  : dtype == BV_I8 ? 0.5
                                                                                   : 100),
                   dtype, &pixels[i]);
  return pixels;
}

} // namespace

// ---- Misled samples ------------------------------------------------------------------------------------

// All sampled pixels are between the others, so that both percentiles lie outside of their brackets.
TEST_F(Select, SampleBetweenAllOthers) {
  check_sampled([] { return 1000; }, [&] { return random_.uniform(-1, 1) + (random_.one_in(2) ? 10 : 2000); },
                2, 98);
}

TEST_F(Select, SampleAboveAllOthers) {
  check_sampled([] { return 1000; }, [&] { return random_.uniform(1, 50); }, 2, 80);
}

TEST_F(Select, SampleBelowAllOthers) {
  check_sampled([&] { return random_.uniform(-1e9, -1e6); }, [&] { return random_.uniform(1, 50); }, 20, 98);
}

// Only one of the two is outside.
TEST_F(Select, SampleMissesOnePercentile) {
  const double low = random_.pick({2, 50});
  check_sampled([&] { return random_.uniform(1, 1000); },
                [&] { return random_.one_in(2) ? 2000 : random_.uniform(1, 1000); }, low, 75);
  check_sampled([&] { return random_.uniform(1, 1000); },
                [&] { return random_.one_in(2) ? -2000 : random_.uniform(1, 1000); }, 25, 98);
}

TEST_F(Select, SampleSeesBackgroundAlone) {
  check_sampled([] { return 0; }, [&] { return random_.uniform(-50, 50); }, 2, 98);
  check_sampled([] { return NAN; }, [&] { return double(random_.between(1, 50)); }, 2, 98);
}

TEST_F(Select, SampleSeesAllThereIs) {
  check_sampled([&] { return random_.uniform(-50, 50); }, [] { return 0; }, 2, 98);
}

// ---- Candidates without room ---------------------------------------------------------------------------

// Both percentiles lie inside of their brackets, but so do nearly all pixels: values that the sample has not.
TEST_F(Select, TiesOverfillTheCandidates) {
  check_sampled([&] { return random_.uniform(1, 1000); }, [&] { return random_.one_in(2) ? 21.0 : 980.0; }, 2,
                98);
}

TEST_F(Select, NeighboursOverfillTheCandidates) {
  check_sampled(
      [&] { return random_.uniform(1, 1000); },
      [&] { return double(float(random_.one_in(3) ? 21 : 980)) + double(random_.below(64)) * 0x1p-14; }, 2, 98);
}

// One bracket holds both.
TEST_F(Select, TiesOverfillOneBracket) {
  check_sampled([&] { return random_.uniform(1, 1000); }, [] { return 500.0; }, 50, 50);
}

// ---- Types and groups ----------------------------------------------------------------------------------

TEST_F(Select, LargePlanesOfManyTypes) {
  for (bv_dtype dtype : {BV_F64, BV_I32, BV_U32, BV_F32, BV_F16, BV_BF16, BV_I16, BV_U16, BV_I8, BV_U8})
    check(mixture(dtype, 1, random_), dtype, 1, BV_ALGORITHM_SELECT, random_.uniform(0, 30),
          random_.uniform(70, 100));
}

TEST_F(Select, SeveralLargeGroups) {
  for (bv_dtype dtype : {BV_F32, BV_F64, BV_U8})
    check(mixture(dtype, 2, random_), dtype, 2, BV_ALGORITHM_SELECT, 2, 98);
}

// Too few to give each a block: the sort takes one after another.
TEST_F(Select, SortOfSeveralLargeGroups) {
  for (bv_dtype dtype : {BV_U16, BV_F64})
    check(mixture(dtype, 2, random_), dtype, 2, BV_ALGORITHM_SORT, 2, 98);
}

// Runs that begin anywhere, rows with gaps, masks: as the CPU has them.
TEST_F(Select, LargePlanesThatBeginAnywhereHaveGapsOrAMask) {
  constexpr int64_t pitch = columns + 5, most_begin = 17;
  for (bv_dtype dtype : {BV_F32, BV_F16, BV_U16, BV_I8, BV_U8, BV_F64})
    for (bool gaps : {false, true})
      for (bool masked : {false, true}) {
        const int64_t begin = random_.between(0, most_begin), shape[4] = {1, 1, rows, columns};
        const size_t size = bv_dtype_size(dtype);
        SCOPED_TRACE(testing::Message() << bv_dtype_name(dtype) << " from pixel " << begin
                                        << (gaps ? ", gaps" : "") << (masked ? ", mask" : ""));
        std::vector<uint8_t> pixels = mixture(dtype, 2, random_), inside(size_t(plane), 0);
        for (uint8_t &byte : inside)
          byte = random_.one_in(3) ? 0 : 1;
        std::vector<uint8_t> windows[2];
        for (Mode mode : {Mode::Cpu, Mode::Eager}) {
          Memory in(mode, pixels), mask(mode, inside), measured(mode, std::vector<uint8_t>(24, 0xcd));
          const int64_t windows_shape[2] = {1, 3};
          bv_tensor batch = bv_contiguous_tensor(static_cast<uint8_t *>(in.data()) + size_t(begin) * size,
                                                 dtype, device_of(mode), 4, shape);
          if (gaps)
            batch.stride[2] = pitch;
          bv_tensor mask_tensor = bv_contiguous_tensor(mask.data(), BV_U8, device_of(mode), 4, shape);
          bv_tensor window = bv_contiguous_tensor(measured.data(), BV_F64, device_of(mode), 2, windows_shape);
          bv_display_options options = BV_DISPLAY_OPTIONS_INIT;
          options.low = 3;
          options.high = 95;
          if (mode != Mode::Cpu)
            options.algorithm = BV_ALGORITHM_SELECT;
          if (masked) {
            options.foreground = BV_FOREGROUND_MASK;
            options.mask = &mask_tensor;
          }
          Runner runner(mode);
          ASSERT_EQ(runner.run(
                        [&](bv_stream stream) { return bv_measure_window(&batch, &options, &window, stream); }),
                    BV_OK)
              << bv_last_error();
          windows[mode == Mode::Cpu] = measured.read();
        }
        EXPECT_EQ(windows[0], windows[1]);
      }
}
