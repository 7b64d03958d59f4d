// Strided arrays in host memory.
#include "array.h"

#include <algorithm>
#include <cstring>
#include <numeric>

const char *layout_name(Layout layout) {
  switch (layout) {
  case Layout::Contiguous: return "contiguous";
  case Layout::PaddedRows: return "padded rows";
  case Layout::Transposed: return "transposed";
  case Layout::Flipped: return "flipped";
  case Layout::ChannelsLast: return "channels last";
  case Layout::EverySecond: return "every second";
  case Layout::Shuffled: return "shuffled";
  case Layout::Broadcast: return "broadcast";
  }
  return "?";
}

int64_t product(const Shape &shape) {
  return std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<int64_t>());
}

std::string shape_text(const Shape &shape) {
  std::string text = "[";
  for (size_t axis = 0; axis < shape.size(); ++axis)
    text += (axis ? ", " : "") + std::to_string(shape[axis]);
  return text + "]";
}

std::vector<int64_t> element_numbers(const Shape &shape, const Shape &stride) {
  std::vector<int64_t> numbers = {0};
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    std::vector<int64_t> longer;
    longer.reserve(numbers.size() * static_cast<size_t>(shape[axis]));
    for (int64_t number : numbers)
      for (int64_t index = 0; index < shape[axis]; ++index)
        longer.push_back(number + index * stride[axis]);
    numbers.swap(longer);
  }
  return numbers;
}

namespace {

// Axes from the outermost in memory to the innermost.
std::vector<size_t> memory_order(size_t ndim, Layout layout, Random &random) {
  std::vector<size_t> order(ndim);
  std::iota(order.begin(), order.end(), size_t{0});
  if (layout == Layout::Transposed && ndim >= 2)
    std::swap(order[ndim - 2], order[ndim - 1]);
  if (layout == Layout::ChannelsLast && ndim >= 2)
    std::rotate(order.begin() + 1, order.begin() + 2, order.end());
  if (layout == Layout::Shuffled)
    for (size_t i = ndim; i > 1; --i)
      std::swap(order[i - 1], order[static_cast<size_t>(random.below(static_cast<int64_t>(i)))]);
  return order;
}

} // namespace

Array::Array(bv_dtype type, const Shape &extents, Layout layout, Random &random)
    : dtype(type), shape(extents), stride(extents.size(), 1) {
  const size_t ndim = shape.size();
  const std::vector<size_t> order = memory_order(ndim, layout, random);
  const size_t broadcast_axis = layout == Layout::Broadcast && ndim
                                    ? static_cast<size_t>(random.below(static_cast<int64_t>(ndim)))
                                    : ndim;
  int64_t step = layout == Layout::EverySecond ? 2 : 1;
  int64_t last = 0; // greatest element number
  for (size_t i = ndim; i-- > 0;) {
    const size_t axis = order[i];
    if (axis == broadcast_axis) {
      stride[axis] = 0;
      continue;
    }
    const bool flip =
        (layout == Layout::Flipped && axis + 2 >= ndim) || (layout == Layout::Shuffled && random.one_in(3));
    const int64_t reach = std::max<int64_t>(shape[axis] - 1, 0) * step;
    stride[axis] = flip ? -step : step;
    first += flip ? reach : 0;
    last += reach;
    step *= std::max<int64_t>(shape[axis], 1);
    if (layout == Layout::PaddedRows && i + 1 == ndim)
      step += 3;
    if (layout == Layout::Shuffled)
      step += random.below(3);
  }
  bytes.resize(static_cast<size_t>(product(shape) ? last + 1 : 0) * element_bytes());
  for (uint8_t &byte : bytes)
    byte = static_cast<uint8_t>(random.bits());
}

bv_tensor Array::tensor(void *memory, int32_t device) const {
  bv_tensor view = {};
  view.data = static_cast<uint8_t *>(memory) + static_cast<size_t>(first) * element_bytes();
  view.dtype = dtype;
  view.device = device;
  view.ndim = static_cast<int32_t>(shape.size());
  std::copy(shape.begin(), shape.end(), view.shape);
  std::copy(stride.begin(), stride.end(), view.stride);
  return view;
}

std::vector<uint8_t> Array::elements(const std::vector<uint8_t> &memory) const {
  std::vector<uint8_t> result;
  const size_t size = element_bytes();
  for (int64_t number : element_numbers(shape, stride)) {
    const uint8_t *element = memory.data() + static_cast<size_t>(first + number) * size;
    result.insert(result.end(), element, element + size);
  }
  return result;
}

std::vector<uint8_t> Array::with_elements(const std::vector<uint8_t> &others) const {
  std::vector<uint8_t> result = bytes;
  const size_t size = element_bytes();
  size_t i = 0;
  for (int64_t number : element_numbers(shape, stride))
    memcpy(result.data() + static_cast<size_t>(first + number) * size, others.data() + size * i++, size);
  return result;
}
