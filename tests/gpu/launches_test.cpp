// How kernels are launched: in clusters of every size, whose blocks read and write each other's shared memory;
// in blocks that wait for each other; and what a device that refuses either costs.
#include <cuda_runtime_api.h>
#include <dlfcn.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <string>
#include <tuple>
#include <vector>

#include "outcome.h"
#include "random.h"

// The launches of the library, on their way to the runtime.
namespace {
std::atomic<unsigned> blocks_of_cluster{0}, launches_together{0};
std::atomic<bool> refuses_together{false};
} // namespace

extern "C" __attribute__((visibility("default"))) cudaError_t
cudaLaunchKernelExC(const cudaLaunchConfig_t *config, const void *kernel, void **arguments) {
  static auto *const next =
      reinterpret_cast<decltype(&cudaLaunchKernelExC)>(dlsym(RTLD_NEXT, "cudaLaunchKernelExC"));
  for (unsigned i = 0; i < config->numAttrs; ++i) {
    const cudaLaunchAttribute &attribute = config->attrs[i];
    if (attribute.id == cudaLaunchAttributeClusterDimension)
      blocks_of_cluster = attribute.val.clusterDim.x;
    if (attribute.id == cudaLaunchAttributeCooperative && attribute.val.cooperative) {
      ++launches_together;
      if (refuses_together)
        return cudaErrorCooperativeLaunchTooLarge;
    }
  }
  return next(config, kernel, arguments);
}

namespace {

class Launches : public testing::TestWithParam<std::tuple<Mode, bv_dtype>> {
protected:
  void SetUp() override { BATCHVIEW_NEED_DEVICE(Mode::Eager); }

  static bv_dtype type() { return std::get<1>(GetParam()); }

  static std::vector<uint8_t> encode(const std::vector<double> &values) {
    const bv_dtype dtype = type();
    const size_t size = bv_dtype_size(dtype);
    std::vector<uint8_t> bytes(values.size() * size);
    for (size_t i = 0; i < values.size(); ++i) {
      const float single = static_cast<float>(values[i]);
      const int64_t integer = std::llround(values[i]);
      const void *pixel = dtype == BV_F64   ? static_cast<const void *>(&values[i])
                          : dtype == BV_F32 ? static_cast<const void *>(&single)
                                            : static_cast<const void *>(&integer);
      std::memcpy(&bytes[i * size], pixel, size);
    }
    return bytes;
  }

  // A part of the pixels are few neighbouring numbers, all others far above.
  std::vector<double> values_with_a_gap(int64_t pixels, int64_t below) {
    std::vector<double> values(static_cast<size_t>(pixels));
    for (int64_t i = 0; i < pixels; ++i)
      values[size_t(i)] = i < below ? double(100 + random_.below(32)) : double(random_.between(20000, 30000));
    for (int64_t i = pixels - 1; i > 0; --i)
      std::swap(values[size_t(i)], values[size_t(random_.between(0, i))]);
    return values;
  }

  void expect_what_the_cpu_makes(const std::vector<double> &values, bv_display_options options) {
    SCOPED_TRACE(testing::Message() << values.size() << " pixels of type " << bv_dtype_name(type())
                                    << ", percentiles " << options.low << " and " << options.high);
    const int64_t shape[4] = {1, 1, 1, static_cast<int64_t>(values.size())};
    const std::vector<uint8_t> pixels = encode(values);
    const Outcome cpu = outcome_of(Mode::Cpu, pixels, type(), shape, options);
    const Outcome device = outcome_of(std::get<0>(GetParam()), pixels, type(), shape, options);
    ASSERT_EQ(cpu.status, BV_OK) << bv_last_error();
    ASSERT_EQ(device.status, BV_OK) << bv_last_error();
    EXPECT_EQ(device.windows, cpu.windows);
    EXPECT_EQ(device.picture, cpu.picture);
    EXPECT_EQ(cudaPeekAtLastError(), cudaSuccess);
  }

  Random random_;
};

INSTANTIATE_TEST_SUITE_P(, Launches,
                         testing::Combine(testing::Values(Mode::Eager, Mode::Captured),
                                          testing::Values(BV_I32, BV_U32, BV_F64, BV_F32, BV_I16, BV_U8)),
                         [](const auto &each) {
                           return std::string(mode_name(std::get<0>(each.param))) + "_" +
                                  bv_dtype_name(std::get<1>(each.param));
                         });

} // namespace

// One picture is cut into pieces of 4096 pixels or a few more. The low percentile lies between the largest of
// the small numbers and the smallest of the others, which blocks find each for themselves.
TEST_P(Launches, ClustersOfEverySize) {
  cudaDeviceProp properties;
  ASSERT_EQ(cudaGetDeviceProperties(&properties, 0), cudaSuccess);
  for (const unsigned blocks : {1u, 2u, 4u, 8u, 16u})
    for (int turn = 0; turn < 4; ++turn) {
      const int64_t pixels = blocks * random_.between(4096, 7000);
      const int64_t below = turn % 2 ? random_.between(1, pixels / 2) : pixels / 5;
      bv_display_options options = BV_DISPLAY_OPTIONS_INIT;
      options.low = 100 * (double(below) - random_.uniform(0.1, 0.9)) / double(pixels - 1);
      options.high = random_.uniform(options.low, 100);
      blocks_of_cluster = 1;
      expect_what_the_cpu_makes(values_with_a_gap(pixels, below), options);
      if (properties.major == 9) { // of 16 blocks where a part of the device has room for them
        EXPECT_EQ(std::min<unsigned>(blocks_of_cluster, 8), std::min(blocks, 8u));
      }
    }
}

// As a share of a device does (MPS, a green context) that has no room for all blocks at once.
TEST_P(Launches, BlocksThatCannotRunTogetherWorkAlone) {
  const int64_t pixels = random_.between(150000, 200000), below = pixels / 5;
  bv_display_options options = BV_DISPLAY_OPTIONS_INIT;
  options.algorithm = BV_ALGORITHM_SELECT;
  std::vector<double> values = values_with_a_gap(pixels, below);
  for (int turn = 0; turn < 3; ++turn) {
    // With percentiles in a value's bracket, beside it, and where a sorted picture's sample misleads
    options.low = turn % 2 ? 100 * (double(below) - 0.5) / double(pixels - 1) : random_.uniform(0, 50);
    options.high = random_.uniform(options.low, 100);
    if (turn == 2)
      std::sort(values.begin(), values.end());
    refuses_together = true;
    launches_together = 0;
    expect_what_the_cpu_makes(values, options);
    refuses_together = false;
    if (bv_dtype_size(type()) > 1) {
      EXPECT_GT(launches_together, 0u);
    }
  }
}
