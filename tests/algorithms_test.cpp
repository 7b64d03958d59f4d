// The device's algorithms and the CPU, compared bit for bit: pictures, windows and counts.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <cuda_runtime_api.h>

#include "batchview/batchview.h"

namespace {

constexpr size_t kMargin = 64; // bytes around outputs, which must stay as they are
constexpr uint8_t kPoison = 0x5a;

uint64_t Seed() {
  static const uint64_t seed = [] {
    const char *given = std::getenv("BATCHVIEW_SEED");
    uint64_t value = given ? std::strtoull(given, nullptr, 0) : std::random_device()();
    std::printf("BATCHVIEW_SEED=%llu\n", (unsigned long long)value);
    return value;
  }();
  return seed;
}

bool HasDevice() {
  int count = 0;
  bool has = cudaGetDeviceCount(&count) == cudaSuccess && count > 0;
  cudaGetLastError();
  return has;
}

#define NEEDS_DEVICE()                                             \
  do {                                                             \
    if (!HasDevice()) {                                            \
      const char *required = std::getenv("BATCHVIEW_REQUIRE_GPU"); \
      if (required && std::strcmp(required, "1") == 0)             \
        FAIL() << "no CUDA device, and BATCHVIEW_REQUIRE_GPU=1";   \
      GTEST_SKIP() << "no CUDA device";                            \
    }                                                              \
  } while (0)

// ---- Data -----------------------------------------------------------------------------------------------

using Random = std::mt19937_64;

// Pixel `i` of the `n` of a plane.
using Pattern = double (*)(Random &, size_t i, size_t n);

double Bell(Random &random) { return std::normal_distribution<double>(100, 30)(random); }

struct NamedPattern {
  const char *name;
  Pattern pixel;
};

const NamedPattern kPatterns[] = {
    {"a third background", [](Random &r, size_t, size_t) { return r() % 3 ? Bell(r) : 0.0; }},
    {"no background", [](Random &r, size_t, size_t) { return Bell(r); }},
    {"all background", [](Random &, size_t, size_t) { return 0.0; }},
    {"all equal", [](Random &, size_t, size_t) { return 7.0; }},
    {"two values", [](Random &, size_t i, size_t) { return i % 2 ? 3.0 : 5.0; }},
    {"two values, one rare", [](Random &r, size_t, size_t) { return r() % 50 ? 3.0 : 5.0; }},
    {"few values", [](Random &r, size_t, size_t) { return (double)(r() % 7); }},
    {"sorted", [](Random &, size_t i, size_t n) { return 120.0 * (double)i / (double)n; }},
    {"reversed", [](Random &, size_t i, size_t n) { return 120.0 * (double)(n - i) / (double)n; }},
    {"one bucket", [](Random &r, size_t, size_t) { return 100 + 1e-5 * (double)(r() % 1000); }},
    {"neighbouring numbers",
     [](Random &r, size_t, size_t) { return 1 + std::ldexp((double)(r() % 3000), -23); }},
    {"999 of 1000 background", [](Random &r, size_t, size_t) { return r() % 1000 ? 0.0 : Bell(r); }},
    {"one foreground pixel", [](Random &, size_t i, size_t n) { return i == n / 2 ? 42.0 : 0.0; }},
    {"NaN and infinities",
     [](Random &r, size_t, size_t) {
       switch (r() % 8) {
       case 0: return std::numeric_limits<double>::quiet_NaN();
       case 1: return std::numeric_limits<double>::infinity();
       case 2: return -std::numeric_limits<double>::infinity();
       case 3: return -0.0;
       case 4: return 0.0;
       default: return Bell(r) - 100;
       }
     }},
    {"denormals", [](Random &r, size_t, size_t) { return std::ldexp((double)(r() % 1000) - 300, -149); }},
    {"all magnitudes",
     [](Random &r, size_t, size_t) {
       return std::ldexp((r() % 2 ? 1 : -1) * (1 + (double)(r() % 1000) / 1000), (int)(r() % 200) - 100);
     }},
    // A regular grid of samples sees only the bright pixels.
    {"bright where samples may fall",
     [](Random &r, size_t i, size_t) { return i % 16 ? Bell(r) : 1e6 + Bell(r); }},
    // A bracket around the sampled percentile is full of one value that the percentile lies beside.
    {"ties beside the percentile",
     [](Random &r, size_t, size_t) {
       return r() % 100 < 2 ? 1 + (double)(r() % 100) : r() % 3 ? 200.0 : 201.0;
     }},
};

double Clamp(double x, double low, double high) {
  return std::isnan(x) ? low : std::min(std::max(x, low), high);
}

void Store(void *pixels, bv_dtype dtype, size_t at, double x) {
  switch (dtype) {
  case BV_F32: ((float *)pixels)[at] = (float)x; break;
  case BV_F64: ((double *)pixels)[at] = x; break;
  case BV_U8: ((uint8_t *)pixels)[at] = (uint8_t)Clamp(x, 0, 255); break;
  case BV_I8: ((int8_t *)pixels)[at] = (int8_t)Clamp(x, -128, 127); break;
  case BV_U16: ((uint16_t *)pixels)[at] = (uint16_t)Clamp(100 * x, 0, 65535); break;
  case BV_I16: ((int16_t *)pixels)[at] = (int16_t)Clamp(100 * x, -32768, 32767); break;
  case BV_I32: ((int32_t *)pixels)[at] = (int32_t)Clamp(1e6 * x, -2147483648.0, 2147483647.0); break;
  case BV_U32: ((uint32_t *)pixels)[at] = (uint32_t)Clamp(1e6 * x, 0, 4294967295.0); break;
  default: { // f16 and bf16, truncated
    float single = (float)x;
    uint32_t bits;
    std::memcpy(&bits, &single, sizeof bits);
    uint32_t sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
    uint16_t half;
    if (dtype == BV_BF16)
      half = (uint16_t)(bits >> 16);
    else if (magnitude >= 0x7f800000)
      half = (uint16_t)(sign | 0x7c00);
    else if (magnitude >= 0x47800000)
      half = (uint16_t)(sign | 0x7bff);
    else if (magnitude < 0x38800000)
      half = (uint16_t)(sign | (uint32_t)std::ldexp(std::fabs(single), 24));
    else
      half = (uint16_t)(sign | (magnitude - 0x38000000) >> 13);
    ((uint16_t *)pixels)[at] = std::isnan(x) ? (dtype == BV_F16 ? 0x7e00 : 0x7fc0) : half;
  }
  }
}

// ---- Cases ----------------------------------------------------------------------------------------------

enum Layout { kPlanes, kChannelsLast, kGapsBetweenRows, kColumns };
enum Packing { kSame, kRgb, kRgba, kInterleaved };

struct Case {
  int64_t shape[4] = {1, 1, 64, 64};
  bv_dtype in = BV_F32, out = BV_F32;
  Packing packing = kSame;
  Layout layout = kPlanes;
  int in_offset = 0, out_offset = 0; // elements that the first pixel is past an aligned address
  int scope = BV_SCOPE_PLANE, foreground = BV_FOREGROUND_NONZERO, window = BV_WINDOW_PERCENTILE;
  double low = 2, high = 98;
  const NamedPattern *pattern = &kPatterns[0];

  std::string Description() const {
    std::string text = pattern->name;
    for (int64_t extent : shape)
      text += " " + std::to_string(extent);
    return text + ", " + bv_dtype_name(in) + " to " + bv_dtype_name(out) + ", packing " +
           std::to_string(packing) + ", layout " + std::to_string(layout) + ", offsets " +
           std::to_string(in_offset) + " and " + std::to_string(out_offset) + ", scope " +
           std::to_string(scope) + ", foreground " + std::to_string(foreground) + ", window " +
           std::to_string(window) + ", percentiles " + std::to_string(low) + " and " + std::to_string(high);
  }
};

// Memory of the CPU, or a copy of it on the device.
class Memory {
public:
  explicit Memory(size_t bytes) : bytes_(bytes, kPoison) {}
  ~Memory() { cudaFree(device_); }
  Memory(const Memory &) = delete;

  uint8_t *host() { return bytes_.data(); }
  uint8_t *device() { return device_; }
  void ToDevice() {
    ASSERT_EQ(cudaMalloc((void **)&device_, bytes_.size()), cudaSuccess);
    ASSERT_EQ(cudaMemcpy(device_, bytes_.data(), bytes_.size(), cudaMemcpyHostToDevice), cudaSuccess);
  }
  std::vector<uint8_t> FromDevice() {
    std::vector<uint8_t> copy(bytes_.size());
    EXPECT_EQ(cudaMemcpy(copy.data(), device_, copy.size(), cudaMemcpyDeviceToHost), cudaSuccess);
    return copy;
  }
  const std::vector<uint8_t> &bytes() const { return bytes_; }

private:
  std::vector<uint8_t> bytes_;
  uint8_t *device_ = nullptr;
};

bv_tensor TensorIn(const Case &c, void *data) {
  bv_tensor batch = bv_contiguous_tensor(data, c.in, BV_CPU, 4, c.shape);
  const int64_t C = c.shape[1], H = c.shape[2], W = c.shape[3], pitch = W + 13;
  const int64_t strides[4][4] = {{C * H * W, H * W, W, 1},
                                 {C * H * W, 1, C * W, C},
                                 {C * H * pitch, H * pitch, pitch, 1},
                                 {C * H * W, H * W, 1, H}};
  std::memcpy(batch.stride, strides[c.layout], sizeof strides[0]);
  return batch;
}

bv_tensor TensorOut(const Case &c, void *data) {
  int64_t shape[5] = {c.shape[0], c.shape[1], c.shape[2], c.shape[3], c.packing == kRgba ? 4 : 3};
  if (c.packing == kSame)
    return bv_contiguous_tensor(data, c.out, BV_CPU, 4, shape);
  if (c.packing != kInterleaved)
    return bv_contiguous_tensor(data, BV_U8, BV_CPU, 5, shape);
  int64_t interleaved[4] = {c.shape[0], c.shape[2], c.shape[3], 3};
  return bv_contiguous_tensor(data, BV_U8, BV_CPU, 4, interleaved);
}

// One case on the CPU and on the device by every algorithm: same pictures, windows and counts, nothing else
// written.
void Compare(const Case &c, Random &random) {
  SCOPED_TRACE(c.Description());
  const int64_t *shape = c.shape;
  const size_t planes = (size_t)(shape[0] * shape[1]), plane = (size_t)(shape[2] * shape[3]),
               n = planes * plane;
  const size_t in_bytes = bv_dtype_size(c.in), out_bytes = bv_dtype_size(c.packing == kSame ? c.out : BV_U8);
  const int64_t groups = c.scope == BV_SCOPE_PLANE   ? shape[0] * shape[1]
                         : c.scope == BV_SCOPE_IMAGE ? shape[0]
                                                     : 1;

  Memory in((n + (c.layout == kGapsBetweenRows ? planes * (size_t)shape[2] * 13 : 0) + (size_t)c.in_offset) *
            in_bytes);
  Memory out(n * (c.packing == kSame || c.packing == kInterleaved ? 1 : 4) * out_bytes + 2 * kMargin +
             (size_t)c.out_offset * out_bytes);
  Memory windows((size_t)groups * 3 * sizeof(double)), mask(n);
  const size_t out_at = kMargin + (size_t)c.out_offset * out_bytes;
  bv_tensor batch = TensorIn(c, in.host() + (size_t)c.in_offset * in_bytes);
  bv_tensor picture = TensorOut(c, out.host() + out_at);
  const int64_t windows_shape[2] = {groups, 3};
  bv_tensor measured = bv_contiguous_tensor(windows.host(), BV_F64, BV_CPU, 2, windows_shape);
  bv_tensor inside = bv_contiguous_tensor(mask.host(), BV_U8, BV_CPU, 4, shape);

  for (size_t p = 0; p < planes; ++p)
    for (size_t i = 0; i < plane; ++i) {
      int64_t at = (int64_t)p / shape[1] * batch.stride[0] + (int64_t)p % shape[1] * batch.stride[1] +
                   (int64_t)i / shape[3] * batch.stride[2] + (int64_t)i % shape[3] * batch.stride[3];
      Store(batch.data, c.in, (size_t)at, c.pattern->pixel(random, i, plane));
      mask.host()[p * plane + i] = (uint8_t)(random() % 3);
    }
  in.ToDevice();
  out.ToDevice();
  windows.ToDevice();
  mask.ToDevice();

  bv_display_options options = BV_DISPLAY_OPTIONS_INIT;
  options.scope = c.scope;
  options.foreground = c.foreground;
  options.window = c.window;
  options.low = c.low;
  options.high = c.high;
  options.mask = c.foreground == BV_FOREGROUND_MASK ? &inside : nullptr;
  ASSERT_EQ(bv_normalize_batch_for_display(&batch, &picture, &options, nullptr), BV_OK) << bv_last_error();
  ASSERT_EQ(bv_measure_window(&batch, &options, &measured, nullptr), BV_OK) << bv_last_error();

  batch.data = in.device() + (size_t)c.in_offset * in_bytes;
  picture.data = out.device() + out_at;
  measured.data = windows.device();
  inside.data = mask.device();
  batch.device = picture.device = measured.device = inside.device = 0;
  const std::vector<uint8_t> untouched_out = out.FromDevice(), untouched_windows = windows.FromDevice();
  const struct {
    int32_t algorithm;
    const char *name;
  } algorithms[] = {
      {BV_ALGORITHM_SORT, "SORT"}, {BV_ALGORITHM_SELECT, "SELECT"}, {BV_ALGORITHM_RESIDENT, "RESIDENT"}};
  for (const auto &algorithm : algorithms) {
    SCOPED_TRACE(algorithm.name);
    options.algorithm = algorithm.algorithm;
    cudaMemcpy(out.device(), untouched_out.data(), untouched_out.size(), cudaMemcpyHostToDevice);
    cudaMemcpy(windows.device(), untouched_windows.data(), untouched_windows.size(), cudaMemcpyHostToDevice);
    bv_status status = bv_normalize_batch_for_display(&batch, &picture, &options, nullptr);
    if (algorithm.algorithm == BV_ALGORITHM_RESIDENT && status == BV_ERROR_VALUE && n > 4096)
      continue; // does not fit this device
    ASSERT_EQ(status, BV_OK) << bv_last_error();
    ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);
    EXPECT_TRUE(out.FromDevice() == out.bytes()) << "pictures differ";
    ASSERT_EQ(bv_measure_window(&batch, &options, &measured, nullptr), BV_OK) << bv_last_error();
    ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);
    std::vector<uint8_t> found = windows.FromDevice();
    EXPECT_TRUE(found == windows.bytes())
        << "windows differ; the first: " << ((double *)found.data())[0] << " " << ((double *)found.data())[1]
        << " " << ((double *)found.data())[2] << ", on the CPU " << ((double *)windows.host())[0] << " "
        << ((double *)windows.host())[1] << " " << ((double *)windows.host())[2];
  }
}

// ---- Tests ----------------------------------------------------------------------------------------------

class Patterns : public testing::TestWithParam<NamedPattern> {};

TEST_P(Patterns, SameBitsInAllTypes) {
  NEEDS_DEVICE();
  Random random(Seed());
  for (bv_dtype dtype = BV_F32; dtype <= BV_U32; ++dtype) {
    Case c;
    c.shape[0] = 2;
    c.shape[2] = 96;
    c.shape[3] = 100;
    c.in = dtype;
    c.out = dtype == BV_F64 ? BV_F64 : BV_F32;
    c.foreground = (int)(random() % 2);
    c.pattern = &GetParam();
    Compare(c, random);
  }
}

std::string PatternName(const testing::TestParamInfo<NamedPattern> &info) {
  std::string name;
  for (const char *c = info.param.name; *c; ++c)
    if (std::isalnum((unsigned char)*c))
      name += *c;
  return name;
}
INSTANTIATE_TEST_SUITE_P(Algorithms, Patterns, testing::ValuesIn(kPatterns), PatternName);

// Groups of several blocks, of clusters and of more than a cluster, with the ties that make brackets miss.
TEST(Algorithms, SameBitsInLargePlanes) {
  NEEDS_DEVICE();
  Random random(Seed());
  const int64_t sides[][2] = {{256, 256}, {300, 333}, {512, 512}};
  for (const auto &side : sides)
    for (size_t pattern : {0, 1, 9, 16, 17}) {
      Case c;
      c.shape[2] = side[0];
      c.shape[3] = side[1];
      c.packing = pattern % 2 ? kRgb : kSame;
      c.pattern = &kPatterns[pattern];
      Compare(c, random);
    }
}

class RandomCases : public testing::TestWithParam<int> {};

TEST_P(RandomCases, SameBits) {
  NEEDS_DEVICE();
  Random random(Seed() + (uint64_t)GetParam());
  for (int i = 0; i < 12; ++i) {
    Case c;
    c.shape[0] = 1 + (int64_t)(random() % 3);
    c.shape[1] = 1 + (int64_t)(random() % 3);
    c.shape[2] = 1 + (int64_t)(random() % 100);
    c.shape[3] = 1 + (int64_t)(random() % 100);
    c.in = (bv_dtype)(random() % 10);
    c.packing = (Packing)(random() % 4);
    c.out = (bv_dtype)(random() % 5);
    if (c.packing == kInterleaved)
      c.shape[1] = 3;
    c.layout = (Layout)(random() % 4);
    c.in_offset = (int)(random() % 17);
    c.out_offset = (int)(random() % 17);
    c.scope = (int)(random() % 3);
    c.foreground = (int)(random() % 3);
    c.window = (int)(random() % 4 == 0);
    c.low = (double)(random() % 101);
    c.high = c.low + (100 - c.low) * (double)(random() % 5) / 4;
    c.pattern = &kPatterns[random() % std::size(kPatterns)];
    Compare(c, random);
  }
}
INSTANTIATE_TEST_SUITE_P(Algorithms, RandomCases, testing::Range(0, 8));

} // namespace
