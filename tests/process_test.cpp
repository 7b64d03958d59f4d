// What the program around a call may have done: forked, changed the floating-point environment, or asked for
// more threads and pixels than any machine has memory for.
#include <gtest/gtest.h>

#include <cfenv>
#include <cstring>
#include <string>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>
#if defined(__SSE__)
#include <xmmintrin.h>
#endif

#if defined(_OPENMP)
#include <omp.h>
#endif

#include "array.h"
#include "batchview/selection.h"
#include "data.h"

// Sanitizers end the program where malloc() would fail, unless told otherwise by functions that they find.
extern "C" {
#pragma GCC visibility push(default)
const char *__asan_default_options();
const char *__tsan_default_options();
const char *__asan_default_options() { return "allocator_may_return_null=1"; }
const char *__tsan_default_options() { return "allocator_may_return_null=1"; }
#pragma GCC visibility pop
}

namespace {

// Batches for one thread, for a group a thread, and for threads that share a group.
const std::vector<Shape> shapes = {{2, 1, 20, 30}, {4, 1, 90, 100}, {1, 1, 520, 510}};

#if defined(__SSE__)
void flush_denormals() { _mm_setcsr(_mm_getcsr() | 0x8040); }
#endif

Array make_batch(bv_dtype dtype, const Shape &shape, Data data, Random &random) {
  Array batch(dtype, shape, Layout::Contiguous, random);
  batch.bytes = make_pixels(dtype, product(shape), data, Filled::Half, random);
  return batch;
}

std::vector<uint8_t> normalise(const bv_tensor &batch) {
  bv_tensor out = bv_contiguous_tensor(nullptr, BV_F32, BV_CPU, 4, batch.shape);
  std::vector<uint8_t> bytes(static_cast<size_t>(product(Shape(batch.shape, batch.shape + 4))) * 4, 0x5a);
  out.data = bytes.data();
  if (bv_normalize_batch_for_display(&batch, &out, nullptr, nullptr) != BV_OK)
    bytes.clear();
  return bytes;
}

// ---- Forked children
// -----------------------------------------------------------------------------------------

TEST(Process, ForkedChildrenWorkToo) {
  Random random;
  for (const Shape &shape : shapes) {
    Array batch = make_batch(BV_F32, shape, Data::Uniform, random);
    const bv_tensor tensor = batch.tensor();
    const std::vector<uint8_t> expected = normalise(tensor); // now there may be threads, which no child has
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      alarm(60); // what waits for threads waits for ever
      _exit(normalise(tensor) == expected ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << shape_text(shape) << ", status " << status;
    EXPECT_EQ(normalise(tensor), expected) << "the parent goes on";
  }
}

// ---- Floating point
// ------------------------------------------------------------------------------------------

// What is found through every function that computes: windows, pixels, pixels of one image, windows in pieces.
std::vector<uint8_t> compute_all(const bv_tensor &batch) {
  std::vector<uint8_t> found = normalise(batch);
  const size_t pixels = static_cast<size_t>(product(Shape(batch.shape, batch.shape + 4)));
  double window[2] = {-1, -1};
  const int64_t window_shape[2] = {1, 2};
  bv_tensor windows = bv_contiguous_tensor(window, BV_F64, BV_CPU, 2, window_shape);
  const auto add_window = [&] {
    const auto *bytes = reinterpret_cast<const uint8_t *>(window);
    found.insert(found.end(), bytes, bytes + sizeof window);
  };
  bv_display_options options = BV_DISPLAY_OPTIONS_INIT;
  options.scope = BV_SCOPE_BATCH;
  options.low = 33.3;
  bv_status status = bv_measure_window(&batch, &options, &windows, nullptr);
  add_window();

  std::vector<uint64_t> memory(BV_SELECTION_BYTES / sizeof(uint64_t));
  const bv_selection selection = {batch.dtype, &options, &windows, memory.data()};
  status |= bv_selection_begin(&selection, nullptr);
  for (int digit = 0; digit < bv_selection_digits(batch.dtype); ++digit)
    status |= bv_selection_count(&selection, digit, &batch, nullptr) |
              bv_selection_narrow(&selection, digit, nullptr);
  status |= bv_selection_finish(&selection, nullptr);
  add_window();

  std::vector<uint8_t> grey(pixels);
  bv_tensor out = bv_contiguous_tensor(grey.data(), BV_U8, BV_CPU, 4, batch.shape);
  status |= bv_normalize_image_to_uint8(&batch, &out, nullptr);
  found.insert(found.end(), grey.begin(), grey.end());
  return status == BV_OK ? found : std::vector<uint8_t>();
}

struct Environment {
  const char *name;
  void (*choose)();
};

const Environment environments[] = {
    {"rounding upwards", [] { fesetround(FE_UPWARD); }},
#if defined(__GLIBC__)
    {"traps", [] { feenableexcept(FE_INVALID | FE_DIVBYZERO | FE_OVERFLOW); }},
#endif
#if defined(__SSE__)
    {"denormals are zero", flush_denormals},
#if defined(_OPENMP) // the library's threads are those of all OpenMP regions of this one
    {"denormals are zero in all threads",
     [] {
#pragma omp parallel
       flush_denormals();
     }},
#endif
#endif
};

// In all threads: what is expected next must not be computed in an environment of before.
void restore(const fenv_t &environment) {
#if defined(_OPENMP)
#pragma omp parallel
#endif
  fesetenv(&environment);
}

TEST(Process, TheCallersFloatingPointEnvironmentDoesNotMatterAndStays) {
  Random random;
  for (const Shape &shape : shapes)
    for (Data data : {Data::Uniform, Data::Denormals, Data::Huge, Data::Infinities}) {
      const bv_dtype dtype = random.pick({BV_F32, BV_F64, BV_BF16});
      Array batch = make_batch(dtype, shape, data, random);
      const bv_tensor tensor = batch.tensor();
      const std::vector<uint8_t> expected = compute_all(tensor);
      ASSERT_FALSE(expected.empty());
      for (const Environment &environment : environments) {
        fenv_t ours, before, after;
        fegetenv(&ours);
        environment.choose();
        fegetenv(&before);
        const std::vector<uint8_t> found = compute_all(tensor);
        fegetenv(&after);
        restore(ours);
        EXPECT_TRUE(found == expected) << environment.name << ", " << data_name(data) << ", "
                                       << bv_dtype_name(dtype) << ", " << shape_text(shape);
        EXPECT_EQ(memcmp(&before, &after, sizeof before), 0) << environment.name;
      }
    }
}

// ---- Memory
// ---------------------------------------------------------------------------------------------------

TEST(Process, ScratchThatNoMachineHasIsRefused) {
  uint8_t pixel = 1;
  double window[2] = {-1, -1};
  const int64_t side = INT64_C(1) << 31, shape[4] = {1, 1, side, side}, window_shape[2] = {1, 2};
  bv_tensor batch = bv_contiguous_tensor(&pixel, BV_U8, BV_CPU, 4, shape);
  batch.stride[2] = batch.stride[3] = 0; // the same pixel 2^62 times
  const bv_tensor windows = bv_contiguous_tensor(window, BV_F64, BV_CPU, 2, window_shape);
  for (int threads : {1, 2, 8, 64}) { // with 8 and more, scratch takes more than 2^64 bytes
#if defined(_OPENMP)
    omp_set_num_threads(threads);
#endif
    EXPECT_EQ(bv_measure_window(&batch, nullptr, &windows, nullptr), BV_ERROR_MEMORY) << threads << " threads";
    EXPECT_NE(std::string(bv_last_error()).find("no memory for the scratch"), std::string::npos)
        << bv_last_error();
  }
#if defined(_OPENMP)
  omp_set_num_threads(omp_get_num_procs());
#endif
  EXPECT_EQ(window[0], -1);
  EXPECT_EQ(window[1], -1);
}

} // namespace
