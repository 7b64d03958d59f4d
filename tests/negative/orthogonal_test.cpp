// Each argument of bv_orthogonal_size and bv_make_orthogonal_views spoilt in one place.
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "batchview/pictures.h"

namespace {

// Views of 5 x 12, 4 x 12 and 4 x 5 pixels, side by side with a padding of 2.
struct ViewsCall {
  std::vector<float> voxels = std::vector<float>(4 * 5 * 6, 1.0f);
  std::vector<uint8_t> memory = std::vector<uint8_t>(16 * 64 * 4, 100),
                       mask_memory = std::vector<uint8_t>(120, 1);
  bv_tensor volume, out, mask;
  bool has_volume = true, has_out = true;
  bv_orthogonal_options views = BV_ORTHOGONAL_OPTIONS_INIT;
  bv_grid_options grid = BV_GRID_OPTIONS_INIT;
  bv_display_options options = BV_DISPLAY_OPTIONS_INIT;
  int64_t extents[2] = {-7, -7};

  ViewsCall() {
    const int64_t shape[3] = {4, 5, 6}, out_shape[3] = {9, 44, 3};
    volume = bv_contiguous_tensor(voxels.data(), BV_F32, BV_CPU, 3, shape);
    mask = bv_contiguous_tensor(mask_memory.data(), BV_U8, BV_CPU, 3, shape);
    out = bv_contiguous_tensor(memory.data(), BV_U8, BV_CPU, 3, out_shape);
    views.spacing[2] = 2;
  }
  bv_status size() { return bv_orthogonal_size(has_volume ? &volume : nullptr, &views, &grid, extents); }
  bv_status draw() {
    return bv_make_orthogonal_views(has_volume ? &volume : nullptr, has_out ? &out : nullptr, &views, &grid,
                                    &options, nullptr);
  }
  void use_mask() {
    options.foreground = BV_FOREGROUND_MASK;
    options.mask = &mask;
  }
};

void expect_words(const std::vector<std::string> &words) {
  for (const std::string &word : words)
    EXPECT_NE(std::string(bv_last_error()).find(word), std::string::npos)
        << "\"" << word << "\" is not in: " << bv_last_error();
}

void expect_not_drawn(ViewsCall &call, bv_status status, const std::vector<std::string> &words) {
  const std::vector<uint8_t> before = call.memory;
  EXPECT_EQ(call.draw(), status) << bv_last_error();
  expect_words(words);
  EXPECT_EQ(call.memory, before) << "something was written";
}

// By both.
void expect_refused(ViewsCall &call, bv_status status, const std::vector<std::string> &words) {
  EXPECT_EQ(call.size(), status) << bv_last_error();
  expect_words(words);
  EXPECT_EQ(call.extents[0], -7) << "something was written";
  expect_not_drawn(call, status, words);
}

} // namespace

TEST(OrthogonalArguments, SoundOnesAreTaken) {
  ViewsCall call;
  EXPECT_EQ(call.size(), BV_OK) << bv_last_error();
  EXPECT_EQ(call.extents[0], 9);
  EXPECT_EQ(call.extents[1], 44);
  EXPECT_EQ(call.draw(), BV_OK) << bv_last_error();
  EXPECT_EQ(call.memory[0], 0);
  call.use_mask();
  EXPECT_EQ(call.draw(), BV_OK) << bv_last_error();
}

// Which the sanitizers see.
TEST(OrthogonalArguments, AnAxisOfOneVoxelHasAnyStride) {
  for (int64_t stride : {INT64_MIN, INT64_MAX}) {
    ViewsCall call;
    call.views.upright = 1;
    call.views.spacing[2] = 12; // as many pixels as of six voxels
    call.volume.shape[2] = call.mask.shape[2] = 1;
    call.volume.stride[2] = call.mask.stride[2] = stride;
    call.use_mask();
    EXPECT_EQ(call.size(), BV_OK) << bv_last_error();
    call.out.shape[0] = call.extents[0];
    call.out.shape[1] = call.extents[1];
    EXPECT_EQ(call.draw(), BV_OK) << bv_last_error();
  }
}

TEST(OrthogonalArguments, Volume) {
  ViewsCall none, rank, type, empty, device;
  none.has_volume = false;
  expect_refused(none, BV_ERROR_NULL, {"volume is NULL"});
  rank.volume.ndim = 2;
  expect_refused(rank, BV_ERROR_SHAPE, {"volume", "[H, W, D]"});
  type.volume.dtype = 99;
  expect_refused(type, BV_ERROR_TYPE, {"volume.dtype is 99"});
  empty.volume.shape[1] = 0;
  expect_refused(empty, BV_ERROR_SHAPE, {"[4, 0, 6]", "no slice along axis 1"});
  device.volume.device = -2;
  expect_refused(device, BV_ERROR_DEVICE, {"volume.device is -2"});
}

TEST(OrthogonalArguments, Views) {
  for (double spacing : {0.0, -1.0, (double)NAN, (double)INFINITY}) {
    ViewsCall call;
    call.views.spacing[1] = spacing;
    expect_refused(call, BV_ERROR_VALUE, {"views.spacing[1] is", "above 0"});
  }
  for (int64_t position : {(int64_t)-2, (int64_t)6, INT64_MAX, INT64_MIN}) {
    ViewsCall call;
    call.views.position[2] = position;
    expect_refused(call, BV_ERROR_VALUE,
                   {"views.position[2] is " + std::to_string(position), "0 to 5", "-1 for the middle"});
  }
  ViewsCall upright, reserved, small, wide, thin;
  upright.views.upright = 2;
  expect_refused(upright, BV_ERROR_VALUE, {"views.upright is 2", "0 and 1"});
  reserved.views.reserved = 1;
  expect_refused(reserved, BV_ERROR_VALUE, {"views.reserved is 1"});
  small.views.struct_size = 8;
  expect_refused(small, BV_ERROR_VALUE, {"views.struct_size is 8", "BV_ORTHOGONAL_OPTIONS_INIT"});
  wide.views.spacing[0] = 1e300;
  expect_refused(wide, BV_ERROR_SHAPE, {"at most 2^31 - 1 pixels a side"});
  thin.views.spacing[0] = 1e-300;
  thin.views.spacing[1] = 1e300;
  expect_refused(thin, BV_ERROR_SHAPE, {"at most 2^31 - 1 pixels a side"});
}

TEST(OrthogonalArguments, Grid) {
  ViewsCall columns, padding;
  columns.grid.columns = 0;
  expect_refused(columns, BV_ERROR_VALUE, {"grid.columns is 0"});
  padding.grid.padding = INT64_MAX;
  expect_refused(padding, BV_ERROR_SHAPE, {"at most 2^31 - 1 pixels a side"});
}

TEST(OrthogonalArguments, Extents) {
  const ViewsCall call;
  EXPECT_EQ(bv_orthogonal_size(&call.volume, nullptr, nullptr, nullptr), BV_ERROR_NULL);
  expect_words({"extents is NULL"});
}

TEST(OrthogonalArguments, Out) {
  ViewsCall none, type, extent, rank, device, itself, overlap;
  none.has_out = false;
  expect_not_drawn(none, BV_ERROR_NULL, {"out is NULL"});
  type.out.dtype = BV_F32;
  type.out.ndim = 2;
  expect_not_drawn(type, BV_ERROR_TYPE, {"out.dtype is f32", "allowed is u8"});
  extent.out.shape[1] = 45;
  expect_not_drawn(extent, BV_ERROR_SHAPE, {"[9, 45, 3]", "9 x 44"});
  rank.out.ndim = 1;
  expect_not_drawn(rank, BV_ERROR_SHAPE, {"[9]", "9 x 44"});
  device.out.device = -9;
  expect_not_drawn(device, BV_ERROR_DEVICE, {"out.device is -9"});
  itself.out.stride[0] = 0;
  expect_not_drawn(itself, BV_ERROR_OVERLAP, {"out", "overlaps itself"});
  overlap.volume.dtype = BV_U8;
  overlap.volume.data = overlap.memory.data() + 11;
  expect_not_drawn(overlap, BV_ERROR_OVERLAP, {"out", "overlaps volume"});
}

TEST(OrthogonalArguments, Options) {
  ViewsCall window, workspace, colours;
  window.options.window = BV_WINDOW_FIXED;
  window.options.lo = 2;
  window.options.hi = 1;
  expect_not_drawn(window, BV_ERROR_VALUE, {"options.lo is 2"});
  workspace.options.workspace = workspace.mask_memory.data();
  expect_not_drawn(workspace, BV_ERROR_VALUE, {"options.workspace is", "views take none"});
  workspace.options.workspace = nullptr;
  workspace.options.workspace_bytes = 1;
  expect_not_drawn(workspace, BV_ERROR_VALUE, {"options.workspace is", "views take none"});
  std::vector<uint8_t> map(768);
  colours.options.colour_map = map.data();
  colours.out.ndim = 2;
  expect_not_drawn(colours, BV_ERROR_VALUE, {"options.colour_map", "[9, 44]", "3 or 4"});
}

TEST(OrthogonalArguments, Mask) {
  ViewsCall none, type, extent, rank, device, overlap;
  for (ViewsCall *call : {&none, &type, &extent, &rank, &device, &overlap})
    call->use_mask();
  none.options.mask = nullptr;
  expect_not_drawn(none, BV_ERROR_NULL, {"options.mask is NULL"});
  type.mask.dtype = BV_I8;
  expect_not_drawn(type, BV_ERROR_TYPE, {"options.mask.dtype is i8"});
  extent.mask.shape[0] = 3;
  expect_not_drawn(extent, BV_ERROR_SHAPE, {"options.mask of shape [3, 5, 6]", "volume of shape [4, 5, 6]"});
  rank.mask.ndim = 4;
  rank.mask.shape[3] = 1;
  expect_not_drawn(rank, BV_ERROR_SHAPE, {"options.mask of shape [4, 5, 6, 1]"});
  device.mask.device = -4;
  expect_not_drawn(device, BV_ERROR_DEVICE, {"options.mask.device is -4"});
  overlap.mask.data = overlap.memory.data();
  expect_not_drawn(overlap, BV_ERROR_OVERLAP, {"out", "overlaps options.mask"});
}

// Of a program that was compiled with a later version, which uses nothing of what is new.
TEST(OrthogonalArguments, LongerOptions) {
  ViewsCall call;
  struct {
    bv_display_options options = BV_DISPLAY_OPTIONS_INIT;
    uint8_t later[512] = {};
  } later;
  later.options.struct_size = sizeof later;
  EXPECT_EQ(bv_make_orthogonal_views(&call.volume, &call.out, &call.views, &call.grid, &later.options, nullptr),
            BV_OK)
      << bv_last_error();
}
