// One window over pixels in pieces, against the oracle's window of all of them at once.
#include <gtest/gtest.h>

#include <cstring>
#include <functional>

#include "array.h"
#include "batchview/selection.h"
#include "data.h"
#include "memory.h"
#include "oracle.h"

namespace {

// The memory of a selection, and what it is for.
struct Selection {
  Selection(Mode mode, bv_dtype dtype, int64_t columns)
      : memory(mode, std::vector<uint8_t>(BV_SELECTION_BYTES, 0xe7)),
        windows_memory(mode, std::vector<uint8_t>(static_cast<size_t>(columns) * sizeof(double), 0xb7)) {
    const int64_t shape[2] = {1, columns};
    windows = bv_contiguous_tensor(windows_memory.data(), BV_F64, device_of(mode), 2, shape);
    selection = {dtype, &options, &windows, memory.data()};
  }

  std::vector<double> window() const {
    const std::vector<uint8_t> bytes = windows_memory.read();
    std::vector<double> numbers(bytes.size() / sizeof(double));
    memcpy(numbers.data(), bytes.data(), bytes.size());
    return numbers;
  }

  bv_display_options options = BV_DISPLAY_OPTIONS_INIT;
  Memory memory, windows_memory;
  bv_tensor windows;
  bv_selection selection;
};

bv_tensor part_of(bv_tensor tensor, int64_t begin, int64_t end) {
  tensor.data = static_cast<char *>(tensor.data) +
                begin * tensor.stride[0] * static_cast<int64_t>(bv_dtype_size(tensor.dtype));
  tensor.shape[0] = end - begin;
  return tensor;
}

class SelectionInPieces : public ::testing::TestWithParam<Mode> {
protected:
  void SetUp() override { BATCHVIEW_NEED_DEVICE(GetParam()); }

  // A batch cut along its first axis, empty pieces among them.
  void check(bv_dtype dtype, const Shape &shape, Layout layout, Data data, Filled filled) {
    Array array(dtype, shape, layout, random_), mask_array(BV_U8, shape, Layout::Contiguous, random_);
    array.bytes = array.with_elements(make_pixels(dtype, product(shape), data, filled, random_));
    Memory pixels(GetParam(), array.bytes), mask_pixels(GetParam(), mask_array.bytes);
    const bv_tensor batch = array.tensor(pixels.data(), device_of(GetParam()));
    const bv_tensor mask = mask_array.tensor(mask_pixels.data(), device_of(GetParam()));
    const bv_tensor host_batch = array.tensor(), host_mask = mask_array.tensor();

    const int32_t window = random_.pick({BV_WINDOW_PERCENTILE, BV_WINDOW_MINMAX, BV_WINDOW_FIXED});
    Selection s(GetParam(), dtype, window == BV_WINDOW_FIXED ? 2 : random_.between(2, 3));
    s.options.window = window;
    s.options.scope = random_.pick({BV_SCOPE_PLANE, BV_SCOPE_IMAGE, BV_SCOPE_BATCH}); // not looked at
    s.options.foreground = random_.pick({BV_FOREGROUND_NONZERO, BV_FOREGROUND_ALL, BV_FOREGROUND_MASK});
    s.options.low = random_.one_in(3) ? 0 : random_.uniform(0, 100);
    s.options.high = random_.one_in(3) ? 100 : random_.uniform(s.options.low, 100);
    s.options.lo = -5;
    s.options.hi = 5;
    const bool masked = s.options.foreground == BV_FOREGROUND_MASK;
    bv_display_options host_options = s.options;
    host_options.scope = BV_SCOPE_BATCH;
    host_options.mask = masked ? &host_mask : nullptr;
    s.options.mask = masked ? &mask : nullptr;

    std::vector<int64_t> cuts = {0};
    while (cuts.back() < shape[0])
      cuts.push_back(random_.between(cuts.back(), shape[0]));
    Runner runner(GetParam());
    const bv_status status = runner.run([&](bv_stream stream) {
      bv_status result = bv_selection_begin(&s.selection, stream);
      for (int digit = 0; digit < bv_selection_digits(dtype) && result == BV_OK; ++digit) {
        for (size_t piece = 0; piece + 1 < cuts.size() && result == BV_OK; ++piece) {
          const bv_tensor pixels_of_piece = part_of(batch, cuts[piece], cuts[piece + 1]);
          const bv_tensor mask_of_piece = part_of(mask, cuts[piece], cuts[piece + 1]);
          s.options.mask = masked ? &mask_of_piece : nullptr;
          result = bv_selection_count(&s.selection, digit, &pixels_of_piece, stream);
          s.options.mask = masked ? &mask : nullptr;
        }
        if (result == BV_OK)
          result = bv_selection_narrow(&s.selection, digit, stream);
      }
      return result == BV_OK ? bv_selection_finish(&s.selection, stream) : result;
    });
    ASSERT_EQ(status, BV_OK) << bv_last_error();
    const oracle::Window expected = oracle::measure(host_batch, host_options)[0];
    const double numbers[3] = {expected.lo, expected.hi, expected.count};
    const std::vector<uint8_t> got = s.windows_memory.read();
    EXPECT_EQ(memcmp(got.data(), numbers, got.size()), 0)
        << bv_dtype_name(dtype) << " " << shape_text(shape) << " " << layout_name(layout) << " "
        << data_name(data) << " " << filled_name(filled) << " window " << window << " of " << s.options.low
        << " to " << s.options.high << " is " << s.window()[0] << ", " << s.window()[1] << "; expected "
        << expected.lo << ", " << expected.hi;
    EXPECT_TRUE(s.memory.canaries_intact() && s.windows_memory.canaries_intact());
  }

  Random random_;
};

TEST_P(SelectionInPieces, EqualsTheWindowOfAll) {
  for (bv_dtype dtype : all_types)
    for (Data data : all_data) {
      const Shape shape = {random_.between(1, 7), random_.between(1, 3), random_.between(1, 30),
                           random_.between(1, 70)};
      check(dtype, shape, random_.pick(input_layouts), data, random_.pick(all_filled));
      if (HasFailure())
        return;
    }
}

TEST_P(SelectionInPieces, OfPlanesWithoutGaps) {
  for (bv_dtype dtype : {BV_F32, BV_U8, BV_F64})
    check(dtype, {3, 1, 300, 257}, Layout::Contiguous, Data::Uniform, Filled::Half);
}

TEST_P(SelectionInPieces, WithoutPixelsIsNaN) {
  Selection s(GetParam(), BV_I16, 3);
  Runner runner(GetParam());
  ASSERT_EQ(runner.run([&](bv_stream stream) {
    bv_status result = bv_selection_begin(&s.selection, stream);
    for (int digit = 0; digit < 4 && result == BV_OK; ++digit)
      result = bv_selection_narrow(&s.selection, digit, stream);
    return result == BV_OK ? bv_selection_finish(&s.selection, stream) : result;
  }),
            BV_OK);
  EXPECT_TRUE(s.window()[0] != s.window()[0] && s.window()[1] != s.window()[1]);
  EXPECT_EQ(s.window()[2], 0);
}

INSTANTIATE_TEST_SUITE_P(Modes, SelectionInPieces, ::testing::ValuesIn(tested_modes()),
                         [](const auto &tested) { return std::string(mode_name(tested.param)); });

// ---- Bad input ----------------------------------------------------------------------------------------------

class SelectionArguments : public ::testing::Test {
protected:
  SelectionArguments() : s(Mode::Cpu, BV_F32, 3) {
    const int64_t shape[4] = {1, 1, 2, 2};
    piece = bv_contiguous_tensor(pixels, BV_F32, BV_CPU, 4, shape);
  }

  void expect(bv_status expected, bv_status status, const std::string &word) {
    EXPECT_EQ(status, expected);
    EXPECT_NE(std::string(bv_last_error()).find(word), std::string::npos)
        << "no \"" << word << "\" in: " << bv_last_error();
    EXPECT_EQ(s.memory.read(), std::vector<uint8_t>(BV_SELECTION_BYTES, 0xe7)) << "an error changes nothing";
    EXPECT_EQ(s.windows_memory.read(), std::vector<uint8_t>(24, 0xb7)) << "an error changes nothing";
  }

  // What all functions refuse.
  void expect_all(bv_status expected, const bv_selection *selection, const std::string &word) {
    expect(expected, bv_selection_begin(selection, nullptr), word);
    expect(expected, bv_selection_count(selection, 0, &piece, nullptr), word);
    expect(expected, bv_selection_narrow(selection, 0, nullptr), word);
    expect(expected, bv_selection_finish(selection, nullptr), word);
  }

  float pixels[4] = {1, 2, 3, 4};
  bv_tensor piece;
  Selection s;
};

TEST_F(SelectionArguments, MissingPointersAreNamed) {
  bv_selection bad = s.selection;
  expect_all(BV_ERROR_NULL, nullptr, "selection is NULL");
  bad.windows = nullptr;
  expect_all(BV_ERROR_NULL, &bad, "selection->windows is NULL");
  bad = s.selection;
  bad.memory = nullptr;
  expect_all(BV_ERROR_NULL, &bad, "selection->memory is NULL");
  expect(BV_ERROR_NULL, bv_selection_count(&s.selection, 0, nullptr, nullptr), "piece is NULL");
}

TEST_F(SelectionArguments, UnusableOnesAreNamed) {
  bv_selection bad = s.selection;
  bad.dtype = 10;
  expect_all(BV_ERROR_TYPE, &bad, "selection->dtype is 10");
  bad = s.selection;
  bad.memory = static_cast<char *>(s.memory.data()) + 4;
  expect_all(BV_ERROR_VALUE, &bad, "selection->memory is");
  bv_tensor windows = s.windows;
  windows.shape[0] = 2;
  bad = s.selection;
  bad.windows = &windows;
  expect_all(BV_ERROR_SHAPE, &bad, "selection->windows has the shape [2, 3]");
  windows = s.windows;
  windows.dtype = BV_F32;
  expect_all(BV_ERROR_TYPE, &bad, "selection->windows.dtype is f32");
  windows = s.windows;
  windows.data = static_cast<char *>(s.memory.data()) + BV_SELECTION_BYTES - 8;
  expect_all(BV_ERROR_OVERLAP, &bad, "selection->memory");
  bv_display_options options = BV_DISPLAY_OPTIONS_INIT;
  options.low = 99;
  bad = s.selection;
  bad.options = &options;
  expect_all(BV_ERROR_VALUE, &bad, "options.low is 99");
  options = BV_DISPLAY_OPTIONS_INIT;
  options.window = BV_WINDOW_FIXED;
  expect_all(BV_ERROR_SHAPE, &bad, "BV_WINDOW_FIXED");
}

TEST_F(SelectionArguments, PiecesAndDigitsAreChecked) {
  for (int digit : {-1, 4, 8}) {
    expect(BV_ERROR_VALUE, bv_selection_count(&s.selection, digit, &piece, nullptr), "it must be 0 to 3");
    expect(BV_ERROR_VALUE, bv_selection_narrow(&s.selection, digit, nullptr), "it must be 0 to 3");
  }
  bv_tensor bad = piece;
  bad.dtype = BV_U32;
  expect(BV_ERROR_TYPE, bv_selection_count(&s.selection, 0, &bad, nullptr), "u32, but selection->dtype is f32");
  bad = piece;
  bad.ndim = 3;
  expect(BV_ERROR_SHAPE, bv_selection_count(&s.selection, 0, &bad, nullptr), "piece has 3 dimensions");
  bad = piece;
  bad.data = s.memory.data();
  expect(BV_ERROR_OVERLAP, bv_selection_count(&s.selection, 0, &bad, nullptr), "overlaps piece");
}

TEST_F(SelectionArguments, DigitsByType) {
  for (bv_dtype dtype : all_types)
    EXPECT_EQ(bv_selection_digits(dtype), dtype == BV_F64 || dtype == BV_I32 || dtype == BV_U32 ? 8 : 4);
  EXPECT_EQ(bv_selection_digits(10), 0);
  EXPECT_EQ(bv_selection_digits(-1), 0);
}

} // namespace
