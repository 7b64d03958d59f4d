// Tensors that no function takes: every tensor argument of every function is spoilt in every way.
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "call.h"

namespace {

constexpr int64_t largest = std::numeric_limits<int64_t>::max(), smallest = std::numeric_limits<int64_t>::min();

class EachTensor : public testing::TestWithParam<Function> {
protected:
  // Spoils each tensor argument in turn.
  template <typename Spoil>
  void refuse(bv_status status, const std::string &value, Spoil spoil, const std::string &field = "") {
    const size_t count = Call(GetParam()).tensors().size();
    for (size_t i = 0; i < count; ++i) {
      Call call(GetParam());
      Call::NamedTensor spoilt = call.tensors()[i];
      SCOPED_TRACE(spoilt.name);
      spoil(spoilt);
      call.expect_refused(status, {spoilt.name + field, value});
    }
  }
};

INSTANTIATE_TEST_SUITE_P(, EachTensor, testing::ValuesIn(all_functions),
                         [](const auto &function) { return function_name(function.param); });

using Named = Call::NamedTensor;

TEST_P(EachTensor, TheUnspoiltCallIsAccepted) { Call(GetParam()).expect_accepted(); }

TEST_P(EachTensor, NullTensor) {
  const size_t count = Call(GetParam()).tensors().size();
  for (size_t i = 0; i < count; ++i) {
    Call call(GetParam());
    Named spoilt = call.tensors()[i];
    *spoilt.pointer = nullptr;
    if (GetParam() == Function::WorkspaceSize && spoilt.name == "out")
      call.expect_accepted(); // asks for bv_measure_window
    else
      call.expect_refused(BV_ERROR_NULL, {spoilt.name, "NULL"});
  }
}

TEST_P(EachTensor, NullData) {
  refuse(
      BV_ERROR_NULL, "NULL", [](Named spoilt) { spoilt.tensor->data = nullptr; }, ".data");
}

TEST_P(EachTensor, MisalignedData) {
  refuse(
      BV_ERROR_VALUE, "multiple",
      [](Named spoilt) {
        if (bv_dtype_size(spoilt.tensor->dtype) == 1)
          spoilt.tensor->dtype = BV_I16; // a type that is refused as well, but later
        spoilt.tensor->data = static_cast<uint8_t *>(spoilt.tensor->data) + 1;
      },
      ".data");
}

TEST_P(EachTensor, NumberOfDimensionsOutOfRange) {
  for (int32_t ndim :
       {-1, BV_MAX_NDIM + 1, std::numeric_limits<int32_t>::max(), std::numeric_limits<int32_t>::min()})
    refuse(
        BV_ERROR_SHAPE, std::to_string(ndim), [ndim](Named spoilt) { spoilt.tensor->ndim = ndim; }, ".ndim");
}

TEST_P(EachTensor, NegativeExtent) {
  for (int64_t extent : {int64_t{-1}, int64_t{-4}, smallest})
    refuse(BV_ERROR_SHAPE, std::to_string(extent),
           [extent](Named spoilt) { spoilt.tensor->shape[1] = extent; });
}

TEST_P(EachTensor, NegativeExtentBesideAnEmptyOne) {
  refuse(BV_ERROR_SHAPE, "-7", [](Named spoilt) {
    spoilt.tensor->shape[0] = 0;
    spoilt.tensor->shape[1] = -7;
  });
}

TEST_P(EachTensor, UnknownType) {
  for (bv_dtype dtype : {-1, 10, 1000})
    refuse(
        BV_ERROR_TYPE, std::to_string(dtype), [dtype](Named spoilt) { spoilt.tensor->dtype = dtype; },
        ".dtype");
}

TEST_P(EachTensor, ExtentsWhoseProductOverflows) {
  refuse(BV_ERROR_SHAPE, std::to_string(largest), [](Named spoilt) { spoilt.tensor->shape[1] = largest; });
  refuse(BV_ERROR_SHAPE, std::to_string(int64_t{1} << 32), [](Named spoilt) { // a product of 0 in 64 bits
    spoilt.tensor->shape[0] = spoilt.tensor->shape[1] = int64_t{1} << 32;
  });
}

TEST_P(EachTensor, ExtentsWhoseProductOverflowsWithoutStrides) {
  refuse(BV_ERROR_SHAPE, std::to_string(largest), [](Named spoilt) {
    spoilt.tensor->shape[0] = spoilt.tensor->shape[1] = largest;
    spoilt.tensor->stride[0] = spoilt.tensor->stride[1] = 0;
  });
}

TEST_P(EachTensor, StridesThatLeaveTheAddressSpace) {
  for (int64_t stride : {largest, smallest, largest / 2, smallest / 2})
    refuse(BV_ERROR_SHAPE, std::to_string(stride),
           [stride](Named spoilt) { spoilt.tensor->stride[0] = stride; });
}

TEST_P(EachTensor, ExtentsWhoseProductOverflowsBesideAnEmptyOne) {
  refuse(BV_ERROR_SHAPE, std::to_string(largest), [](Named spoilt) {
    std::fill(spoilt.tensor->shape, spoilt.tensor->shape + spoilt.tensor->ndim, largest);
    spoilt.tensor->shape[spoilt.tensor->ndim - 1] = 0;
  });
}

TEST_P(EachTensor, DeviceBelowTheCpu) {
  for (int32_t device : {-2, std::numeric_limits<int32_t>::min()})
    refuse(
        BV_ERROR_DEVICE, std::to_string(device), [device](Named spoilt) { spoilt.tensor->device = device; },
        ".device");
}

TEST_P(EachTensor, DeviceThatDoesNotExist) {
  const bv_status status = bv_built_with_cuda() ? BV_ERROR_DEVICE : BV_ERROR_NO_CUDA;
  for (int32_t device : {1 << 20, std::numeric_limits<int32_t>::max()})
    refuse(
        status, std::to_string(device), [device](Named spoilt) { spoilt.tensor->device = device; }, ".device");
  if (!bv_built_with_cuda())
    refuse(
        BV_ERROR_NO_CUDA, "0", [](Named spoilt) { spoilt.tensor->device = 0; }, ".device");
}

TEST_P(EachTensor, NullBytes) {
  if (GetParam() != Function::WorkspaceSize)
    return;
  Call call(GetParam());
  call.bytes_pointer = nullptr;
  call.expect_refused(BV_ERROR_NULL, {"bytes", "NULL"});
}

// One dimension more or fewer than the function takes. An image has any rank, but its output follows it.
TEST_P(EachTensor, WrongNumberOfDimensions) {
  for (int32_t change : {-1, 1})
    for (size_t i = 0; i < Call(GetParam()).tensors().size(); ++i) {
      Call call(GetParam());
      Named spoilt = call.tensors()[i];
      spoilt.tensor->ndim += change;
      spoilt.tensor->shape[spoilt.tensor->ndim - 1] = 1;
      spoilt.tensor->stride[spoilt.tensor->ndim - 1] = 1;
      SCOPED_TRACE(spoilt.name);
      call.expect_refused(BV_ERROR_SHAPE, {spoilt.name, "shape"});
    }
}

} // namespace
