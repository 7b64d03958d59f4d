// Orthogonal views of volumes against slices by the oracle that are stretched and put together here.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <sstream>

#include "batchview/pictures.h"
#include "oracle.h"
#include "placed.h"

namespace {

struct ViewsCase {
  bv_dtype type = BV_F32;
  Shape volume = {4, 5, 6};
  Layout layout = Layout::Contiguous, out_layout = Layout::Contiguous;
  Data data = Data::Uniform;
  int64_t components = 3; // or 4; or 0 for [rows, columns], 1 for [1, rows, columns]
  bv_orthogonal_options views = BV_ORTHOGONAL_OPTIONS_INIT;
  bv_grid_options grid = BV_GRID_OPTIONS_INIT;
  bv_display_options options = BV_DISPLAY_OPTIONS_INIT;
  bool colour_map = false;
  Shape mask = {};
  Layout mask_layout = Layout::Contiguous;

  std::string text() const {
    std::ostringstream text;
    text << bv_dtype_name(type) << " " << shape_text(volume) << " " << layout_name(layout) << " -> components "
         << components << " " << layout_name(out_layout) << "; spacing";
    for (double spacing : views.spacing)
      text << " " << spacing;
    text << ", position";
    for (int64_t position : views.position)
      text << " " << position;
    text << ", upright " << views.upright << "; columns " << grid.columns << ", padding " << grid.padding
         << " of " << grid.padding_value << "; scope " << options.scope << ", foreground " << options.foreground
         << ", window " << options.window << ", rounding " << options.rounding << ", algorithm "
         << options.algorithm << ", mask " << shape_text(mask);
    return text.str();
  }
};

// One view: which voxels it shows, and how large it is.
struct Geometry {
  int rows, columns; // axes of the volume
  bool is_flipped;
  int64_t height, width; // in pixels

  Geometry(const ViewsCase &c, int axis) {
    rows = axis == 0 ? 1 : 0;
    columns = axis == 2 ? 1 : 2;
    is_flipped = c.views.upright && axis != 2;
    if (is_flipped)
      std::swap(rows, columns);
    const double finest = *std::min_element(c.views.spacing, c.views.spacing + 3);
    const auto pixels = [&](int along) {
      return (int64_t)std::floor((double)c.volume[(size_t)along] * (c.views.spacing[along] / finest) + 0.5);
    };
    height = pixels(rows);
    width = pixels(columns);
  }
};

bv_tensor slice_of(const bv_tensor &volume, int axis, int64_t position, const Geometry &geometry) {
  bv_tensor slice = volume;
  slice.ndim = 4;
  int64_t at = position * volume.stride[axis];
  slice.shape[0] = slice.shape[1] = 1;
  slice.stride[0] = slice.stride[1] = 0;
  slice.shape[2] = volume.shape[geometry.rows];
  slice.shape[3] = volume.shape[geometry.columns];
  slice.stride[2] = volume.stride[geometry.rows];
  slice.stride[3] = volume.stride[geometry.columns];
  if (geometry.is_flipped) {
    at += (slice.shape[2] - 1) * slice.stride[2];
    slice.stride[2] *= -1;
  }
  slice.data = (char *)volume.data + at * (int64_t)bv_dtype_size(volume.dtype);
  return slice;
}

// A line of bytes, in binary64, stretched to another number of them.
std::vector<double> stretch_line(const std::vector<double> &line, size_t pixels) {
  std::vector<double> stretched(pixels);
  const double last = (double)line.size() - 1;
  for (size_t i = 0; i < pixels; ++i) {
    const double centre = std::clamp(((double)i + 0.5) * (double)line.size() / (double)pixels - 0.5, 0.0, last);
    const double floor = std::floor(centre), a = line[(size_t)floor];
    const double b = line[(size_t)std::min(floor + 1, last)];
    stretched[i] = a + (centre - floor) * (b - a);
  }
  return pixels == line.size() ? line : stretched;
}

class Orthogonal : public testing::TestWithParam<Mode> {
protected:
  void SetUp() override { BATCHVIEW_NEED_DEVICE(GetParam()); }

  // The grey picture of one view, row by row.
  static std::vector<uint8_t> draw(const bv_tensor &slice, const std::vector<oracle::Window> &windows,
                                   const Geometry &geometry, const bv_display_options &options) {
    const bv_tensor plain = bv_contiguous_tensor(nullptr, BV_U8, BV_CPU, 4, slice.shape);
    bv_display_options grey_options = options;
    grey_options.colour_map = nullptr;
    const std::vector<uint8_t> grey = oracle::apply(slice, windows, plain, grey_options);
    const size_t rows = (size_t)slice.shape[2], columns = (size_t)slice.shape[3];
    std::vector<std::vector<double>> lines;
    for (size_t row = 0; row < rows; ++row)
      lines.push_back(stretch_line(
          {grey.begin() + (ptrdiff_t)(row * columns), grey.begin() + (ptrdiff_t)((row + 1) * columns)},
          (size_t)geometry.width));
    std::vector<uint8_t> picture((size_t)(geometry.height * geometry.width));
    for (size_t column = 0; column < (size_t)geometry.width; ++column) {
      std::vector<double> line;
      for (const std::vector<double> &other : lines)
        line.push_back(other[column]);
      line = stretch_line(line, (size_t)geometry.height);
      for (size_t row = 0; row < line.size(); ++row)
        picture[row * (size_t)geometry.width + column] = (uint8_t)(line[row] + 0.5);
    }
    return picture;
  }

  // The elements of the whole picture, in C order.
  static std::vector<uint8_t> compose(const ViewsCase &c, const bv_tensor &volume, const bv_tensor *mask,
                                      const bv_display_options &given, int64_t extents[2]) {
    std::vector<Geometry> geometry;
    for (int axis = 0; axis < 3; ++axis)
      geometry.emplace_back(c, axis);
    int64_t height = 0, width = 0;
    for (const Geometry &view : geometry) {
      height = std::max(height, view.height);
      width = std::max(width, view.width);
    }
    const int64_t columns = std::min<int64_t>(c.grid.columns, 3), rows = (3 + columns - 1) / columns;
    extents[0] = rows * (height + c.grid.padding) + c.grid.padding;
    extents[1] = columns * (width + c.grid.padding) + c.grid.padding;
    const int64_t components = std::max<int64_t>(c.components, 1);
    std::vector<uint8_t> picture(
        (size_t)(extents[0] * extents[1] * components),
        static_cast<uint8_t>(255 * c.grid.padding_value + (c.options.rounding ? 0.5 : 0)));

    bv_tensor whole = volume; // [1, H, W, D]
    whole.ndim = 4;
    for (int axis = 3; axis > 0; --axis) {
      whole.shape[axis] = volume.shape[axis - 1];
      whole.stride[axis] = volume.stride[axis - 1];
    }
    whole.shape[0] = 1;
    for (int axis = 0; axis < 3; ++axis) {
      const Geometry &view = geometry[(size_t)axis];
      const int64_t position = c.views.position[axis] < 0 ? c.volume[(size_t)axis] / 2 : c.views.position[axis];
      bv_display_options options = given;
      bv_tensor mask_slice;
      if (mask) {
        options.mask = mask;
        mask_slice = slice_of(*mask, axis, position, view);
      }
      options.scope = BV_SCOPE_BATCH;
      std::vector<oracle::Window> windows;
      const bv_tensor slice = slice_of(volume, axis, position, view);
      if (c.options.scope == BV_SCOPE_BATCH)
        windows = oracle::measure(whole, options);
      if (mask)
        options.mask = &mask_slice;
      if (c.options.scope != BV_SCOPE_BATCH)
        windows = oracle::measure(slice, options);
      const std::vector<uint8_t> grey = draw(slice, windows, view, options);
      const int64_t top =
          c.grid.padding + axis / columns * (height + c.grid.padding) + (height - view.height) / 2;
      const int64_t left =
          c.grid.padding + axis % columns * (width + c.grid.padding) + (width - view.width) / 2;
      for (int64_t y = 0; y < view.height; ++y)
        for (int64_t x = 0; x < view.width; ++x)
          for (int64_t i = 0; i < components; ++i) {
            const uint8_t byte = grey[(size_t)(y * view.width + x)];
            picture[(size_t)(((top + y) * extents[1] + left + x) * components + i)] =
                given.colour_map && i < 3 ? given.colour_map[3 * byte + i] : byte;
          }
    }
    for (size_t i = 3; components == 4 && i < picture.size(); i += 4)
      picture[i] = 255;
    return picture;
  }

  void check(const ViewsCase &c) {
    SCOPED_TRACE(c.text());
    uint8_t colours[256 * 3];
    for (uint8_t &component : colours)
      component = (uint8_t)random_.bits();
    Array array(c.type, c.volume, c.layout, random_);
    array.bytes = array.with_elements(make_pixels(c.type, product(c.volume), c.data,
                                                  random_.pick({Filled::Everywhere, Filled::Half}), random_));
    const Placed volume(array, GetParam(), 0);
    bv_display_options options = c.options;
    options.colour_map = c.colour_map ? colours : nullptr;
    Array mask_array(BV_U8, c.mask, c.mask_layout, random_);
    std::vector<uint8_t> inside((size_t)product(c.mask));
    for (uint8_t &element : inside)
      element = random_.one_in(3) ? 0 : (uint8_t)random_.bits();
    mask_array.bytes = mask_array.with_elements(inside);
    const Placed mask(mask_array, GetParam(), 0);
    const bool has_mask = c.options.foreground == BV_FOREGROUND_MASK;

    int64_t expected_extents[2], extents[2] = {-1, -1};
    Array host = volume.array, host_mask = mask.array;
    bv_tensor broadcast = host_mask.tensor(); // to the volume, as 3 dimensions
    const int leading = 3 - broadcast.ndim;
    for (int axis = 2; axis >= 0; --axis) {
      const bool repeats = axis < leading || broadcast.shape[axis - leading] == 1;
      broadcast.stride[axis] = repeats ? 0 : broadcast.stride[axis - leading];
      broadcast.shape[axis] = c.volume[(size_t)axis];
    }
    broadcast.ndim = 3;
    const std::vector<uint8_t> expected =
        compose(c, host.tensor(), has_mask ? &broadcast : nullptr, options, expected_extents);
    ASSERT_EQ(bv_orthogonal_size(&volume.tensor, &c.views, &c.grid, extents), BV_OK) << bv_last_error();
    ASSERT_EQ(extents[0], expected_extents[0]);
    ASSERT_EQ(extents[1], expected_extents[1]);
    Shape shape = {extents[0], extents[1]};
    if (c.components == 1)
      shape.insert(shape.begin(), 1);
    else if (c.components > 1)
      shape.push_back(c.components);
    const Placed out(Array(BV_U8, shape, c.out_layout, random_), GetParam(), 0);
    options.mask = has_mask ? &mask.tensor : nullptr;
    Runner runner(GetParam());
    ASSERT_EQ(runner.run([&](bv_stream stream) {
      return bv_make_orthogonal_views(&volume.tensor, &out.tensor, &c.views, &c.grid, &options, stream);
    }),
              BV_OK)
        << bv_last_error();
    out.expect(expected, "views");
    volume.expect_untouched("volume");
    mask.expect_untouched("mask");
  }

  ViewsCase any_case(int64_t most) {
    ViewsCase c;
    c.type = random_.pick(all_types);
    c.volume = {random_.between(1, most), random_.between(1, most), random_.between(1, most)};
    c.layout = random_.pick(input_layouts);
    c.out_layout = random_.pick(output_layouts);
    c.data = random_.pick(all_data);
    c.components = random_.below(3) == 0 ? random_.below(2) : random_.between(3, 4);
    for (int axis = 0; axis < 3; ++axis) {
      c.views.spacing[axis] = random_.one_in(3) ? 1.0 : random_.pick({0.5, 0.7, 1.25, 2.0, 3.3});
      c.views.position[axis] = random_.between(-1, c.volume[(size_t)axis] - 1);
    }
    c.views.upright = random_.one_in(2);
    c.grid.columns = random_.between(1, 4);
    c.grid.padding = random_.between(0, 3);
    c.grid.padding_value = random_.pick({0.0, 0.3, 1.0});
    c.options.scope = (int32_t)random_.between(BV_SCOPE_PLANE, BV_SCOPE_BATCH);
    c.options.foreground = (int32_t)random_.between(BV_FOREGROUND_NONZERO, BV_FOREGROUND_MASK);
    c.options.window = (int32_t)random_.between(BV_WINDOW_PERCENTILE, BV_WINDOW_FIXED);
    c.options.lo = 10;
    c.options.hi = 90.5;
    c.options.rounding = (int32_t)random_.below(2);
    c.options.algorithm = random_.pick({BV_ALGORITHM_AUTO, BV_ALGORITHM_AUTO, BV_ALGORITHM_SELECT});
    c.colour_map = c.components > 1 && random_.one_in(2);
    c.mask = Shape(c.volume.end() - random_.between(0, 3), c.volume.end());
    for (int64_t &extent : c.mask)
      if (random_.one_in(4))
        extent = 1;
    c.mask_layout = random_.pick(input_layouts);
    return c;
  }

  Random random_;
};

INSTANTIATE_TEST_SUITE_P(, Orthogonal, testing::ValuesIn(tested_modes()),
                         [](const auto &instance) { return mode_name(instance.param); });

TEST_P(Orthogonal, ViewsOfEveryTypeAndShape) {
  const int cases = on_device(GetParam()) ? 40 : 400;
  for (int i = 0; i < cases; ++i)
    check(any_case(on_device(GetParam()) ? 8 : 14));
}

// Work for all threads, and rows of several blocks.
TEST_P(Orthogonal, LargeViews) {
  ViewsCase c;
  c.volume = {70, 60, 90};
  c.views.spacing[2] = 3.3;
  c.views.upright = 1;
  c.options.scope = BV_SCOPE_BATCH;
  check(c);
  c.type = BV_I32;
  c.options.scope = BV_SCOPE_PLANE;
  check(c);
}

TEST_P(Orthogonal, WithoutOptions) {
  ViewsCase c;
  c.volume = {7, 9, 5};
  Array array(BV_I16, c.volume, Layout::Contiguous, random_);
  const Placed volume(array, GetParam(), 0);
  Array host = volume.array;
  int64_t extents[2], expected_extents[2];
  const std::vector<uint8_t> expected = compose(c, host.tensor(), nullptr, c.options, expected_extents);
  ASSERT_EQ(bv_orthogonal_size(&volume.tensor, nullptr, nullptr, extents), BV_OK) << bv_last_error();
  ASSERT_EQ(extents[0], expected_extents[0]);
  ASSERT_EQ(extents[1], expected_extents[1]);
  const Placed out(Array(BV_U8, {extents[0], extents[1], 3}, Layout::Contiguous, random_), GetParam(), 0);
  Runner runner(GetParam());
  ASSERT_EQ(runner.run([&](bv_stream stream) {
    return bv_make_orthogonal_views(&volume.tensor, &out.tensor, nullptr, nullptr, nullptr, stream);
  }),
            BV_OK)
      << bv_last_error();
  out.expect(expected, "views");
}

} // namespace
