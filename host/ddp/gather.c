/* What all ranks have, on one: counts on all of them, pictures on rank 0. */
#include <inttypes.h>
#include <stdlib.h>

#include "group.h"

static bv_status check_count(int64_t count, const int64_t *counts) {
  if (!counts)
    return ddp_fail(BV_ERROR_NULL, "counts is NULL");
  if (count < 0)
    return ddp_fail(BV_ERROR_VALUE, "count is %" PRId64 "; it must be 0 or more", count);
  return BV_OK;
}

bv_status bv_ddp_exchange_counts(bv_ddp_group *group, int64_t count, int64_t *counts) {
  const ddp_call call = {.operation = DDP_EXCHANGE_COUNTS, .count = count};
  bv_context_scope scope;
  DDP_TRY(ddp_check_group(group));
  DDP_TRY(ddp_enter_group(group, &scope));
  bv_status status = check_count(count, counts);
  status = status == BV_OK ? group->backend->meet(group, &call, counts)
                           : ddp_begin(group, &call, status, group->stream);
  ddp_leave_group(group, &scope);
  return status;
}

/* ---- Pictures ------------------------------------------------------------------------------------------- */

/* A gap-free u8 tensor of `count` pictures on the group's device; *picture_bytes from its other extents. */
static bv_status check_pictures(const bv_ddp_group *group, const char *name, const bv_tensor *tensor,
                                int64_t count, int64_t *picture_bytes) {
  *picture_bytes = 0;
  if (!tensor)
    return ddp_fail(BV_ERROR_NULL, "%s is NULL", name);
  if (tensor->dtype != BV_U8)
    return ddp_fail(BV_ERROR_TYPE, "%s.dtype is %s; allowed is u8", name, bv_dtype_name(tensor->dtype));
  if (tensor->device != group->device)
    return ddp_fail(BV_ERROR_DEVICE, "%s.device is %d, but the group's is %d; they must be the same", name,
                    tensor->device, group->device);
  if (tensor->ndim < 1 || tensor->ndim > BV_MAX_NDIM)
    return ddp_fail(BV_ERROR_SHAPE, "%s.ndim is %d; allowed are 1 to %d, the number of pictures first", name,
                    tensor->ndim, BV_MAX_NDIM);
  if (tensor->shape[0] != count)
    return ddp_fail(BV_ERROR_SHAPE, "%s.shape[0] is %" PRId64 "; by counts it must be %" PRId64, name,
                    tensor->shape[0], count);
  int64_t bytes = 1;
  for (int axis = tensor->ndim - 1; axis >= 0; --axis) {
    if (tensor->shape[axis] < 0)
      return ddp_fail(BV_ERROR_SHAPE, "%s.shape[%d] is %" PRId64 "; extents are 0 or more", name, axis,
                      tensor->shape[axis]);
    if (tensor->shape[axis] > 1 && tensor->stride[axis] != bytes)
      return ddp_fail(BV_ERROR_SHAPE,
                      "%s.stride[%d] is %" PRId64 "; it must be %" PRId64
                      ", as pictures to gather have no gaps",
                      name, axis, tensor->stride[axis], bytes);
    if (axis == 0)
      *picture_bytes = bytes;
    if (__builtin_mul_overflow(bytes, tensor->shape[axis], &bytes))
      return ddp_fail(BV_ERROR_SHAPE, "%s has more than 2^63 bytes", name);
  }
  if (bytes > 0 && !tensor->data)
    return ddp_fail(BV_ERROR_NULL, "%s.data is NULL", name);
  return BV_OK;
}

static bv_status check_out(const bv_ddp_group *group, const bv_tensor *pictures, int64_t picture_bytes,
                           int64_t total, const bv_tensor *out) {
  int64_t out_picture_bytes;
  if (group->rank != 0)
    return !out ? BV_OK
                : ddp_fail(BV_ERROR_VALUE, "out is given on rank %d; only rank 0 receives pictures",
                           group->rank);
  DDP_TRY(check_pictures(group, "out", out, total, &out_picture_bytes));
  if (out_picture_bytes != picture_bytes)
    return ddp_fail(BV_ERROR_SHAPE,
                    "pictures of out have %" PRId64 " bytes, of pictures %" PRId64 "; they must be the same",
                    out_picture_bytes, picture_bytes);
  const char *from = pictures->data, *to = out->data;
  int64_t from_bytes = pictures->shape[0] * picture_bytes, to_bytes = total * picture_bytes;
  if (from_bytes > 0 && to_bytes > 0 && (uintptr_t)from < (uintptr_t)to + (uintptr_t)to_bytes &&
      (uintptr_t)to < (uintptr_t)from + (uintptr_t)from_bytes)
    return ddp_fail(BV_ERROR_OVERLAP, "out (data %p) overlaps pictures (data %p); they must not share memory",
                    out->data, pictures->data);
  return BV_OK;
}

/* bytes[r] becomes the size of rank r's pictures. */
static bv_status check_gather(const bv_ddp_group *group, const bv_tensor *pictures, const int64_t *counts,
                              const bv_tensor *out, int64_t *bytes) {
  int64_t total = 0, picture_bytes;
  if (!counts)
    return ddp_fail(BV_ERROR_NULL, "counts is NULL");
  if (!bytes)
    return ddp_fail(BV_ERROR_MEMORY, "no memory for the sizes of %d ranks", group->world_size);
  for (int rank = 0; rank < group->world_size; ++rank)
    if (counts[rank] < 0 || __builtin_add_overflow(total, counts[rank], &total))
      return ddp_fail(BV_ERROR_VALUE,
                      "counts[%d] is %" PRId64 "; counts are 0 or more, and their sum below 2^63", rank,
                      counts[rank]);
  DDP_TRY(check_pictures(group, "pictures", pictures, counts[group->rank], &picture_bytes));
  DDP_TRY(check_out(group, pictures, picture_bytes, total, out));
  for (int rank = 0; rank < group->world_size; ++rank)
    if (__builtin_mul_overflow(counts[rank], picture_bytes, &bytes[rank]))
      return ddp_fail(BV_ERROR_VALUE, "counts[%d] is %" PRId64 ": its pictures have more than 2^63 bytes", rank,
                      counts[rank]);
  return BV_OK;
}

static bv_status gather(bv_ddp_group *group, const bv_tensor *pictures, const int64_t *counts,
                        const bv_tensor *out, int64_t *bytes, bv_stream stream) {
  ddp_call call = {.operation = DDP_GATHER};
  bv_status status = check_gather(group, pictures, counts, out, bytes);
  if (status == BV_OK)
    ddp_describe_gather(pictures, counts, group->world_size, &call);
  DDP_TRY(ddp_begin(group, &call, status, stream));
  return ddp_end_together(group,
                          group->backend->gather(group, pictures->data, bytes, out ? out->data : NULL, stream));
}

bv_status bv_ddp_gather_pictures(bv_ddp_group *group, const bv_tensor *pictures, const int64_t *counts,
                                 const bv_tensor *out, bv_stream stream) {
  bv_context_scope scope;
  DDP_TRY(ddp_check_group(group));
  DDP_TRY(ddp_enter_group(group, &scope));
  int64_t *bytes = malloc((size_t)group->world_size * sizeof *bytes);
  bv_status status = gather(group, pictures, counts, out, bytes, stream);
  free(bytes);
  ddp_leave_group(group, &scope);
  return status;
}
