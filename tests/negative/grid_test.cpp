// Each argument of bv_grid_size and bv_make_grid spoilt in one place: a status, words, and nothing written.
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "batchview/pictures.h"

namespace {

// A sound call, to be spoilt.
struct GridCall {
  std::vector<float> pixels = std::vector<float>(2 * 5 * 3 * 4 * 5, 1.0f);
  std::vector<uint8_t> picture = std::vector<uint8_t>(64 * 64 * 4, 0xa5);
  std::vector<bv_tensor> batches;
  bv_tensor out;
  bv_grid_options grid = BV_GRID_OPTIONS_INIT;
  bv_display_options options = BV_DISPLAY_OPTIONS_INIT;
  int32_t count = 2;
  bool has_batches = true, has_out = true, has_extents = true;

  GridCall() {
    const int64_t first[4] = {5, 3, 4, 5}, second[4] = {1, 3, 2, 5}, whole[3] = {14, 23, 3};
    grid.columns = 3; // rows of 2 + 4 + 2 + 4 + 2, columns of 2 + 3 x 7
    batches = {bv_contiguous_tensor(pixels.data(), BV_F32, BV_CPU, 4, first),
               bv_contiguous_tensor(pixels.data() + 300, BV_F32, BV_CPU, 4, second)};
    out = bv_contiguous_tensor(picture.data(), BV_U8, BV_CPU, 3, whole);
  }
  bv_status make() {
    return bv_make_grid(has_batches ? batches.data() : nullptr, count, has_out ? &out : nullptr, &grid,
                        &options, nullptr);
  }
  bv_status size() {
    int64_t extents[2] = {-1, -1};
    const bv_status status =
        bv_grid_size(has_batches ? batches.data() : nullptr, count, &grid, has_extents ? extents : nullptr);
    if (status != BV_OK) {
      EXPECT_EQ(extents[0], -1);
    }
    return status;
  }
};

void expect_refused(GridCall &call, bv_status status, const std::vector<std::string> &words,
                    bool by_size = false) {
  const std::vector<uint8_t> before = call.picture;
  for (int function = by_size ? 0 : 1; function < 2; ++function) {
    EXPECT_EQ(function ? call.make() : call.size(), status) << bv_last_error();
    for (const std::string &word : words)
      EXPECT_NE(std::string(bv_last_error()).find(word), std::string::npos)
          << "\"" << word << "\" is not in: " << bv_last_error();
  }
  EXPECT_EQ(call.picture, before) << "something was written";
}

} // namespace

TEST(GridArguments, SoundOnesAreTaken) {
  GridCall call;
  EXPECT_EQ(call.size(), BV_OK) << bv_last_error();
  EXPECT_EQ(call.make(), BV_OK) << bv_last_error();
  EXPECT_EQ(bv_make_grid(call.batches.data(), 0 + 2, &call.out, &call.grid, nullptr, nullptr), BV_OK);
  int64_t extents[2];
  EXPECT_EQ(bv_grid_size(call.batches.data(), 2, nullptr, extents), BV_OK);
  EXPECT_EQ(extents[0], 2 + 4 + 2);
  EXPECT_EQ(extents[1], 2 + 6 * (5 + 2));
}

TEST(GridArguments, Pointers) {
  GridCall batches, out, extents;
  batches.has_batches = false;
  expect_refused(batches, BV_ERROR_NULL, {"batches is NULL"}, true);
  out.has_out = false;
  expect_refused(out, BV_ERROR_NULL, {"out is NULL"});
  extents.has_extents = false;
  EXPECT_EQ(extents.size(), BV_ERROR_NULL);
  EXPECT_STREQ(bv_last_error(), "extents is NULL");
}

TEST(GridArguments, Count) {
  for (int32_t count : {0, -1, INT32_MIN}) {
    GridCall call;
    call.count = count;
    expect_refused(call, BV_ERROR_VALUE, {"count is " + std::to_string(count), "from 1"}, true);
  }
}

TEST(GridArguments, Batches) {
  GridCall rank, channels, type, device, none;
  rank.batches[1].ndim = 3;
  expect_refused(rank, BV_ERROR_SHAPE, {"batches[1]", "[B, C, H, W]"}, true);
  channels.batches[1].shape[1] = 1;
  expect_refused(channels, BV_ERROR_SHAPE, {"batches[1]", "[1, 1, 2, 5]", "batches[0]", "channels"}, true);
  type.batches[1].dtype = 77;
  expect_refused(type, BV_ERROR_TYPE, {"batches[1].dtype is 77"}, true);
  device.batches[0].device = -2;
  expect_refused(device, BV_ERROR_DEVICE, {"batches[0].device is -2"}, true);
  none.batches[0].shape[0] = none.batches[1].shape[0] = 0;
  expect_refused(none, BV_ERROR_SHAPE, {"no image"}, true);
}

TEST(GridArguments, Options) {
  GridCall columns, padding, low, high, not_a_number, short_struct;
  columns.grid.columns = 0;
  expect_refused(columns, BV_ERROR_VALUE, {"grid.columns is 0", "from 1"}, true);
  padding.grid.padding = -1;
  expect_refused(padding, BV_ERROR_VALUE, {"grid.padding is -1", "from 0"}, true);
  low.grid.padding_value = -0.1;
  expect_refused(low, BV_ERROR_VALUE, {"grid.padding_value is -0.1", "0 to 1"}, true);
  high.grid.padding_value = 1.5;
  expect_refused(high, BV_ERROR_VALUE, {"grid.padding_value is 1.5"}, true);
  not_a_number.grid.padding_value = NAN;
  expect_refused(not_a_number, BV_ERROR_VALUE, {"grid.padding_value is nan"}, true);
  short_struct.grid.struct_size = 8;
  expect_refused(short_struct, BV_ERROR_VALUE, {"grid.struct_size is 8", "BV_GRID_OPTIONS_INIT"}, true);
}

TEST(GridArguments, GridsTooLarge) {
  for (int64_t padding : {INT64_MAX, INT64_MAX / 4, int64_t{1} << 31}) {
    GridCall call;
    call.grid.padding = padding;
    expect_refused(call, BV_ERROR_SHAPE, {"2^31 - 1 pixels a side"}, true);
  }
  GridCall many; // stride 0: as many images as you like
  many.batches[0].shape[0] = int64_t{1} << 40;
  many.batches[0].stride[0] = 0;
  expect_refused(many, BV_ERROR_SHAPE, {"2^31 - 1 pixels a side"}, true);
}

TEST(GridArguments, DisplayOptions) {
  GridCall low, workspace, mask, colours;
  low.options.low = 101;
  expect_refused(low, BV_ERROR_VALUE, {"options.low is 101"});
  workspace.options.workspace = workspace.picture.data();
  expect_refused(workspace, BV_ERROR_VALUE, {"options.workspace", "takes none"});
  const int64_t shape[2] = {4, 5};
  std::vector<uint8_t> inside(20, 1);
  const bv_tensor mask_tensor = bv_contiguous_tensor(inside.data(), BV_U8, BV_CPU, 2, shape);
  mask.options.foreground = BV_FOREGROUND_MASK;
  mask.options.mask = &mask_tensor;
  expect_refused(mask, BV_ERROR_VALUE, {"options.mask", "count is 2"});
  mask.count = 1;
  mask.batches[0].shape[2] = 3;
  expect_refused(mask, BV_ERROR_SHAPE, {"out has the shape"});
  uint8_t map[768] = {0};
  colours.options.colour_map = map;
  expect_refused(colours, BV_ERROR_VALUE, {"options.colour_map", "C = 1"});
}

TEST(GridArguments, Out) {
  GridCall extent, rank, type, components, device, itself;
  extent.out.shape[0] = 15;
  expect_refused(extent, BV_ERROR_SHAPE, {"out has the shape [15, 23, 3]", "14 x 23", "3 channels"});
  rank.out.ndim = 2;
  expect_refused(rank, BV_ERROR_SHAPE, {"out has the shape [14, 23]"});
  type.out.dtype = BV_I16;
  expect_refused(type, BV_ERROR_TYPE, {"out.dtype is i16"});
  components.out.shape[2] = 2;
  expect_refused(components, BV_ERROR_SHAPE, {"[14, 23, 2]"});
  device.out.device = -5;
  expect_refused(device, BV_ERROR_DEVICE, {"out.device is -5"});
  itself.out.stride[0] = 1;
  expect_refused(itself, BV_ERROR_OVERLAP, {"out of shape", "overlaps itself"});
}

TEST(GridArguments, OutLiesApart) {
  GridCall call;
  call.batches[1].data = call.picture.data() + 8;
  expect_refused(call, BV_ERROR_OVERLAP, {"out", "overlaps batches[1]"});
  GridCall mask;
  mask.count = 1;
  mask.grid.columns = 5;
  const int64_t shape[2] = {4, 5}, whole[3] = {8, 37, 3};
  mask.out = bv_contiguous_tensor(mask.picture.data(), BV_U8, BV_CPU, 3, whole);
  const bv_tensor mask_tensor = bv_contiguous_tensor(mask.picture.data() + 100, BV_U8, BV_CPU, 2, shape);
  mask.options.foreground = BV_FOREGROUND_MASK;
  mask.options.mask = &mask_tensor;
  expect_refused(mask, BV_ERROR_OVERLAP, {"out", "overlaps options.mask"});
}

// Of a program that was compiled with a later version, which uses nothing of what is new.
TEST(GridArguments, LongerOptions) {
  GridCall call;
  struct {
    bv_display_options options = BV_DISPLAY_OPTIONS_INIT;
    uint8_t later[512] = {};
  } later;
  later.options.struct_size = sizeof later;
  EXPECT_EQ(bv_make_grid(call.batches.data(), call.count, &call.out, &call.grid, &later.options, nullptr),
            BV_OK)
      << bv_last_error();
}
