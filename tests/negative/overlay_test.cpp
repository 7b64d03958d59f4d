// Each argument of bv_overlay_labels and bv_overlay_image spoilt in one place.
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "batchview/pictures.h"

namespace {

struct OverlayCall {
  bool is_image = false;
  std::vector<uint8_t> memory = std::vector<uint8_t>(2 * 4 * 5 * 4, 100);
  std::vector<int32_t> label_memory = std::vector<int32_t>(2 * 4 * 5, 1);
  bv_tensor pictures, labels;
  const bv_tensor *pictures_pointer = &pictures, *labels_pointer = &labels;
  double opacity = 0.5;

  OverlayCall() {
    const int64_t shape[4] = {2, 4, 5, 3};
    pictures = bv_contiguous_tensor(memory.data(), BV_U8, BV_CPU, 4, shape);
    labels = bv_contiguous_tensor(label_memory.data(), BV_I32, BV_CPU, 3, shape);
  }
  // With the same four bytes an element, and u8 where it is u8, as an image.
  void lay_image() {
    is_image = true;
    if (labels.dtype == BV_I32)
      labels.dtype = BV_F32;
  }
  bv_status run() const {
    return (is_image ? bv_overlay_image : bv_overlay_labels)(pictures_pointer, labels_pointer, nullptr, opacity,
                                                             nullptr);
  }
  void expect_refused(bv_status status, const std::vector<std::string> &words) {
    const std::vector<uint8_t> before = memory;
    EXPECT_EQ(run(), status) << bv_last_error();
    for (const std::string &word : words)
      EXPECT_NE(std::string(bv_last_error()).find(word), std::string::npos)
          << "\"" << word << "\" is not in: " << bv_last_error();
    EXPECT_EQ(memory, before) << "something was written";
  }
};

} // namespace

TEST(LabelsArguments, SoundOnesAreTaken) {
  OverlayCall call;
  EXPECT_EQ(bv_overlay_labels(&call.pictures, &call.labels, nullptr, 1, nullptr), BV_OK) << bv_last_error();
  EXPECT_EQ(call.memory[0], 230);
  call.pictures.shape[0] = call.labels.shape[0] = 0;
  EXPECT_EQ(bv_overlay_labels(&call.pictures, &call.labels, nullptr, 1, nullptr), BV_OK) << bv_last_error();
}

TEST(LabelsArguments, Pictures) {
  OverlayCall none, type, rank, components, itself, device;
  none.pictures_pointer = nullptr;
  none.expect_refused(BV_ERROR_NULL, {"pictures is NULL"});
  type.pictures.dtype = BV_I8;
  type.expect_refused(BV_ERROR_TYPE, {"pictures.dtype is i8"});
  rank.pictures.ndim = 2;
  rank.expect_refused(BV_ERROR_SHAPE, {"[2, 4]", "3 or 4"});
  components.pictures.shape[3] = 2;
  components.expect_refused(BV_ERROR_SHAPE, {"[2, 4, 5, 2]", "3 or 4"});
  itself.pictures.stride[0] = 0;
  itself.expect_refused(BV_ERROR_OVERLAP, {"pictures", "overlaps itself"});
  device.pictures.device = -7;
  device.expect_refused(BV_ERROR_DEVICE, {"pictures.device is -7"});
}

TEST(LabelsArguments, Labels) {
  OverlayCall none, type, extent, rank, device, overlap;
  none.labels_pointer = nullptr;
  none.expect_refused(BV_ERROR_NULL, {"labels is NULL"});
  for (bv_dtype dtype : {BV_F32, BV_F16, BV_BF16}) {
    type.labels.dtype = dtype;
    type.expect_refused(BV_ERROR_TYPE, {"labels.dtype is", "i32"});
  }
  extent.labels.shape[1] = 3;
  extent.expect_refused(BV_ERROR_SHAPE, {"[2, 3, 5]", "does not broadcast", "[2, 4, 5, 3]"});
  rank.labels = rank.pictures;
  rank.labels.shape[3] = 1;
  rank.expect_refused(BV_ERROR_SHAPE, {"does not broadcast"});
  device.labels.device = -3;
  device.expect_refused(BV_ERROR_DEVICE, {"labels.device is -3"});
  overlap.labels.dtype = BV_U8;
  overlap.labels.data = overlap.memory.data() + 7;
  overlap.expect_refused(BV_ERROR_OVERLAP, {"pictures", "overlaps labels"});
}

TEST(LabelsArguments, Opacity) {
  for (double opacity : {-0.1, 1.1, (double)NAN, (double)INFINITY}) {
    OverlayCall call;
    call.opacity = opacity;
    call.expect_refused(BV_ERROR_VALUE, {"opacity is", "0 to 1"});
    call.lay_image();
    call.expect_refused(BV_ERROR_VALUE, {"opacity is", "0 to 1"});
  }
}

TEST(ImageArguments, SoundOnesAreTaken) {
  OverlayCall call;
  call.lay_image();
  std::vector<float> values(2 * 4 * 5, 1);
  call.labels.data = values.data();
  call.opacity = 1;
  EXPECT_EQ(call.run(), BV_OK) << bv_last_error();
  EXPECT_EQ(call.memory[0], 255);
  call.pictures.shape[0] = call.labels.shape[0] = 0;
  EXPECT_EQ(call.run(), BV_OK) << bv_last_error();
}

TEST(ImageArguments, Pictures) {
  OverlayCall none, type;
  none.lay_image();
  none.pictures_pointer = nullptr;
  none.expect_refused(BV_ERROR_NULL, {"pictures is NULL"});
  type.lay_image();
  type.pictures.dtype = BV_F32;
  type.pictures.shape[0] = 1; // as much memory as before
  type.pictures.shape[1] = 2;
  type.expect_refused(BV_ERROR_TYPE, {"pictures.dtype is f32"});
}

TEST(ImageArguments, Image) {
  OverlayCall none, type, extent, device, overlap;
  for (OverlayCall *call : {&none, &type, &extent, &device, &overlap})
    call->lay_image();
  none.labels_pointer = nullptr;
  none.expect_refused(BV_ERROR_NULL, {"image is NULL"});
  for (bv_dtype dtype : {BV_I8, BV_U16, BV_I16, BV_I32, BV_U32}) {
    type.labels.dtype = dtype;
    type.expect_refused(BV_ERROR_TYPE, {"image.dtype is", "bf16 and f64"});
  }
  extent.labels.shape[2] = 4;
  extent.expect_refused(BV_ERROR_SHAPE, {"image of shape [2, 4, 4]", "does not broadcast", "[2, 4, 5, 3]"});
  device.labels.device = -3;
  device.expect_refused(BV_ERROR_DEVICE, {"image.device is -3"});
  overlap.labels.dtype = BV_U8;
  overlap.labels.data = overlap.memory.data() + 7;
  overlap.expect_refused(BV_ERROR_OVERLAP, {"pictures", "overlaps image"});
}
