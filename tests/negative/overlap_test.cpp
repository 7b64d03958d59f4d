// Memory that is shared: exactly in place is allowed, apart is allowed however interleaved, all else is
// refused.
#include <gtest/gtest.h>

#include <cstdlib>
#include <set>
#include <utility>

#include "array.h"
#include "call.h"

namespace {

void *beyond(void *data, int64_t bytes) { return static_cast<uint8_t *>(data) + bytes; }

// ---- Output and input --------------------------------------------------------------------------------------

TEST(Overlap, ExactlyInPlaceIsAllowed) {
  for (Function function : {Function::Normalize, Function::Apply, Function::WorkspaceSize}) {
    Call call(function);
    call.out = call.in;
    call.expect_accepted();
  }
  Call call(Function::ToUint8);
  call.in.dtype = BV_U8;
  call.out = call.in;
  call.expect_accepted();
}

TEST(Overlap, TheSameMemoryInAnotherWayIsRefused) {
  for (Function function : {Function::Normalize, Function::Apply, Function::WorkspaceSize}) {
    Call transposed(function);
    transposed.out = transposed.in;
    transposed.out.stride[0] = 20;
    transposed.out.stride[1] = 40;
    transposed.expect_refused(BV_ERROR_OVERLAP, {"out", "batch", "[2, 3, 4, 5]"});
    Call smaller(function);
    smaller.out.dtype = BV_F16;
    smaller.out.data = smaller.in.data;
    smaller.expect_refused(BV_ERROR_OVERLAP, {"out", "batch"});
    Call signs(function);
    signs.in.dtype = BV_I8;
    signs.out.dtype = BV_U8;
    signs.out.data = signs.in.data;
    signs.expect_refused(BV_ERROR_OVERLAP, {"out", "batch"});
  }
}

TEST(Overlap, OneCommonElementIsRefusedAndNeighboursAreAllowed) {
  for (Function function : all_functions) {
    if (function == Function::Measure)
      continue;
    const int64_t sizes[2] = {static_cast<int64_t>(bv_dtype_size(Call(function).in.dtype)),
                              static_cast<int64_t>(bv_dtype_size(Call(function).out.dtype))};
    int64_t bytes[2] = {sizes[0], sizes[1]}; // of in and out
    Call shapes(function);
    for (int axis = 0; axis < shapes.in.ndim; ++axis)
      bytes[0] *= shapes.in.shape[axis];
    for (int axis = 0; axis < shapes.out.ndim; ++axis)
      bytes[1] *= shapes.out.shape[axis];
    if (function != Function::VisualizeSlice) { // reads little of its volume: below
      Call last(function);
      last.out.data = beyond(last.in.data, bytes[0] - sizes[0]);
      last.expect_refused(BV_ERROR_OVERLAP, {"out", last.input().name});
    }
    Call first(function);
    first.in.data = beyond(first.out.data, (bytes[1] - 1) / sizes[0] * sizes[0]);
    first.expect_refused(BV_ERROR_OVERLAP, {"out", first.input().name});
    Call after(function);
    after.out.data = beyond(after.in.data, bytes[0]);
    after.expect_accepted();
  }
}

// Even and odd columns of one buffer.
TEST(Overlap, InterleavedViewsAreAllowed) {
  for (Function function : {Function::Normalize, Function::Apply, Function::WorkspaceSize}) {
    Call call(function);
    for (int axis = 0; axis < 4; ++axis)
      call.in.stride[axis] *= 2;
    call.out = call.in;
    call.out.data = beyond(call.in.data, 4);
    call.expect_accepted();
    call.out.data = beyond(call.in.data, 8); // now even columns both
    call.expect_refused(BV_ERROR_OVERLAP, {"out", "batch"});
  }
}

// Channels of one picture, whose rows end with a gap: however large it is, the elements lie between one
// another.
TEST(Overlap, ChannelsOfALargePictureAreApart) {
  const int64_t rows = 5000, columns = 7000, row = 4 * columns + 3;
  Call call(Function::WorkspaceSize);
  call.in = {call.at(0) + 3, BV_U8, BV_CPU, 4, {1, 1, rows, columns}, {0, 0, row, 4}};
  call.out = {call.at(0), BV_U8, BV_CPU, 4, {1, rows, columns, 3}, {0, row, 4, 1}};
  call.expect_accepted();
  call.in.data = call.at(0) + 2;
  call.expect_refused(BV_ERROR_OVERLAP, {"out", "batch"});
  call.out = {call.at(0), BV_U8, BV_CPU, 4, {1, 1, rows, columns}, {0, 0, row, 4}};
  call.expect_accepted();
  std::swap(call.in.data, call.out.data);
  call.expect_accepted();
}

TEST(Overlap, ASliceOfTheVolumeThatIsNotShownMayNotBeWrittenEither) {
  Call call(Function::VisualizeSlice);
  call.in.dtype = BV_U8;
  call.in.shape[0] = 100;
  call.axis = 0;
  const int64_t shape[3] = {call.in.shape[1], call.in.shape[2], 3};
  call.out = bv_contiguous_tensor(call.in.data, BV_U8, BV_CPU, 3, shape);
  call.expect_refused(BV_ERROR_OVERLAP, {"out", "volume"});
}

// ---- Windows
// -------------------------------------------------------------------------------------------------

TEST(Overlap, WindowsThatAreWrittenLieApartFromTheBatch) {
  Call call(Function::Measure);
  call.windows.data = beyond(call.in.data, 8);
  call.expect_refused(BV_ERROR_OVERLAP, {"windows", "batch"});
}

TEST(Overlap, WindowsThatAreReadLieApartFromTheOutput) {
  Call call(Function::Apply);
  call.windows.data = beyond(call.out.data, 8);
  call.expect_refused(BV_ERROR_OVERLAP, {"out", "windows"});
}

TEST(Overlap, InputsMayShareMemory) {
  Call call(Function::Apply);
  call.windows.data = call.in.data;
  call.expect_accepted();
  Call broadcast(Function::Apply); // one window for all groups
  broadcast.windows.stride[0] = 0;
  broadcast.expect_accepted();
  Call masked(Function::Normalize);
  masked.options.foreground = BV_FOREGROUND_MASK;
  masked.options.mask = &masked.mask;
  masked.mask.data = masked.in.data;
  masked.expect_accepted();
}

TEST(Overlap, WindowsThatOverlapThemselves) {
  Call call(Function::Measure);
  call.windows.stride[0] = 1;
  call.expect_refused(BV_ERROR_OVERLAP, {"windows", "[6, 2]"});
}

// ---- Output and itself
// ---------------------------------------------------------------------------------------

TEST(Overlap, OutputsThatOverlapThemselves) {
  for (Function function : all_functions) {
    if (function == Function::Measure)
      continue;
    for (int axis = 0; axis < Call(function).out.ndim; ++axis) {
      Call zero(function);
      zero.out.stride[axis] = 0;
      zero.expect_refused(BV_ERROR_OVERLAP, {"out"});
    }
    Call rows(function);
    const int axis = rows.out.ndim - 2;
    rows.out.stride[axis] = rows.out.shape[axis + 1] * rows.out.stride[axis + 1] - 1;
    rows.expect_refused(BV_ERROR_OVERLAP, {"out"});
  }
}

TEST(Overlap, StridesOfSingleElementsDoNotMatter) {
  Call call(Function::Normalize);
  call.in.shape[1] = call.out.shape[1] = 1;
  call.out.stride[1] = 0;
  call.expect_accepted();
  call.out.stride[1] = INT64_MIN;
  call.expect_accepted();
  call.in.stride[1] = INT64_MAX;
  call.expect_accepted();
}

// ---- Against plain enumeration
// -------------------------------------------------------------------------------

// A random small view into a buffer of 512 bytes; negative, zero and interleaving strides are likely.
bv_tensor random_view(const Shape &shape, bv_dtype dtype, uint8_t *buffer, Random &random) {
  const int64_t size = static_cast<int64_t>(bv_dtype_size(dtype));
  for (;;) {
    bv_tensor view = bv_contiguous_tensor(nullptr, dtype, BV_CPU, 4, shape.data());
    int64_t first = 0, last = 0;
    for (int axis = 0; axis < 4; ++axis) {
      view.stride[axis] =
          random.one_in(4) ? random.between(-12, 12) : random.pick({1, 2, 3, 4, 6, 8, 12, 16, -2, -8});
      int64_t reach = (shape[static_cast<size_t>(axis)] - 1) * view.stride[axis];
      (reach < 0 ? first : last) += reach;
    }
    const int64_t room = 512 / size - (last - first + 1);
    if (room < 0)
      continue;
    view.data = buffer + (random.between(0, room) - first) * size;
    return view;
  }
}

std::multiset<const uint8_t *> bytes_of(const bv_tensor &view) {
  std::multiset<const uint8_t *> bytes;
  const int64_t size = static_cast<int64_t>(bv_dtype_size(view.dtype));
  for (int64_t number : element_numbers(Shape(view.shape, view.shape + 4), Shape(view.stride, view.stride + 4)))
    for (int64_t byte = 0; byte < size; ++byte)
      bytes.insert(static_cast<const uint8_t *>(view.data) + number * size + byte);
  return bytes;
}

TEST(Overlap, EqualsEnumerationOfAllBytes) {
  Random random;
  alignas(16) static uint8_t buffer[512];
  int refused = 0, accepted = 0;
  for (int repeat = 0; repeat < 4000; ++repeat) {
    const Shape shape = {random.between(1, 2), random.between(1, 3), random.between(1, 4),
                         random.between(1, 4)};
    const bv_tensor in = random_view(shape, random.pick({BV_F32, BV_U8, BV_F16}), buffer, random);
    const bv_tensor out = random_view(shape, random.pick({BV_F32, BV_U8, BV_F16}), buffer, random);
    const std::multiset<const uint8_t *> read = bytes_of(in), written = bytes_of(out);
    const std::set<const uint8_t *> distinct(written.begin(), written.end());
    bool shared = distinct.size() != written.size();
    for (const uint8_t *byte : distinct)
      shared = shared || read.count(byte) > 0;
    bool in_place = in.data == out.data && in.dtype == out.dtype && distinct.size() == written.size();
    for (int axis = 0; axis < 4; ++axis)
      in_place = in_place && (in.shape[axis] == 1 || in.stride[axis] == out.stride[axis]);
    size_t bytes;
    const bv_status status = bv_workspace_size(&in, &out, nullptr, &bytes);
    ASSERT_EQ(status, shared && !in_place ? BV_ERROR_OVERLAP : BV_OK)
        << "shape " << shape_text(shape) << ", in " << bv_dtype_name(in.dtype) << " strides "
        << shape_text(Shape(in.stride, in.stride + 4)) << " at " << static_cast<uint8_t *>(in.data) - buffer
        << ", out " << bv_dtype_name(out.dtype) << " strides " << shape_text(Shape(out.stride, out.stride + 4))
        << " at " << static_cast<uint8_t *>(out.data) - buffer;
    (status == BV_OK ? accepted : refused) += 1;
  }
  EXPECT_GT(accepted, 100);
  EXPECT_GT(refused, 100);
}

} // namespace
