// Calls on device tensors and nothing else, for check_calls.py to count what they do to the device:
//   device_calls ALGORITHM SHAPE IN OUT REPEATS
// ALGORITHM is auto, sort, select, resident, minmax, fixed, volume (all images one group), mask or colours; or
// another function: measure, apply, uint8, image, slice or selection; labels or overlay, of which a quarter of
// the pixels has one; grid; views or projection, of the volume that C, H and W are, with B = 1. SHAPE is
// B,C,H,W; IN is an element type and OUT one, or rgb. Prints a line of JSON: the bytes of input and output, and
// of the workspace.
#include <cuda_runtime_api.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "batchview/batchview.h"
#include "batchview/pictures.h"
#include "batchview/selection.h"

namespace {

[[noreturn]] void fail(const char *what) {
  fprintf(stderr, "device_calls: %s\n", what);
  exit(1);
}

void check(cudaError_t error) {
  if (error != cudaSuccess)
    fail(cudaGetErrorString(error));
}

bv_dtype type_named(const std::string &name) {
  for (bv_dtype dtype = BV_F32; dtype <= BV_U32; ++dtype)
    if (name == bv_dtype_name(dtype))
      return dtype;
  fail("no such type");
}

// Small numbers in every type, a quarter of them 0.
std::vector<uint8_t> pixels_of(bv_dtype dtype, int64_t count) {
  std::vector<uint8_t> bytes(size_t(count) * bv_dtype_size(dtype));
  uint32_t state = 12345;
  for (int64_t i = 0; i < count; ++i) {
    state = state * 1664525u + 1013904223u;
    uint32_t number = state >> 30 == 0 ? 0 : (state >> 8) % 50000 + 1;
    void *pixel = &bytes[size_t(i) * bv_dtype_size(dtype)];
    switch (dtype) {
    case BV_F32: {
      float value = float(number) / 50000;
      memcpy(pixel, &value, sizeof value);
      break;
    }
    case BV_F64: {
      double value = double(number) / 50000;
      memcpy(pixel, &value, sizeof value);
      break;
    }
    case BV_F16:
    case BV_BF16: number = number % 0x7000; [[fallthrough]]; // finite
    default: memcpy(pixel, &number, bv_dtype_size(dtype));
    }
  }
  return bytes;
}

} // namespace

int main(int argc, char **argv) {
  if (argc != 6)
    fail("device_calls ALGORITHM SHAPE IN OUT REPEATS");
  std::string algorithm = argv[1], out_name = argv[4];
  int64_t shape[5] = {1, 1, 1, 1, 3};
  long long extent[4];
  if (sscanf(argv[2], "%lld,%lld,%lld,%lld", &extent[0], &extent[1], &extent[2], &extent[3]) != 4)
    fail("SHAPE is B,C,H,W");
  for (int axis = 0; axis < 4; ++axis)
    shape[axis] = extent[axis];
  int64_t count = shape[0] * shape[1] * shape[2] * shape[3];
  bv_dtype in_type = type_named(argv[3]), out_type = out_name == "rgb" ? BV_U8 : type_named(out_name);
  int64_t out_bytes = count * int64_t(bv_dtype_size(out_type)) * (out_name == "rgb" ? 3 : 1);

  std::vector<uint8_t> pixels = pixels_of(in_type, count);
  if (algorithm == "labels" || algorithm == "overlay") {
    const size_t quarter = pixels.size() / 4;
    std::fill(pixels.begin(), pixels.begin() + ptrdiff_t(quarter), uint8_t(0x3f)); // 0.7 in f32
    std::fill(pixels.begin() + ptrdiff_t(quarter), pixels.end(), uint8_t(0));
  }
  void *in = nullptr, *out = nullptr, *window = nullptr, *memory = nullptr;
  const int64_t groups = shape[0] * shape[1], windows_shape[2] = {groups, 2}, one_window[2] = {1, 2};
  check(cudaMalloc(&in, pixels.size()));
  check(cudaMalloc(&out, size_t(out_bytes)));
  check(cudaMalloc(&window, size_t(groups) * 16));
  check(cudaMalloc(&memory, BV_SELECTION_BYTES));
  check(cudaMemset(out, 0, size_t(out_bytes)));
  check(cudaMemcpy(in, pixels.data(), pixels.size(), cudaMemcpyHostToDevice));
  const double least = in_type == BV_F32 || in_type == BV_F64 ? 0.02 : 2;
  std::vector<double> limits(size_t(groups) * 2, least);
  for (size_t i = 1; i < limits.size(); i += 2)
    limits[i] = 40 * least;
  check(cudaMemcpy(window, limits.data(), limits.size() * sizeof(double), cudaMemcpyHostToDevice));
  const bv_tensor batch = bv_contiguous_tensor(in, in_type, 0, 4, shape);
  const bv_tensor picture = bv_contiguous_tensor(out, out_type, 0, out_name == "rgb" ? 5 : 4, shape);
  const bv_tensor windows = bv_contiguous_tensor(window, BV_F64, 0, 2, windows_shape);
  const bv_tensor all_window = bv_contiguous_tensor(window, BV_F64, 0, 2, one_window);
  const bv_tensor image = bv_contiguous_tensor(in, in_type, 0, 2, shape + 2);
  const bv_tensor image_rgb = bv_contiguous_tensor(out, BV_U8, 0, 3, shape + 2);
  const bv_tensor volume = bv_contiguous_tensor(in, in_type, 0, 3, shape + 1); // its middle slice is of H x W
  const bv_tensor mask = bv_contiguous_tensor(in, BV_U8, 0, 4, shape);
  const std::vector<uint8_t> colours(256 * 3, 7);
  const bv_grid_options column = {sizeof column, 1, 0, 0}; // one image below the other, nothing between them
  int64_t in_column[3] = {shape[0] * shape[1] * shape[2], shape[3], 3};
  const bv_tensor grid = bv_contiguous_tensor(out, BV_U8, 0, 3, in_column);
  int64_t of_views[2] = {0, 0};
  if (algorithm == "views" && bv_orthogonal_size(&volume, nullptr, &column, of_views) != BV_OK)
    fail(bv_last_error());
  const bv_tensor views = bv_contiguous_tensor(out, BV_U8, 0, 2, of_views);
  const bv_tensor projected = bv_contiguous_tensor(out, BV_F32, 0, 2, shape + 2);

  bv_display_options options = BV_DISPLAY_OPTIONS_INIT;
  options.algorithm = algorithm == "sort"                              ? BV_ALGORITHM_SORT
                      : algorithm == "select" || algorithm == "volume" ? BV_ALGORITHM_SELECT
                      : algorithm == "resident"                        ? BV_ALGORITHM_RESIDENT
                                                                       : BV_ALGORITHM_AUTO;
  options.window = algorithm == "minmax"  ? BV_WINDOW_MINMAX
                   : algorithm == "fixed" ? BV_WINDOW_FIXED
                                          : BV_WINDOW_PERCENTILE;
  options.hi = 1;
  if (algorithm == "volume" || algorithm == "views")
    options.scope = BV_SCOPE_BATCH;
  if (algorithm == "mask") {
    options.foreground = BV_FOREGROUND_MASK;
    options.mask = &mask;
  }
  if (algorithm == "colours")
    options.colour_map = colours.data();
  const bv_selection selection = {in_type, &options, &all_window, memory};

  const std::function<bv_status()> call = [&]() -> bv_status {
    if (algorithm == "measure")
      return bv_measure_window(&batch, &options, &windows, nullptr);
    if (algorithm == "apply")
      return bv_apply_window(&batch, &windows, &picture, &options, nullptr);
    if (algorithm == "uint8")
      return bv_normalize_image_to_uint8(&batch, &picture, nullptr);
    if (algorithm == "image")
      return bv_visualize_2d_image(&image, &image_rgb, nullptr);
    if (algorithm == "slice")
      return bv_visualize_one_slice_in_3d_image(&volume, 0, &image_rgb, nullptr);
    if (algorithm == "labels")
      return bv_overlay_labels(&picture, &batch, nullptr, 0.4, nullptr);
    if (algorithm == "overlay")
      return bv_overlay_image(&picture, &batch, nullptr, 0.4, nullptr);
    if (algorithm == "grid")
      return bv_make_grid(&batch, 1, &grid, &column, &options, nullptr);
    if (algorithm == "views")
      return bv_make_orthogonal_views(&volume, &views, nullptr, &column, &options, nullptr);
    if (algorithm == "projection")
      return bv_project_volume(&volume, 0, BV_PROJECTION_MAX, &projected, nullptr);
    if (algorithm != "selection")
      return bv_normalize_batch_for_display(&batch, &picture, &options, nullptr);
    bv_status status = bv_selection_begin(&selection, nullptr);
    for (int digit = 0; digit < bv_selection_digits(in_type) && status == BV_OK; ++digit) {
      status = bv_selection_count(&selection, digit, &batch, nullptr);
      if (status == BV_OK)
        status = bv_selection_narrow(&selection, digit, nullptr);
    }
    return status == BV_OK ? bv_selection_finish(&selection, nullptr) : status;
  };

  size_t workspace = 0;
  if (bv_workspace_size(&batch, algorithm == "measure" ? nullptr : &picture, &options, &workspace) != BV_OK)
    fail(bv_last_error());
  for (int repeat = atoi(argv[5]); repeat > 0; --repeat)
    if (call() != BV_OK)
      fail(bv_last_error());
  check(cudaDeviceSynchronize());
  check(cudaFree(in));
  check(cudaFree(out));
  check(cudaFree(window));
  check(cudaFree(memory));
  printf("{\"in_bytes\": %zu, \"out_bytes\": %lld, \"workspace_bytes\": %zu}\n", pixels.size(),
         static_cast<long long>(out_bytes), workspace);
}
