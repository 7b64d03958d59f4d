/* Packings: how the type and the shape of an output say what is written there. */
#ifndef BV_PACKING_H
#define BV_PACKING_H

#include <stdbool.h>

#include "batchview/batchview.h"

typedef struct bv_packing {
  int64_t stride[4]; /* of the output along B, C, H, W */
  int32_t components;
  int64_t component_stride;
  bool is_interleaved; /* the channels are R, G, B of one pixel */
  bool alpha;
} bv_packing;

/* The types that pictures and values have. */
bv_status bv_check_output_type(const bv_tensor *out);

/* Finds the packing of a batch [B, C, H, W] in `out`, or fails naming both shapes. */
bv_status bv_find_packing(const bv_tensor *batch, const bv_tensor *out, bv_packing *packing);

#endif
