/* Labels and images laid over pictures: the checks. */
#include <string.h>

#include "backend.h"
#include "batchview/pictures.h"
#include "check.h"
#include "layout.h"
#include "status.h"

/* Of labels 1, 2, ..., again from the first after the last. */
static const uint8_t label_colours[3 * BV_LABEL_COLOURS] = {230, 60,  50, 60,  180, 75,  65, 105, 225,
                                                            255, 200, 30, 200, 80,  220, 60, 200, 210};

static bool is_label(bv_dtype dtype) {
  return dtype == BV_U8 || dtype == BV_I8 || dtype == BV_U16 || dtype == BV_I16 || dtype == BV_I32 ||
         dtype == BV_U32;
}

static bool is_display_value(bv_dtype dtype) {
  return dtype == BV_U8 || dtype == BV_F32 || dtype == BV_F16 || dtype == BV_BF16 || dtype == BV_F64;
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

/* What lies over pictures, and its strides along their axes but the last: 0 where it broadcasts. */
static bv_status check_over(const bv_tensor *pictures, const char *name, const bv_tensor *over,
                            int64_t stride[BV_MAX_NDIM]) {
  if (!bv_broadcast(over, pictures->ndim - 1, pictures->shape, stride))
    return bv_fail(BV_ERROR_SHAPE, "%s of shape %s does not broadcast to the pixels of pictures of shape %s",
                   name, bv_format_shape(over->ndim, over->shape).text,
                   bv_format_shape(pictures->ndim, pictures->shape).text);
  BV_TRY(bv_check_same_device(name, over, "pictures", pictures));
  return bv_check_apart("pictures", pictures, name, over, false);
}

/* The type of `over` is checked. */
static bv_status lay_over(const bv_tensor *pictures, const char *name, const bv_tensor *over,
                          const uint8_t *colours, double opacity, bv_stream stream) {
  int64_t stride[BV_MAX_NDIM];
  BV_TRY(check_over(pictures, name, over, stride));
  if (!bv_is_within(opacity, 0, 1))
    return bv_fail(BV_ERROR_VALUE, "opacity is %g; allowed are 0 to 1", opacity);
  if (bv_is_empty(pictures))
    return BV_OK;
  bv_axis axes[BV_MAX_NDIM];
  const int ndim = pictures->ndim - 1;
  for (int axis = 0; axis < ndim; ++axis)
    axes[axis] = (bv_axis){
        .extent = pictures->shape[axis], .in_stride = stride[axis], .out_stride = pictures->stride[axis]};
  bv_job job = {
      .in = over->data, .in_dtype = over->dtype, .out = pictures->data, .out_dtype = BV_U8, .components = 1};
  bv_lay_out(&job, axes, ndim, 0);
  bv_overlay checked = {.lines = bv_lines_for_measuring(&job),
                        .over = job.in,
                        .over_dtype = over->dtype,
                        .pictures = job.out,
                        .component_stride = pictures->stride[ndim],
                        .opacity = opacity,
                        .has_colours = colours != NULL};
  if (colours)
    memcpy(checked.colours, colours, sizeof checked.colours);
  else
    memcpy(checked.colours, label_colours, sizeof label_colours);
  if (pictures->device != BV_CPU)
    return bv_cuda_overlay(&checked, name, pictures->device, stream);
  bv_cpu_overlay(&checked);
  return BV_OK;
}

bv_status bv_overlay_labels(const bv_tensor *pictures, const bv_tensor *labels, const uint8_t *colours,
                            double opacity, bv_stream stream) {
  BV_TRY(check_pictures(pictures));
  BV_TRY(bv_check_tensor("labels", labels));
  if (!is_label(labels->dtype))
    return bv_fail(BV_ERROR_TYPE, "labels.dtype is %s; allowed are u8, i8, u16, i16, i32 and u32",
                   bv_dtype_name(labels->dtype));
  return lay_over(pictures, "labels", labels, colours, opacity, stream);
}

bv_status bv_overlay_image(const bv_tensor *pictures, const bv_tensor *image, const uint8_t *colour_map,
                           double opacity, bv_stream stream) {
  BV_TRY(check_pictures(pictures));
  BV_TRY(bv_check_tensor("image", image));
  if (!is_display_value(image->dtype))
    return bv_fail(BV_ERROR_TYPE, "image.dtype is %s; allowed are u8, f32, f16, bf16 and f64",
                   bv_dtype_name(image->dtype));
  return lay_over(pictures, "image", image, colour_map ? colour_map : bv_find_colour_map("hot")->rgb, opacity,
                  stream);
}
