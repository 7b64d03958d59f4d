// The floating-point environment around a call does not matter, and stays: rounding, denormals and traps.
#include <gtest/gtest.h>

#include <cfenv>
#include <cmath>
#include <cstring>
#include <vector>

#if defined(__SSE__)
#include <xmmintrin.h>
#endif

#include "batches.h"
#include "batchview/pictures.h"
#include "batchview/selection.h"

namespace {

#if defined(__SSE__)
void flush_denormals() { _mm_setcsr(_mm_getcsr() | 0x8040); }
#endif

// What is found through every function that computes: windows, pixels, pixels of one image, windows in pieces,
// pixels of the batch over others, a grid, and orthogonal views.
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

  std::vector<uint8_t> pictures(3 * pixels, 100);
  const int64_t shape[5] = {batch.shape[0], batch.shape[1], batch.shape[2], batch.shape[3], 3};
  out = bv_contiguous_tensor(pictures.data(), BV_U8, BV_CPU, 5, shape);
  status |= bv_overlay_image(&out, &batch, nullptr, 0.5, nullptr);
  found.insert(found.end(), pictures.begin(), pictures.end());

  bv_grid_options grid = BV_GRID_OPTIONS_INIT;
  grid.padding_value = 0.1;
  int64_t extents[3];
  status |= bv_grid_size(&batch, 1, &grid, extents + 1);
  extents[0] = batch.shape[1];
  std::vector<float> cells(static_cast<size_t>(extents[0] * extents[1] * extents[2]));
  out = bv_contiguous_tensor(cells.data(), BV_F32, BV_CPU, 3, extents);
  status |= bv_make_grid(&batch, 1, &out, &grid, nullptr, nullptr);
  const auto *values = reinterpret_cast<const uint8_t *>(cells.data());
  found.insert(found.end(), values, values + cells.size() * sizeof(float));

  bv_tensor volume = batch; // the planes of its first channel
  volume.ndim = 3;
  for (int axis = 1; axis < 3; ++axis) {
    volume.shape[axis] = batch.shape[axis + 1];
    volume.stride[axis] = batch.stride[axis + 1];
  }
  bv_orthogonal_options views = BV_ORTHOGONAL_OPTIONS_INIT;
  views.spacing[0] = 1.7;
  views.spacing[2] = 0.9;
  status |= bv_orthogonal_size(&volume, &views, nullptr, extents);
  std::vector<uint8_t> drawn(static_cast<size_t>(extents[0] * extents[1]));
  out = bv_contiguous_tensor(drawn.data(), BV_U8, BV_CPU, 2, extents);
  status |= bv_make_orthogonal_views(&volume, &out, &views, nullptr, nullptr, nullptr);
  found.insert(found.end(), drawn.begin(), drawn.end());
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
#endif
};

TEST(Floating, TheCallersFloatingPointEnvironmentDoesNotMatterAndStays) {
  Random random;
  for (const Shape &shape : batch_shapes)
    for (Data data : {Data::Uniform, Data::Denormals, Data::Huge, Data::Infinities, Data::Nans}) {
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
        fesetenv(&ours);
        EXPECT_TRUE(found == expected) << environment.name << ", " << data_name(data) << ", "
                                       << bv_dtype_name(dtype) << ", " << shape_text(shape);
        EXPECT_EQ(memcmp(&before, &after, sizeof before), 0) << environment.name;
      }
    }
}

#if defined(__GLIBC__)
// Where a comparison with NaN would end the program.
TEST(Floating, OptionsThatAreNanAreRefusedAlsoWhereThatTraps) {
  Random random;
  Array batch = make_batch(BV_F32, {2, 1, 5, 6}, Data::Uniform, random);
  const bv_tensor tensor = batch.tensor();
  std::vector<uint8_t> memory(2 * 5 * 6 * 3);
  const int64_t shape[5] = {2, 1, 5, 6, 3}, volume_shape[3] = {2, 5, 6};
  const bv_tensor out = bv_contiguous_tensor(memory.data(), BV_U8, BV_CPU, 5, shape);
  const bv_tensor volume = bv_contiguous_tensor(tensor.data, BV_F32, BV_CPU, 3, volume_shape);
  int64_t extents[2];
  bv_orthogonal_options views = BV_ORTHOGONAL_OPTIONS_INIT;
  bv_grid_options grid = BV_GRID_OPTIONS_INIT;
  views.spacing[1] = grid.padding_value = NAN;
  std::vector<bv_status> found;
  fenv_t ours;
  fegetenv(&ours);
  feenableexcept(FE_INVALID);
  for (double bv_display_options::*number :
       {&bv_display_options::low, &bv_display_options::high, &bv_display_options::lo, &bv_display_options::hi,
        &bv_display_options::epsilon, &bv_display_options::floor}) {
    bv_display_options options = BV_DISPLAY_OPTIONS_INIT;
    options.window = BV_WINDOW_FIXED;
    options.*number = NAN;
    found.push_back(bv_normalize_batch_for_display(&tensor, &out, &options, nullptr));
  }
  found.push_back(bv_overlay_image(&out, &tensor, nullptr, NAN, nullptr));
  found.push_back(bv_grid_size(&tensor, 1, &grid, extents));
  found.push_back(bv_orthogonal_size(&volume, &views, nullptr, extents));
  fesetenv(&ours);
  EXPECT_EQ(found, std::vector<bv_status>(9, BV_ERROR_VALUE));
}
#endif

#if defined(__SSE__)
// Threads begin with what who starts them has chosen.
TEST(Floating, ThreadsStartedWhereDenormalsAreZeroKnowThem) {
  Random random;
  for (bv_dtype dtype : {BV_F32, BV_F64}) {
    Array batch = make_batch(dtype, batch_shapes.back(), Data::Denormals, random);
    const bv_tensor tensor = batch.tensor();
    ASSERT_EQ(bv_set_threads(1), BV_OK);
    const std::vector<uint8_t> expected = compute_all(tensor);
    ASSERT_EQ(bv_set_threads(4), BV_OK);
    fenv_t ours;
    fegetenv(&ours);
    flush_denormals();
    const std::vector<uint8_t> found = compute_all(tensor); // starts them
    fesetenv(&ours);
    EXPECT_TRUE(found == expected) << bv_dtype_name(dtype);
    ASSERT_EQ(bv_set_threads(0), BV_OK);
  }
}
#endif

} // namespace
