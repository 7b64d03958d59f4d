// A C++ program that uses an installed batchview: measures a window.
#include <batchview/batchview.h>

#include <cstdio>
#include <vector>

int main() {
  std::vector<uint16_t> pixels = {0, 100, 200, 300, 0, 400};
  double window[3] = {};
  const int64_t shape[4] = {1, 1, 2, 3}, window_shape[2] = {1, 3};
  const bv_tensor batch = bv_contiguous_tensor(pixels.data(), BV_U16, BV_CPU, 4, shape);
  const bv_tensor windows = bv_contiguous_tensor(window, BV_F64, BV_CPU, 2, window_shape);
  bv_display_options options = BV_DISPLAY_OPTIONS_INIT;
  options.low = 0;
  options.high = 50;
  if (bv_measure_window(&batch, &options, &windows, nullptr) != BV_OK) {
    std::fprintf(stderr, "%s\n", bv_last_error());
    return 1;
  }
  std::printf("%g %g %g\n", window[0], window[1], window[2]);
  return !(window[0] == 100 && window[1] == 250 && window[2] == 4);
}
