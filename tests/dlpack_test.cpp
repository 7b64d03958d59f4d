// Views of DLPack's three structs. Built twice where a dlpack.h is installed: with it, and without.
#include <gtest/gtest.h>

#include <cstddef>
#include <limits>
#include <string>

#include "batchview/dlpack.h"

namespace {

// The layout that DLPack fixes for all versions, on 64-bit machines.
static_assert(sizeof(void *) != 8 || (sizeof(DLTensor) == 48 && offsetof(DLTensor, device) == 8 &&
                                      offsetof(DLTensor, ndim) == 16 && offsetof(DLTensor, dtype) == 20 &&
                                      offsetof(DLTensor, shape) == 24 && offsetof(DLTensor, strides) == 32 &&
                                      offsetof(DLTensor, byte_offset) == 40),
              "DLTensor");
static_assert(sizeof(void *) != 8 ||
                  (sizeof(DLManagedTensor) == 64 && offsetof(DLManagedTensor, deleter) == 56),
              "DLManagedTensor");
static_assert(sizeof(void *) != 8 || (sizeof(DLManagedTensorVersioned) == 80 &&
                                      offsetof(DLManagedTensorVersioned, deleter) == 16 &&
                                      offsetof(DLManagedTensorVersioned, flags) == 24 &&
                                      offsetof(DLManagedTensorVersioned, dl_tensor) == 32),
              "DLManagedTensorVersioned");

class Dlpack : public testing::Test {
protected:
  Dlpack() {
    dltensor.data = pixels;
    set_device(1);
    set_type(2, 32);
    dltensor.ndim = 4;
    dltensor.shape = shape;
    dltensor.strides = strides;
    managed.dl_tensor = dltensor;
    versioned.version.major = 1;
    versioned.dl_tensor = dltensor;
  }

  void set_device(int type, int id = 0) {
    dltensor.device.device_type = static_cast<decltype(dltensor.device.device_type)>(type);
    dltensor.device.device_id = id;
  }

  void set_type(uint8_t code, uint8_t bits, uint16_t lanes = 1) { dltensor.dtype = {code, bits, lanes}; }

  bv_status convert() { return bv_tensor_from_dlpack(&dltensor, &tensor); }

  // Refused, with a message that holds both words, and without a change to the tensor.
  void expect_refused(bv_status returned, bv_status expected, const std::string &name,
                      const std::string &value) {
    const std::string message = bv_last_error();
    EXPECT_EQ(returned, expected) << message;
    EXPECT_NE(message.find(name), std::string::npos) << message;
    EXPECT_NE(message.find(value), std::string::npos) << message;
    EXPECT_EQ(tensor.data, &untouched);
    EXPECT_EQ(tensor.ndim, 77);
  }

  float pixels[120] = {}, untouched = 0;
  int64_t shape[9] = {2, 1, 4, 5, 1, 1, 1, 1, 1}, strides[9] = {60, 60, 12, 2, 1, 1, 1, 1, 1};
  DLTensor dltensor = {};
  DLManagedTensor managed = {};
  DLManagedTensorVersioned versioned = {};
  bv_tensor tensor = [this] {
    bv_tensor poisoned = {};
    poisoned.data = &untouched;
    poisoned.ndim = 77;
    return poisoned;
  }();
};

TEST_F(Dlpack, ViewsAllThreeForms) {
  for (int form = 0; form < 3; ++form) {
    tensor = {};
    const bv_status status = form == 0   ? bv_tensor_from_dlpack(&dltensor, &tensor)
                             : form == 1 ? bv_tensor_from_dlpack_managed(&managed, &tensor)
                                         : bv_tensor_from_dlpack_versioned(&versioned, 1, &tensor);
    ASSERT_EQ(status, BV_OK) << bv_last_error();
    EXPECT_EQ(tensor.data, pixels);
    EXPECT_EQ(tensor.dtype, BV_F32);
    EXPECT_EQ(tensor.device, BV_CPU);
    ASSERT_EQ(tensor.ndim, 4);
    for (int axis = 0; axis < 4; ++axis) {
      EXPECT_EQ(tensor.shape[axis], shape[axis]);
      EXPECT_EQ(tensor.stride[axis], strides[axis]);
    }
  }
}

TEST_F(Dlpack, NoStridesMeanCOrder) {
  dltensor.strides = nullptr;
  ASSERT_EQ(convert(), BV_OK) << bv_last_error();
  const int64_t expected[4] = {20, 20, 5, 1};
  for (int axis = 0; axis < 4; ++axis)
    EXPECT_EQ(tensor.stride[axis], expected[axis]);
}

TEST_F(Dlpack, TheByteOffsetIsAdded) {
  dltensor.byte_offset = 8;
  ASSERT_EQ(convert(), BV_OK);
  EXPECT_EQ(tensor.data, pixels + 2);
}

TEST_F(Dlpack, EmptyTensorsAndScalars) {
  dltensor.data = nullptr;
  dltensor.byte_offset = 64;
  shape[3] = 0;
  ASSERT_EQ(convert(), BV_OK);
  EXPECT_EQ(tensor.data, nullptr);
  dltensor.data = pixels;
  dltensor.ndim = 0;
  dltensor.shape = dltensor.strides = nullptr;
  ASSERT_EQ(convert(), BV_OK);
  EXPECT_EQ(tensor.ndim, 0);
}

TEST_F(Dlpack, TheViewIsWorkedOn) {
  for (int i = 0; i < 120; ++i)
    pixels[i] = static_cast<float>(i);
  uint8_t grey[40];
  DLTensor picture = dltensor;
  picture.data = grey;
  picture.dtype = {1, 8, 1};
  picture.strides = nullptr;
  bv_tensor out;
  ASSERT_EQ(convert(), BV_OK);
  ASSERT_EQ(bv_tensor_from_dlpack(&picture, &out), BV_OK);
  bv_display_options options = BV_DISPLAY_OPTIONS_INIT;
  options.window = BV_WINDOW_FIXED;
  options.hi = 255;
  ASSERT_EQ(bv_normalize_batch_for_display(&tensor, &out, &options, nullptr), BV_OK) << bv_last_error();
  for (int i = 0; i < 40; ++i)
    EXPECT_NEAR(grey[i], i / 20 * 60 + i / 5 % 4 * 12 + i % 5 * 2, 1);
}

TEST_F(Dlpack, EveryType) {
  const struct {
    uint8_t code, bits;
    bv_dtype dtype;
  } types[] = {{2, 32, BV_F32}, {2, 16, BV_F16}, {4, 16, BV_BF16}, {2, 64, BV_F64}, {1, 8, BV_U8},
               {0, 8, BV_I8},   {1, 16, BV_U16}, {0, 16, BV_I16},  {0, 32, BV_I32}, {1, 32, BV_U32}};
  for (const auto &type : types) {
    set_type(type.code, type.bits);
    ASSERT_EQ(convert(), BV_OK) << bv_last_error();
    EXPECT_EQ(tensor.dtype, type.dtype);
  }
}

TEST_F(Dlpack, OtherTypesAreRefused) {
  const uint8_t others[][2] = {{6, 8},  {0, 64}, {1, 64}, {2, 8}, {2, 128},
                               {4, 32}, {5, 64}, {3, 64}, {1, 1}, {255, 32}};
  for (const auto &other : others) {
    set_type(other[0], other[1]);
    expect_refused(convert(), BV_ERROR_TYPE, "dltensor.dtype", "code " + std::to_string(other[0]));
    EXPECT_NE(std::string(bv_last_error()).find(std::to_string(other[1]) + " bits"), std::string::npos);
  }
}

TEST_F(Dlpack, VectorsOfLanesAreRefused) {
  for (int lanes : {0, 4, 65535}) {
    set_type(2, 32, static_cast<uint16_t>(lanes));
    expect_refused(convert(), BV_ERROR_TYPE, "dltensor.dtype.lanes", std::to_string(lanes));
  }
}

TEST_F(Dlpack, Devices) {
  const int devices[][3] = {{1, 0, BV_CPU}, {1, 5, BV_CPU}, {3, 2, BV_CPU}, {2, 0, 0}, {2, 3, 3}, {13, 1, 1}};
  for (const auto &device : devices) {
    set_device(device[0], device[1]);
    ASSERT_EQ(convert(), BV_OK) << bv_last_error();
    EXPECT_EQ(tensor.device, device[2]);
  }
}

TEST_F(Dlpack, OtherDevicesAreRefused) {
  for (int type : {0, 4, 7, 8, 10, 11, 12, 14, 15}) {
    set_device(type);
    expect_refused(convert(), BV_ERROR_DEVICE, "device_type", std::to_string(type));
  }
  for (int type : {2, 13}) {
    set_device(type, -1);
    expect_refused(convert(), BV_ERROR_DEVICE, "device_id", "-1");
  }
}

TEST_F(Dlpack, NullPointers) {
  expect_refused(bv_tensor_from_dlpack(nullptr, &tensor), BV_ERROR_NULL, "dltensor", "NULL");
  expect_refused(bv_tensor_from_dlpack_managed(nullptr, &tensor), BV_ERROR_NULL, "managed", "NULL");
  expect_refused(bv_tensor_from_dlpack_versioned(nullptr, 0, &tensor), BV_ERROR_NULL, "managed", "NULL");
  expect_refused(bv_tensor_from_dlpack(&dltensor, nullptr), BV_ERROR_NULL, "tensor", "NULL");
  dltensor.shape = nullptr;
  expect_refused(convert(), BV_ERROR_NULL, "dltensor.shape", "NULL");
}

TEST_F(Dlpack, NumbersOfDimensions) {
  for (int ndim : {-1, BV_MAX_NDIM + 1, std::numeric_limits<int>::max()}) {
    dltensor.ndim = ndim;
    expect_refused(convert(), BV_ERROR_SHAPE, "dltensor.ndim", std::to_string(ndim));
  }
  dltensor.ndim = BV_MAX_NDIM;
  EXPECT_EQ(convert(), BV_OK);
}

TEST_F(Dlpack, ByteOffsetsBeyondMemory) {
  // Half of the address space on: the sum is an address, but no pointer may be moved so far.
  for (uint64_t offset : {UINT64_MAX, UINT64_MAX / 2 + 1, UINT64_MAX / 2 + 65}) {
    dltensor.byte_offset = offset;
    expect_refused(convert(), BV_ERROR_VALUE, "dltensor.byte_offset", std::to_string(offset));
    dltensor.data = nullptr;
    expect_refused(convert(), BV_ERROR_VALUE, "dltensor.byte_offset", std::to_string(offset));
    dltensor.data = pixels;
  }
}

TEST_F(Dlpack, ReadOnlyTensorsAreNoOutputs) {
  versioned.flags = 1;
  expect_refused(bv_tensor_from_dlpack_versioned(&versioned, 1, &tensor), BV_ERROR_VALUE, "managed.flags",
                 "read-only");
  EXPECT_EQ(bv_tensor_from_dlpack_versioned(&versioned, 0, &tensor), BV_OK);
  versioned.flags = 2; // the producer made a copy
  EXPECT_EQ(bv_tensor_from_dlpack_versioned(&versioned, 1, &tensor), BV_OK);
}

TEST_F(Dlpack, OtherMajorVersionsAreRefused) {
  for (uint32_t major : {0u, 2u}) {
    versioned.version.major = major;
    versioned.version.minor = 9;
    expect_refused(bv_tensor_from_dlpack_versioned(&versioned, 0, &tensor), BV_ERROR_VALUE, "managed.version",
                   std::to_string(major) + ".9");
  }
}

} // namespace
