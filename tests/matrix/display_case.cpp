// One combination, run and compared with the oracle.
#include "display_case.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <optional>
#include <sstream>

#include "oracle.h"
#include "placed.h"

Shape DisplayCase::out_shape() const {
  switch (packing) {
  case Packing::Values: return batch;
  case Packing::PlaneRgb: return {batch[0], batch[1], batch[2], batch[3], 3};
  case Packing::PlaneRgba: return {batch[0], batch[1], batch[2], batch[3], 4};
  case Packing::ImageRgb: return {batch[0], batch[2], batch[3], 3};
  case Packing::ImageRgba: return {batch[0], batch[2], batch[3], 4};
  }
  return {};
}

bool DisplayCase::takes_colour_map() const {
  const bool of_planes = packing == Packing::PlaneRgb || packing == Packing::PlaneRgba;
  const bool of_images = packing == Packing::ImageRgb || packing == Packing::ImageRgba;
  return of_planes || (of_images && batch[1] == 1);
}

std::string DisplayCase::text() const {
  std::ostringstream text;
  text << bv_dtype_name(in_type) << " " << shape_text(batch) << " " << layout_name(in_layout) << " + "
       << in_offset << " bytes, " << data_name(data) << " " << filled_name(filled) << " -> "
       << bv_dtype_name(packing == Packing::Values ? out_type : BV_U8) << " " << shape_text(out_shape()) << " "
       << layout_name(out_layout) << " + " << out_offset << " bytes" << (in_place ? ", in place" : "")
       << (colour_map ? ", colour map" : "") << "; scope " << options.scope << ", foreground "
       << options.foreground << ", window " << options.window << ", rounding " << options.rounding
       << ", algorithm " << options.algorithm << ", percentiles " << options.low << " " << options.high
       << ", fixed " << options.lo << " " << options.hi << ", epsilon " << options.epsilon << ", floor "
       << options.floor;
  if (options.foreground == BV_FOREGROUND_MASK)
    text << ", mask " << shape_text(mask) << " " << layout_name(mask_layout);
  return text.str();
}

void expect_same_elements(const std::vector<uint8_t> &expected, const std::vector<uint8_t> &actual,
                          bv_dtype dtype, const char *what) {
  ASSERT_EQ(expected.size(), actual.size()) << what;
  const size_t size = bv_dtype_size(dtype);
  for (size_t at = 0; at < expected.size(); at += size)
    if (memcmp(&expected[at], &actual[at], size) != 0) {
      std::ostringstream text;
      text.precision(17);
      text << what << ", element " << at / size << " of " << expected.size() / size << ": expected "
           << oracle::decode(&expected[at], dtype) << ", is " << oracle::decode(&actual[at], dtype);
      FAIL() << text.str();
    }
}

namespace {

class DisplayRun {
public:
  DisplayRun(const DisplayCase &display, Mode mode, Random &random)
      : display_(display), mode_(mode), random_(random), options_(display.options),
        batch_(Array(display.in_type, display.batch, display.in_layout, random), mode, display.in_offset),
        windows_(Array(BV_F64, windows_shape(), random.pick({Layout::Contiguous, Layout::Shuffled}), random),
                 mode, 0) {
    if (options_.foreground == BV_FOREGROUND_MASK) {
      Array mask(BV_U8, display.mask, display.mask_layout, random);
      std::vector<uint8_t> elements(static_cast<size_t>(product(display.mask)));
      for (uint8_t &element : elements)
        element = static_cast<uint8_t>(random.one_in(2) ? random.between(1, 255) : 0);
      mask.bytes = mask.with_elements(elements);
      mask_.emplace(mask, mode, static_cast<size_t>(random.below(9)));
      options_.mask = &mask_->tensor;
    }
    if (display.colour_map) {
      for (uint8_t &component : colours_)
        component = static_cast<uint8_t>(random.bits());
      options_.colour_map = colours_;
    }
    if (!display.in_place) {
      const bv_dtype type = display.packing == Packing::Values ? display.out_type : bv_dtype{BV_U8};
      const Array out(type, display.out_shape(), display.out_layout, random);
      normalised_.emplace(out, mode, display.out_offset);
      applied_.emplace(out, mode, display.out_offset);
    }
    if (on_device(mode) && random.one_in(2))
      make_workspace();
  }

  void check() {
    Runner runner(mode_);
    const bool applies_in_place = display_.in_place && random_.one_in(2);
    fill();
    const bv_status status = runner.run([this, applies_in_place](bv_stream stream) {
      const bv_tensor &batch = batch_.tensor;
      const bv_tensor &out = display_.in_place ? batch : normalised_->tensor;
      bv_status result = bv_measure_window(&batch, &options_, &windows_.tensor, stream);
      if (result == BV_OK && !applies_in_place)
        result = bv_normalize_batch_for_display(&batch, &out, &options_, stream);
      if (result == BV_OK && (applies_in_place || !display_.in_place))
        result = bv_apply_window(&batch, &windows_.tensor, display_.in_place ? &out : &applied_->tensor,
                                 &options_, stream);
      return result;
    });
    ASSERT_EQ(status, BV_OK) << bv_last_error();
    compare();
    if (mode_ == Mode::Captured) { // nothing of the first run may have stayed in the record
      fill();
      ASSERT_EQ(runner.again(), BV_OK);
      compare();
    }
  }

private:
  Shape windows_shape() const {
    const Shape &batch = display_.batch;
    const int64_t groups = options_.scope == BV_SCOPE_PLANE   ? batch[0] * batch[1]
                           : options_.scope == BV_SCOPE_IMAGE ? batch[0]
                                                              : 1;
    return {groups, options_.window == BV_WINDOW_FIXED ? 2 : random_.between(2, 3)};
  }

  void make_workspace() {
    const bv_tensor &out = display_.in_place ? batch_.tensor : normalised_->tensor;
    size_t bytes[2] = {0, 0};
    ASSERT_EQ(bv_workspace_size(&batch_.tensor, &out, &options_, &bytes[0]), BV_OK) << bv_last_error();
    ASSERT_EQ(bv_workspace_size(&batch_.tensor, nullptr, &options_, &bytes[1]), BV_OK) << bv_last_error();
    options_.workspace_bytes = std::max(bytes[0], bytes[1]);
    workspace_ = std::make_unique<Memory>(mode_, std::vector<uint8_t>(options_.workspace_bytes, 0xe7));
    options_.workspace = workspace_->data();
  }

  void fill() {
    batch_.rewrite(
        make_pixels(display_.in_type, product(display_.batch), display_.data, display_.filled, random_));
    windows_.restore();
    if (!display_.in_place) {
      normalised_->restore();
      applied_->restore();
    }
  }

  void compare() {
    bv_display_options host = options_;
    bv_tensor host_mask;
    if (mask_) {
      host_mask = mask_->array.tensor();
      host.mask = &host_mask;
    }
    const bv_tensor batch = batch_.array.tensor();
    const std::vector<oracle::Window> expected = oracle::measure(batch, host);
    std::vector<uint8_t> columns;
    for (const oracle::Window &window : expected) {
      const double numbers[3] = {window.lo, window.hi, window.count};
      const uint8_t *first = reinterpret_cast<const uint8_t *>(numbers);
      columns.insert(columns.end(), first, first + 8 * windows_.array.shape[1]);
    }
    if (product(display_.batch) == 0)
      windows_.expect_untouched("windows of an empty batch");
    else
      windows_.expect(columns, "windows");

    const bv_tensor &out = display_.in_place ? batch_.tensor : normalised_->tensor;
    const std::vector<uint8_t> elements = oracle::apply(batch, expected, out, host);
    if (display_.in_place) {
      batch_.expect(elements, "batch, in place");
    } else {
      normalised_->expect(elements, "normalised");
      applied_->expect(elements, "applied");
      batch_.expect_untouched("batch");
    }
    if (mask_)
      mask_->expect_untouched("mask");
    if (workspace_) {
      EXPECT_TRUE(workspace_->canaries_intact()) << "bytes around the workspace were written";
    }
  }

  const DisplayCase &display_;
  const Mode mode_;
  Random &random_;
  bv_display_options options_;
  Placed batch_, windows_;
  std::optional<Placed> mask_, normalised_, applied_;
  std::unique_ptr<Memory> workspace_;
  uint8_t colours_[256 * 3];
};

} // namespace

void check_display(const DisplayCase &display, Mode mode, Random &random) {
  SCOPED_TRACE(display.text());
  DisplayRun(display, mode, random).check();
}
