/* Views of DLPack's tensors. The numbers are those of DLPack's enums, which differ in what they name from
 * version to version, but not in what the numbers mean. */
#include "batchview/dlpack.h"

#include <stddef.h>

#include "check.h"
#include "status.h"

enum { DEVICE_CPU = 1, DEVICE_CUDA = 2, DEVICE_CUDA_HOST = 3, DEVICE_CUDA_MANAGED = 13 };
enum { CODE_INT = 0, CODE_UINT = 1, CODE_FLOAT = 2, CODE_BFLOAT = 4 };
enum { SUPPORTED_MAJOR_VERSION = 1, FLAG_READ_ONLY = 1 };

static bv_status convert_type(DLDataType type, bv_dtype *dtype) {
  static const struct {
    uint8_t code, bits;
    bv_dtype dtype;
  } types[] = {{CODE_FLOAT, 32, BV_F32}, {CODE_FLOAT, 16, BV_F16}, {CODE_BFLOAT, 16, BV_BF16},
               {CODE_FLOAT, 64, BV_F64}, {CODE_UINT, 8, BV_U8},    {CODE_INT, 8, BV_I8},
               {CODE_UINT, 16, BV_U16},  {CODE_INT, 16, BV_I16},   {CODE_INT, 32, BV_I32},
               {CODE_UINT, 32, BV_U32}};
  if (type.lanes != 1)
    return bv_fail(BV_ERROR_TYPE, "dltensor.dtype.lanes is %d; allowed is 1", type.lanes);
  for (size_t i = 0; i < sizeof types / sizeof *types; ++i)
    if (types[i].code == type.code && types[i].bits == type.bits) {
      *dtype = types[i].dtype;
      return BV_OK;
    }
  return bv_fail(
      BV_ERROR_TYPE,
      "dltensor.dtype has code %d and %d bits; allowed are float (2) of 16, 32 and 64 bits, bfloat (4) of "
      "16, int (0) and uint (1) of 8, 16 and 32",
      type.code, type.bits);
}

static bv_status convert_device(DLDevice from, int32_t *device) {
  switch ((int32_t)from.device_type) {
  case DEVICE_CPU:
  case DEVICE_CUDA_HOST: *device = BV_CPU; return BV_OK;
  case DEVICE_CUDA:
  case DEVICE_CUDA_MANAGED:
    if (from.device_id < 0)
      return bv_fail(BV_ERROR_DEVICE, "dltensor.device.device_id is %d; CUDA devices count from 0",
                     (int)from.device_id);
    *device = from.device_id;
    return BV_OK;
  default:
    return bv_fail(
        BV_ERROR_DEVICE,
        "dltensor.device.device_type is %d; allowed are CPU (1), CUDA (2), pinned host memory (3) and "
        "managed memory (13)",
        (int)from.device_type);
  }
}

bv_status bv_tensor_from_dlpack(const DLTensor *dltensor, bv_tensor *tensor) {
  BV_TRY(bv_check_pointer("dltensor", dltensor));
  BV_TRY(bv_check_pointer("tensor", tensor));
  if (dltensor->ndim < 0 || dltensor->ndim > BV_MAX_NDIM)
    return bv_fail(BV_ERROR_SHAPE, "dltensor.ndim is %d; allowed are 0 to %d", (int)dltensor->ndim,
                   BV_MAX_NDIM);
  if (dltensor->ndim > 0)
    BV_TRY(bv_check_pointer("dltensor.shape", dltensor->shape));
  bv_tensor view = bv_contiguous_tensor(NULL, BV_F32, BV_CPU, dltensor->ndim, dltensor->shape);
  BV_TRY(convert_type(dltensor->dtype, &view.dtype));
  BV_TRY(convert_device(dltensor->device, &view.device));
  /* No object is larger than PTRDIFF_MAX, and no pointer may be moved further. */
  if (dltensor->byte_offset > PTRDIFF_MAX || dltensor->byte_offset > UINTPTR_MAX - (uintptr_t)dltensor->data)
    return bv_fail(BV_ERROR_VALUE, "dltensor.byte_offset is %llu, beyond the address space from data %p",
                   (unsigned long long)dltensor->byte_offset, dltensor->data);
  if (dltensor->data)
    view.data = (char *)dltensor->data + dltensor->byte_offset;
  for (int axis = 0; dltensor->strides && axis < view.ndim; ++axis)
    view.stride[axis] = dltensor->strides[axis];
  *tensor = view;
  return BV_OK;
}

bv_status bv_tensor_from_dlpack_managed(const DLManagedTensor *managed, bv_tensor *tensor) {
  BV_TRY(bv_check_pointer("managed", managed));
  return bv_tensor_from_dlpack(&managed->dl_tensor, tensor);
}

bv_status bv_tensor_from_dlpack_versioned(const DLManagedTensorVersioned *managed, int written,
                                          bv_tensor *tensor) {
  BV_TRY(bv_check_pointer("managed", managed));
  if (managed->version.major != SUPPORTED_MAJOR_VERSION)
    return bv_fail(BV_ERROR_VALUE, "managed.version is %u.%u; allowed are 1.x",
                   (unsigned)managed->version.major, (unsigned)managed->version.minor);
  if (written && (managed->flags & FLAG_READ_ONLY))
    return bv_fail(BV_ERROR_VALUE, "managed.flags is %llu: the tensor is read-only and cannot be an output",
                   (unsigned long long)managed->flags);
  return bv_tensor_from_dlpack(&managed->dl_tensor, tensor);
}
