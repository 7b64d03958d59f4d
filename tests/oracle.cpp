// The oracle. Compiled without contraction of multiplications and additions; sums of two products are none
// here.
#include "oracle.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

namespace oracle {

// ---- Elements ------------------------------------------------------------------------------------------

namespace {

constexpr double nan_value = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

template <typename Number> Number load(const void *element) {
  Number number;
  memcpy(&number, element, sizeof number);
  return number;
}

template <typename Number> void store(Number number, void *element) { memcpy(element, &number, sizeof number); }

// A 16-bit float: a sign bit, then an exponent, then `fraction_bits` of fraction.
double decode_16(uint16_t bits, int fraction_bits) {
  const int exponent_bits = 15 - fraction_bits;
  const int bias = (1 << (exponent_bits - 1)) - 1;
  const int exponent = (bits >> fraction_bits) & ((1 << exponent_bits) - 1);
  const int fraction = bits & ((1 << fraction_bits) - 1);
  double magnitude;
  if (exponent == (1 << exponent_bits) - 1)
    magnitude = fraction ? nan_value : infinity;
  else if (exponent == 0)
    magnitude = std::ldexp(fraction, 1 - bias - fraction_bits);
  else
    magnitude = std::ldexp((1 << fraction_bits) + fraction, exponent - bias - fraction_bits);
  return bits & 0x8000 ? -magnitude : magnitude;
}

// Positive encodings are ordered like their values, so that the two neighbours of a value are found by
// bisection.
uint16_t encode_16(double value, int fraction_bits) {
  const uint16_t infinity_bits = static_cast<uint16_t>(0x7fff >> fraction_bits << fraction_bits);
  if (std::isnan(value))
    return infinity_bits | 1;
  const uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  const double magnitude = std::fabs(value);
  uint16_t below = 0, above = infinity_bits; // decode(below) <= magnitude <= decode(above)
  while (above - below > 1) {
    const uint16_t middle = static_cast<uint16_t>((below + above) / 2);
    (decode_16(middle, fraction_bits) <= magnitude ? below : above) = middle;
  }
  // Beyond the largest number, the next power of two stands for infinity.
  const double next = above == infinity_bits ? 2 * decode_16(below, fraction_bits) -
                                                   decode_16(static_cast<uint16_t>(below - 1), fraction_bits)
                                             : decode_16(above, fraction_bits);
  const double down = magnitude - decode_16(below, fraction_bits), up = next - magnitude;
  const bool to_above = down > up || (down == up && below % 2 == 1);
  return (to_above ? above : below) | sign;
}

template <typename Integer> Integer saturate(double value) {
  if (!(value > static_cast<double>(std::numeric_limits<Integer>::min())))
    return std::isnan(value) ? Integer{0} : std::numeric_limits<Integer>::min();
  if (value >= static_cast<double>(std::numeric_limits<Integer>::max()))
    return std::numeric_limits<Integer>::max();
  return static_cast<Integer>(value);
}

} // namespace

double decode(const void *element, bv_dtype dtype) {
  switch (dtype) {
  case BV_F32: return static_cast<double>(load<float>(element));
  case BV_F16: return decode_16(load<uint16_t>(element), 10);
  case BV_BF16: return decode_16(load<uint16_t>(element), 7);
  case BV_F64: return load<double>(element);
  case BV_U8: return load<uint8_t>(element);
  case BV_I8: return load<int8_t>(element);
  case BV_U16: return load<uint16_t>(element);
  case BV_I16: return load<int16_t>(element);
  case BV_I32: return load<int32_t>(element);
  case BV_U32: return load<uint32_t>(element);
  default: return nan_value;
  }
}

void encode(double value, bv_dtype dtype, void *element) {
  switch (dtype) {
  case BV_F32: store(static_cast<float>(value), element); break;
  case BV_F16: store(encode_16(value, 10), element); break;
  case BV_BF16: store(encode_16(value, 7), element); break;
  case BV_F64: store(value, element); break;
  case BV_U8: store(saturate<uint8_t>(value), element); break;
  case BV_I8: store(saturate<int8_t>(value), element); break;
  case BV_U16: store(saturate<uint16_t>(value), element); break;
  case BV_I16: store(saturate<int16_t>(value), element); break;
  case BV_I32: store(saturate<int32_t>(value), element); break;
  case BV_U32: store(saturate<uint32_t>(value), element); break;
  default: break;
  }
}

// ---- The batch, pixel by pixel ---------------------------------------------------------------------------

namespace {

double element_at(const bv_tensor &tensor, const int64_t *index) {
  int64_t number = 0;
  for (int axis = 0; axis < tensor.ndim; ++axis)
    number += index[axis] * tensor.stride[axis];
  const int64_t size = static_cast<int64_t>(bv_dtype_size(tensor.dtype));
  return decode(static_cast<const uint8_t *>(tensor.data) + number * size, tensor.dtype);
}

// Whether the mask holds the pixel: its axes are the batch's last ones, and an extent of 1 is stretched.
bool in_mask(const bv_tensor &mask, const int64_t *index) {
  int64_t mask_index[BV_MAX_NDIM];
  for (int axis = 0; axis < mask.ndim; ++axis)
    mask_index[axis] = mask.shape[axis] == 1 ? 0 : index[4 - mask.ndim + axis];
  return element_at(mask, mask_index) != 0;
}

bool is_background(double x, const int64_t *index, const bv_display_options &options) {
  switch (options.foreground) {
  case BV_FOREGROUND_NONZERO: return x == 0;
  case BV_FOREGROUND_MASK: return !in_mask(*options.mask, index);
  default: return false;
  }
}

int64_t group_of(const bv_tensor &batch, const int64_t *index, int scope) {
  switch (scope) {
  case BV_SCOPE_PLANE: return index[0] * batch.shape[1] + index[1];
  case BV_SCOPE_IMAGE: return index[0];
  default: return 0;
  }
}

int64_t groups_of(const bv_tensor &batch, int scope) {
  switch (scope) {
  case BV_SCOPE_PLANE: return batch.shape[0] * batch.shape[1];
  case BV_SCOPE_IMAGE: return batch.shape[0];
  default: return 1;
  }
}

// Calls visit(index) for every pixel of [B, C, H, W].
template <typename Visit> void for_each_pixel(const bv_tensor &batch, Visit visit) {
  int64_t index[4];
  for (index[0] = 0; index[0] < batch.shape[0]; ++index[0])
    for (index[1] = 0; index[1] < batch.shape[1]; ++index[1])
      for (index[2] = 0; index[2] < batch.shape[2]; ++index[2])
        for (index[3] = 0; index[3] < batch.shape[3]; ++index[3])
          visit(index);
}

// NumPy's `linear` method.
double percentile(const std::vector<double> &sorted, double percent) {
  const size_t n = sorted.size();
  const double h = static_cast<double>(n - 1) * (percent / 100);
  const double j = std::floor(h);
  const double t = h - j;
  const double a = sorted[static_cast<size_t>(j)];
  const double b = sorted[std::min(static_cast<size_t>(j) + 1, n - 1)];
  const double difference = b - a;
  double value;
  if (t < 0.5) {
    const double step = difference * t;
    value = a + step;
  } else {
    const double step = difference * (1 - t);
    value = b - step;
  }
  return std::isnan(value) ? nan_value : value; // one NaN, whichever the processor made
}

} // namespace

std::vector<Window> measure(const bv_tensor &batch, const bv_display_options &options) {
  std::vector<std::vector<double>> groups(static_cast<size_t>(groups_of(batch, options.scope)));
  for_each_pixel(batch, [&](const int64_t *index) {
    const double x = element_at(batch, index);
    if (std::isfinite(x) && !is_background(x, index, options))
      groups[static_cast<size_t>(group_of(batch, index, options.scope))].push_back(x == 0 ? 0.0 : x);
  });
  std::vector<Window> windows;
  for (std::vector<double> &values : groups) {
    std::sort(values.begin(), values.end());
    Window window = {nan_value, nan_value, static_cast<double>(values.size())};
    if (options.window == BV_WINDOW_FIXED)
      window = {options.lo, options.hi, window.count};
    else if (values.empty())
      ;
    else if (options.window == BV_WINDOW_MINMAX)
      window = {values.front(), values.back(), window.count};
    else
      window = {percentile(values, options.low), percentile(values, options.high), window.count};
    windows.push_back(window);
  }
  return windows;
}

// ---- The map and the packings ------------------------------------------------------------------------------

namespace {

bool maps_in_double(bv_dtype dtype) { return dtype == BV_F64 || dtype == BV_I32 || dtype == BV_U32; }

template <typename T> T normalised(double pixel, const Window &window, const bv_display_options &options) {
  const T lo = static_cast<T>(window.lo), hi = static_cast<T>(window.hi);
  const T x = static_cast<T>(pixel);
  if (std::isnan(lo) || std::isnan(hi) || std::isnan(x))
    return 0;
  if (std::isinf(x))
    return x > 0 ? T{1} : T{0};
  const T width = hi - lo;
  const T divisor = width + static_cast<T>(options.epsilon);
  const T above = x - lo;
  T y = above / divisor;
  if (std::isnan(y)) // 0 / 0 without epsilon, or an infinite width
    return 0;
  y = std::min(std::max(T{0}, y), T{1}); // +0 for -0
  return y < static_cast<T>(options.floor) ? T{0} : y;
}

template <typename T> uint8_t quantised(T y, int rounding) {
  const T scaled = T{255} * y;
  return static_cast<uint8_t>(rounding == BV_ROUNDING_NEAREST ? scaled + T{0.5} : scaled);
}

// Where the pixel's bytes go in an output in C order, and what they are.
struct Packing {
  bool planes;    // [B, C, H, W] or [B, C, H, W, components], else [B, H, W, components]
  int components; // 1, 3 or 4
};

Packing packing_of(const bv_tensor &batch, const bv_tensor &out) {
  if (out.ndim == 5)
    return {true, static_cast<int>(out.shape[4])};
  if (std::equal(batch.shape, batch.shape + 4, out.shape))
    return {true, 1};
  return {false, static_cast<int>(out.shape[3])};
}

template <typename T>
std::vector<uint8_t> apply_in(const bv_tensor &batch, const std::vector<Window> &windows, const bv_tensor &out,
                              const bv_display_options &options) {
  const Packing packing = packing_of(batch, out);
  const int64_t C = batch.shape[1], H = batch.shape[2], W = batch.shape[3];
  const int64_t size = static_cast<int64_t>(bv_dtype_size(out.dtype));
  int64_t elements = 1;
  for (int axis = 0; axis < out.ndim; ++axis)
    elements *= out.shape[axis];
  std::vector<uint8_t> result(static_cast<size_t>(elements * size));
  for_each_pixel(batch, [&](const int64_t *index) {
    const double x = element_at(batch, index);
    const Window &window = windows[static_cast<size_t>(group_of(batch, index, options.scope))];
    const T y = is_background(x, index, options) ? T{0} : normalised<T>(x, window, options);
    const int64_t plane = index[0] * C + index[1], row = index[2], column = index[3];
    const int64_t pixel = packing.planes ? (plane * H + row) * W + column : (index[0] * H + row) * W + column;
    uint8_t *to = result.data() + pixel * packing.components * size;
    if (out.dtype != BV_U8) {
      encode(static_cast<double>(y), out.dtype, to);
      return;
    }
    const uint8_t grey = quantised<T>(y, options.rounding);
    if (packing.components == 1)
      to[0] = grey;
    else if (!packing.planes && C == 3)
      to[index[1]] = grey;
    else
      for (int component = 0; component < 3; ++component)
        to[component] = options.colour_map ? options.colour_map[grey * 3 + component] : grey;
    if (packing.components == 4)
      to[3] = 255;
  });
  return result;
}

} // namespace

std::vector<uint8_t> apply(const bv_tensor &batch, const std::vector<Window> &windows, const bv_tensor &out,
                           const bv_display_options &options) {
  return maps_in_double(batch.dtype) ? apply_in<double>(batch, windows, out, options)
                                     : apply_in<float>(batch, windows, out, options);
}

// ---- Single images --------------------------------------------------------------------------------------

namespace {

template <typename T> std::vector<uint8_t> to_uint8_in(const std::vector<double> &pixels) {
  std::vector<T> values;
  for (double pixel : pixels)
    values.push_back(static_cast<T>(pixel));
  T smallest = std::numeric_limits<T>::infinity();
  for (T value : values)
    if (std::isfinite(value))
      smallest = std::min(smallest, value);
  std::vector<T> shifted = values;
  if (smallest < 0)
    for (T &value : shifted)
      value = value - smallest;
  T largest = 0;
  for (size_t i = 0; i < values.size(); ++i)
    if (std::isfinite(values[i]))
      largest = std::max(largest, shifted[i]);
  std::vector<uint8_t> result;
  for (size_t i = 0; i < values.size(); ++i) {
    const T scaled = T{255} * (largest > T(0.1) ? shifted[i] / largest : shifted[i]);
    if (std::isinf(values[i]))
      result.push_back(values[i] > 0 ? 255 : 0);
    else if (std::isnan(scaled)) // a NaN pixel, or infinity over infinity after an overflowing shift
      result.push_back(0);
    else
      result.push_back(static_cast<uint8_t>(std::min(std::max(scaled, T{0}), T{255})));
  }
  return result;
}

std::vector<double> pixels_of(const bv_tensor &image) {
  std::vector<double> pixels;
  int64_t index[BV_MAX_NDIM] = {}, elements = 1;
  for (int axis = 0; axis < image.ndim; ++axis)
    elements *= image.shape[axis];
  for (int64_t number = 0; number < elements; ++number) {
    int64_t rest = number;
    for (int axis = image.ndim - 1; axis >= 0; --axis) {
      index[axis] = rest % image.shape[axis];
      rest /= image.shape[axis];
    }
    pixels.push_back(element_at(image, index));
  }
  return pixels;
}

} // namespace

std::vector<uint8_t> to_uint8(const bv_tensor &image) {
  const std::vector<double> pixels = pixels_of(image);
  return maps_in_double(image.dtype) ? to_uint8_in<double>(pixels) : to_uint8_in<float>(pixels);
}

std::vector<uint8_t> three_times(const std::vector<uint8_t> &grey) {
  std::vector<uint8_t> result;
  for (uint8_t value : grey)
    result.insert(result.end(), 3, value);
  return result;
}

bv_tensor middle_slice(const bv_tensor &volume, int axis) {
  bv_tensor slice = volume;
  const int64_t size = static_cast<int64_t>(bv_dtype_size(volume.dtype));
  slice.data = static_cast<uint8_t *>(volume.data) + volume.shape[axis] / 2 * volume.stride[axis] * size;
  slice.ndim = 2;
  for (int from = 0, to = 0; from < 3; ++from)
    if (from != axis) {
      slice.shape[to] = volume.shape[from];
      slice.stride[to++] = volume.stride[from];
    }
  return slice;
}

} // namespace oracle
