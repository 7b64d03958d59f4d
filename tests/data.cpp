// Pixels to try.
#include "data.h"

#include <cmath>
#include <limits>

#include "oracle.h"

const char *data_name(Data data) {
  switch (data) {
  case Data::Uniform: return "uniform";
  case Data::Constant: return "constant";
  case Data::TwoValued: return "two-valued";
  case Data::Ties: return "ties";
  case Data::Denormals: return "denormals";
  case Data::BothZeros: return "both zeros";
  case Data::Nans: return "NaNs";
  case Data::Infinities: return "infinities";
  case Data::Huge: return "huge";
  case Data::Tiny: return "tiny";
  case Data::Ascending: return "ascending";
  case Data::Descending: return "descending";
  case Data::AnyBits: return "any bits";
  }
  return "?";
}

const char *filled_name(Filled filled) {
  switch (filled) {
  case Filled::Everywhere: return "everywhere";
  case Filled::Nowhere: return "nowhere";
  case Filled::OnePixel: return "one pixel";
  case Filled::Half: return "half";
  case Filled::OneInThousand: return "one in a thousand";
  }
  return "?";
}

namespace {

struct Range {
  double low, high;  // ordinary values of the type
  double largest;    // finite
  double least;      // denormal, or 1
  double last_place; // of numbers from 1 to 2, or 1
};

Range range_of(bv_dtype dtype) {
  switch (dtype) {
  case BV_F32: return {-700, 4000, std::numeric_limits<float>::max(), 0x1p-149, 0x1p-23};
  case BV_F16: return {-700, 4000, 65504, 0x1p-24, 0x1p-10};
  case BV_BF16: return {-700, 4000, 0x1.fep127, 0x1p-133, 0x1p-7};
  case BV_F64: return {-700, 4000, std::numeric_limits<double>::max(), 0x1p-1074, 0x1p-52};
  case BV_U8: return {0, 256, 255, 1, 1};
  case BV_I8: return {-128, 128, 127, 1, 1};
  case BV_U16: return {0, 4096, 65535, 1, 1};
  case BV_I16: return {-1024, 3072, 32767, 1, 1};
  case BV_I32: return {-100000, 3000000, 2147483647, 1, 1};
  default: return {0, 3000000, 4294967295, 1, 1};
  }
}

// One value of a kind that does not depend on the pixel's place. `base` is an ordinary value of this array.
double value_of(Data data, const Range &range, double base, Random &random) {
  switch (data) {
  case Data::Constant: return base;
  case Data::TwoValued: return random.one_in(3) ? base : range.high / 2;
  case Data::Ties: return base + static_cast<double>(random.below(5)) * 7;
  case Data::Denormals: return static_cast<double>(random.below(4)) * range.least;
  case Data::BothZeros: return random.pick({0.0, -0.0, 1.0, -1.0, 2.0});
  case Data::Nans:
    return random.one_in(4) ? std::numeric_limits<double>::quiet_NaN() : random.uniform(range.low, range.high);
  case Data::Infinities:
    return random.one_in(4) ? random.pick({HUGE_VAL, -HUGE_VAL}) : random.uniform(range.low, range.high);
  case Data::Huge:
    return random.one_in(4) ? random.pick({range.largest, -range.largest})
                            : random.uniform(-1, 1) * range.largest;
  case Data::Tiny: return 1 + static_cast<double>(random.below(9)) * range.last_place;
  default: return random.uniform(range.low, range.high);
  }
}

bool is_filled(Filled filled, int64_t pixel, int64_t chosen, Random &random) {
  switch (filled) {
  case Filled::Everywhere: return true;
  case Filled::Nowhere: return false;
  case Filled::OnePixel: return pixel == chosen;
  case Filled::Half: return random.one_in(2);
  case Filled::OneInThousand: return random.one_in(1000);
  }
  return true;
}

} // namespace

std::vector<uint8_t> make_pixels(bv_dtype dtype, int64_t count, Data data, Filled filled, Random &random) {
  const Range range = range_of(dtype);
  const double base = random.uniform(range.low, range.high), steps = static_cast<double>(count);
  const int64_t chosen = count ? random.below(count) : 0;
  const size_t size = bv_dtype_size(dtype);
  std::vector<uint8_t> bytes(static_cast<size_t>(count) * size, 0);
  for (int64_t pixel = 0; pixel < count; ++pixel) {
    uint8_t *element = bytes.data() + static_cast<size_t>(pixel) * size;
    if (!is_filled(filled, pixel, chosen, random))
      continue;
    const double way = static_cast<double>(data == Data::Descending ? count - pixel : pixel + 1) / steps;
    if (data == Data::AnyBits)
      for (size_t byte = 0; byte < size; ++byte)
        element[byte] = static_cast<uint8_t>(random.bits());
    else if (data == Data::Ascending || data == Data::Descending)
      oracle::encode(range.low + (range.high - range.low) * way, dtype, element);
    else
      oracle::encode(value_of(data, range, base, random), dtype, element);
  }
  return bytes;
}
