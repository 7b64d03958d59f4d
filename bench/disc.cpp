#include "disc.h"

#include <cmath>

#include "oracle.h"

std::vector<uint8_t> disc(bv_dtype dtype, const Shape &shape, Random &random) {
  const int64_t height = shape[2], width = shape[3];
  const size_t size = bv_dtype_size(dtype);
  const double scale = size == 1 ? 1 : 10;
  const double radius = std::sqrt(0.6 / 3.14159265358979);
  std::vector<uint8_t> elements(static_cast<size_t>(product(shape)) * size);
  uint8_t *element = elements.data();
  for (int64_t plane = 0; plane < shape[0] * shape[1]; ++plane)
    for (int64_t row = 0; row < height; ++row)
      for (int64_t column = 0; column < width; ++column, element += size) {
        const double y = (static_cast<double>(row) + 0.5) / static_cast<double>(height) - 0.5;
        const double x = (static_cast<double>(column) + 0.5) / static_cast<double>(width) - 0.5;
        // A sum of three uniform numbers: bell-shaped, 5 to 245 times the scale.
        double value = 5 * scale;
        for (int term = 0; term < 3; ++term)
          value += random.uniform(0, 80 * scale);
        oracle::encode(x * x + y * y < radius * radius ? value : 0, dtype, element);
      }
  return elements;
}
