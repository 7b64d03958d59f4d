/* batchview: tensors of other libraries, taken over through DLPack without a copy.
 *
 * PyTorch, JAX, CuPy, NumPy, ONNX Runtime and others describe their tensors with the structs of DLPack
 * (https://dmlc.github.io/dlpack). The functions here make bv_tensor views of the three of them:
 *
 *     bv_tensor batch;
 *     if (bv_tensor_from_dlpack(&dltensor, &batch) != BV_OK ||
 *         bv_normalize_batch_for_display(&batch, &out, NULL, stream) != BV_OK)
 *       fprintf(stderr, "%s\n", bv_last_error());
 *
 * A view owns nothing: it is good for as long as the tensor that it was made of, whose deleter is left to the
 * caller. What a stream has to wait for before it may touch the pixels is the caller's matter too.
 *
 * A program that has a <dlpack/dlpack.h>, of any version, includes it before this file. Without it the structs
 * are declared here, as DLPack fixes their layout.
 */
#ifndef BATCHVIEW_DLPACK_H
#define BATCHVIEW_DLPACK_H

#include <stdint.h>

#include "batchview/batchview.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- DLPack's structs, where nobody else has declared them ------------------------------------------- */

#if !defined(DLPACK_DLPACK_H_)

typedef struct {
  int32_t device_type; /* 1 CPU, 2 CUDA, 3 CUDA's pinned host memory, 13 CUDA's managed memory, ... */
  int32_t device_id;
} DLDevice;

typedef struct {
  uint8_t code; /* 0 signed, 1 unsigned, 2 IEEE float, 4 bfloat, 6 bool, ... */
  uint8_t bits;
  uint16_t lanes;
} DLDataType;

typedef struct {
  void *data;
  DLDevice device;
  int32_t ndim;
  DLDataType dtype;
  int64_t *shape;
  int64_t *strides; /* in elements; NULL for C order without gaps */
  uint64_t byte_offset;
} DLTensor;

typedef struct DLManagedTensor {
  DLTensor dl_tensor;
  void *manager_ctx;
  void (*deleter)(struct DLManagedTensor *self);
} DLManagedTensor;

#endif

/* Since DLPack 1.0. */
#if !defined(DLPACK_MAJOR_VERSION)

typedef struct {
  uint32_t major;
  uint32_t minor;
} DLPackVersion;

typedef struct DLManagedTensorVersioned {
  DLPackVersion version;
  void *manager_ctx;
  void (*deleter)(struct DLManagedTensorVersioned *self);
  uint64_t flags; /* bit 0: read only */
  DLTensor dl_tensor;
} DLManagedTensorVersioned;

#endif

/* ---- Views -------------------------------------------------------------------------------------------- */

/* Makes *tensor a view of *dltensor.
 *
 * Types: float of 16, 32 and 64 bits, bfloat of 16, signed and unsigned integers of 8, 16 and 32; one lane.
 * Others, bool among them, are BV_ERROR_TYPE: a mask of bools is exported as uint8. Devices: CPU and CUDA's
 * pinned host memory become BV_CPU; CUDA and CUDA's managed memory become that CUDA device. Others are
 * BV_ERROR_DEVICE. Whether the device exists is said by the function that the view is given to, and so is
 * whether it takes the view's shape.
 *
 * `tensor` is untouched after an error. Nothing of the tensor's memory is read.
 * Returns BV_OK; BV_ERROR_NULL for a null pointer (the shape may be NULL where ndim is 0), BV_ERROR_SHAPE for
 * more than BV_MAX_NDIM dimensions, _TYPE, _DEVICE, and BV_ERROR_VALUE for a byte_offset of 2^63 or more,
 * or beyond the address space. */
BV_API bv_status bv_tensor_from_dlpack(const DLTensor *dltensor, bv_tensor *tensor);

/* The same of what a capsule named "dltensor" holds. */
BV_API bv_status bv_tensor_from_dlpack_managed(const DLManagedTensor *managed, bv_tensor *tensor);

/* The same of what a capsule named "dltensor_versioned" holds.
 * written: not 0 if the view is going to be an output. Then a tensor that is flagged as read-only is
 * BV_ERROR_VALUE. A major version other than 1 is BV_ERROR_VALUE too: its layout is not known. */
BV_API bv_status bv_tensor_from_dlpack_versioned(const DLManagedTensorVersioned *managed, int written,
                                                 bv_tensor *tensor);

#ifdef __cplusplus
}
#endif

#endif
