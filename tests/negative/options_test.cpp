// Options out of their ranges, for every function that takes options.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <limits>

#include "call.h"

namespace {

const double nan_value = std::numeric_limits<double>::quiet_NaN(), infinity = HUGE_VAL;

class EachOption : public testing::TestWithParam<Function> {
protected:
  void refuse(bv_status status, const std::vector<std::string> &words,
              const std::function<void(Call &call, bv_display_options &options)> &spoil) {
    Call call(GetParam());
    spoil(call, call.options);
    call.expect_refused(status, words);
  }

  void accept(const std::function<void(Call &call, bv_display_options &options)> &change) {
    Call call(GetParam());
    change(call, call.options);
    call.expect_accepted();
  }

  bool writes_out() const { return GetParam() != Function::Measure; }
};

INSTANTIATE_TEST_SUITE_P(, EachOption, testing::ValuesIn(display_functions),
                         [](const auto &function) { return function_name(function.param); });

TEST_P(EachOption, NullOptionsAreTheDefaults) {
  accept([](Call &call, bv_display_options &) { call.options_pointer = nullptr; });
}

TEST_P(EachOption, UnknownChoices) {
  const std::pair<const char *, int32_t bv_display_options::*> choices[] = {
      {"options.scope", &bv_display_options::scope},
      {"options.foreground", &bv_display_options::foreground},
      {"options.window", &bv_display_options::window},
      {"options.rounding", &bv_display_options::rounding},
      {"options.algorithm", &bv_display_options::algorithm}};
  for (const auto &[name, field] : choices)
    for (int32_t value : {-1, 4, 1 << 30}) {
      auto choice = field;
      refuse(BV_ERROR_VALUE, {name, std::to_string(value)},
             [choice, value](Call &, bv_display_options &options) { options.*choice = value; });
    }
  for (int32_t value : {BV_SCOPE_BATCH + 1, BV_FOREGROUND_MASK + 1, BV_WINDOW_FIXED + 1})
    refuse(BV_ERROR_VALUE, {"options.scope", std::to_string(value)},
           [value](Call &, bv_display_options &options) { options.scope = value; });
  refuse(BV_ERROR_VALUE, {"options.foreground", "3"},
         [](Call &, bv_display_options &options) { options.foreground = BV_FOREGROUND_MASK + 1; });
  refuse(BV_ERROR_VALUE, {"options.window", "3"},
         [](Call &, bv_display_options &options) { options.window = BV_WINDOW_FIXED + 1; });
  refuse(BV_ERROR_VALUE, {"options.rounding", "2"},
         [](Call &, bv_display_options &options) { options.rounding = BV_ROUNDING_NEAREST + 1; });
}

TEST_P(EachOption, ReservedFieldInUse) {
  refuse(BV_ERROR_VALUE, {"options.reserved", "77"},
         [](Call &, bv_display_options &options) { options.reserved = 77; });
}

TEST_P(EachOption, PercentilesOutOfRange) {
  for (double percent : {-0.5, 100.5, nan_value, infinity, -infinity}) {
    refuse(BV_ERROR_VALUE, {"options.low"},
           [percent](Call &, bv_display_options &options) { options.low = percent; });
    refuse(BV_ERROR_VALUE, {"options.high"},
           [percent](Call &, bv_display_options &options) { options.high = percent; });
  }
  refuse(BV_ERROR_VALUE, {"options.low", "-0.5"},
         [](Call &, bv_display_options &options) { options.low = -0.5; });
  refuse(BV_ERROR_VALUE, {"options.high", "100.5"},
         [](Call &, bv_display_options &options) { options.high = 100.5; });
}

TEST_P(EachOption, PercentilesReversed) {
  refuse(BV_ERROR_VALUE, {"options.low", "60", "options.high", "40"}, [](Call &, bv_display_options &options) {
    options.low = 60;
    options.high = 40;
  });
  for (double percent : {0.0, 50.0, 100.0})
    accept([percent](Call &, bv_display_options &options) { options.low = options.high = percent; });
}

TEST_P(EachOption, FixedWindowsThatAreNone) {
  const std::pair<double, double> windows[] = {
      {nan_value, 1}, {1, nan_value}, {-infinity, 1}, {1, infinity}, {2.5, 1.5}};
  for (const auto &window : windows)
    refuse(BV_ERROR_VALUE, {"options.lo", "options.hi"}, [&window](Call &, bv_display_options &options) {
      options.window = BV_WINDOW_FIXED;
      options.lo = window.first;
      options.hi = window.second;
    });
  refuse(BV_ERROR_VALUE, {"options.lo", "2.5", "options.hi", "1.5"}, [](Call &, bv_display_options &options) {
    options.window = BV_WINDOW_FIXED;
    options.lo = 2.5;
    options.hi = 1.5;
  });
  accept([](Call &, bv_display_options &options) {
    options.window = BV_WINDOW_FIXED;
    options.lo = options.hi = 7;
  });
}

TEST_P(EachOption, EpsilonOutOfRange) {
  for (double epsilon : {-1e-9, nan_value, infinity, -infinity})
    refuse(BV_ERROR_VALUE, {"options.epsilon"},
           [epsilon](Call &, bv_display_options &options) { options.epsilon = epsilon; });
  refuse(BV_ERROR_VALUE, {"options.epsilon", "-0.25"},
         [](Call &, bv_display_options &options) { options.epsilon = -0.25; });
}

TEST_P(EachOption, FloorOutOfRange) {
  for (double floor : {-1e-9, 1.0000001, nan_value, infinity})
    refuse(BV_ERROR_VALUE, {"options.floor"},
           [floor](Call &, bv_display_options &options) { options.floor = floor; });
  refuse(BV_ERROR_VALUE, {"options.floor", "1.25"},
         [](Call &, bv_display_options &options) { options.floor = 1.25; });
}

// ---- The struct's size -------------------------------------------------------------------------------------

TEST_P(EachOption, StructSizeTooSmall) {
  for (size_t size : {size_t{0}, size_t{8}, sizeof(bv_display_options) - 1})
    refuse(BV_ERROR_VALUE, {"options.struct_size", std::to_string(size)},
           [size](Call &, bv_display_options &options) { options.struct_size = size; });
}

TEST_P(EachOption, StructSizeAbsurd) {
  for (size_t size : {std::numeric_limits<size_t>::max(), size_t{1} << 40})
    refuse(BV_ERROR_VALUE, {"options.struct_size", std::to_string(size)},
           [size](Call &, bv_display_options &options) { options.struct_size = size; });
}

// The options of a program that was compiled with a later version.
struct LaterOptions {
  bv_display_options options = BV_DISPLAY_OPTIONS_INIT;
  uint8_t later[16] = {};
};

TEST_P(EachOption, LaterFieldsUnused) {
  LaterOptions later;
  later.options.struct_size = sizeof later;
  accept([&later](Call &call, bv_display_options &) { call.options_pointer = &later.options; });
}

TEST_P(EachOption, LaterFieldsInUse) {
  for (size_t used : {0, 15}) {
    LaterOptions later;
    later.options.struct_size = sizeof later;
    later.later[used] = 1;
    refuse(BV_ERROR_VALUE, {"options.struct_size", std::to_string(sizeof later)},
           [&later](Call &call, bv_display_options &) { call.options_pointer = &later.options; });
  }
}

// ---- Mask, colour map, workspace ---------------------------------------------------------------------------

TEST_P(EachOption, MaskMissing) {
  refuse(BV_ERROR_NULL, {"options.mask", "NULL"},
         [](Call &, bv_display_options &options) { options.foreground = BV_FOREGROUND_MASK; });
}

TEST_P(EachOption, MaskWithoutUse) {
  for (int32_t foreground : {BV_FOREGROUND_NONZERO, BV_FOREGROUND_ALL})
    refuse(BV_ERROR_VALUE, {"options.mask", std::to_string(foreground)},
           [foreground](Call &call, bv_display_options &options) {
             options.mask = &call.mask;
             options.foreground = foreground;
           });
}

void use_mask(Call &call, bv_display_options &options) {
  options.mask = &call.mask;
  options.foreground = BV_FOREGROUND_MASK;
}

TEST_P(EachOption, MaskOfAnotherType) {
  accept(use_mask);
  for (bv_dtype dtype : {BV_F32, BV_I8})
    refuse(BV_ERROR_TYPE, {"options.mask", bv_dtype_name(dtype)},
           [dtype](Call &call, bv_display_options &options) {
             use_mask(call, options);
             call.mask.dtype = dtype;
           });
  refuse(BV_ERROR_TYPE, {"options.mask", "99"}, [](Call &call, bv_display_options &options) {
    use_mask(call, options);
    call.mask.dtype = 99;
  });
}

TEST_P(EachOption, MaskThatDoesNotBroadcast) {
  refuse(BV_ERROR_SHAPE, {"options.mask", "[4, 3]", "[2, 3, 4, 5]"},
         [](Call &call, bv_display_options &options) {
           use_mask(call, options);
           call.mask.shape[1] = 3;
         });
  refuse(BV_ERROR_SHAPE, {"options.mask", "[5, 4]"}, [](Call &call, bv_display_options &options) {
    use_mask(call, options);
    std::swap(call.mask.shape[0], call.mask.shape[1]);
  });
  refuse(BV_ERROR_SHAPE, {"options.mask", "[1, 2, 3, 4, 5]"}, [](Call &call, bv_display_options &options) {
    use_mask(call, options);
    const int64_t shape[5] = {1, 2, 3, 4, 5};
    call.mask = bv_contiguous_tensor(call.mask.data, BV_U8, BV_CPU, 5, shape);
  });
  refuse(BV_ERROR_SHAPE, {"options.mask", "[0, 5]"}, [](Call &call, bv_display_options &options) {
    use_mask(call, options);
    call.mask.shape[0] = 0;
  });
}

TEST_P(EachOption, MaskThatIsNoTensor) {
  refuse(BV_ERROR_NULL, {"options.mask.data", "NULL"}, [](Call &call, bv_display_options &options) {
    use_mask(call, options);
    call.mask.data = nullptr;
  });
  refuse(BV_ERROR_SHAPE, {"options.mask.ndim", "-3"}, [](Call &call, bv_display_options &options) {
    use_mask(call, options);
    call.mask.ndim = -3;
  });
  refuse(BV_ERROR_SHAPE, {"options.mask", "-4"}, [](Call &call, bv_display_options &options) {
    use_mask(call, options);
    call.mask.shape[0] = -4;
  });
  refuse(BV_ERROR_DEVICE, {"options.mask.device", "-2"}, [](Call &call, bv_display_options &options) {
    use_mask(call, options);
    call.mask.device = -2;
  });
}

TEST_P(EachOption, MaskOverlapsWhatIsWritten) {
  refuse(BV_ERROR_OVERLAP, {"options.mask", writes_out() ? "out" : "windows"},
         [this](Call &call, bv_display_options &options) {
           use_mask(call, options);
           call.mask.data = static_cast<uint8_t *>(writes_out() ? call.out.data : call.windows.data) + 5;
         });
}

TEST_P(EachOption, ColourMapWithoutUse) {
  static const uint8_t colours[256 * 3] = {};
  if (!writes_out()) { // measures with the options that its windows will be applied with
    accept([](Call &, bv_display_options &options) { options.colour_map = colours; });
    return;
  }
  // Floats, grey, and three channels that are colours already.
  refuse(BV_ERROR_VALUE, {"options.colour_map"},
         [](Call &, bv_display_options &options) { options.colour_map = colours; });
  refuse(BV_ERROR_VALUE, {"options.colour_map", "[2, 3, 4, 5]", "u8"},
         [](Call &call, bv_display_options &options) {
           options.colour_map = colours;
           call.out.dtype = BV_U8;
         });
  refuse(BV_ERROR_VALUE, {"options.colour_map", "[2, 4, 5, 3]"}, [](Call &call, bv_display_options &options) {
    options.colour_map = colours;
    const int64_t shape[4] = {2, 4, 5, 3};
    call.out = bv_contiguous_tensor(call.out.data, BV_U8, BV_CPU, 4, shape);
  });
}

TEST_P(EachOption, WorkspaceThatIsNone) {
  refuse(BV_ERROR_NULL, {"options.workspace", "1000"},
         [](Call &, bv_display_options &options) { options.workspace_bytes = 1000; });
  refuse(BV_ERROR_WORKSPACE, {"options.workspace", "256"}, [](Call &call, bv_display_options &options) {
    options.workspace = call.at(8192 * 3 + 1024 + 128);
    options.workspace_bytes = 1024;
  });
}

} // namespace
