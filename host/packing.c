/* The table of packings. */
#include "packing.h"

#include <string.h>

#include "check.h"
#include "status.h"

static bool is_float(bv_dtype dtype) {
  return dtype == BV_F32 || dtype == BV_F16 || dtype == BV_BF16 || dtype == BV_F64;
}

static bool shape_is(const bv_tensor *tensor, int32_t ndim, const int64_t *shape) {
  return tensor->ndim == ndim && memcmp(tensor->shape, shape, (size_t)ndim * sizeof *shape) == 0;
}

/* [B, C, H, W], [B, C, H, W, 3 or 4] and [B, H, W, 3 or 4], in this order of preference. */
static bool match_shape(const bv_tensor *batch, const bv_tensor *out, bv_packing *packing) {
  const int64_t *n = batch->shape, *stride = out->stride;
  int64_t components = out->ndim > 0 ? out->shape[out->ndim - 1] : 0;
  *packing = (bv_packing){.components = 1, .component_stride = 1};
  if (shape_is(out, 4, n)) {
    memcpy(packing->stride, stride, sizeof packing->stride);
    return true;
  }
  if (out->dtype != BV_U8 || (components != 3 && components != 4))
    return false;
  packing->alpha = components == 4;
  if (shape_is(out, 5, (int64_t[]){n[0], n[1], n[2], n[3], components})) {
    memcpy(packing->stride, stride, sizeof packing->stride);
    packing->components = 3;
    packing->component_stride = stride[4];
    return true;
  }
  if (!shape_is(out, 4, (int64_t[]){n[0], n[2], n[3], components}) || (n[1] != 1 && n[1] != 3))
    return false;
  packing->is_interleaved = n[1] == 3;
  packing->components = n[1] == 3 ? 1 : 3;
  packing->component_stride = stride[3];
  memcpy(packing->stride, (int64_t[]){stride[0], stride[3], stride[1], stride[2]}, sizeof packing->stride);
  return true;
}

bv_status bv_check_output_type(const bv_tensor *out) {
  if (out->dtype == BV_U8 || is_float(out->dtype))
    return BV_OK;
  return bv_fail(BV_ERROR_TYPE, "out.dtype is %s; allowed are f32, f16, bf16, f64 and u8",
                 bv_dtype_name(out->dtype));
}

bv_status bv_find_packing(const bv_tensor *batch, const bv_tensor *out, bv_packing *packing) {
  BV_TRY(bv_check_output_type(out));
  if (match_shape(batch, out, packing))
    return BV_OK;
  return bv_fail(
      BV_ERROR_SHAPE,
      "out of shape %s and type %s holds no packing of batch of shape %s; allowed are [B, C, H, W], and for u8 "
      "[B, C, H, W, 3 or 4] and, with C = 1 or 3, [B, H, W, 3 or 4]",
      bv_format_shape(out->ndim, out->shape).text, bv_dtype_name(out->dtype),
      bv_format_shape(batch->ndim, batch->shape).text);
}
