// Device tensors beyond 31 bits: a group with more pixels, a batch with very many planes. They need a GPU with
// memory for them, which would take a simulated one hours: BATCHVIEW_LARGE_GPU=1 asks for them.
#include <cuda_runtime_api.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <vector>

#include "memory.h"
#include "oracle.h"
#include "random.h"

namespace {

// 2.4 thousand million pixels; both odd, so that rows are misaligned
constexpr int64_t rows = 49003, columns = 49009;
// Far more than 65535, the most blocks of a grid's other axes
constexpr int64_t planes = (int64_t{1} << 22) + 3;

class LargeDevice : public testing::Test {
protected:
  void SetUp() override {
    if (!is_set("BATCHVIEW_LARGE_GPU"))
      GTEST_SKIP() << "BATCHVIEW_LARGE_GPU=1 runs it, on a GPU with 16 GiB of free memory";
    BATCHVIEW_NEED_DEVICE(Mode::Eager);
  }

  static bool is_free(int64_t bytes) {
    size_t free = 0, total = 0;
    EXPECT_EQ(cudaMemGetInfo(&free, &total), cudaSuccess);
    return free > size_t(bytes) + (size_t{1} << 30); // with a workspace
  }

  // Device memory of `bytes` bytes that repeats `period`.
  static void *repeated(const std::vector<uint8_t> &period, int64_t bytes) {
    auto *memory = static_cast<uint8_t *>(device::allocate(size_t(bytes)));
    int64_t done = std::min(int64_t(period.size()), bytes);
    EXPECT_EQ(cudaMemcpy(memory, period.data(), size_t(done), cudaMemcpyHostToDevice), cudaSuccess);
    while (done < bytes) {
      const int64_t more = std::min(done, bytes - done); // whole periods, until the last
      EXPECT_EQ(cudaMemcpy(memory + done, memory, size_t(more), cudaMemcpyDeviceToDevice), cudaSuccess);
      done += more;
    }
    EXPECT_EQ(cudaDeviceSynchronize(), cudaSuccess);
    return memory;
  }

  // Bytes of device memory that do not repeat `period`.
  static int64_t differences(const void *memory, const std::vector<uint8_t> &period, int64_t bytes) {
    int64_t wrong = 0;
    for (int64_t at = 0; at < bytes; at += int64_t(period.size())) {
      const int64_t length = std::min(int64_t(period.size()), bytes - at);
      const std::vector<uint8_t> piece =
          device::download(static_cast<const uint8_t *>(memory) + at, size_t(length));
      if (std::memcmp(piece.data(), period.data(), piece.size()) != 0)
        for (size_t i = 0; i < piece.size(); ++i)
          wrong += piece[i] != period[i];
    }
    return wrong;
  }

  // lo, hi and the number of pixels of each group.
  static std::vector<double> windows_of(const bv_tensor &batch, const bv_display_options &options,
                                        int64_t groups) {
    const int64_t shape[2] = {groups, 3};
    Memory memory(Mode::Eager, std::vector<uint8_t>(size_t(groups) * 24, 0xcd));
    const bv_tensor windows = bv_contiguous_tensor(memory.data(), BV_F64, device_of(Mode::Eager), 2, shape);
    EXPECT_EQ(
        Runner(Mode::Eager).run([&](bv_stream s) { return bv_measure_window(&batch, &options, &windows, s); }),
        BV_OK)
        << bv_last_error();
    EXPECT_TRUE(memory.canaries_intact());
    const std::vector<uint8_t> bytes = memory.read();
    std::vector<double> result(bytes.size() / sizeof(double));
    std::memcpy(result.data(), bytes.data(), bytes.size());
    return result;
  }

  Random random_;
};

// ---- Expectations --------------------------------------------------------------------------------------

// How often each value of the foreground occurs.
using Counts = std::map<double, int64_t>;

int64_t count_of(const Counts &counts) {
  int64_t n = 0;
  for (const auto &[value, times] : counts)
    n += times;
  return n;
}

double value_at(const Counts &counts, int64_t index) {
  for (const auto &[value, times] : counts) {
    if (index < times)
      return value;
    index -= times;
  }
  return NAN;
}

double percentile(const Counts &counts, double percent) {
  const int64_t n = count_of(counts);
  const double h = double(n - 1) * (percent / 100), t = h - std::floor(h);
  const int64_t j = int64_t(std::floor(h));
  const double a = value_at(counts, j), b = value_at(counts, std::min(j + 1, n - 1));
  return t < 0.5 ? a + (b - a) * t : b - (b - a) * (1 - t);
}

std::vector<double> expected_of(const Counts &counts, const bv_display_options &options) {
  if (options.window == BV_WINDOW_MINMAX)
    return {counts.begin()->first, counts.rbegin()->first, double(count_of(counts))};
  return {percentile(counts, options.low), percentile(counts, options.high), double(count_of(counts))};
}

// Pixels of a period: some background, and values of which each type has few enough to count.
template <typename Pixel> std::vector<Pixel> period_of(int64_t pixels, Random &random) {
  std::vector<Pixel> period(static_cast<size_t>(pixels));
  for (Pixel &pixel : period)
    pixel = random.one_in(16)
                ? Pixel(0)
                : Pixel(sizeof(Pixel) == 1 ? random.between(1, 255) : random.between(-99999, 99999));
  return period;
}

template <typename Pixel> std::vector<uint8_t> bytes_of(const std::vector<Pixel> &pixels) {
  std::vector<uint8_t> bytes(pixels.size() * sizeof(Pixel));
  std::memcpy(bytes.data(), pixels.data(), bytes.size());
  return bytes;
}

template <typename Pixel> Counts counts_of(const std::vector<Pixel> &period, int64_t pixels) {
  const int64_t length = int64_t(period.size());
  Counts counts;
  for (int64_t i = 0; i < length; ++i)
    if (const int64_t times = pixels / length + (i < pixels % length); period[size_t(i)] != 0 && times > 0)
      counts[double(period[size_t(i)])] += times;
  return counts;
}

std::vector<bv_display_options> some_options() {
  bv_display_options select = BV_DISPLAY_OPTIONS_INIT, range = BV_DISPLAY_OPTIONS_INIT;
  select.algorithm = BV_ALGORITHM_SELECT;
  select.low = 12.5;
  select.high = 93.75;
  range.window = BV_WINDOW_MINMAX;
  return {select, range};
}

} // namespace

// ---- One group -----------------------------------------------------------------------------------------

// Every row is the same memory.
TEST_F(LargeDevice, WindowsOfAGroupOfRepeatedRows) {
  const auto check = [&](auto pixel, bv_dtype dtype) {
    const auto row = period_of<decltype(pixel)>(columns, random_);
    const Memory memory(Mode::Eager, bytes_of(row));
    const int64_t shape[4] = {1, 1, rows, columns};
    bv_tensor batch = bv_contiguous_tensor(memory.data(), dtype, device_of(Mode::Eager), 4, shape);
    batch.stride[2] = 0;
    Counts counts = counts_of(row, columns);
    for (auto &[value, times] : counts)
      times *= rows;
    ASSERT_GT(count_of(counts), int64_t{1} << 31);
    for (const bv_display_options &options : some_options())
      EXPECT_EQ(windows_of(batch, options, 1), expected_of(counts, options)) << bv_dtype_name(dtype);
  };
  if (!is_free(int64_t{2} << 30)) // for candidates
    GTEST_SKIP() << "less than 3 GiB of device memory are free";
  check(uint8_t{}, BV_U8);
  check(float{}, BV_F32);
  check(double{}, BV_F64);
}

// One line without gaps, in memory of its own, and its picture in place.
TEST_F(LargeDevice, WindowAndPictureOfAGroup) {
  constexpr int64_t pixels = rows * columns;
  if (!is_free(pixels + (int64_t{1} << 30)))
    GTEST_SKIP() << "less than 5 GiB of device memory are free";
  const std::vector<uint8_t> period = period_of<uint8_t>(10000019, random_);
  const Counts counts = counts_of(period, pixels);
  ASSERT_GT(count_of(counts), int64_t{1} << 31);
  const int64_t shape[4] = {1, 1, rows, columns};
  for (const bv_display_options &options : some_options()) {
    void *memory = repeated(period, pixels);
    const bv_tensor batch = bv_contiguous_tensor(memory, BV_U8, device_of(Mode::Eager), 4, shape);
    const std::vector<double> window = expected_of(counts, options);
    EXPECT_EQ(windows_of(batch, options, 1), window);
    ASSERT_EQ(Runner(Mode::Eager).run([&](bv_stream stream) {
      return bv_normalize_batch_for_display(&batch, &batch, &options, stream);
    }),
              BV_OK)
        << bv_last_error();
    std::vector<uint8_t> picture = period;
    const int64_t line_shape[4] = {1, 1, 1, int64_t(period.size())};
    const bv_tensor line = bv_contiguous_tensor(picture.data(), BV_U8, BV_CPU, 4, line_shape);
    picture = oracle::apply(line, {{window[0], window[1], window[2]}}, line, options);
    EXPECT_EQ(differences(memory, picture, pixels), 0);
    device::release(memory);
  }
}

// Bytes beyond 33 bits.
TEST_F(LargeDevice, WindowsOfAGroupOfWidePixels) {
  constexpr int64_t pixels = rows * columns;
  if (!is_free(pixels * int64_t(sizeof(float)) + (int64_t{1} << 30)))
    GTEST_SKIP() << "less than 12 GiB of device memory are free";
  const std::vector<float> period = period_of<float>(10000019, random_);
  const Counts counts = counts_of(period, pixels);
  const int64_t shape[4] = {1, 1, rows, columns};
  void *memory = repeated(bytes_of(period), pixels * int64_t(sizeof(float)));
  const bv_tensor batch = bv_contiguous_tensor(memory, BV_F32, device_of(Mode::Eager), 4, shape);
  for (const bv_display_options &options : some_options())
    EXPECT_EQ(windows_of(batch, options, 1), expected_of(counts, options));
  device::release(memory);
}

// ---- Many groups ---------------------------------------------------------------------------------------

TEST_F(LargeDevice, WindowsAndPicturesOfVeryManyPlanes) {
  constexpr int64_t height = 3, width = 7, pixels = height * width, different = 1021;
  if (!is_free(int64_t{3} << 30)) // for the keys of a sort
    GTEST_SKIP() << "less than 4 GiB of device memory are free";
  const std::vector<uint8_t> period = period_of<uint8_t>(different * pixels, random_);
  const int64_t shape[4] = {planes, 1, height, width}, shape_of_period[4] = {different, 1, height, width};
  std::vector<uint8_t> copy = period; // a tensor is not of const
  const bv_tensor once = bv_contiguous_tensor(copy.data(), BV_U8, BV_CPU, 4, shape_of_period);
  void *memory = repeated(period, planes * pixels);
  void *out = device::allocate(size_t(planes * pixels));
  const bv_tensor batch = bv_contiguous_tensor(memory, BV_U8, device_of(Mode::Eager), 4, shape);
  const bv_tensor picture = bv_contiguous_tensor(out, BV_U8, device_of(Mode::Eager), 4, shape);
  for (int32_t window : {BV_WINDOW_PERCENTILE, BV_WINDOW_MINMAX}) {
    for (int32_t algorithm :
         {BV_ALGORITHM_AUTO, BV_ALGORITHM_SELECT, BV_ALGORITHM_SORT, BV_ALGORITHM_RESIDENT}) {
      SCOPED_TRACE(testing::Message() << "window " << window << ", algorithm " << algorithm);
      bv_display_options options = BV_DISPLAY_OPTIONS_INIT;
      options.scope = BV_SCOPE_PLANE;
      options.window = window;
      options.algorithm = algorithm;
      const std::vector<oracle::Window> expected = oracle::measure(once, options);
      const std::vector<double> measured = windows_of(batch, options, planes);
      int64_t wrong = 0;
      for (int64_t i = 0; i < planes; ++i) {
        const oracle::Window &is = expected[size_t(i % different)];
        const double *window_of_plane = &measured[size_t(3 * i)];
        wrong += window_of_plane[0] != is.lo || window_of_plane[1] != is.hi || window_of_plane[2] != is.count;
      }
      EXPECT_EQ(wrong, 0);
      ASSERT_EQ(cudaMemset(out, 0xcd, size_t(planes * pixels)), cudaSuccess);
      ASSERT_EQ(cudaDeviceSynchronize(), cudaSuccess);
      ASSERT_EQ(Runner(Mode::Eager).run([&](bv_stream stream) {
        return bv_normalize_batch_for_display(&batch, &picture, &options, stream);
      }),
                BV_OK)
          << bv_last_error();
      EXPECT_EQ(differences(out, oracle::apply(once, expected, once, options), planes * pixels), 0);
    }
  }
  device::release(memory);
  device::release(out);
}
