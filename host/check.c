/* Argument checks on tensors. */
#include "check.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "backend.h"
#include "overlap.h"
#include "status.h"

bv_shape_text bv_format_shape(int32_t ndim, const int64_t *shape) {
  bv_shape_text shape_text = {"["};
  int length = 1;
  for (int axis = 0; axis < ndim; ++axis)
    length += snprintf(shape_text.text + length, sizeof shape_text.text - (size_t)length, "%s%" PRId64,
                       axis ? ", " : "", shape[axis]);
  snprintf(shape_text.text + length, sizeof shape_text.text - (size_t)length, "]");
  return shape_text;
}

bv_status bv_check_pointer(const char *name, const void *pointer) {
  return pointer ? BV_OK : bv_fail(BV_ERROR_NULL, "%s is NULL", name);
}

bool bv_is_empty(const bv_tensor *tensor) {
  for (int axis = 0; axis < tensor->ndim; ++axis)
    if (tensor->shape[axis] == 0)
      return true;
  return false;
}

bool bv_broadcast(const bv_tensor *tensor, int32_t ndim, const int64_t *shape, int64_t *stride) {
  const int32_t leading = ndim - tensor->ndim;
  if (leading < 0)
    return false;
  memset(stride, 0, (size_t)ndim * sizeof *stride);
  for (int axis = 0; axis < tensor->ndim; ++axis) {
    if (tensor->shape[axis] != 1 && tensor->shape[axis] != shape[leading + axis])
      return false;
    stride[leading + axis] = tensor->shape[axis] == 1 ? 0 : tensor->stride[axis];
  }
  return true;
}

/* Whether 63 bits count the bytes of the elements. Extents of 0 count as 1, so that products of the others may
 * be formed in a tensor without elements too. */
static bool is_countable(const bv_tensor *tensor) {
  int64_t bytes = (int64_t)bv_dtype_size(tensor->dtype);
  for (int axis = 0; axis < tensor->ndim; ++axis)
    if (__builtin_mul_overflow(bytes, tensor->shape[axis] > 0 ? tensor->shape[axis] : 1, &bytes))
      return false;
  return true;
}

/* The addresses that a tensor spans must be addresses: extents and strides whose products leave 63 bits, or
 * reach below or above the address space, belong to no memory. */
static bool is_addressable(const bv_tensor *tensor) {
  int64_t element_bytes = (int64_t)bv_dtype_size(tensor->dtype);
  int64_t before = 0, after = element_bytes;
  for (int axis = 0; axis < tensor->ndim; ++axis) {
    int64_t reach;
    if (__builtin_mul_overflow(tensor->shape[axis] - 1, tensor->stride[axis], &reach) ||
        __builtin_mul_overflow(reach, element_bytes, &reach))
      return false;
    if (reach < 0 ? __builtin_sub_overflow(before, reach, &before)
                  : __builtin_add_overflow(after, reach, &after))
      return false;
  }
  uintptr_t data = (uintptr_t)tensor->data;
  return (uint64_t)before <= data && (uint64_t)after <= UINTPTR_MAX - data;
}

static bv_status check_device(const char *name, int32_t device) {
  if (device == BV_CPU)
    return BV_OK;
  if (device < BV_CPU)
    return bv_fail(BV_ERROR_DEVICE, "%s.device is %d; allowed are BV_CPU (%d) and CUDA device ordinals from 0",
                   name, device, BV_CPU);
  if (!bv_built_with_cuda())
    return bv_fail(BV_ERROR_NO_CUDA,
                   "%s.device is %d, but this batchview was not built with CUDA: only BV_CPU (%d) is allowed",
                   name, device, BV_CPU);
  int devices;
  BV_TRY(bv_cuda_device_count(&devices));
  return device < devices ? BV_OK
                          : bv_fail(BV_ERROR_DEVICE, "%s.device is %d, but the number of CUDA devices is %d",
                                    name, device, devices);
}

bv_status bv_check_tensor(const char *name, const bv_tensor *tensor) {
  BV_TRY(bv_check_pointer(name, tensor));
  if (tensor->ndim < 0 || tensor->ndim > BV_MAX_NDIM)
    return bv_fail(BV_ERROR_SHAPE, "%s.ndim is %d; allowed are 0 to %d", name, tensor->ndim, BV_MAX_NDIM);
  size_t element_bytes = bv_dtype_size(tensor->dtype);
  if (element_bytes == 0)
    return bv_fail(BV_ERROR_TYPE, "%s.dtype is %d; allowed are BV_F32 (%d) to BV_U32 (%d)", name, tensor->dtype,
                   BV_F32, BV_U32);
  for (int axis = 0; axis < tensor->ndim; ++axis)
    if (tensor->shape[axis] < 0)
      return bv_fail(BV_ERROR_SHAPE, "%s.shape[%d] is %" PRId64 " (shape %s); extents are 0 or more", name,
                     axis, tensor->shape[axis], bv_format_shape(tensor->ndim, tensor->shape).text);
  if (!is_countable(tensor))
    return bv_fail(BV_ERROR_SHAPE, "%s of shape %s has more elements than memory can hold", name,
                   bv_format_shape(tensor->ndim, tensor->shape).text);
  BV_TRY(check_device(name, tensor->device));
  if (bv_is_empty(tensor))
    return BV_OK;
  if (!tensor->data)
    return bv_fail(BV_ERROR_NULL,
                   "%s.data is NULL; only a tensor with an extent of 0 may have no data (shape %s)", name,
                   bv_format_shape(tensor->ndim, tensor->shape).text);
  if ((uintptr_t)tensor->data % element_bytes != 0)
    return bv_fail(BV_ERROR_VALUE, "%s.data is %p; it must be a multiple of the %zu bytes of %s", name,
                   tensor->data, element_bytes, bv_dtype_name(tensor->dtype));
  if (!is_addressable(tensor))
    return bv_fail(BV_ERROR_SHAPE, "%s of shape %s with strides %s reaches beyond the address space", name,
                   bv_format_shape(tensor->ndim, tensor->shape).text,
                   bv_format_shape(tensor->ndim, tensor->stride).text);
  return BV_OK;
}

bv_status bv_check_ndim(const char *name, const bv_tensor *tensor, int32_t ndim, const char *axes) {
  if (tensor->ndim == ndim)
    return BV_OK;
  return bv_fail(BV_ERROR_SHAPE, "%s has %d dimensions (shape %s); allowed are %d, %s", name, tensor->ndim,
                 bv_format_shape(tensor->ndim, tensor->shape).text, ndim, axes);
}

bv_status bv_check_distinct(const char *name, const bv_tensor *tensor) {
  if (bv_is_empty(tensor) || !bv_tensor_overlaps_itself(tensor))
    return BV_OK;
  return bv_fail(BV_ERROR_OVERLAP,
                 "%s of shape %s overlaps itself: its strides are %s; an output's elements must be distinct",
                 name, bv_format_shape(tensor->ndim, tensor->shape).text,
                 bv_format_shape(tensor->ndim, tensor->stride).text);
}

bv_status bv_check_same_device(const char *name, const bv_tensor *tensor, const char *other_name,
                               const bv_tensor *other) {
  if (tensor->device == other->device)
    return BV_OK;
  return bv_fail(BV_ERROR_DEVICE, "%s.device is %d, but %s.device is %d; all tensors must be on one device",
                 name, tensor->device, other_name, other->device);
}

static bool is_same_view(const bv_tensor *a, const bv_tensor *b) {
  if (a->data != b->data || a->dtype != b->dtype || a->ndim != b->ndim)
    return false;
  for (int axis = 0; axis < a->ndim; ++axis)
    if (a->shape[axis] != b->shape[axis] || (a->shape[axis] != 1 && a->stride[axis] != b->stride[axis]))
      return false;
  return true;
}

bv_status bv_check_apart(const char *name, const bv_tensor *output, const char *input_name,
                         const bv_tensor *input, bool in_place) {
  if (bv_is_empty(output) || bv_is_empty(input) || (in_place && is_same_view(output, input)) ||
      !bv_tensors_overlap(output, input))
    return BV_OK;
  return bv_fail(BV_ERROR_OVERLAP, "%s (data %p, shape %s) overlaps %s (data %p, shape %s); %s", name,
                 output->data, bv_format_shape(output->ndim, output->shape).text, input_name, input->data,
                 bv_format_shape(input->ndim, input->shape).text,
                 in_place ? "allowed are no overlap, or exactly the same data, type, shape and strides"
                          : "they must not share memory");
}
