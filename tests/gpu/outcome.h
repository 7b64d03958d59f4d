// What a call makes of a batch, on the CPU or on a device: to compare backends and algorithms with each other.
#ifndef BATCHVIEW_TESTS_OUTCOME_H
#define BATCHVIEW_TESTS_OUTCOME_H

#include <gtest/gtest.h>

#include <vector>

#include "memory.h"

struct Outcome {
  bv_status status;
  std::vector<uint8_t> windows, picture;
};

// Windows with counts, and the picture as float32.
inline Outcome outcome_of(Mode mode, const std::vector<uint8_t> &pixels, bv_dtype dtype, const int64_t shape[4],
                          const bv_display_options &options) {
  int64_t groups = options.scope == BV_SCOPE_BATCH   ? 1
                   : options.scope == BV_SCOPE_IMAGE ? shape[0]
                                                     : shape[0] * shape[1];
  int64_t count = shape[0] * shape[1] * shape[2] * shape[3], windows_shape[2] = {groups, 3};
  Memory in(mode, pixels), out(mode, std::vector<uint8_t>(size_t(count) * 4, 0xcd)),
      windows(mode, std::vector<uint8_t>(size_t(groups) * 24, 0xcd));
  bv_tensor batch = bv_contiguous_tensor(in.data(), dtype, device_of(mode), 4, shape);
  bv_tensor picture = bv_contiguous_tensor(out.data(), BV_F32, device_of(mode), 4, shape);
  bv_tensor measured = bv_contiguous_tensor(windows.data(), BV_F64, device_of(mode), 2, windows_shape);
  Runner runner(mode);
  bv_status status = runner.run([&](bv_stream stream) {
    bv_status first = bv_measure_window(&batch, &options, &measured, stream);
    return first != BV_OK ? first : bv_normalize_batch_for_display(&batch, &picture, &options, stream);
  });
  EXPECT_TRUE(in.canaries_intact() && out.canaries_intact() && windows.canaries_intact());
  return {status, windows.read(), out.read()};
}

#endif
