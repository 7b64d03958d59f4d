// An array and its copy where the library works on it.
#ifndef BATCHVIEW_TESTS_PLACED_H
#define BATCHVIEW_TESTS_PLACED_H

#include <gtest/gtest.h>

#include <memory>

#include "display_case.h"

inline size_t whole_elements(size_t bytes, bv_dtype dtype) {
  return bytes / bv_dtype_size(dtype) * bv_dtype_size(dtype);
}

struct Placed {
  Array array;
  std::unique_ptr<Memory> memory;
  bv_tensor tensor;

  Placed(const Array &from, Mode mode, size_t offset)
      : array(from),
        memory(std::make_unique<Memory>(mode, array.bytes,
                                        mode == Mode::Misaligned ? array.element_bytes()
                                                                 : whole_elements(offset, array.dtype))),
        tensor(array.tensor(memory->data(), device_of(mode))) {}

  void rewrite(const std::vector<uint8_t> &elements) {
    array.bytes = array.with_elements(elements);
    memory->write(array.bytes);
  }

  void restore() { memory->write(array.bytes); }

  // The elements are as expected, and everything else is as it was.
  void expect(const std::vector<uint8_t> &elements, const char *what) const {
    const std::vector<uint8_t> now = memory->read();
    expect_same_elements(elements, array.elements(now), array.dtype, what);
    EXPECT_TRUE(now == array.with_elements(elements)) << what << ": bytes between its elements were written";
    EXPECT_TRUE(memory->canaries_intact()) << what << ": bytes around it were written";
  }

  void expect_untouched(const char *what) const {
    EXPECT_TRUE(memory->read() == array.bytes) << what << " was written";
    EXPECT_TRUE(memory->canaries_intact()) << what << ": bytes around it were written";
  }
};

#endif
