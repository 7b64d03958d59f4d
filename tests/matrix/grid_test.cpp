// Grids against plain pictures by the oracle that are put together here.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <sstream>

#include "batchview/pictures.h"
#include "oracle.h"
#include "placed.h"

namespace {

enum class Form { Colours, ColoursAlpha, Planes, Plane };

struct GridCase {
  bv_dtype in_type = BV_F32, out_type = BV_F32; // out_type: of planes
  std::vector<Shape> batches = {{5, 1, 6, 7}};
  Layout in_layout = Layout::Contiguous, out_layout = Layout::Contiguous;
  Data data = Data::Uniform;
  Form form = Form::Colours;
  bv_grid_options grid = BV_GRID_OPTIONS_INIT;
  bv_display_options options = BV_DISPLAY_OPTIONS_INIT;
  bool colour_map = false;
  Shape mask = {};

  int64_t channels() const { return batches[0][1]; }
  int64_t components() const { return form == Form::Colours ? 3 : form == Form::ColoursAlpha ? 4 : 0; }
  bv_dtype type() const { return components() ? bv_dtype{BV_U8} : out_type; }
  std::string text() const {
    std::ostringstream text;
    text << bv_dtype_name(in_type) << " " << layout_name(in_layout);
    for (const Shape &batch : batches)
      text << " " << shape_text(batch);
    text << " -> " << bv_dtype_name(type()) << " form " << (int)form << " " << layout_name(out_layout)
         << "; columns " << grid.columns << ", padding " << grid.padding << " of " << grid.padding_value
         << ", scope " << options.scope << ", foreground " << options.foreground << ", window "
         << options.window << ", rounding " << options.rounding << ", algorithm " << options.algorithm;
    return text.str();
  }
};

// Where the pixels of images go: torchvision's make_grid, with cells of the largest image.
struct Geometry {
  int64_t images = 0, height = 0, width = 0, columns, padding, rows;

  Geometry(const GridCase &c) {
    for (const Shape &batch : c.batches)
      if (batch[0] > 0) {
        images += batch[0];
        height = std::max(height, batch[2]);
        width = std::max(width, batch[3]);
      }
    columns = std::min(c.grid.columns, images);
    rows = (images + columns - 1) / columns;
    padding = images == 1 ? 0 : c.grid.padding;
  }
  int64_t picture_rows() const { return rows * (height + padding) + padding; }
  int64_t picture_columns() const { return columns * (width + padding) + padding; }
};

class Grid : public testing::TestWithParam<Mode> {
protected:
  void SetUp() override { BATCHVIEW_NEED_DEVICE(GetParam()); }

  Shape out_shape(const GridCase &c) {
    const Geometry g(c);
    if (c.components())
      return {g.picture_rows(), g.picture_columns(), c.components()};
    if (c.form == Form::Plane)
      return {g.picture_rows(), g.picture_columns()};
    return {c.channels(), g.picture_rows(), g.picture_columns()};
  }

  std::vector<uint8_t> padding_element(const GridCase &c) {
    std::vector<uint8_t> element(bv_dtype_size(c.type()));
    if (c.type() == BV_U8)
      element[0] = static_cast<uint8_t>(255 * c.grid.padding_value + (c.options.rounding ? 0.5 : 0));
    else
      oracle::encode(c.grid.padding_value, c.type(), element.data());
    return element;
  }

  // The elements of the whole picture, in C order.
  std::vector<uint8_t> compose(const GridCase &c, std::vector<Placed> &batches,
                               const bv_display_options &options) {
    const Geometry g(c);
    const size_t size = bv_dtype_size(c.type());
    const int64_t parts = c.components() ? c.components() : c.channels();
    std::vector<uint8_t> picture;
    const std::vector<uint8_t> padding = padding_element(c);
    for (int64_t i = 0; i < product(out_shape(c)); ++i)
      picture.insert(picture.end(), padding.begin(), padding.end());
    if (c.form == Form::ColoursAlpha)
      for (size_t i = 3; i < picture.size(); i += 4)
        picture[i] = 255;
    int64_t cell = 0;
    for (size_t number = 0; number < batches.size(); ++number) {
      const Shape &shape = c.batches[number];
      // Three channels of one pixel are planes to the oracle: [B, 3, 3, 3] has two meanings.
      const bool from_planes = !c.components() || c.channels() == 3;
      const int64_t drawn = from_planes ? c.channels() : c.components();
      Shape plain_shape = shape;
      if (!from_planes)
        plain_shape.push_back(c.components());
      const bv_tensor batch = batches[number].array.tensor();
      const bv_tensor plain =
          bv_contiguous_tensor(nullptr, c.type(), BV_CPU, (int32_t)plain_shape.size(), plain_shape.data());
      const std::vector<uint8_t> pixels = oracle::apply(batch, oracle::measure(batch, options), plain, options);
      for (int64_t image = 0; image < shape[0]; ++image, ++cell)
        for (int64_t y = 0; y < shape[2]; ++y)
          for (int64_t x = 0; x < shape[3]; ++x)
            for (int64_t part = 0; part < drawn; ++part) {
              const int64_t row =
                  g.padding + cell / g.columns * (g.height + g.padding) + (g.height - shape[2]) / 2 + y;
              const int64_t column =
                  g.padding + cell % g.columns * (g.width + g.padding) + (g.width - shape[3]) / 2 + x;
              const int64_t from = from_planes ? ((image * drawn + part) * shape[2] + y) * shape[3] + x
                                               : ((image * shape[2] + y) * shape[3] + x) * drawn + part;
              const int64_t to = c.components()
                                     ? (row * g.picture_columns() + column) * parts + part
                                     : (part * g.picture_rows() + row) * g.picture_columns() + column;
              std::copy_n(&pixels[(size_t)from * size], size, &picture[(size_t)to * size]);
            }
    }
    return picture;
  }

  void check(const GridCase &c) {
    SCOPED_TRACE(c.text());
    std::vector<Placed> batches;
    std::vector<bv_tensor> tensors;
    for (const Shape &shape : c.batches) {
      Array array(c.in_type, shape, c.in_layout, random_);
      array.bytes = array.with_elements(make_pixels(c.in_type, product(shape), c.data, Filled::Half, random_));
      batches.emplace_back(array, GetParam(), 0);
      tensors.push_back(batches.back().tensor);
    }
    bv_display_options options = c.options, host = c.options;
    uint8_t colours[256 * 3];
    if (c.colour_map) {
      for (uint8_t &component : colours)
        component = static_cast<uint8_t>(random_.bits());
      options.colour_map = host.colour_map = colours;
    }
    std::vector<Placed> mask;
    bv_tensor host_mask;
    if (!c.mask.empty()) {
      Array array(BV_U8, c.mask, Layout::Contiguous, random_);
      mask.emplace_back(array, GetParam(), 0);
      host_mask = mask[0].array.tensor();
      options.mask = &mask[0].tensor;
      host.mask = &host_mask;
      options.foreground = host.foreground = BV_FOREGROUND_MASK;
    }
    int64_t extents[2];
    ASSERT_EQ(bv_grid_size(tensors.data(), (int32_t)tensors.size(), &c.grid, extents), BV_OK)
        << bv_last_error();
    const Geometry g(c);
    ASSERT_EQ(extents[0], g.picture_rows());
    ASSERT_EQ(extents[1], g.picture_columns());
    const Placed out(Array(c.type(), out_shape(c), c.out_layout, random_), GetParam(), 0);
    Runner runner(GetParam());
    ASSERT_EQ(runner.run([&](bv_stream stream) {
      return bv_make_grid(tensors.data(), (int32_t)tensors.size(), &out.tensor, &c.grid, &options, stream);
    }),
              BV_OK)
        << bv_last_error();
    out.expect(compose(c, batches, host), "grid");
    for (const Placed &batch : batches)
      batch.expect_untouched("batch");
  }

  GridCase random_case() {
    GridCase c;
    c.in_type = random_.pick(all_types);
    c.in_layout = random_.pick(input_layouts);
    c.out_layout = random_.pick(output_layouts);
    c.data = random_.pick(all_data);
    c.form = random_.pick({Form::Colours, Form::ColoursAlpha, Form::Planes, Form::Plane});
    c.out_type = random_.pick({BV_F32, BV_F16, BV_BF16, BV_F64, BV_U8});
    const int64_t channels = c.form == Form::Plane    ? 1
                             : c.form == Form::Planes ? random_.between(1, 4)
                                                      : random_.pick({1, 3});
    c.batches.clear();
    for (int64_t i = random_.one_in(2) ? 1 : random_.between(2, 4); i > 0; --i)
      c.batches.push_back({random_.between(i == 1 && c.batches.empty() ? 1 : 0, 11), channels,
                           random_.between(1, 12), random_.between(1, 12)});
    if (std::all_of(c.batches.begin(), c.batches.end(), [](const Shape &batch) { return batch[0] == 0; }))
      c.batches[0][0] = 3;
    c.grid.columns = random_.between(1, 9);
    c.grid.padding = random_.between(0, 3);
    c.grid.padding_value = random_.pick({0.0, 1.0, 0.3, 0.5});
    c.options.scope = random_.pick({BV_SCOPE_PLANE, BV_SCOPE_IMAGE, BV_SCOPE_BATCH});
    c.options.window = random_.pick({BV_WINDOW_PERCENTILE, BV_WINDOW_MINMAX, BV_WINDOW_FIXED});
    c.options.lo = -3;
    c.options.hi = 40;
    c.options.foreground = random_.pick({BV_FOREGROUND_NONZERO, BV_FOREGROUND_ALL});
    c.options.rounding = random_.pick({BV_ROUNDING_TRUNCATE, BV_ROUNDING_NEAREST});
    c.options.algorithm = random_.pick({BV_ALGORITHM_AUTO, BV_ALGORITHM_SORT, BV_ALGORITHM_SELECT});
    c.colour_map = c.components() && channels == 1 && random_.one_in(2);
    if (c.batches.size() == 1 && random_.one_in(3)) {
      const Shape &batch = c.batches[0];
      c.mask = random_.pick({batch, Shape{1, 1, batch[2], batch[3]}, Shape{batch[2], batch[3]},
                             Shape{batch[0], 1, batch[2], batch[3]}});
    }
    return c;
  }

  Random random_;
};

INSTANTIATE_TEST_SUITE_P(, Grid, testing::ValuesIn(tested_modes()),
                         [](const auto &instance) { return mode_name(instance.param); });

TEST_P(Grid, RandomGrids) {
  const int cases = on_device(GetParam()) ? 40 : 400;
  for (int i = 0; i < cases && !HasFatalFailure(); ++i)
    check(random_case());
}

// The defaults, as torchvision has them: rows of 8, 2 black pixels between and around.
TEST_P(Grid, Defaults) {
  for (int64_t images : {1, 2, 7, 8, 9, 16, 17})
    for (int64_t channels : {1, 3})
      for (int scope : {BV_SCOPE_PLANE, BV_SCOPE_IMAGE, BV_SCOPE_BATCH}) {
        GridCase c;
        c.batches = {{images, channels, 5, 4}};
        c.options.scope = scope;
        check(c);
      }
}

// [B, 3, 3, 3] is taken for planes by the display functions; a grid of colours has colours.
TEST_P(Grid, ThreeByThreeColours) {
  for (Form form : {Form::Colours, Form::ColoursAlpha, Form::Planes}) {
    GridCase c;
    c.batches = {{10, 3, 3, 3}};
    c.form = form;
    check(c);
  }
}

} // namespace
