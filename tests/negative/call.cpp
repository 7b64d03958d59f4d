// A sound call of every public function.
#include "call.h"

#include <gtest/gtest.h>

#include "random.h"

namespace {

constexpr size_t tensor_bytes = 8192; // to each of in, out, windows and mask

bool is_display(Function function) { return function <= Function::WorkspaceSize; }

bv_tensor contiguous(void *data, bv_dtype dtype, const std::vector<int64_t> &shape) {
  return bv_contiguous_tensor(data, dtype, BV_CPU, static_cast<int32_t>(shape.size()), shape.data());
}

} // namespace

const char *function_name(Function function) {
  switch (function) {
  case Function::Normalize: return "Normalize";
  case Function::Measure: return "Measure";
  case Function::Apply: return "Apply";
  case Function::WorkspaceSize: return "WorkspaceSize";
  case Function::ToUint8: return "ToUint8";
  case Function::Visualize2d: return "Visualize2d";
  case Function::VisualizeSlice: return "VisualizeSlice";
  }
  return "?";
}

Call::Call(Function which) : function(which), memory(4 * tensor_bytes + 256) {
  Random random;
  for (uint8_t &byte : memory)
    byte = static_cast<uint8_t>(random.bits() & 0x3f); // as floats: finite, some zero
  if (is_display(function)) {
    in = contiguous(at(0), BV_F32, {2, 3, 4, 5});
    out = contiguous(at(tensor_bytes), BV_F32, {2, 3, 4, 5});
  } else if (function == Function::ToUint8) {
    in = contiguous(at(0), BV_F32, {4, 5});
    out = contiguous(at(tensor_bytes), BV_U8, {4, 5});
  } else if (function == Function::Visualize2d) {
    in = contiguous(at(0), BV_F32, {4, 5});
    out = contiguous(at(tensor_bytes), BV_U8, {4, 5, 3});
  } else {
    in = contiguous(at(0), BV_F32, {4, 5, 6});
    out = contiguous(at(tensor_bytes), BV_U8, {4, 5, 3});
  }
  windows = contiguous(at(2 * tensor_bytes), BV_F64, {6, 2});
  mask = contiguous(at(3 * tensor_bytes), BV_U8, {4, 5});
}

std::vector<Call::NamedTensor> Call::tensors() {
  switch (function) {
  case Function::Normalize:
  case Function::WorkspaceSize: return {{"batch", &in, &in_pointer}, {"out", &out, &out_pointer}};
  case Function::Measure: return {{"batch", &in, &in_pointer}, {"windows", &windows, &windows_pointer}};
  case Function::Apply:
    return {{"batch", &in, &in_pointer}, {"out", &out, &out_pointer}, {"windows", &windows, &windows_pointer}};
  case Function::ToUint8:
  case Function::Visualize2d: return {{"image", &in, &in_pointer}, {"out", &out, &out_pointer}};
  case Function::VisualizeSlice: return {{"volume", &in, &in_pointer}, {"out", &out, &out_pointer}};
  }
  return {};
}

bv_status Call::run() {
  switch (function) {
  case Function::Normalize:
    return bv_normalize_batch_for_display(in_pointer, out_pointer, options_pointer, nullptr);
  case Function::Measure: return bv_measure_window(in_pointer, options_pointer, windows_pointer, nullptr);
  case Function::Apply:
    return bv_apply_window(in_pointer, windows_pointer, out_pointer, options_pointer, nullptr);
  case Function::WorkspaceSize:
    return bv_workspace_size(in_pointer, out_pointer, options_pointer, bytes_pointer);
  case Function::ToUint8: return bv_normalize_image_to_uint8(in_pointer, out_pointer, nullptr);
  case Function::Visualize2d: return bv_visualize_2d_image(in_pointer, out_pointer, nullptr);
  case Function::VisualizeSlice:
    return bv_visualize_one_slice_in_3d_image(in_pointer, axis, out_pointer, nullptr);
  }
  return BV_OK;
}

void Call::expect_refused(bv_status status, const std::vector<std::string> &words) {
  const std::vector<uint8_t> before = memory;
  bytes = 12345;
  const bv_status returned = run();
  const std::string message = bv_last_error();
  EXPECT_EQ(returned, status) << bv_status_string(returned) << " instead of " << bv_status_string(status)
                              << ": " << message;
  for (const std::string &word : words)
    EXPECT_NE(message.find(word), std::string::npos) << "'" << word << "' is not in: " << message;
  EXPECT_EQ(message.find('\n'), std::string::npos) << "more than one line: " << message;
  EXPECT_TRUE(memory == before) << "memory was written";
  EXPECT_EQ(bytes, 12345u);
}

void Call::expect_accepted() { EXPECT_EQ(run(), BV_OK) << bv_last_error(); }
