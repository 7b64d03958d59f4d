// What batchview computes, once more: plain loops over every pixel and a sort per group, written from the
// description of the behaviour and sharing nothing with the library but the public header.
#ifndef BATCHVIEW_TESTS_ORACLE_H
#define BATCHVIEW_TESTS_ORACLE_H

#include <cstdint>
#include <vector>

#include "batchview/batchview.h"

namespace oracle {

// One element to its exact value, and a value to the nearest element (ties to even; integers truncate and
// saturate).
double decode(const void *element, bv_dtype dtype);
void encode(double value, bv_dtype dtype, void *element);

struct Window {
  double lo, hi, count;
};

// A window per group of the scope. The batch and the mask are tensors on the CPU.
std::vector<Window> measure(const bv_tensor &batch, const bv_display_options &options);

// The elements of an output of this type and shape, in C order. `out` is only described, not touched.
std::vector<uint8_t> apply(const bv_tensor &batch, const std::vector<Window> &windows, const bv_tensor &out,
                           const bv_display_options &options);

// An image or volume of any rank as 8-bit numbers, in C order.
std::vector<uint8_t> to_uint8(const bv_tensor &image);
// Each number of `grey` three times.
std::vector<uint8_t> three_times(const std::vector<uint8_t> &grey);
// The view of the middle slice of a volume.
bv_tensor middle_slice(const bv_tensor &volume, int axis);

} // namespace oracle

#endif
