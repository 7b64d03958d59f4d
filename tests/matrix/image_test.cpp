// The operations on single images and volumes against the oracle.
#include <gtest/gtest.h>

#include <cmath>

#include "array.h"
#include "data.h"
#include "display_case.h"
#include "memory.h"
#include "oracle.h"

namespace {

using Call = std::function<bv_status(const bv_tensor *in, const bv_tensor *out, bv_stream stream)>;
using Expected = std::function<std::vector<uint8_t>(const bv_tensor &in)>;

class ImageMatrix : public testing::TestWithParam<Mode> {
protected:
  void SetUp() override { BATCHVIEW_NEED_DEVICE(GetParam()); }

  size_t offset(const Array &array) {
    if (GetParam() == Mode::Misaligned)
      return array.element_bytes();
    return static_cast<size_t>(random_.pick({0, 1, 4, 8})) / array.element_bytes() * array.element_bytes();
  }

  void check(const Array &in, const Array &out, const Call &call, const Expected &expected) {
    SCOPED_TRACE(std::string(bv_dtype_name(in.dtype)) + " " + shape_text(in.shape) + " -> " +
                 shape_text(out.shape));
    Memory in_memory(GetParam(), in.bytes, offset(in)), out_memory(GetParam(), out.bytes, offset(out));
    const int32_t device = device_of(GetParam());
    const bv_tensor in_tensor = in.tensor(in_memory.data(), device);
    const bv_tensor out_tensor = out.tensor(out_memory.data(), device);
    Runner runner(GetParam());
    ASSERT_EQ(runner.run([&](bv_stream stream) { return call(&in_tensor, &out_tensor, stream); }), BV_OK)
        << bv_last_error();
    Array copy = in;
    const std::vector<uint8_t> elements = expected(copy.tensor());
    const std::vector<uint8_t> now = out_memory.read();
    expect_same_elements(elements, out.elements(now), BV_U8, "picture");
    EXPECT_TRUE(now == out.with_elements(elements)) << "bytes between the picture's elements were written";
    EXPECT_TRUE(out_memory.canaries_intact()) << "bytes around the picture were written";
    EXPECT_TRUE(in_memory.read() == in.bytes && in_memory.canaries_intact()) << "the image was written";
  }

  void check_to_uint8(const Array &in, Layout out_layout = Layout::Contiguous) {
    check(in, Array(BV_U8, in.shape, out_layout, random_), bv_normalize_image_to_uint8, oracle::to_uint8);
  }

  Array image(bv_dtype dtype, const Shape &shape, Data data, Layout layout = Layout::Contiguous) {
    Array array(dtype, shape, layout, random_);
    const Filled filled = random_.pick({Filled::Everywhere, Filled::Half});
    array.bytes = array.with_elements(make_pixels(dtype, product(shape), data, filled, random_));
    return array;
  }

  Random random_;
};

INSTANTIATE_TEST_SUITE_P(, ImageMatrix, testing::ValuesIn(tested_modes()),
                         [](const auto &mode) { return mode_name(mode.param); });

TEST_P(ImageMatrix, EveryKindOfDataInEveryType) {
  for (bv_dtype dtype : all_types)
    for (Data data : all_data)
      check_to_uint8(image(dtype, {7, 13}, data));
}

TEST_P(ImageMatrix, EverySize) {
  for (int64_t size : {0, 1, 15, 16, 17, 31, 33, 255, 256, 257, 4095, 4097})
    for (const Shape &shape : {Shape{size}, Shape{size, 3}})
      check_to_uint8(image(random_.pick(all_types), shape, Data::Uniform));
}

TEST_P(ImageMatrix, EveryRankAndLayout) {
  for (int ndim = 0; ndim <= BV_MAX_NDIM; ++ndim)
    for (Layout in_layout : input_layouts) {
      Shape shape;
      for (int axis = 0; axis < ndim; ++axis)
        shape.push_back(random_.between(1, ndim <= 4 ? 6 : 3));
      check_to_uint8(image(random_.pick(all_types), shape, Data::Uniform, in_layout),
                     random_.pick(output_layouts));
    }
}

TEST_P(ImageMatrix, ATenthIsTheLeastThatIsStretched) {
  const float tenth = 0.1f;
  for (float largest :
       {0.0f, 0.05f, std::nextafter(tenth, 0.0f), tenth, std::nextafter(tenth, 1.0f), 0.2f, 1.0f})
    for (float smallest : {0.0f, -0.05f, -1e-30f, 0.01f}) {
      Array f32(BV_F32, {3}, Layout::Contiguous, random_), f64(BV_F64, {3}, Layout::Contiguous, random_);
      for (int i = 0; i < 3; ++i) {
        const float value = i == 0 ? smallest : i == 1 ? largest : (smallest + largest) / 2;
        oracle::encode(static_cast<double>(value), BV_F32, &f32.bytes[static_cast<size_t>(4 * i)]);
        oracle::encode(static_cast<double>(value), BV_F64, &f64.bytes[static_cast<size_t>(8 * i)]);
      }
      check_to_uint8(f32);
      check_to_uint8(f64);
    }
  for (double largest : {std::nextafter(0.1, 0.0), 0.1, std::nextafter(0.1, 1.0)}) {
    Array f64(BV_F64, {1}, Layout::Contiguous, random_);
    oracle::encode(largest, BV_F64, f64.bytes.data());
    check_to_uint8(f64);
  }
}

TEST_P(ImageMatrix, U8InPlace) {
  const Array in = image(BV_U8, {31, 33}, Data::Uniform, random_.pick(output_layouts));
  Memory memory(GetParam(), in.bytes);
  const bv_tensor tensor = in.tensor(memory.data(), device_of(GetParam()));
  Runner runner(GetParam());
  ASSERT_EQ(runner.run([&](bv_stream stream) { return bv_normalize_image_to_uint8(&tensor, &tensor, stream); }),
            BV_OK)
      << bv_last_error();
  Array copy = in;
  EXPECT_TRUE(memory.read() == in.with_elements(oracle::to_uint8(copy.tensor())));
  EXPECT_TRUE(memory.canaries_intact());
}

TEST_P(ImageMatrix, TwoDimensionalImages) {
  for (bv_dtype dtype : all_types)
    for (const Shape &shape : {Shape{1, 1}, Shape{17, 33}, Shape{0, 4}, Shape{64, 50}}) {
      const Array in = image(dtype, shape, random_.pick(all_data), random_.pick(input_layouts));
      const Array out(BV_U8, {shape[0], shape[1], 3}, random_.pick(output_layouts), random_);
      check(in, out, bv_visualize_2d_image,
            [](const bv_tensor &plane) { return oracle::three_times(oracle::to_uint8(plane)); });
    }
}

// The other slices hold what would change the picture.
TEST_P(ImageMatrix, MiddleSlicesAlongEveryAxis) {
  for (bv_dtype dtype : all_types)
    for (int axis = 0; axis < 3; ++axis) {
      const Shape shape = {random_.between(1, 12), random_.between(1, 12), random_.between(1, 12)};
      Array in = image(dtype, shape, Data::Huge, random_.pick(output_layouts));
      const bv_tensor slice = oracle::middle_slice(in.tensor(), axis);
      const std::vector<uint8_t> pixels =
          make_pixels(dtype, slice.shape[0] * slice.shape[1], Data::Uniform, Filled::Half, random_);
      size_t at = 0, size = in.element_bytes();
      for (int64_t number :
           element_numbers({slice.shape[0], slice.shape[1]}, {slice.stride[0], slice.stride[1]}))
        memcpy(static_cast<uint8_t *>(slice.data) + number * static_cast<int64_t>(size), &pixels[size * at++],
               size);
      const Array out(BV_U8, {slice.shape[0], slice.shape[1], 3}, random_.pick(output_layouts), random_);
      check(
          in, out,
          [axis](const bv_tensor *volume, const bv_tensor *picture, bv_stream stream) {
            return bv_visualize_one_slice_in_3d_image(volume, axis, picture, stream);
          },
          [axis](const bv_tensor &volume) {
            return oracle::three_times(oracle::to_uint8(oracle::middle_slice(volume, axis)));
          });
    }
}

TEST_P(ImageMatrix, AnEmptySliceOfAnEmptyVolumeIsDrawn) {
  const Array in(BV_F32, {0, 3, 0}, Layout::Contiguous, random_),
      out(BV_U8, {3, 0, 3}, Layout::Contiguous, random_);
  check(
      in, out,
      [](const bv_tensor *volume, const bv_tensor *picture, bv_stream stream) {
        return bv_visualize_one_slice_in_3d_image(volume, 0, picture, stream);
      },
      [](const bv_tensor &) { return std::vector<uint8_t>(); });
}

TEST_P(ImageMatrix, ALargerImage) {
  const Array in = image(random_.pick(all_types), {257, 255}, Data::Uniform, random_.pick(input_layouts));
  check_to_uint8(in, random_.pick(output_layouts));
}

} // namespace
