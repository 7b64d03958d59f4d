// Pictures in the log, of CPU tensors and of device tensors, pixel by pixel: what the oracle draws, put into a
// grid here.
#include <gtest/gtest.h>

#include <cstring>

#include "array.h"
#include "data.h"
#include "log_directory.h"
#include "memory.h"
#include "oracle.h"

namespace {

// The cells [N, H, W, channels] side by side, as bv_grid_options describe it.
Picture grid_of(const std::vector<uint8_t> &cells, int64_t count, int64_t height, int64_t width,
                int64_t channels, const bv_grid_options &options, int32_t rounding = BV_ROUNDING_TRUNCATE) {
  if (count == 1)
    return {height, width, channels, cells};
  const int64_t across = std::min(options.columns, count), down = (count + across - 1) / across;
  const int64_t pad = options.padding;
  Picture grid{down * (height + pad) + pad, across * (width + pad) + pad, channels, {}};
  const uint8_t fill = uint8_t(255 * options.padding_value + (rounding == BV_ROUNDING_NEAREST ? 0.5 : 0));
  for (int64_t pixel = 0; pixel < grid.height * grid.width; ++pixel)
    for (int64_t c = 0; c < channels; ++c)
      grid.pixels.push_back(c == 3 ? 255 : fill);
  for (int64_t cell = 0; cell < count; ++cell)
    for (int64_t y = 0; y < height; ++y) {
      const int64_t row = cell / across * (height + pad) + pad + y,
                    column = cell % across * (width + pad) + pad;
      memcpy(&grid.pixels[size_t((row * grid.width + column) * channels)],
             &cells[size_t((cell * height + y) * width * channels)], size_t(width * channels));
    }
  return grid;
}

bv_grid_options grid_options(int64_t columns, int64_t padding = 2, double value = 0) {
  bv_grid_options options = BV_GRID_OPTIONS_INIT;
  options.columns = columns;
  options.padding = padding;
  options.padding_value = value;
  return options;
}

class LogPictures : public LogDirectoryOf<testing::TestWithParam<Mode>> {
protected:
  void SetUp() override {
    BATCHVIEW_NEED_DEVICE(GetParam());
    if (on_device(GetParam()))
      stream_ = device::make_stream();
  }
  void TearDown() override {
    if (stream_)
      device::destroy_stream(stream_);
  }

  void expect_picture(const Event &event, const Picture &expected) {
    EXPECT_FALSE(event.is_scalar);
    EXPECT_EQ(event.plugin, "images");
    EXPECT_EQ(event.data_class, 3u);
    EXPECT_EQ(event.height, expected.height);
    EXPECT_EQ(event.width, expected.width);
    EXPECT_EQ(event.colourspace, expected.channels);
    const Picture picture = decode_png(event.png);
    EXPECT_EQ(picture.height, expected.height);
    EXPECT_EQ(picture.width, expected.width);
    EXPECT_EQ(picture.channels, expected.channels);
    EXPECT_TRUE(picture.pixels == expected.pixels) << "the pixels differ";
  }

  Array batch_of(const Shape &shape, Layout layout, bv_dtype dtype) {
    Array array(dtype, shape, layout, random_);
    array.bytes = array.with_elements(make_pixels(dtype, product(shape), Data::Uniform, Filled::Half, random_));
    return array;
  }

  // Logs a batch, and checks what is in the log against the oracle's pixels.
  void check_batch(const Shape &shape, const bv_display_options *options, const bv_grid_options *grid) {
    SCOPED_TRACE(shape_text(shape) + (grid ? ", columns " + std::to_string(grid->columns) : ""));
    const bool has_map = options && options->colour_map, is_colour = shape[1] == 3 && !has_map;
    Array batch = batch_of(shape, random_.pick(input_layouts), random_.pick(all_types));
    const bv_display_options plain = BV_DISPLAY_OPTIONS_INIT, &used = options ? *options : plain;
    Shape out_shape = {shape[0], shape[1], shape[2], shape[3]};
    int64_t count = shape[0] * shape[1], channels = has_map ? 3 : 1;
    if (is_colour) {
      channels = shape[2] == 3 && shape[3] == 3 ? 4 : 3;
      out_shape = {shape[0], shape[2], shape[3], channels};
      count = shape[0];
    } else if (has_map) {
      out_shape.push_back(3);
    }
    Array out(BV_U8, out_shape, Layout::Contiguous, random_);
    const bv_tensor on_cpu = batch.tensor();
    const std::vector<uint8_t> cells = oracle::apply(on_cpu, oracle::measure(on_cpu, used), out.tensor(), used);

    Memory memory(GetParam(), batch.bytes, GetParam() == Mode::Misaligned ? batch.element_bytes() : 0);
    const bv_tensor tensor = batch.tensor(memory.data(), device_of(GetParam()));
    bv_tb_writer *writer = open();
    const std::string tag = "batch/" + std::to_string(++batches_);
    EXPECT_DONE(bv_tb_add_images(writer, tag.c_str(), batches_, &tensor, grid, options, stream_));
    EXPECT_DONE(bv_tb_close(writer));
    EXPECT_TRUE(memory.canaries_intact() && memory.read() == batch.bytes);
    const std::vector<Event> events = read_log(directory_).tagged(tag);
    ASSERT_EQ(events.size(), 1u);
    EXPECT_EQ(events[0].step, batches_);
    expect_picture(events[0], grid_of(cells, count, shape[2], shape[3], channels,
                                      grid ? *grid : grid_options(8), used.rounding));
  }

  Random random_;
  bv_stream stream_ = nullptr;
  int64_t batches_ = 0;
};

std::vector<Mode> modes_without_graphs() {
  std::vector<Mode> modes = tested_modes();
  modes.erase(std::remove(modes.begin(), modes.end(), Mode::Captured), modes.end());
  return modes;
}
INSTANTIATE_TEST_SUITE_P(, LogPictures, testing::ValuesIn(modes_without_graphs()),
                         [](const auto &mode) { return mode_name(mode.param); });

TEST_P(LogPictures, BatchesInGrids) {
  for (const Shape &shape :
       {Shape{1, 1, 1, 1}, Shape{1, 1, 37, 23}, Shape{9, 1, 12, 31}, Shape{8, 1, 5, 5}, Shape{2, 5, 17, 8},
        Shape{3, 3, 21, 16}, Shape{1, 3, 9, 9}, Shape{5, 3, 3, 3}, Shape{2, 2, 3, 3}, Shape{3, 2, 1, 64}})
    for (const bv_grid_options &grid :
         {grid_options(1), grid_options(3, 0), grid_options(100, 1, 1), grid_options(2, 5, 0.4)}) {
      check_batch(shape, nullptr, &grid);
      check_batch(shape, nullptr, nullptr);
    }
}

TEST_P(LogPictures, AsTheOptionsSay) {
  std::vector<uint8_t> colours(256 * 3);
  for (uint8_t &byte : colours)
    byte = uint8_t(random_.below(256));
  bv_display_options options = BV_DISPLAY_OPTIONS_INIT;
  options.colour_map = colours.data();
  const bv_grid_options grid = grid_options(2);
  check_batch({3, 3, 14, 9}, &options, &grid);
  check_batch({4, 1, 14, 9}, &options, nullptr);
  options.colour_map = nullptr;
  options.scope = BV_SCOPE_BATCH;
  options.window = BV_WINDOW_MINMAX;
  check_batch({3, 3, 14, 9}, &options, nullptr);
  const bv_grid_options between = grid_options(2, 1, 0.7); // 178.5
  check_batch({3, 1, 14, 9}, &options, &between);
  options.rounding = BV_ROUNDING_NEAREST;
  check_batch({3, 1, 14, 9}, &options, &between);
}

TEST_P(LogPictures, PicturesAsTheyAre) {
  bv_tb_writer *writer = open();
  std::vector<Picture> expected;
  const bv_grid_options grid = grid_options(3, 2, 0.7);
  for (const Shape &shape :
       {Shape{7, 5}, Shape{7, 5, 1}, Shape{7, 5, 3}, Shape{7, 5, 4}, Shape{1, 7, 5, 3}, Shape{5, 7, 11, 1},
        Shape{11, 4, 6, 3}, Shape{3, 4, 6, 4}, Shape{2, 65537, 3}, Shape{65537, 2}}) {
    Array array(BV_U8, shape, Layout::Contiguous, random_);
    Memory memory(GetParam(), array.bytes);
    const bv_tensor tensor = array.tensor(memory.data(), device_of(GetParam()));
    EXPECT_DONE(bv_tb_add_image(writer, "pictures", int64_t(expected.size()), &tensor, &grid, stream_));
    const size_t first = shape.size() == 4 ? 1 : 0;
    expected.push_back(grid_of(array.elements(), first ? shape[0] : 1, shape[first], shape[first + 1],
                               shape.size() == 2 ? 1 : shape.back(), grid));
    // What comes later on the stream may write there.
    if (on_device(GetParam()))
      device::wait(stream_);
    memory.write(std::vector<uint8_t>(array.bytes.size(), 0x5a));
  }
  EXPECT_DONE(bv_tb_close(writer));
  const std::vector<Event> events = read_log(directory_).tagged("pictures");
  ASSERT_EQ(events.size(), expected.size());
  for (size_t i = 0; i < events.size(); ++i) {
    SCOPED_TRACE(i);
    EXPECT_EQ(events[i].step, int64_t(i));
    expect_picture(events[i], expected[i]);
  }
}

// libpng writes a million pixels, and no more unless it is told to; the reader of these tests cannot be told.
TEST_P(LogPictures, OfMoreThanAMillionPixelsAcross) {
  const int64_t shape[2] = {1, 1000001};
  Memory memory(GetParam(), std::vector<uint8_t>(size_t(shape[1]), 7));
  const bv_tensor tensor = bv_contiguous_tensor(memory.data(), BV_U8, device_of(GetParam()), 2, shape);
  bv_tb_writer *writer = open();
  EXPECT_DONE(bv_tb_add_image(writer, "wide", 0, &tensor, nullptr, stream_));
  EXPECT_DONE(bv_tb_close(writer));
  const std::vector<Event> events = read_log(directory_).tagged("wide");
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].width, shape[1]);
  EXPECT_EQ(events[0].png.substr(12, 12), std::string("IHDR\0\x0f\x42\x41\0\0\0\x01", 12));
  EXPECT_EQ(events[0].png.substr(events[0].png.size() - 8, 4), "IEND");
}

TEST_P(LogPictures, ManyThroughASmallQueue) {
  bv_tb_options options = BV_TB_OPTIONS_INIT;
  options.queue_entries = random_.between(1, 3);
  options.queue_bytes = 20000;
  bv_tb_writer *writer = open(&options);
  std::vector<Array> arrays;
  for (int64_t i = 0; i < 60; ++i) {
    arrays.emplace_back(BV_U8, Shape{random_.between(1, 60), random_.between(1, 70), 3}, Layout::Contiguous,
                        random_);
    Memory memory(GetParam(), arrays.back().bytes);
    const bv_tensor tensor = arrays.back().tensor(memory.data(), device_of(GetParam()));
    EXPECT_DONE(bv_tb_add_image(writer, "many", i, &tensor, nullptr, stream_));
    if (on_device(GetParam()))
      device::wait(stream_);
    EXPECT_LE(info_of(writer).waiting, i + 1);
  }
  EXPECT_DONE(bv_tb_flush(writer));
  const bv_tb_info info = info_of(writer);
  EXPECT_EQ(info.written, 60);
  EXPECT_EQ(info.waiting + info.dropped + info.lost, 0);
  EXPECT_DONE(bv_tb_close(writer));
  const std::vector<Event> events = read_log(directory_).tagged("many");
  ASSERT_EQ(events.size(), arrays.size());
  for (size_t i = 0; i < events.size(); ++i)
    expect_picture(events[i], {arrays[i].shape[0], arrays[i].shape[1], 3, arrays[i].elements()});
}

TEST_P(LogPictures, WhatCannotBeDrawnIsRefused) {
  bv_tb_writer *writer = open();
  Memory memory(GetParam(), std::vector<uint8_t>(4096, 1));
  const int32_t device = device_of(GetParam());
  const auto images = [&](Shape shape, bv_dtype dtype, const bv_grid_options *grid = nullptr,
                          const bv_display_options *options = nullptr) {
    const bv_tensor tensor =
        bv_contiguous_tensor(memory.data(), dtype, device, int32_t(shape.size()), shape.data());
    return bv_tb_add_images(writer, "tag", 0, &tensor, grid, options, stream_);
  };
  const auto image = [&](Shape shape, bv_dtype dtype = BV_U8) {
    const bv_tensor tensor =
        bv_contiguous_tensor(memory.data(), dtype, device, int32_t(shape.size()), shape.data());
    return bv_tb_add_image(writer, "tag", 0, &tensor, nullptr, stream_);
  };
  EXPECT_REFUSED(images({4, 4, 4}, BV_F32), BV_ERROR_SHAPE, "batch has 3 dimensions");
  EXPECT_REFUSED(images({4, 0, 4, 4}, BV_F32), BV_ERROR_SHAPE, "batch.shape[1] is 0");
  EXPECT_REFUSED(images({1, 1, 4, 4}, 77), BV_ERROR_TYPE, "");
  bv_grid_options grid = grid_options(0);
  EXPECT_REFUSED(images({1, 1, 4, 4}, BV_F32, &grid), BV_ERROR_VALUE, "grid.columns is 0");
  EXPECT_REFUSED(images({1, 1, 1 << 15, 1 << 16}, BV_U8), BV_ERROR_SHAPE, "at most 1073741824 bytes");
  EXPECT_REFUSED(images({int64_t(1) << 40, int64_t(1) << 40, 1, 1}, BV_U8), BV_ERROR_SHAPE, "");
  EXPECT_REFUSED(images({1, 1, 1 << 14, 1 << 13}, BV_U8), BV_ERROR_VALUE, "queue_bytes");
  bv_display_options options = BV_DISPLAY_OPTIONS_INIT;
  options.low = 101;
  EXPECT_REFUSED(images({1, 1, 4, 4}, BV_F32, nullptr, &options), BV_ERROR_VALUE, "options.low");
  EXPECT_REFUSED(bv_tb_add_images(writer, "tag", 0, nullptr, nullptr, nullptr, stream_), BV_ERROR_NULL,
                 "batch is NULL");

  EXPECT_REFUSED(image({4, 4}, BV_F32), BV_ERROR_TYPE, "pictures are f32");
  EXPECT_REFUSED(image({4}), BV_ERROR_SHAPE, "1 dimensions");
  EXPECT_REFUSED(image({1, 1, 4, 4, 3}), BV_ERROR_SHAPE, "5 dimensions");
  EXPECT_REFUSED(image({4, 4, 2}), BV_ERROR_SHAPE, "2 channels");
  EXPECT_REFUSED(image({4, 0, 3}), BV_ERROR_SHAPE, "pictures.shape[1] is 0");
  EXPECT_REFUSED(bv_tb_add_image(writer, "tag", 0, nullptr, nullptr, stream_), BV_ERROR_NULL,
                 "pictures is NULL");
  int64_t shape[3] = {4, 4, 3};
  bv_tensor tensor = bv_contiguous_tensor(memory.data(), BV_U8, device, 3, shape);
  grid = grid_options(8, -1);
  EXPECT_REFUSED(bv_tb_add_image(writer, "tag", 0, &tensor, &grid, stream_), BV_ERROR_VALUE,
                 "grid.padding is -1");
  tensor.stride[0] = 24;
  EXPECT_REFUSED(bv_tb_add_image(writer, "tag", 0, &tensor, nullptr, stream_), BV_ERROR_SHAPE,
                 "stride[0] is 24; it must be 12");
  tensor = bv_contiguous_tensor(nullptr, BV_U8, device, 3, shape);
  EXPECT_REFUSED(bv_tb_add_image(writer, "tag", 0, &tensor, nullptr, stream_), BV_ERROR_NULL,
                 "pictures.data is NULL");
  tensor = bv_contiguous_tensor(memory.data(), BV_U8, -2, 3, shape);
  EXPECT_REFUSED(bv_tb_add_image(writer, "tag", 0, &tensor, nullptr, stream_), BV_ERROR_DEVICE,
                 "pictures.device is -2");
  tensor.device = 1000;
  EXPECT_EQ(bv_tb_add_image(writer, "tag", 0, &tensor, nullptr, stream_),
            bv_built_with_cuda() ? BV_ERROR_DEVICE : BV_ERROR_NO_CUDA);
  const bv_tb_info info = info_of(writer);
  EXPECT_EQ(info.waiting + info.written + info.dropped + info.lost, 0);
  EXPECT_DONE(bv_tb_close(writer));
  EXPECT_TRUE(read_log(directory_).events.empty());
}

} // namespace
