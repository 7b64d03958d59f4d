// Arbitrary tensors over a small real buffer, and arbitrary options.
#ifndef BATCHVIEW_FUZZ_DESCRIPTORS_H
#define BATCHVIEW_FUZZ_DESCRIPTORS_H

#include <cmath>
#include <vector>

#include "batchview/batchview.h"
#include "input.h"
#include "require.h"

inline constexpr int64_t buffer_bytes = 4096;
inline constexpr size_t future_bytes = 32;      // options of a later version, longer than this one's
inline constexpr int64_t pixels_at_most = 2048; // of a call that is carried out

inline int64_t take_number(FuzzInput &input) {
  int8_t small = input.take<int8_t>();
  return small >= -100 && small <= 100 ? small : input.take<int64_t>();
}

inline double take_double(FuzzInput &input) {
  int8_t small = input.take<int8_t>();
  return small >= 0 && small <= 100 ? small : input.take<double>();
}

inline bv_tensor take_tensor(FuzzInput &input, uint8_t *buffer) {
  bv_tensor tensor = {};
  tensor.data = buffer + input.take<uint16_t>() % (buffer_bytes + 1);
  tensor.dtype = input.take<int8_t>();
  tensor.device = static_cast<int32_t>(take_number(input));
  tensor.ndim = input.take<int8_t>();
  for (int axis = 0; axis < tensor.ndim && axis < BV_MAX_NDIM; ++axis) {
    tensor.shape[axis] = take_number(input);
    tensor.stride[axis] = take_number(input);
  }
  if (input.take<uint8_t>() == 255)
    tensor.data = nullptr;
  return tensor;
}

enum Place { INSIDE, OUTSIDE, INVALID };

// Whether every element lies in the buffer and there are few of them; INVALID if the library has to refuse it.
inline Place place_of(const bv_tensor &tensor, const uint8_t *buffer) {
  const int64_t size = static_cast<int64_t>(bv_dtype_size(tensor.dtype));
  if (size == 0 || tensor.ndim < 0 || tensor.ndim > BV_MAX_NDIM || tensor.device != BV_CPU)
    return INVALID;
  bool empty = false;
  for (int axis = 0; axis < tensor.ndim; ++axis) {
    if (tensor.shape[axis] < 0)
      return INVALID;
    empty = empty || tensor.shape[axis] == 0;
  }
  if (empty)
    return INSIDE;
  if (!tensor.data || reinterpret_cast<uintptr_t>(tensor.data) % static_cast<uintptr_t>(size) != 0)
    return INVALID;
  // Exact where they are small, and never overflow.
  long double first = 0, last = 0, pixels = 1;
  for (int axis = 0; axis < tensor.ndim; ++axis) {
    long double reach =
        static_cast<long double>(tensor.shape[axis] - 1) * static_cast<long double>(tensor.stride[axis]);
    (reach < 0 ? first : last) += reach;
    pixels *= static_cast<long double>(tensor.shape[axis]);
  }
  const long double offset = static_cast<long double>(static_cast<const uint8_t *>(tensor.data) - buffer);
  const bool inside =
      offset + first * static_cast<long double>(size) >= 0 &&
      offset + (last + 1) * static_cast<long double>(size) <= static_cast<long double>(buffer_bytes);
  return inside && pixels <= pixels_at_most ? INSIDE : OUTSIDE;
}

// Calls visit(byte offset) for every element of a tensor that lies in the buffer.
template <typename Visit> void for_each_element(const bv_tensor &tensor, const uint8_t *buffer, Visit visit) {
  int64_t index[BV_MAX_NDIM] = {};
  for (int axis = 0; axis < tensor.ndim; ++axis)
    if (tensor.shape[axis] == 0)
      return;
  const int64_t size = static_cast<int64_t>(bv_dtype_size(tensor.dtype));
  for (;;) {
    int64_t offset = static_cast<const uint8_t *>(tensor.data) - buffer;
    for (int axis = 0; axis < tensor.ndim; ++axis)
      offset += index[axis] * tensor.stride[axis] * size;
    visit(offset);
    int axis = tensor.ndim - 1;
    while (axis >= 0 && ++index[axis] == tensor.shape[axis])
      index[axis--] = 0;
    if (axis < 0)
      return;
  }
}

// The options live at the end of their own allocation, so that reading beyond struct_size is noticed.
struct Options {
  std::vector<uint8_t> memory;
  bv_display_options fields = BV_DISPLAY_OPTIONS_INIT;

  const bv_display_options *pointer(FuzzInput &input) {
    uint8_t kind = input.take<uint8_t>();
    if (kind == 0)
      return nullptr;
    size_t size = kind < 128 ? sizeof fields : input.take<uint8_t>() % (sizeof fields + future_bytes + 1);
    fields.struct_size = size;
    memory.assign(size < sizeof fields.struct_size ? sizeof fields.struct_size : size, kind == 255);
    memcpy(memory.data(), &fields, size < sizeof fields ? size : sizeof fields);
    memcpy(memory.data(), &fields.struct_size, sizeof fields.struct_size);
    return reinterpret_cast<const bv_display_options *>(memory.data());
  }
};

inline uint8_t colour_map[256 * 3];

inline void take_options(FuzzInput &input, Options &options, const bv_tensor *mask, uint8_t *buffer) {
  bv_display_options &fields = options.fields;
  const uint8_t set = input.take<uint8_t>();
  fields.scope = input.take<int8_t>();
  fields.foreground = input.take<int8_t>();
  fields.window = input.take<int8_t>();
  fields.rounding = input.take<int8_t>();
  fields.algorithm = input.take<int8_t>();
  if (set & 1)
    fields.low = take_double(input), fields.high = take_double(input);
  if (set & 2)
    fields.lo = take_double(input), fields.hi = take_double(input);
  if (set & 4)
    fields.epsilon = take_double(input), fields.floor = take_double(input);
  if (set & 8)
    fields.mask = mask;
  if (set & 16)
    fields.colour_map = colour_map;
  if (set & 32)
    fields.workspace = buffer, fields.workspace_bytes = static_cast<size_t>(take_number(input));
  if (set & 64)
    fields.reserved = input.take<int8_t>();
}

// The buffer with noise in it, half of it zeros.
inline uint8_t *noisy_buffer(uint32_t noise) {
  static std::vector<uint8_t> memory(buffer_bytes + 16);
  uint8_t *buffer = memory.data() + (16 - reinterpret_cast<uintptr_t>(memory.data()) % 16) % 16;
  noise |= 1;
  for (int64_t i = 0; i < buffer_bytes; ++i) {
    noise = noise * 1664525u + 1013904223u;
    buffer[i] = noise & 0x40000000u ? static_cast<uint8_t>(noise >> 16) : 0;
  }
  return buffer;
}

// What a call may have changed since `before`: elements of the tensor that it writes, if it has succeeded.
inline void require_only_written(const std::vector<uint8_t> &before, const uint8_t *buffer,
                                 const bv_tensor *written) {
  std::vector<bool> is_output(buffer_bytes, false);
  if (written)
    for_each_element(*written, buffer, [&](int64_t offset) {
      for (size_t byte = 0; byte < bv_dtype_size(written->dtype); ++byte)
        is_output[static_cast<size_t>(offset) + byte] = true;
    });
  for (size_t i = 0; i < before.size(); ++i)
    REQUIRE(is_output[i] || buffer[i] == before[i]);
}

#endif
