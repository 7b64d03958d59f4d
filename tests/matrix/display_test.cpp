// The batch operations against the oracle: each axis of the matrix by name, then random combinations of all.
#include <gtest/gtest.h>

#include <limits>

#include "display_case.h"

namespace {

class DisplayMatrix : public testing::TestWithParam<Mode> {
protected:
  void SetUp() override { BATCHVIEW_NEED_DEVICE(GetParam()); }

  // A simulated device takes a thousand times longer than a real one: on devices a test runs its first case and
  // one in a few of the others, new ones each time, unless BATCHVIEW_EVERY_CASE=1.
  void check(const DisplayCase &display) {
    const int one_in = GetParam() == Mode::Cpu || every_case_ ? 1 : GetParam() == Mode::Captured ? 6 : 4;
    if (cases_++ == 0 || random_.one_in(one_in))
      check_display(display, GetParam(), random_);
  }

  int repeats(int on_cpu, int on_a_device) const { return on_device(GetParam()) ? on_a_device : on_cpu; }

  Random random_;

private:
  const bool every_case_ = is_set("BATCHVIEW_EVERY_CASE");
  int cases_ = 0;
};

INSTANTIATE_TEST_SUITE_P(, DisplayMatrix, testing::ValuesIn(tested_modes()),
                         [](const auto &mode) { return mode_name(mode.param); });

// An image's packings take one channel or three.
void set_packing(DisplayCase &display, Packing packing, Random &random) {
  display.packing = packing;
  if (packing == Packing::ImageRgb || packing == Packing::ImageRgba)
    display.batch[1] = random.pick({1, 3});
  display.colour_map = display.takes_colour_map() && random.one_in(2);
}

TEST_P(DisplayMatrix, EveryTypeInEveryPacking) {
  for (bv_dtype in_type : all_types) {
    DisplayCase display;
    display.in_type = in_type;
    display.batch = {2, random_.between(1, 3), 5, random_.between(20, 40)};
    for (bv_dtype out_type : {BV_F32, BV_F16, BV_BF16, BV_F64, BV_U8}) {
      display.out_type = out_type;
      check(display);
    }
    for (Packing packing : {Packing::PlaneRgb, Packing::PlaneRgba})
      for (bool colour_map : {false, true}) {
        display.packing = packing;
        display.colour_map = colour_map;
        check(display);
      }
    for (Packing packing : {Packing::ImageRgb, Packing::ImageRgba}) {
      display.packing = packing;
      display.batch[1] = 3;
      display.colour_map = false;
      check(display);
      display.batch[1] = 1;
      check(display);
      display.colour_map = true;
      check(display);
    }
  }
}

TEST_P(DisplayMatrix, EverySize) {
  for (int64_t size : {0, 1, 15, 16, 17, 31, 33, 255, 256, 257, 4095, 4097}) {
    DisplayCase display;
    display.in_type = random_.pick(all_types);
    display.data = size < 300 ? Data::Uniform : Data::Ties;
    for (const Shape &batch : {Shape{2, 1, 1, size}, Shape{1, 2, size, 1}, Shape{1, 1, 3, size}}) {
      display.batch = batch;
      display.out_type = random_.pick(float_types);
      set_packing(display, Packing::Values, random_);
      check(display);
      if (size < 300 || !on_device(GetParam())) {
        set_packing(display, random_.pick(all_packings), random_);
        display.out_type = BV_U8;
        check(display);
      }
    }
  }
}

TEST_P(DisplayMatrix, SquarePlanesOfOddAndEvenWidths) {
  for (int64_t width : {63, 64, 65, 127, 130}) {
    DisplayCase display;
    display.batch = {1, 3, 64, width};
    set_packing(display, Packing::ImageRgb, random_);
    display.filled = random_.pick(all_filled);
    check(display);
  }
}

TEST_P(DisplayMatrix, EveryLayoutOfInputAndOutput) {
  for (Layout in_layout : input_layouts)
    for (Layout out_layout : output_layouts) {
      DisplayCase display;
      display.in_type = random_.pick(all_types);
      display.in_layout = in_layout;
      display.out_layout = out_layout;
      display.options.scope = static_cast<int32_t>(random_.below(3));
      display.out_type = random_.pick({BV_F32, BV_F16, BV_BF16, BV_F64, BV_U8});
      check(display);
      set_packing(display, random_.pick(all_packings), random_);
      check(display);
    }
}

// The CPU backend works on 2048 pixels at a time: a row's end, its middle, or several rows.
TEST_P(DisplayMatrix, RowsWithGapsOfAllLengths) {
  for (const Shape &batch : {Shape{1, 1, 3, 1000}, Shape{1, 1, 2, 5000}, Shape{1, 2, 41, 101}})
    for (bv_dtype type : {BV_F32, BV_F64, BV_F16}) {
      DisplayCase display;
      display.in_type = display.out_type = type;
      display.batch = batch;
      display.in_layout = Layout::PaddedRows;
      display.out_layout = random_.pick({Layout::Contiguous, Layout::PaddedRows});
      check(display);
    }
}

TEST_P(DisplayMatrix, EveryPointerOffset) {
  for (size_t in_offset : {0, 1, 4, 8})
    for (size_t out_offset : {0, 1, 4, 8})
      for (bv_dtype in_type : {BV_U8, BV_I16, BV_F32}) {
        DisplayCase display;
        display.in_type = in_type;
        display.batch = {1, 2, 3, 67};
        display.in_offset = in_offset;
        display.out_offset = out_offset;
        display.out_type = random_.pick({BV_F32, BV_F16, BV_U8});
        check(display);
        set_packing(display, random_.pick(all_packings), random_);
        check(display);
      }
}

TEST_P(DisplayMatrix, EveryScopeForegroundAndWindow) {
  for (int32_t scope : {BV_SCOPE_PLANE, BV_SCOPE_IMAGE, BV_SCOPE_BATCH})
    for (int32_t foreground : {BV_FOREGROUND_NONZERO, BV_FOREGROUND_ALL, BV_FOREGROUND_MASK})
      for (int32_t window : {BV_WINDOW_PERCENTILE, BV_WINDOW_MINMAX, BV_WINDOW_FIXED})
        for (int32_t rounding : {BV_ROUNDING_TRUNCATE, BV_ROUNDING_NEAREST}) {
          DisplayCase display;
          display.in_type = random_.pick(all_types);
          display.options.scope = scope;
          display.options.foreground = foreground;
          display.options.window = window;
          display.options.rounding = rounding;
          display.options.lo = -10.5;
          display.options.hi = 100.25;
          set_packing(display, random_.pick(all_packings), random_);
          display.mask = display.batch;
          display.out_type = random_.pick({BV_F32, BV_U8});
          check(display);
        }
}

TEST_P(DisplayMatrix, EveryKindOfDataInEveryType) {
  for (bv_dtype in_type : all_types)
    for (Data data : all_data) {
      DisplayCase display;
      display.in_type = in_type;
      display.data = data;
      display.filled = random_.pick({Filled::Everywhere, Filled::Half});
      display.options.foreground = random_.pick({BV_FOREGROUND_NONZERO, BV_FOREGROUND_ALL});
      display.options.window = random_.pick({BV_WINDOW_PERCENTILE, BV_WINDOW_MINMAX});
      display.out_type = random_.pick({BV_F32, BV_F64, BV_U8});
      check(display);
    }
}

// So many pixels of one value that the CPU backend keeps none of them and selects digit by digit: in planes
// without gaps, and with gaps between the rows.
TEST_P(DisplayMatrix, LargeGroupsOfTies) {
  for (bv_dtype in_type : {BV_F32, BV_F64, BV_U8}) {
    DisplayCase display;
    display.in_type = in_type;
    display.batch = {1, 1, repeats(1100, 110), 1201};
    display.in_layout = random_.pick({Layout::Contiguous, Layout::PaddedRows});
    display.data = random_.pick({Data::Constant, Data::TwoValued});
    display.filled = Filled::Everywhere;
    display.options.low = random_.uniform(0, 50);
    check(display);
  }
}

TEST_P(DisplayMatrix, EveryAmountOfForegroundInEveryScope) {
  for (Filled filled : all_filled)
    for (int32_t scope : {BV_SCOPE_PLANE, BV_SCOPE_IMAGE, BV_SCOPE_BATCH})
      for (bv_dtype in_type : {BV_F32, BV_U8, BV_F64}) {
        DisplayCase display;
        display.in_type = in_type;
        display.batch = {2, 2, 33, 65};
        display.filled = filled;
        display.options.scope = scope;
        check(display);
      }
}

TEST_P(DisplayMatrix, InfinitiesInGroupsWithoutForegroundAreBlack) {
  DisplayCase display;
  display.batch = {4, 1, 1, 3}; // many groups have nothing finite
  display.data = Data::Infinities;
  for (int repeat = 0; repeat < repeats(100, 10); ++repeat) {
    display.in_type = random_.pick(float_types);
    check(display);
  }
}

TEST_P(DisplayMatrix, EveryPercentile) {
  for (double low : {0.0, 2.0, 2.5, 50.0, 98.0, 100.0})
    for (double high : {0.0, 33.333, 50.0, 98.0, 99.9, 100.0}) {
      if (low > high)
        continue;
      DisplayCase display;
      display.in_type = random_.pick(all_types);
      display.data = random_.pick({Data::Uniform, Data::Ties, Data::Ascending});
      display.batch = {1, 2, random_.between(1, 9), random_.between(1, 40)};
      display.options.low = low;
      display.options.high = high;
      check(display);
    }
}

TEST_P(DisplayMatrix, EveryEpsilonAndFloor) {
  for (double epsilon : {0.0, 1e-8, 1e-3, 5.0, 1e300})
    for (double floor : {0.0, 1e-3, 0.3, 0.5, 1.0})
      for (bv_dtype in_type : {BV_F32, BV_I32, BV_U8}) {
        DisplayCase display;
        display.in_type = in_type;
        display.data = random_.pick({Data::Uniform, Data::Constant, Data::TwoValued, Data::Tiny});
        display.options.epsilon = epsilon;
        display.options.floor = floor;
        display.out_type = random_.pick({BV_F32, BV_F64, BV_U8});
        check(display);
      }
}

TEST_P(DisplayMatrix, EveryShapeOfMask) {
  DisplayCase display;
  display.options.foreground = BV_FOREGROUND_MASK;
  const Shape &batch = display.batch;
  std::vector<Shape> masks = {{}, {1}, {batch[3]}, {batch[2], batch[3]}, {batch[1], 1, 1}, {batch[2], 1}};
  for (int ones = 0; ones < 16; ++ones) {
    masks.push_back(batch);
    for (size_t axis = 0; axis < 4; ++axis)
      if (ones >> axis & 1)
        masks.back()[axis] = 1;
  }
  for (const Shape &mask : masks) {
    display.in_type = random_.pick(all_types);
    display.data = random_.pick({Data::Uniform, Data::BothZeros, Data::Nans, Data::Infinities});
    display.mask = mask;
    display.mask_layout = random_.pick(input_layouts);
    display.options.scope = static_cast<int32_t>(random_.below(3));
    display.out_type = random_.pick({BV_F32, BV_U8});
    check(display);
  }
}

TEST_P(DisplayMatrix, InPlace) {
  for (bv_dtype type : {BV_F32, BV_F16, BV_BF16, BV_F64, BV_U8})
    for (Layout layout : output_layouts) {
      DisplayCase display;
      display.in_type = display.out_type = type;
      display.in_layout = layout;
      display.in_place = true;
      display.options.scope = static_cast<int32_t>(random_.below(3));
      check(display);
    }
}

TEST_P(DisplayMatrix, EmptyBatches) {
  for (size_t axis = 0; axis < 4; ++axis)
    for (Packing packing : {Packing::Values, Packing::PlaneRgb}) {
      DisplayCase display;
      display.batch[axis] = 0;
      display.packing = packing;
      display.options.scope = static_cast<int32_t>(random_.below(3));
      check(display);
    }
}

// [B, 3, 3, 3] could be three grey planes, or one RGB image of three channels.
TEST_P(DisplayMatrix, TheShapeThatReadsBothWaysIsGrey) {
  DisplayCase display;
  display.batch = {5, 3, 3, 3};
  display.out_type = BV_U8;
  display.filled = Filled::Everywhere;
  check(display);
}

TEST_P(DisplayMatrix, FixedWindows) {
  const double huge = std::numeric_limits<double>::max();
  const std::pair<double, double> windows[] = {{0, 0},        {40, 40},     {-160, 240},      {-0.0, 0.0},
                                               {-huge, huge}, {huge, huge}, {0.1, 0.1000001}, {1e-310, 2e-310}};
  for (const auto &[lo, hi] : windows)
    for (bv_dtype in_type : {BV_F32, BV_F64, BV_U8, BV_I16}) {
      DisplayCase display;
      display.in_type = in_type;
      display.data = random_.pick({Data::Uniform, Data::Infinities, Data::Nans, Data::Huge});
      display.options.window = BV_WINDOW_FIXED;
      display.options.lo = lo;
      display.options.hi = hi;
      display.out_type = random_.pick({BV_F32, BV_U8});
      check(display);
    }
}

// More than a million pixels: what selects in one read keeps some of them and has to start again when ties are
// too many to be kept.
TEST_P(DisplayMatrix, LargePlanes) {
  for (Data data :
       {Data::Constant, Data::Uniform, Data::TwoValued, Data::Ties, Data::Descending, Data::AnyBits}) {
    DisplayCase display;
    display.in_type = random_.pick({BV_F32, BV_F64, BV_U8});
    display.batch = {1, 1, 1201, 1001};
    display.data = data;
    display.filled = Filled::Everywhere;
    display.out_type = BV_U8;
    check(display);
    if (on_device(GetParam()))
      break;
  }
}

DisplayCase random_case(int64_t pixels_at_most, Random &random) {
  DisplayCase display;
  display.in_type = random.pick(all_types);
  const int64_t widths[] = {1, 2, 3, 7, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 255, 256, 257, 4095, 4097};
  do {
    display.batch = {random.between(1, 4), random.between(1, 4), random.pick(widths), random.pick(widths)};
  } while (product(display.batch) > pixels_at_most);
  display.in_layout = random.one_in(2) ? Layout::Contiguous : random.pick(input_layouts);
  display.out_layout = random.one_in(2) ? Layout::Contiguous : random.pick(output_layouts);
  display.data = random.one_in(3) ? Data::Uniform : random.pick(all_data);
  display.filled = random.pick(all_filled);
  display.in_offset = random.one_in(2) ? 0 : static_cast<size_t>(random.between(1, 17));
  display.out_offset = random.one_in(2) ? 0 : static_cast<size_t>(random.between(1, 17));
  set_packing(display, random.pick(all_packings), random);
  display.out_type = random.pick({BV_F32, BV_F16, BV_BF16, BV_F64, BV_U8});

  bv_display_options &options = display.options;
  options.scope = static_cast<int32_t>(random.below(3));
  options.foreground = static_cast<int32_t>(random.below(3));
  options.window = random.one_in(2) ? BV_WINDOW_PERCENTILE : static_cast<int32_t>(random.below(3));
  options.rounding = static_cast<int32_t>(random.below(2));
  options.algorithm = random.pick({BV_ALGORITHM_AUTO, BV_ALGORITHM_SORT, BV_ALGORITHM_SELECT});
  const double percents[] = {0, 1, 2, 25, random.uniform(0, 100), 50, 75, 98, 99.5, 100};
  options.low = random.pick(percents);
  options.high = random.pick(percents);
  if (options.low > options.high)
    std::swap(options.low, options.high);
  options.lo = random.uniform(-100, 100);
  options.hi = options.lo + random.uniform(0, 1000);
  if (random.one_in(4))
    options.epsilon = random.uniform(0, 2);
  if (random.one_in(4))
    options.floor = random.uniform(0, 1);
  if (options.foreground == BV_FOREGROUND_MASK) {
    display.mask = display.batch;
    for (int64_t &extent : display.mask)
      if (random.one_in(3))
        extent = 1;
    display.mask.erase(display.mask.begin(), display.mask.begin() + random.below(5));
    display.mask_layout = random.pick(input_layouts);
  }
  if (random.one_in(8) && display.packing == Packing::Values && display.in_layout != Layout::Broadcast &&
      display.in_type <= BV_U8) { // the types that are output types too
    display.out_type = display.in_type;
    display.in_place = true;
  }
  return display;
}

TEST_P(DisplayMatrix, RandomCombinationsOfSmallBatches) {
  for (int repeat = 0; repeat < repeats(600, 80); ++repeat)
    check(random_case(3000, random_));
}

TEST_P(DisplayMatrix, RandomCombinationsOfLargeBatches) {
  for (int repeat = 0; repeat < repeats(40, 8); ++repeat)
    check(random_case(repeats(300000, 70000), random_));
}

} // namespace
