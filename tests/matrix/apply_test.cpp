// bv_apply_window with windows that were not measured: edited, made up, or absurd.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "display_case.h"
#include "oracle.h"

namespace {

class ApplyMatrix : public testing::TestWithParam<Mode> {
protected:
  void SetUp() override { BATCHVIEW_NEED_DEVICE(GetParam()); }
};

INSTANTIATE_TEST_SUITE_P(, ApplyMatrix, testing::ValuesIn(tested_modes()),
                         [](const auto &mode) { return mode_name(mode.param); });

// The batch through one window a plane, exactly as the oracle has it.
void check_apply(Array &batch, const std::vector<oracle::Window> &windows, Array &out,
                 const bv_display_options &options, Mode tested, Random &random) {
  Array pairs(BV_F64, {static_cast<int64_t>(windows.size()), 2}, Layout::Contiguous, random);
  for (size_t i = 0; i < windows.size(); ++i) {
    oracle::encode(windows[i].lo, BV_F64, &pairs.bytes[16 * i]);
    oracle::encode(windows[i].hi, BV_F64, &pairs.bytes[16 * i + 8]);
  }
  const Memory batch_memory(tested, batch.bytes), out_memory(tested, out.bytes),
      pairs_memory(tested, pairs.bytes);
  const int32_t device = device_of(tested);
  const bv_tensor batch_tensor = batch.tensor(batch_memory.data(), device),
                  out_tensor = out.tensor(out_memory.data(), device),
                  pairs_tensor = pairs.tensor(pairs_memory.data(), device);
  Runner runner(tested);
  ASSERT_EQ(runner.run([&](bv_stream stream) {
    return bv_apply_window(&batch_tensor, &pairs_tensor, &out_tensor, &options, stream);
  }),
            BV_OK)
      << bv_last_error();
  expect_same_elements(oracle::apply(batch.tensor(), windows, out.tensor(), options), out_memory.read(),
                       out.dtype, bv_dtype_name(batch.dtype));
  EXPECT_TRUE(out_memory.canaries_intact());
}

void check_windows(const std::vector<oracle::Window> &windows, Data data, Mode tested) {
  Random random;
  for (bv_dtype in_type : {BV_F32, BV_F64, BV_U8})
    for (bv_dtype out_type : {BV_F32, BV_U8})
      for (int32_t foreground : {BV_FOREGROUND_NONZERO, BV_FOREGROUND_ALL}) {
        Array batch(in_type, {static_cast<int64_t>(windows.size()), 1, 5, 13}, Layout::Contiguous, random);
        batch.bytes = make_pixels(in_type, product(batch.shape), data, Filled::Half, random);
        Array out(out_type, batch.shape, Layout::Contiguous, random);
        bv_display_options options = BV_DISPLAY_OPTIONS_INIT;
        options.foreground = foreground;
        ASSERT_NO_FATAL_FAILURE(check_apply(batch, windows, out, options, tested, random));
      }
}

// All pairs of numbers that a window may, and should not, be made of. Windows from high to low invert the
// picture.
TEST_P(ApplyMatrix, WindowsThatWereMadeUp) {
  const double nan_value = std::numeric_limits<double>::quiet_NaN(), infinity = HUGE_VAL;
  const double numbers[] = {nan_value, -infinity, infinity, 0, -0.0, 1, 200.5, -1e300, 1e300, 1e-310};
  std::vector<oracle::Window> windows, reversed;
  for (double lo : numbers)
    for (double hi : numbers)
      (lo > hi ? reversed : windows).push_back({lo, hi, 0});
  check_windows(windows, Data::Infinities, GetParam());
  check_windows(reversed, Data::Infinities, GetParam());
}

// Around what the map by reciprocal is exact for (kernels/arithmetic.h): divisors that are powers of two, or
// one less, of all sizes; lo at 0 and near it. Planes are large enough for all loops, and values that matter
// come in any lane.
std::vector<oracle::Window> windows_at_the_edges(Random &random) {
  std::vector<oracle::Window> windows;
  for (const int exponent : {-149, -127, -126, -125, -102, -78, -70, -24, 0, 8, 100, 124, 125, 126, 127})
    for (const double lo : {0.0, 0x1p-78, -0x1p-79, 0x1p-149, -1.0, 100.0}) {
      const double mantissa = random.pick({1.0, 1.0 - 0x1p-24, random.uniform(0.5, 1)});
      windows.push_back({lo, lo + std::ldexp(mantissa, exponent), 0});
    }
  return windows;
}

double value_at_the_edges(const oracle::Window &window, Random &random) {
  const double divisor = window.hi - window.lo;
  switch (random.below(10)) {
  case 0: return random.pick({HUGE_VAL, -HUGE_VAL, std::numeric_limits<double>::quiet_NaN()});
  case 1: return random.pick({0.0, -0.0});
  case 2: return window.lo + random.pick({0.0, 1.0, -1.0}) * 0x1p-24 * (std::fabs(window.lo) + 0x1p-126);
  case 3: return window.hi * (1 + random.pick({0.0, 1.0, -1.0}) * 0x1p-24);
  case 4:
    return window.lo + divisor * std::ldexp(random.uniform(-1, 1), static_cast<int>(random.between(-130, 0)));
  case 5: return std::ldexp(random.uniform(-1, 1), static_cast<int>(random.between(-149, 10)));
  default: return window.lo + divisor * random.uniform(-0.1, 1.1);
  }
}

void check_edges(bv_dtype in_type, bv_dtype out_type, int64_t components, Mode tested, Random &random) {
  const std::vector<oracle::Window> windows = windows_at_the_edges(random);
  const int64_t planes = static_cast<int64_t>(windows.size()), rows = 30, columns = 48, pixels = rows * columns;
  Array batch(in_type, {planes, 1, rows, columns}, Layout::Contiguous, random);
  const size_t size = bv_dtype_size(in_type);
  for (size_t pixel = 0; pixel < batch.bytes.size() / size; ++pixel)
    oracle::encode(value_at_the_edges(windows[pixel / static_cast<size_t>(pixels)], random), in_type,
                   &batch.bytes[pixel * size]);
  std::vector<int64_t> shape = batch.shape;
  if (components > 1)
    shape.push_back(components);
  Array out(out_type, shape, Layout::Contiguous, random);
  bv_display_options options = BV_DISPLAY_OPTIONS_INIT;
  options.foreground = random.pick({BV_FOREGROUND_NONZERO, BV_FOREGROUND_ALL});
  options.rounding = random.pick({BV_ROUNDING_TRUNCATE, BV_ROUNDING_NEAREST});
  options.floor = random.pick({0.0, 1e-3, 0x1p-9, 0.3});
  options.epsilon = 0;
  check_apply(batch, windows, out, options, tested, random);
}

TEST_P(ApplyMatrix, WindowsAtTheEdgesOfTheReciprocal) {
  Random random;
  for (const bv_dtype in_type : {BV_F32, BV_F16, BV_BF16, BV_U8, BV_I8, BV_U16, BV_I16})
    for (const bv_dtype out_type : {BV_F32, BV_F16, BV_BF16, BV_U8, BV_U8, BV_U8}) {
      const int64_t components = out_type == BV_U8 ? random.pick({1, 3, 4}) : 1;
      SCOPED_TRACE(testing::Message() << bv_dtype_name(in_type) << " to " << components << " of "
                                      << bv_dtype_name(out_type));
      check_edges(in_type, out_type, components, GetParam(), random);
    }
}

// Groups of 8-bit pixels that are one long line are mapped by a table: whole tiles of 512 pixels and what is
// left of them at both ends, aligned or not.
TEST_P(ApplyMatrix, LongLinesOfBytes) {
  Random random;
  for (const bv_dtype in_type : {BV_U8, BV_I8})
    for (const bv_dtype out_type : {BV_F32, BV_F16, BV_BF16, BV_F64, BV_U8, BV_U8, BV_U8}) {
      DisplayCase display;
      display.in_type = in_type;
      display.out_type = out_type;
      display.batch = {1, 2, random.between(65, 140), random.between(64, 140)};
      if (out_type == BV_U8)
        display.packing = random.pick({Packing::Values, Packing::PlaneRgb, Packing::PlaneRgba});
      display.colour_map = display.takes_colour_map() && random.one_in(4);
      display.in_offset = static_cast<size_t>(random.pick({0, 0, 4, 8, 1, 13}));
      display.out_offset = static_cast<size_t>(random.pick({0, 4, 8, 1, 2, 13}));
      display.data = random.pick(all_data);
      display.options.algorithm = BV_ALGORITHM_SELECT;
      display.options.rounding = random.pick({BV_ROUNDING_TRUNCATE, BV_ROUNDING_NEAREST});
      display.options.floor = random.pick({0.0, 1e-3, 0.3});
      check_display(display, GetParam(), random);
    }
}

} // namespace
