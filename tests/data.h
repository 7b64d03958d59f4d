// Pixels to try: what values they have, and how many of them are foreground.
#ifndef BATCHVIEW_TESTS_DATA_H
#define BATCHVIEW_TESTS_DATA_H

#include <cstdint>
#include <string>
#include <vector>

#include "batchview/batchview.h"
#include "random.h"

enum class Data {
  Uniform,
  Constant,
  TwoValued,
  Ties,      // few distinct values
  Denormals, // and the smallest normal numbers; integers: 0 to 3
  BothZeros, // +0 and -0 among small numbers of both signs
  Nans,
  Infinities,
  Huge, // up to the largest finite number of both signs, so that differences overflow
  Tiny, // a few units in the last place around a number
  Ascending,
  Descending,
  AnyBits // every bit pattern
};
inline const std::vector<Data> all_data = {Data::Uniform,   Data::Constant,  Data::TwoValued, Data::Ties,
                                           Data::Denormals, Data::BothZeros, Data::Nans,      Data::Infinities,
                                           Data::Huge,      Data::Tiny,      Data::Ascending, Data::Descending,
                                           Data::AnyBits};
const char *data_name(Data data);

// Pixels that are not foreground are zero.
enum class Filled { Everywhere, Nowhere, OnePixel, Half, OneInThousand };
inline const std::vector<Filled> all_filled = {Filled::Everywhere, Filled::Nowhere, Filled::OnePixel,
                                               Filled::Half, Filled::OneInThousand};
const char *filled_name(Filled filled);

// The bytes of `count` elements.
std::vector<uint8_t> make_pixels(bv_dtype dtype, int64_t count, Data data, Filled filled, Random &random);

#endif
