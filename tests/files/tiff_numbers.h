// Pages of TIFF files with random numbers.
#ifndef BATCHVIEW_TIFF_NUMBERS_H
#define BATCHVIEW_TIFF_NUMBERS_H

#include "support.h"
#include "tiff_file.h"

// A page of random numbers of a type like "u2"; the numbers in the order of its pixels.
inline std::vector<double> fill(TiffPage &page, const std::string &type, bool big_endian) {
  page.bits = 8 * (type[1] - '0');
  page.format = type[0] == 'u' ? 1 : type[0] == 'i' ? 2 : 3;
  page.pixels.clear();
  std::vector<double> numbers;
  while (numbers.size() < (size_t)page.width * page.height * (size_t)page.samples)
    numbers.push_back(append_random(page.pixels, type, big_endian));
  return numbers;
}

#endif
