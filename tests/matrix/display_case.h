// One combination of everything that bv_normalize_batch_for_display, bv_measure_window and bv_apply_window
// take, and its comparison with the oracle, bit for bit.
#ifndef BATCHVIEW_TESTS_DISPLAY_CASE_H
#define BATCHVIEW_TESTS_DISPLAY_CASE_H

#include <string>

#include "array.h"
#include "data.h"
#include "memory.h"

enum class Packing { Values, PlaneRgb, PlaneRgba, ImageRgb, ImageRgba };
inline const std::vector<Packing> all_packings = {Packing::Values, Packing::PlaneRgb, Packing::PlaneRgba,
                                                  Packing::ImageRgb, Packing::ImageRgba};
inline const std::vector<bv_dtype> float_types = {BV_F32, BV_F16, BV_BF16, BV_F64};

struct DisplayCase {
  bv_dtype in_type = BV_F32;
  Shape batch = {2, 3, 7, 9};
  Layout in_layout = Layout::Contiguous;
  Data data = Data::Uniform;
  Filled filled = Filled::Half;
  Packing packing = Packing::Values;
  bv_dtype out_type = BV_F32; // of Packing::Values; pictures are u8
  Layout out_layout = Layout::Contiguous;
  size_t in_offset = 0, out_offset = 0; // bytes, rounded down to whole elements
  bv_display_options options = BV_DISPLAY_OPTIONS_INIT;
  Shape mask = {}; // BV_FOREGROUND_MASK: the mask's shape
  Layout mask_layout = Layout::Contiguous;
  bool colour_map = false;
  bool in_place = false; // with out_type = in_type

  Shape out_shape() const;
  // Whether the packing holds a grey value three times, so that it can be coloured instead.
  bool takes_colour_map() const;
  std::string text() const;
};

// Runs the case with fresh pixels: measures, normalises, and applies what was measured.
void check_display(const DisplayCase &display, Mode mode, Random &random);

// Fails with the first difference, if there is any.
void expect_same_elements(const std::vector<uint8_t> &expected, const std::vector<uint8_t> &actual,
                          bv_dtype dtype, const char *what);

#endif
