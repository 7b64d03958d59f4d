// What tests of the process around a call compute: batches that different numbers of threads share.
#ifndef BATCHVIEW_TESTS_BATCHES_H
#define BATCHVIEW_TESTS_BATCHES_H

#include <vector>

#include "array.h"
#include "data.h"

// For one thread, for a group a thread, and for threads that share a group.
inline const std::vector<Shape> batch_shapes = {{2, 1, 20, 30}, {4, 1, 90, 100}, {1, 1, 520, 510}};

inline Array make_batch(bv_dtype dtype, const Shape &shape, Data data, Random &random) {
  Array batch(dtype, shape, Layout::Contiguous, random);
  batch.bytes = make_pixels(dtype, product(shape), data, Filled::Half, random);
  return batch;
}

// The normalised batch as f32; empty after an error.
inline std::vector<uint8_t> normalise(const bv_tensor &batch) {
  bv_tensor out = bv_contiguous_tensor(nullptr, BV_F32, BV_CPU, 4, batch.shape);
  std::vector<uint8_t> bytes(static_cast<size_t>(product(Shape(batch.shape, batch.shape + 4))) * 4, 0x5a);
  out.data = bytes.data();
  if (bv_normalize_batch_for_display(&batch, &out, nullptr, nullptr) != BV_OK)
    bytes.clear();
  return bytes;
}

#endif
