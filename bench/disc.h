// The benchmarks' pictures.
#ifndef BATCHVIEW_BENCH_DISC_H
#define BATCHVIEW_BENCH_DISC_H

#include "array.h"

// Noise on a disc that covers 60 % of each plane of [B, C, H, W]; the rest is zero. The elements in C order.
std::vector<uint8_t> disc(bv_dtype dtype, const Shape &shape, Random &random);

#endif
