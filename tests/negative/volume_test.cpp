// Each argument of bv_view_slices and bv_project_volume spoilt in one place.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "batchview/pictures.h"

namespace {

struct VolumeCall {
  std::vector<float> voxels = std::vector<float>(4 * 5 * 6, 1.0f), projected = std::vector<float>(64, -7.0f);
  bv_tensor volume, out, batch;
  bool has_volume = true, has_out = true;
  int axis = 2, projection = BV_PROJECTION_MAX;
  int64_t first = 1, step = 2, count = 0;

  VolumeCall() {
    const int64_t shape[3] = {4, 5, 6};
    volume = bv_contiguous_tensor(voxels.data(), BV_F32, BV_CPU, 3, shape);
    out = bv_contiguous_tensor(projected.data(), BV_F32, BV_CPU, 2, shape);
    batch = bv_contiguous_tensor(nullptr, 77, 77, 0, shape);
  }
  bv_status slices() {
    return bv_view_slices(has_volume ? &volume : nullptr, axis, first, step, count, has_out ? &batch : nullptr);
  }
  bv_status project() {
    return bv_project_volume(has_volume ? &volume : nullptr, axis, projection, has_out ? &out : nullptr,
                             nullptr);
  }
};

void expect_words(const std::vector<std::string> &words) {
  for (const std::string &word : words)
    EXPECT_NE(std::string(bv_last_error()).find(word), std::string::npos)
        << "\"" << word << "\" is not in: " << bv_last_error();
}

void expect_no_slices(VolumeCall call, bv_status status, const std::vector<std::string> &words) {
  EXPECT_EQ(call.slices(), status) << bv_last_error();
  expect_words(words);
  EXPECT_EQ(call.batch.dtype, 77) << "something was written";
}

void expect_no_projection(VolumeCall call, bv_status status, const std::vector<std::string> &words) {
  const std::vector<float> before = call.projected;
  EXPECT_EQ(call.project(), status) << bv_last_error();
  expect_words(words);
  EXPECT_EQ(call.projected, before) << "something was written";
}

} // namespace

TEST(VolumeArguments, SoundOnesAreTaken) {
  VolumeCall call;
  EXPECT_EQ(call.slices(), BV_OK) << bv_last_error();
  EXPECT_EQ(call.batch.shape[0], 3);
  EXPECT_EQ(call.project(), BV_OK) << bv_last_error();
}

TEST(VolumeArguments, Volume) {
  VolumeCall none, rank, type, empty;
  none.has_volume = false;
  expect_no_slices(none, BV_ERROR_NULL, {"volume is NULL"});
  EXPECT_EQ(none.project(), BV_ERROR_NULL);
  rank.volume.ndim = 2;
  expect_no_slices(rank, BV_ERROR_SHAPE, {"volume", "[H, W, D]"});
  EXPECT_EQ(rank.project(), BV_ERROR_SHAPE);
  type.volume.dtype = 99;
  expect_no_slices(type, BV_ERROR_TYPE, {"volume.dtype is 99"});
  EXPECT_EQ(type.project(), BV_ERROR_TYPE);
  empty.volume.shape[2] = 0;
  expect_no_slices(empty, BV_ERROR_SHAPE, {"[4, 5, 0]", "no slice along axis 2"});
  EXPECT_EQ(empty.project(), BV_ERROR_SHAPE);
  expect_words({"no slice along axis 2"});
}

TEST(VolumeArguments, Axis) {
  for (int axis : {-1, 3, 1 << 30}) {
    VolumeCall call;
    call.axis = axis;
    expect_no_slices(call, BV_ERROR_VALUE, {"axis should be 0, 1 or 2, got " + std::to_string(axis)});
    EXPECT_EQ(call.project(), BV_ERROR_VALUE);
  }
}

TEST(VolumeArguments, Slices) {
  VolumeCall before, behind, still, many, negative, nowhere;
  before.first = -1;
  expect_no_slices(before, BV_ERROR_VALUE, {"first is -1", "0 to 5"});
  behind.first = 6;
  expect_no_slices(behind, BV_ERROR_VALUE, {"first is 6", "0 to 5"});
  still.step = 0;
  expect_no_slices(still, BV_ERROR_VALUE, {"step is 0", "from 1"});
  many.count = 4;
  expect_no_slices(many, BV_ERROR_VALUE, {"count is 4", "there are 3"});
  negative.count = -1;
  expect_no_slices(negative, BV_ERROR_VALUE, {"count is -1"});
  nowhere.has_out = false;
  expect_no_slices(nowhere, BV_ERROR_NULL, {"batch is NULL"});
  VolumeCall wide;
  wide.step = INT64_MAX;
  EXPECT_EQ(wide.slices(), BV_OK);
  EXPECT_EQ(wide.batch.shape[0], 1);
}

TEST(VolumeArguments, Projection) {
  for (int projection : {-1, 3}) {
    VolumeCall call;
    call.projection = projection;
    expect_no_projection(call, BV_ERROR_VALUE,
                         {"projection is " + std::to_string(projection), "max, min, mean"});
  }
}

TEST(VolumeArguments, Out) {
  VolumeCall none, type, wide, extent, rank, device, itself, overlap;
  none.has_out = false;
  expect_no_projection(none, BV_ERROR_NULL, {"out is NULL"});
  type.out.dtype = BV_F16;
  expect_no_projection(type, BV_ERROR_TYPE, {"out.dtype is f16", "allowed is f32"});
  wide.volume.dtype = BV_I32;
  expect_no_projection(wide, BV_ERROR_TYPE, {"volume of i32", "allowed is f64"});
  extent.out.shape[1] = 6;
  expect_no_projection(extent, BV_ERROR_SHAPE, {"[4, 6]", "[4, 5]", "axis 2"});
  rank.out.ndim = 1;
  expect_no_projection(rank, BV_ERROR_SHAPE, {"out has the shape [4]"});
  device.out.device = -9;
  expect_no_projection(device, BV_ERROR_DEVICE, {"out.device is -9"});
  itself.out.stride[0] = 0;
  expect_no_projection(itself, BV_ERROR_OVERLAP, {"out", "overlaps itself"});
  overlap.out.data = overlap.volume.data;
  expect_no_projection(overlap, BV_ERROR_OVERLAP, {"out", "overlaps volume"});
}
