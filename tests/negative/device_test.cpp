// Tensors on two devices in one call, the CPU and CUDA device 0: refused before either is touched.
#include <gtest/gtest.h>

#include "call.h"
#include "memory.h"

namespace {

class MixedDevices : public testing::TestWithParam<Function> {
protected:
  void SetUp() override { BATCHVIEW_NEED_DEVICE(Mode::Eager); }
};

INSTANTIATE_TEST_SUITE_P(, MixedDevices, testing::ValuesIn(all_functions),
                         [](const auto &function) { return function_name(function.param); });

TEST_P(MixedDevices, EveryTensorIsWhereTheInputIs) {
  const Memory memory(Mode::Eager, std::vector<uint8_t>(8192, 0));
  for (size_t i = 0; i < Call(GetParam()).tensors().size(); ++i) {
    Call call(GetParam());
    Call::NamedTensor moved = call.tensors()[i];
    SCOPED_TRACE(moved.name);
    moved.tensor->device = 0;
    moved.tensor->data = memory.data();
    call.expect_refused(BV_ERROR_DEVICE, {moved.name, call.input().name, "-1"});
  }
  EXPECT_TRUE(memory.read() == std::vector<uint8_t>(8192, 0));
}

TEST_P(MixedDevices, TheMaskToo) {
  if (GetParam() > Function::WorkspaceSize)
    return; // takes no mask
  const Memory memory(Mode::Eager, std::vector<uint8_t>(64, 1));
  Call call(GetParam());
  call.options.foreground = BV_FOREGROUND_MASK;
  call.options.mask = &call.mask;
  call.mask.device = 0;
  call.mask.data = memory.data();
  call.expect_refused(BV_ERROR_DEVICE, {"options.mask.device", "batch.device"});
}

} // namespace
