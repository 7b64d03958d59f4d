// Labels and images over pictures against plain loops.
#include <gtest/gtest.h>

#include <cmath>

#include "batchview/pictures.h"
#include "oracle.h"
#include "placed.h"

namespace {

const std::vector<bv_dtype> label_types = {BV_U8, BV_I8, BV_U16, BV_I16, BV_I32, BV_U32};
const std::vector<bv_dtype> image_types = {BV_U8, BV_F32, BV_F16, BV_BF16, BV_F64};
const uint8_t six[6][3] = {{230, 60, 50},  {60, 180, 75},  {65, 105, 225},
                           {255, 200, 30}, {200, 80, 220}, {60, 200, 210}};

class Overlay : public testing::TestWithParam<Mode> {
protected:
  void SetUp() override { BATCHVIEW_NEED_DEVICE(GetParam()); }

  // Half of them 0, the others small, large, or negative.
  Array make_labels(bv_dtype dtype, const Shape &shape, Layout layout) {
    Array array(dtype, shape, layout, random_);
    std::vector<uint8_t> elements((size_t)product(shape) * bv_dtype_size(dtype));
    for (size_t at = 0; at < elements.size(); at += bv_dtype_size(dtype)) {
      const int64_t label = random_.one_in(2)   ? 0
                            : random_.one_in(2) ? random_.between(1, 13)
                                                : (int64_t)random_.bits();
      memcpy(&elements[at], &label, bv_dtype_size(dtype));
    }
    array.bytes = array.with_elements(elements);
    return array;
  }

  // Half of them 0, the others in 0 .. 1 and a little beyond, at the edges of bytes, or any bits.
  Array make_image(bv_dtype dtype, const Shape &shape, Layout layout) {
    Array array(dtype, shape, layout, random_);
    const size_t size = bv_dtype_size(dtype);
    std::vector<uint8_t> elements((size_t)product(shape) * size);
    for (size_t at = 0; at < elements.size(); at += size)
      if (dtype == BV_U8 || random_.one_in(8)) {
        const uint64_t bits = random_.one_in(2) ? 0 : random_.bits();
        memcpy(&elements[at], &bits, size);
      } else if (random_.one_in(2)) {
        oracle::encode(random_.one_in(4) ? (double)random_.below(256) / 255 : random_.uniform(-0.1, 1.1), dtype,
                       &elements[at]);
      }
    array.bytes = array.with_elements(elements);
    return array;
  }

  // The byte of a display value, whose product with 255 is exact in binary64 where it is rounded to binary32.
  static uint32_t byte_of(double value, bv_dtype dtype) {
    if (dtype == BV_U8)
      return (uint32_t)value;
    if (!(value > 0))
      return 0;
    const double product = 255.0 * std::fmin(value, 1);
    return (uint32_t)(dtype == BV_F64 ? product : (double)(float)product);
  }

  enum class Over { Labels, Image };

  void check(Over over, const Shape &pixels, int64_t components, const Shape &labels_shape, bv_dtype dtype,
             Layout layout, Layout labels_layout, double opacity, bool has_colours) {
    Shape shape = pixels;
    shape.push_back(components);
    SCOPED_TRACE(shape_text(shape) + " " + layout_name(layout) +
                 (over == Over::Labels ? ", labels " : ", image ") + bv_dtype_name(dtype) + " " +
                 shape_text(labels_shape) + " " + layout_name(labels_layout) + ", opacity " +
                 std::to_string(opacity));
    uint8_t colours[256][3];
    for (auto &colour : colours)
      for (uint8_t &component : colour)
        component = (uint8_t)random_.bits();
    const Placed pictures(Array(BV_U8, shape, layout, random_), GetParam(), 0);
    const Placed labels(over == Over::Labels ? make_labels(dtype, labels_shape, labels_layout)
                                             : make_image(dtype, labels_shape, labels_layout),
                        GetParam(), 0);
    const std::vector<uint8_t> before = pictures.array.elements();
    Runner runner(GetParam());
    const auto call = [&](bv_stream stream) {
      return (over == Over::Labels ? bv_overlay_labels : bv_overlay_image)(
          &pictures.tensor, &labels.tensor, has_colours ? colours[0] : nullptr, opacity, stream);
    };
    ASSERT_EQ(runner.run(call), BV_OK) << bv_last_error();
    const std::vector<int64_t> numbers = element_numbers(labels_shape, labels.array.stride);
    std::vector<uint8_t> expected = before;
    const uint8_t *hot = bv_find_colour_map("hot")->rgb;
    const uint32_t a = (uint32_t)std::lround(256 * opacity);
    for (size_t pixel = 0; pixel < before.size() / (size_t)components; ++pixel) {
      // the pixel's index, and with it the label's
      size_t rest = pixel, flat = 0, step = 1;
      for (size_t axis = pixels.size(); axis-- > 0; rest /= (size_t)pixels[axis]) {
        const ptrdiff_t of_labels = (ptrdiff_t)axis - (ptrdiff_t)(pixels.size() - labels_shape.size());
        if (of_labels < 0)
          continue;
        const size_t extent = (size_t)labels_shape[(size_t)of_labels];
        flat += (extent == 1 ? 0 : rest % (size_t)pixels[axis]) * step;
        step *= extent;
      }
      const double value = oracle::decode(
          &labels.array.bytes[(size_t)(labels.array.first + numbers[flat]) * bv_dtype_size(dtype)], dtype);
      const uint32_t label = over == Over::Labels ? (uint32_t)(int64_t)value : byte_of(value, dtype);
      if (label == 0)
        continue;
      const uint8_t *colour = has_colours           ? colours[label % 256]
                              : over == Over::Image ? hot + (ptrdiff_t)3 * label
                                                    : six[(label - 1) % 6];
      for (size_t i = 0; i < 3; ++i) {
        uint8_t &component = expected[pixel * (size_t)components + i];
        component = (uint8_t)((component * (256 - a) + colour[i] * a + 128) / 256);
      }
    }
    pictures.expect(expected, "pictures");
    labels.expect_untouched("labels");
  }

  Random random_;
};

INSTANTIATE_TEST_SUITE_P(, Overlay, testing::ValuesIn(tested_modes()),
                         [](const auto &instance) { return mode_name(instance.param); });

TEST_P(Overlay, EveryTypeAndShape) {
  const int cases = on_device(GetParam()) ? 90 : 500;
  for (int i = 0; i < cases; ++i) {
    Shape pixels;
    for (int64_t axes = random_.between(2, 5); axes > 0; --axes)
      pixels.push_back(random_.between(1, axes > 2 ? 3 : 15));
    Shape labels(pixels.end() - random_.between(1, (int64_t)pixels.size()), pixels.end());
    for (int64_t &extent : labels)
      if (random_.one_in(5))
        extent = 1;
    const Over over = random_.pick({Over::Labels, Over::Image});
    check(over, pixels, random_.pick({3, 4}), labels,
          random_.pick(over == Over::Labels ? label_types : image_types), random_.pick(output_layouts),
          random_.pick(input_layouts), random_.pick({0.0, 0.25, 0.4, 0.77, 1.0}), random_.one_in(2));
  }
}

// Runs of several parts, and more work than one thread's.
TEST_P(Overlay, LargePictures) {
  check(Over::Image, {2, 200, 333}, 4, {2, 200, 333}, BV_F32, Layout::Contiguous, Layout::Contiguous, 0.5,
        false);
  check(Over::Labels, {3, 130, 257}, 3, {3, 130, 257}, BV_U8, Layout::Contiguous, Layout::Contiguous, 0.4,
        false);
  check(Over::Labels, {2, 100, 333}, 4, {100, 333}, BV_I16, Layout::PaddedRows, Layout::Contiguous, 0.6, true);
}

} // namespace
