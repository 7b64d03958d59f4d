// Types and shapes that each exist, but that the function does not take, or not together.
#include <gtest/gtest.h>

#include <limits>

#include "call.h"

namespace {

using Shape = std::vector<int64_t>;

void reshape(bv_tensor &tensor, bv_dtype dtype, const Shape &shape) {
  tensor = bv_contiguous_tensor(tensor.data, dtype, BV_CPU, static_cast<int32_t>(shape.size()), shape.data());
}

std::string text(const Shape &shape) {
  std::string joined;
  for (int64_t extent : shape)
    joined += (joined.empty() ? "[" : ", ") + std::to_string(extent);
  return joined + "]";
}

TEST(Types, OutputsAreFloatsOrU8) {
  for (Function function : {Function::Normalize, Function::Apply, Function::WorkspaceSize})
    for (bv_dtype dtype : {BV_I8, BV_U16, BV_I16, BV_I32, BV_U32}) {
      Call call(function);
      call.out.dtype = dtype;
      call.expect_refused(BV_ERROR_TYPE, {"out", bv_dtype_name(dtype)});
    }
}

TEST(Types, PicturesOfImagesAreU8) {
  for (Function function : {Function::ToUint8, Function::Visualize2d, Function::VisualizeSlice})
    for (bv_dtype dtype : {BV_F32, BV_F16, BV_I8, BV_U32}) {
      Call call(function);
      call.out.dtype = dtype;
      call.expect_refused(BV_ERROR_TYPE, {"out", bv_dtype_name(dtype)});
    }
}

TEST(Types, WindowsAreF64) {
  for (Function function : {Function::Measure, Function::Apply})
    for (bv_dtype dtype : {BV_F32, BV_U8, BV_I32}) {
      Call call(function);
      call.windows.dtype = dtype;
      call.expect_refused(BV_ERROR_TYPE, {"windows", bv_dtype_name(dtype)});
    }
}

// The batch is [2, 3, 4, 5] but where another is given.
TEST(Packings, OtherShapesAreRefusedWithBothNamed) {
  const struct {
    Shape batch;
    bv_dtype dtype;
    Shape out;
  } cases[] = {
      {{2, 3, 4, 5}, BV_F32, {3, 2, 4, 5}},    {{2, 3, 4, 5}, BV_F32, {2, 3, 5, 4}},
      {{2, 3, 4, 5}, BV_F32, {2, 3, 20}},      {{2, 3, 4, 5}, BV_F32, {2, 3, 4, 5, 3}}, // floats are not RGB
      {{2, 3, 4, 5}, BV_F16, {2, 4, 5, 3}},    {{2, 3, 4, 5}, BV_U8, {2, 3, 4, 5, 1}},
      {{2, 3, 4, 5}, BV_U8, {2, 3, 4, 5, 2}},  {{2, 3, 4, 5}, BV_U8, {2, 3, 4, 5, 5}},
      {{2, 3, 4, 5}, BV_U8, {2, 3, 4, 6, 3}},  {{2, 3, 4, 5}, BV_U8, {2, 4, 5, 2}},
      {{2, 3, 4, 5}, BV_U8, {2, 5, 4, 3}},     {{2, 2, 4, 5}, BV_U8, {2, 4, 5, 3}}, // two channels are no pixel
      {{2, 4, 4, 5}, BV_U8, {2, 4, 5, 4}},     {{2, 0, 4, 5}, BV_U8, {2, 4, 5, 3}},
      {{2, 1, 4, 5}, BV_U8, {2, 4, 5, 1}},     {{2, 1, 4, 5}, BV_U8, {2, 4, 5}},
      {{1, 1, 4, 5}, BV_U8, {4, 5, 3}},        {{2, 3, 4, 5}, BV_U8, {}},
      {{2, 3, 4, 5}, BV_F32, {2, 3, 4, 5, 1}}, {{2, 3, 4, 0}, BV_F32, {2, 3, 0, 4}},
  };
  for (Function function : {Function::Normalize, Function::Apply, Function::WorkspaceSize})
    for (const auto &spoilt : cases) {
      Call call(function);
      reshape(call.in, BV_F32, spoilt.batch);
      reshape(call.out, spoilt.dtype, spoilt.out);
      reshape(call.windows, BV_F64, {spoilt.batch[0] * spoilt.batch[1], 2});
      const std::string out = spoilt.out.empty() ? "[]" : text(spoilt.out);
      call.expect_refused(BV_ERROR_SHAPE,
                          {"out", out, "batch", text(spoilt.batch), bv_dtype_name(spoilt.dtype)});
    }
}

// Sound, as nothing is read: the last element has an address, but extent times stride has none. The sanitizer
// of undefined behaviour watches the product.
TEST(Strides, TheStepBehindTheLastElementMayLeave63Bits) {
  const int64_t far = int64_t{1} << 62;
  for (int axis = 0; axis < 4; ++axis) {
    Call call(Function::WorkspaceSize);
    const Shape shape = axis < 2 ? Shape{2, 2, 1, 1} : Shape{1, 1, 2, 2};
    reshape(call.in, BV_U8, shape);
    reshape(call.out, BV_U8, shape);
    reshape(call.mask, BV_U8, shape);
    for (bv_tensor *tensor : {&call.in, &call.mask})
      tensor->stride[axis] = far;
    call.in.stride[axis ^ 1] = 0;
    call.out.stride[axis] = far;
    call.out.stride[axis ^ 1] = 1;
    call.options.foreground = BV_FOREGROUND_MASK;
    call.options.mask = &call.mask;
    call.expect_accepted();
  }
}

TEST(Windows, OneRowForEachGroupAndTwoOrThreeColumns) {
  const std::pair<int32_t, Shape> cases[] = {
      {BV_SCOPE_PLANE, {6, 1}}, {BV_SCOPE_PLANE, {6, 4}}, {BV_SCOPE_PLANE, {2, 6}},   {BV_SCOPE_PLANE, {7, 2}},
      {BV_SCOPE_PLANE, {2, 2}}, {BV_SCOPE_IMAGE, {6, 2}}, {BV_SCOPE_IMAGE, {1, 2}},   {BV_SCOPE_BATCH, {2, 2}},
      {BV_SCOPE_BATCH, {0, 2}}, {BV_SCOPE_BATCH, {2}},    {BV_SCOPE_PLANE, {6, 2, 1}}};
  for (Function function : {Function::Measure, Function::Apply}) {
    for (const auto &[scope, shape] : cases) {
      Call call(function);
      call.options.scope = scope;
      reshape(call.windows, BV_F64, shape);
      call.expect_refused(BV_ERROR_SHAPE, {"windows", text(shape)});
    }
    for (const auto &[scope, groups] : {std::pair(BV_SCOPE_PLANE, 6), {BV_SCOPE_IMAGE, 2}, {BV_SCOPE_BATCH, 1}})
      for (int64_t columns : {2, 3}) {
        Call call(function);
        call.options.scope = scope;
        reshape(call.windows, BV_F64, {groups, columns});
        call.expect_accepted();
      }
  }
}

TEST(Windows, FixedWindowsAreNotCounted) {
  Call call(Function::Measure);
  call.options.window = BV_WINDOW_FIXED;
  call.options.hi = 1;
  reshape(call.windows, BV_F64, {6, 3});
  call.expect_refused(BV_ERROR_SHAPE, {"windows", "[6, 3]", "BV_WINDOW_FIXED"});
}

TEST(Images, ThePictureHasTheImagesShape) {
  for (const Shape &shape : {Shape{5, 4}, Shape{4, 5, 1}, Shape{4, 5, 3}, Shape{20}, Shape{4, 6}}) {
    Call call(Function::ToUint8);
    reshape(call.out, BV_U8, shape);
    call.expect_refused(BV_ERROR_SHAPE, {"out", text(shape), "image", "[4, 5]"});
  }
  for (const Shape &shape : {Shape{4, 5}, Shape{5, 4, 3}, Shape{4, 5, 4}, Shape{3, 4, 5}, Shape{1, 4, 5, 3}}) {
    Call call(Function::Visualize2d);
    reshape(call.out, BV_U8, shape);
    call.expect_refused(BV_ERROR_SHAPE, {"out", text(shape), "image", "[4, 5]"});
  }
}

TEST(Volumes, ThePictureHasTheShapeOfTheOtherAxes) {
  const Shape right[3] = {{5, 6, 3}, {4, 6, 3}, {4, 5, 3}};
  for (int axis = 0; axis < 3; ++axis)
    for (int other = 0; other < 3; ++other) {
      Call call(Function::VisualizeSlice);
      call.axis = axis;
      reshape(call.out, BV_U8, right[other]);
      if (other == axis)
        call.expect_accepted();
      else
        call.expect_refused(BV_ERROR_SHAPE, {"out", text(right[other]), text(right[axis])});
    }
}

TEST(Volumes, AxesAreThree) {
  for (int axis : {-1, 3, 100, std::numeric_limits<int>::max(), std::numeric_limits<int>::min()}) {
    Call call(Function::VisualizeSlice);
    call.axis = axis;
    call.expect_refused(BV_ERROR_VALUE, {"axis should be 0, 1 or 2, got " + std::to_string(axis)});
  }
}

TEST(Volumes, AnEmptyAxisHasNoMiddle) {
  Call call(Function::VisualizeSlice);
  reshape(call.in, BV_F32, {4, 5, 0});
  call.expect_refused(BV_ERROR_SHAPE, {"volume", "[4, 5, 0]", "axis 2"});
}

} // namespace
