// Strided arrays in host memory: the test's own side of every tensor.
#ifndef BATCHVIEW_TESTS_ARRAY_H
#define BATCHVIEW_TESTS_ARRAY_H

#include <cstdint>
#include <string>
#include <vector>

#include "batchview/batchview.h"
#include "random.h"

using Shape = std::vector<int64_t>;

inline const std::vector<bv_dtype> all_types = {BV_F32, BV_F16, BV_BF16, BV_F64, BV_U8,
                                                BV_I8,  BV_U16, BV_I16,  BV_I32, BV_U32};

// How the elements of a shape lie in memory.
enum class Layout {
  Contiguous,
  PaddedRows,   // a gap after each run of the last axis
  Transposed,   // the last two axes exchanged
  Flipped,      // negative strides along the last two axes
  ChannelsLast, // axis 1 innermost
  EverySecond,  // stride 2 innermost
  Shuffled,     // axes in random order, random gaps, random flips
  Broadcast     // stride zero along one random axis: for inputs alone
};
inline const std::vector<Layout> output_layouts = {
    Layout::Contiguous,   Layout::PaddedRows,  Layout::Transposed, Layout::Flipped,
    Layout::ChannelsLast, Layout::EverySecond, Layout::Shuffled};
inline const std::vector<Layout> input_layouts = {Layout::Contiguous, Layout::PaddedRows,   Layout::Transposed,
                                                  Layout::Flipped,    Layout::ChannelsLast, Layout::EverySecond,
                                                  Layout::Shuffled,   Layout::Broadcast};
const char *layout_name(Layout layout);

int64_t product(const Shape &shape);
std::string shape_text(const Shape &shape); // "[2, 1, 4, 5]"

// The element numbers (offsets in elements from the element at index 0) of all elements, in C order.
std::vector<int64_t> element_numbers(const Shape &shape, const Shape &stride);

struct Array {
  bv_dtype dtype = BV_F32;
  Shape shape, stride;        // stride in elements
  int64_t first = 0;          // element number of index (0, 0, ...), counted from the start of `bytes`
  std::vector<uint8_t> bytes; // gaps included; filled with noise

  Array() = default;
  Array(bv_dtype type, const Shape &extents, Layout layout, Random &random);

  size_t element_bytes() const { return bv_dtype_size(dtype); }
  // The array as a tensor, if its bytes are, or are copied to, `memory`.
  bv_tensor tensor(void *memory, int32_t device = BV_CPU) const;
  bv_tensor tensor() { return tensor(bytes.data()); }
  // The elements' bytes in C order, taken from `memory`, which holds this array's bytes.
  std::vector<uint8_t> elements(const std::vector<uint8_t> &memory) const;
  std::vector<uint8_t> elements() const { return elements(bytes); }
  // `bytes` with the elements replaced by others, given in C order; gaps stay.
  std::vector<uint8_t> with_elements(const std::vector<uint8_t> &others) const;
};

#endif
