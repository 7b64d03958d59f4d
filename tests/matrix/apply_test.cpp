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

// Each plane gets its own window.
void check_windows(const std::vector<oracle::Window> &windows, Data data, Mode tested) {
  Random random;
  const int64_t groups = static_cast<int64_t>(windows.size());

  for (bv_dtype in_type : {BV_F32, BV_F64, BV_U8})
    for (bv_dtype out_type : {BV_F32, BV_U8})
      for (int32_t foreground : {BV_FOREGROUND_NONZERO, BV_FOREGROUND_ALL}) {
        Array batch(in_type, {groups, 1, 5, 13}, Layout::Contiguous, random);
        batch.bytes = make_pixels(in_type, product(batch.shape), data, Filled::Half, random);
        Array out(out_type, batch.shape, Layout::Contiguous, random);
        Array pairs(BV_F64, {groups, 2}, Layout::Contiguous, random);
        for (size_t i = 0; i < windows.size(); ++i) {
          oracle::encode(windows[i].lo, BV_F64, &pairs.bytes[16 * i]);
          oracle::encode(windows[i].hi, BV_F64, &pairs.bytes[16 * i + 8]);
        }
        bv_display_options options = BV_DISPLAY_OPTIONS_INIT;
        options.foreground = foreground;

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
                             out_type, bv_dtype_name(in_type));
        EXPECT_TRUE(out_memory.canaries_intact());
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

} // namespace
