/* Tensor views and element types. */
#include "batchview/batchview.h"

bv_tensor bv_contiguous_tensor(void *data, bv_dtype dtype, int32_t device, int32_t ndim, const int64_t *shape) {
  bv_tensor tensor = {.data = data, .dtype = dtype, .device = device, .ndim = ndim};
  uint64_t stride = 1; /* unsigned: an absurd shape wraps around here and is refused by the checks */
  for (int axis = (ndim < BV_MAX_NDIM ? ndim : BV_MAX_NDIM) - 1; axis >= 0; --axis) {
    tensor.shape[axis] = shape[axis];
    tensor.stride[axis] = (int64_t)stride;
    stride *= (uint64_t)(shape[axis] > 0 ? shape[axis] : 1);
  }
  return tensor;
}

size_t bv_dtype_size(bv_dtype dtype) {
  switch (dtype) {
  case BV_U8:
  case BV_I8: return 1;
  case BV_F16:
  case BV_BF16:
  case BV_U16:
  case BV_I16: return 2;
  case BV_F32:
  case BV_I32:
  case BV_U32: return 4;
  case BV_F64: return 8;
  default: return 0;
  }
}

const char *bv_dtype_name(bv_dtype dtype) {
  switch (dtype) {
  case BV_F32: return "f32";
  case BV_F16: return "f16";
  case BV_BF16: return "bf16";
  case BV_F64: return "f64";
  case BV_U8: return "u8";
  case BV_I8: return "i8";
  case BV_U16: return "u16";
  case BV_I16: return "i16";
  case BV_I32: return "i32";
  case BV_U32: return "u32";
  default: return "unknown type";
  }
}

int bv_version(void) { return BV_VERSION_MAJOR * 10000 + BV_VERSION_MINOR * 100 + BV_VERSION_PATCH; }
