// Tensors on two devices in one call, the CPU and CUDA device 0: refused before either is touched.
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "batchview/pictures.h"
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

// The functions of pictures.h: a tensor elsewhere, and host memory that is called a device's.
TEST(PicturesOnDevices, EveryTensorIsOnTheDeviceThatItSays) {
  BATCHVIEW_NEED_DEVICE(Mode::Eager);
  const Memory in(Mode::Eager, std::vector<uint8_t>(4096, 1)),
      out(Mode::Eager, std::vector<uint8_t>(4096, 0xa5));
  std::vector<uint8_t> host(4096, 0xa5);
  const int64_t shape[4] = {4, 4, 4, 3}, extents[3] = {6, 16, 3};
  const bv_grid_options grid = {sizeof grid, 3, 1, 0};
  struct {
    const char *in_name, *out_name;
    bv_dtype in_type, out_type;
    int in_ndim, out_ndim;
    const int64_t *out_shape;
    std::function<bv_status(const bv_tensor &, const bv_tensor &)> call;
  } functions[] = {
      {"labels", "pictures", BV_U8, BV_U8, 3, 4, shape,
       [](const bv_tensor &from, const bv_tensor &to) {
         return bv_overlay_labels(&to, &from, nullptr, 1, nullptr);
       }},
      {"image", "pictures", BV_U8, BV_U8, 3, 4, shape,
       [](const bv_tensor &from, const bv_tensor &to) {
         return bv_overlay_image(&to, &from, nullptr, 1, nullptr);
       }},
      {"volume", "out", BV_F32, BV_F32, 3, 2, shape,
       [](const bv_tensor &from, const bv_tensor &to) {
         return bv_project_volume(&from, 0, BV_PROJECTION_MAX, &to, nullptr);
       }},
      {"volume", "out", BV_F32, BV_U8, 3, 3, extents,
       [&grid](const bv_tensor &from, const bv_tensor &to) {
         return bv_make_orthogonal_views(&from, &to, nullptr, &grid, nullptr, nullptr);
       }},
  };
  for (const auto &function : functions) {
    SCOPED_TRACE(std::string(function.in_name) + ", " + function.out_name);
    const auto run = [&](void *from, int32_t from_device, void *to, int32_t to_device) {
      return function.call(
          bv_contiguous_tensor(from, function.in_type, from_device, function.in_ndim, shape),
          bv_contiguous_tensor(to, function.out_type, to_device, function.out_ndim, function.out_shape));
    };
    for (const bv_status status :
         {run(in.data(), 0, host.data(), BV_CPU), run(host.data(), BV_CPU, out.data(), 0),
          run(in.data(), 0, host.data(), 0), run(host.data(), 0, out.data(), 0)})
      EXPECT_EQ(status, BV_ERROR_DEVICE) << bv_last_error();
    EXPECT_NE(std::string(bv_last_error()).find(function.in_name), std::string::npos) << bv_last_error();
    EXPECT_EQ(host, std::vector<uint8_t>(4096, 0xa5));
    EXPECT_EQ(out.read(), std::vector<uint8_t>(4096, 0xa5));
  }
}

} // namespace
