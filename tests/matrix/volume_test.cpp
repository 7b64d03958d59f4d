// Slices and projections of volumes against plain loops.
#include <gtest/gtest.h>

#include <cmath>

#include "batchview/pictures.h"
#include "oracle.h"
#include "placed.h"

namespace {

class Volumes : public testing::TestWithParam<Mode> {
protected:
  void SetUp() override { BATCHVIEW_NEED_DEVICE(GetParam()); }

  Array volume(bv_dtype dtype, const Shape &shape, Layout layout, Data data) {
    Array array(dtype, shape, layout, random_);
    array.bytes = array.with_elements(
        make_pixels(dtype, product(shape), data, random_.pick({Filled::Everywhere, Filled::Half}), random_));
    return array;
  }

  Random random_;
};

bv_dtype projected_type(bv_dtype dtype) {
  return dtype == BV_F64 || dtype == BV_I32 || dtype == BV_U32 ? bv_dtype{BV_F64} : bv_dtype{BV_F32};
}

int row_axis(int axis) { return axis == 0 ? 1 : 0; }
int column_axis(int axis) { return axis == 2 ? 1 : 2; }

double value_at(const bv_tensor &tensor, int64_t i, int64_t j, int64_t k) {
  const int64_t at = i * tensor.stride[0] + j * tensor.stride[1] + k * tensor.stride[2];
  return oracle::decode((const char *)tensor.data + at * (int64_t)bv_dtype_size(tensor.dtype), tensor.dtype);
}

// The value of one pixel; zeros of both signs are the first of them.
double project(const std::vector<double> &values, int projection) {
  double result = NAN;
  int64_t count = 0;
  for (double value : values) {
    if (std::isnan(value))
      continue;
    if (++count == 1)
      result = value;
    else if (projection == BV_PROJECTION_MEAN)
      result += value;
    else if (projection == BV_PROJECTION_MAX)
      result = value > result ? value : result;
    else
      result = value < result ? value : result;
  }
  return projection == BV_PROJECTION_MEAN ? result / (double)count : result;
}

std::vector<uint8_t> projected(const bv_tensor &volume, int axis, int projection) {
  const int rows = row_axis(axis), columns = column_axis(axis);
  std::vector<uint8_t> elements;
  int64_t index[3];
  for (index[rows] = 0; index[rows] < volume.shape[rows]; ++index[rows])
    for (index[columns] = 0; index[columns] < volume.shape[columns]; ++index[columns]) {
      std::vector<double> values;
      for (index[axis] = 0; index[axis] < volume.shape[axis]; ++index[axis])
        values.push_back(value_at(volume, index[0], index[1], index[2]));
      double value = project(values, projection);
      uint64_t bits; // one NaN, and plain conversions
      memcpy(&bits, &value, 8);
      if (std::isnan(value))
        bits = 0x7ff8000000000000u;
      memcpy(&value, &bits, 8);
      if (projected_type(volume.dtype) == BV_F64) {
        elements.insert(elements.end(), (uint8_t *)&value, (uint8_t *)&value + 8);
      } else {
        const float narrow = (float)value;
        elements.insert(elements.end(), (const uint8_t *)&narrow, (const uint8_t *)&narrow + 4);
      }
    }
  return elements;
}

INSTANTIATE_TEST_SUITE_P(, Volumes, testing::ValuesIn(tested_modes()),
                         [](const auto &instance) { return mode_name(instance.param); });

TEST_P(Volumes, AreProjectedAlongEachAxis) {
  const int cases = on_device(GetParam()) ? 2 : 12;
  for (bv_dtype dtype : all_types)
    for (int axis = 0; axis < 3; ++axis)
      for (int i = 0; i < cases; ++i) {
        const Layout layout = random_.pick(input_layouts), out_layout = random_.pick(output_layouts);
        const int64_t most = on_device(GetParam()) ? 20 : 40;
        const Shape shape = {random_.between(1, most), random_.between(1, most), random_.between(1, most)};
        const int projection = (int)random_.between(BV_PROJECTION_MAX, BV_PROJECTION_MEAN);
        const Placed from(volume(dtype, shape, layout, random_.pick(all_data)), GetParam(), 0);
        const Placed to(Array(projected_type(dtype),
                              {shape[(size_t)row_axis(axis)], shape[(size_t)column_axis(axis)]}, out_layout,
                              random_),
                        GetParam(), 0);
        SCOPED_TRACE(std::string(bv_dtype_name(dtype)) + " " + shape_text(shape) + " " + layout_name(layout) +
                     " axis " + std::to_string(axis) + " projection " + std::to_string(projection));
        Runner runner(GetParam());
        ASSERT_EQ(runner.run([&](bv_stream stream) {
          return bv_project_volume(&from.tensor, axis, projection, &to.tensor, stream);
        }),
                  BV_OK)
            << bv_last_error();
        Array host = from.array;
        to.expect(projected(host.tensor(), axis, projection), "projection");
        from.expect_untouched("volume");
      }
}

// Enough for all threads, and for rows of several stretches.
TEST_P(Volumes, LargeOnesAreProjected) {
  for (int axis = 0; axis < 3; ++axis) {
    const Shape shape = {70, 65, 600};
    const Placed from(volume(BV_F32, shape, Layout::Contiguous, Data::Uniform), GetParam(), 0);
    const Placed to(Array(BV_F32, {shape[(size_t)row_axis(axis)], shape[(size_t)column_axis(axis)]},
                          Layout::Contiguous, random_),
                    GetParam(), 0);
    Runner runner(GetParam());
    ASSERT_EQ(runner.run([&](bv_stream stream) {
      return bv_project_volume(&from.tensor, axis, BV_PROJECTION_MEAN, &to.tensor, stream);
    }),
              BV_OK);
    Array host = from.array;
    to.expect(projected(host.tensor(), axis, BV_PROJECTION_MEAN), "projection");
  }
}

TEST_P(Volumes, SlicesAreViews) {
  for (int i = 0; i < 50; ++i) {
    const Shape shape = {random_.between(1, 9), random_.between(1, 9), random_.between(1, 9)};
    Array array = volume(random_.pick(all_types), shape, random_.pick(input_layouts), Data::Uniform);
    const bv_tensor tensor = array.tensor();
    for (int axis = 0; axis < 3; ++axis) {
      const int64_t extent = shape[(size_t)axis], first = random_.below(extent), step = random_.between(1, 4);
      const int64_t there_are = (extent - first + step - 1) / step, count = random_.below(there_are + 1);
      bv_tensor batch;
      ASSERT_EQ(bv_view_slices(&tensor, axis, first, step, count, &batch), BV_OK) << bv_last_error();
      ASSERT_EQ(batch.ndim, 4);
      ASSERT_EQ(batch.shape[0], count ? count : there_are);
      ASSERT_EQ(batch.shape[1], 1);
      for (int64_t b = 0; b < batch.shape[0]; ++b)
        for (int64_t y = 0; y < batch.shape[2]; ++y)
          for (int64_t x = 0; x < batch.shape[3]; ++x) {
            int64_t index[3];
            index[axis] = first + b * step;
            index[row_axis(axis)] = y;
            index[column_axis(axis)] = x;
            const int64_t at = b * batch.stride[0] + y * batch.stride[2] + x * batch.stride[3];
            ASSERT_EQ((const char *)batch.data + at * (int64_t)bv_dtype_size(batch.dtype),
                      (const char *)tensor.data + (index[0] * tensor.stride[0] + index[1] * tensor.stride[1] +
                                                   index[2] * tensor.stride[2]) *
                                                      (int64_t)bv_dtype_size(tensor.dtype));
          }
    }
  }
}

// Which is how they are shown.
TEST_P(Volumes, SlicesMakeAGrid) {
  const Shape shape = {12, 10, 9};
  const Placed from(volume(BV_I16, shape, Layout::Contiguous, Data::Uniform), GetParam(), 0);
  bv_tensor slices;
  ASSERT_EQ(bv_view_slices(&from.tensor, 1, 1, 2, 0, &slices), BV_OK);
  const bv_grid_options grid = {sizeof grid, 3, 0, 0};
  const Placed to(Array(BV_U8, {24, 27}, Layout::Contiguous, random_), GetParam(), 0);
  Runner runner(GetParam());
  ASSERT_EQ(runner.run(
                [&](bv_stream stream) { return bv_make_grid(&slices, 1, &to.tensor, &grid, nullptr, stream); }),
            BV_OK)
      << bv_last_error();
  std::vector<uint8_t> expected(24 * 27, 0);
  Array host = from.array;
  const bv_tensor tensor = host.tensor();
  const bv_display_options options = BV_DISPLAY_OPTIONS_INIT;
  for (int64_t cell = 0; cell < 5; ++cell) {
    bv_tensor slice = tensor;
    slice.data = (char *)tensor.data + 2 * (1 + 2 * cell) * tensor.stride[1];
    slice.ndim = 4;
    const int64_t slice_shape[4] = {1, 1, 12, 9}, stride[4] = {0, 0, tensor.stride[0], tensor.stride[2]};
    memcpy(slice.shape, slice_shape, sizeof slice_shape);
    memcpy(slice.stride, stride, sizeof stride);
    const bv_tensor plain = bv_contiguous_tensor(nullptr, BV_U8, BV_CPU, 4, slice_shape);
    const std::vector<uint8_t> grey = oracle::apply(slice, oracle::measure(slice, options), plain, options);
    for (int64_t y = 0; y < 12; ++y)
      for (int64_t x = 0; x < 9; ++x)
        expected[(size_t)((cell / 3 * 12 + y) * 27 + cell % 3 * 9 + x)] = grey[(size_t)(y * 9 + x)];
  }
  to.expect(expected, "grid of slices");
}

} // namespace
