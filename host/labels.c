/* Labels laid over pictures: the checks. */
#include <string.h>

#include "backend.h"
#include "batchview/pictures.h"
#include "check.h"
#include "layout.h"
#include "status.h"

/* Of labels 1, 2, ..., again from the first after the last. */
static const uint8_t label_colours[3 * BV_LABEL_COLOURS] = {230, 60,  50, 60,  180, 75,  65, 105, 225,
                                                            255, 200, 30, 200, 80,  220, 60, 200, 210};

static bool is_integer(bv_dtype dtype) {
  return dtype == BV_U8 || dtype == BV_I8 || dtype == BV_U16 || dtype == BV_I16 || dtype == BV_I32 ||
         dtype == BV_U32;
}

static bv_status check_pictures(const bv_tensor *pictures) {
  BV_TRY(bv_check_tensor("pictures", pictures));
  if (pictures->dtype != BV_U8)
    return bv_fail(BV_ERROR_TYPE, "pictures.dtype is %s; allowed is u8", bv_dtype_name(pictures->dtype));
  const int last = pictures->ndim - 1;
  if (last < 2 || (pictures->shape[last] != 3 && pictures->shape[last] != 4))
    return bv_fail(BV_ERROR_SHAPE, "pictures has the shape %s; allowed is [..., H, W, 3 or 4]",
                   bv_format_shape(pictures->ndim, pictures->shape).text);
  return bv_check_distinct("pictures", pictures);
}

/* The labels' strides along the pictures' axes but the last, 0 where they broadcast. */
static bv_status check_labels(const bv_tensor *pictures, const bv_tensor *labels, int64_t stride[BV_MAX_NDIM]) {
  BV_TRY(bv_check_tensor("labels", labels));
  if (!is_integer(labels->dtype))
    return bv_fail(BV_ERROR_TYPE, "labels.dtype is %s; allowed are u8, i8, u16, i16, i32 and u32",
                   bv_dtype_name(labels->dtype));
  if (!bv_broadcast(labels, pictures->ndim - 1, pictures->shape, stride))
    return bv_fail(BV_ERROR_SHAPE,
                   "labels of shape %s does not broadcast to the pixels of pictures of shape %s",
                   bv_format_shape(labels->ndim, labels->shape).text,
                   bv_format_shape(pictures->ndim, pictures->shape).text);
  BV_TRY(bv_check_same_device("labels", labels, "pictures", pictures));
  return bv_check_apart("pictures", pictures, "labels", labels, false);
}

bv_status bv_overlay_labels(const bv_tensor *pictures, const bv_tensor *labels, const uint8_t *colours,
                            double opacity, bv_stream stream) {
  int64_t stride[BV_MAX_NDIM];
  BV_TRY(check_pictures(pictures));
  BV_TRY(check_labels(pictures, labels, stride));
  if (!(opacity >= 0 && opacity <= 1))
    return bv_fail(BV_ERROR_VALUE, "opacity is %g; allowed are 0 to 1", opacity);
  if (bv_is_empty(pictures))
    return BV_OK;
  bv_axis axes[BV_MAX_NDIM];
  const int ndim = pictures->ndim - 1;
  for (int axis = 0; axis < ndim; ++axis)
    axes[axis] = (bv_axis){
        .extent = pictures->shape[axis], .in_stride = stride[axis], .out_stride = pictures->stride[axis]};
  bv_job job = {.in = labels->data,
                .in_dtype = labels->dtype,
                .out = pictures->data,
                .out_dtype = BV_U8,
                .components = 1};
  bv_lay_out(&job, axes, ndim, 0);
  bv_overlay checked = {.lines = bv_lines_for_measuring(&job),
                        .labels = job.in,
                        .labels_dtype = labels->dtype,
                        .pictures = job.out,
                        .component_stride = pictures->stride[ndim],
                        .opacity = (uint32_t)(256 * opacity + 0.5),
                        .has_colours = colours != NULL};
  if (colours)
    memcpy(checked.colours, colours, sizeof checked.colours);
  else
    memcpy(checked.colours, label_colours, sizeof label_colours);
  if (pictures->device != BV_CPU)
    return bv_cuda_overlay(&checked, pictures->device, stream);
  bv_cpu_overlay(&checked);
  return BV_OK;
}
