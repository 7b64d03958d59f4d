/* A view of a volume: a plane of its voxels, mapped through a window to 8-bit pixels, which are stretched to
 * the picture's extents. For both backends, plain C. */
#ifndef BV_VIEW_H
#define BV_VIEW_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

#include "arithmetic.h"

/* Strides count elements. */
typedef struct bv_view {
  const void *in;
  bv_dtype in_dtype;
  int64_t rows, columns; /* of the plane */
  int64_t row_stride, column_stride;
  const uint8_t *mask; /* NULL without */
  int64_t mask_row_stride, mask_column_stride;

  const double *window; /* lo and hi, read where the work is done; NULL: these */
  double lo, hi;
  double epsilon, floor;
  bool zero_is_background;
  bool round_to_nearest;

  uint8_t *out; /* the upper left pixel */
  int64_t out_rows, out_columns;
  int64_t out_row_stride, out_column_stride;
  int32_t components; /* that a grey value goes to: 1 or 3 */
  int64_t component_stride;
  bool alpha; /* 255 after three components */
  bool has_colour_map;
  uint8_t colour_map[256 * 3];
} bv_view;

/* The window, made ready in the map type of the voxels. */
typedef union bv_view_map {
  bv_map_f32 f32;
  bv_map_f64 f64;
} bv_view_map;

BV_INLINE bv_view_map bv_map_of_view(const bv_view *v) {
  const double lo = v->window ? v->window[0] : v->lo, hi = v->window ? v->window[1] : v->hi;
  bv_view_map map;
  if (bv_maps_in_f64(v->in_dtype))
    map.f64 = bv_map_f64_of_window(lo, hi, v->epsilon, v->floor);
  else
    map.f32 = bv_map_f32_of_window(lo, hi, v->epsilon, v->floor);
  return map;
}

/* ---- A voxel ------------------------------------------------------------------------------------------- */

BV_INLINE uint8_t bv_byte_of_voxel_f32(const bv_view *v, const bv_view_map *map, float x) {
  return bv_u8_of_f32(bv_apply_map_f32(x, map->f32, v->zero_is_background), v->round_to_nearest);
}

BV_INLINE uint8_t bv_byte_of_voxel_f64(const bv_view *v, const bv_view_map *map, double x) {
  return bv_u8_of_f64(bv_apply_map_f64(x, map->f64, v->zero_is_background), v->round_to_nearest);
}

/* The 8-bit pixel of a voxel; 0 where the mask is 0. */
BV_INLINE double bv_byte_of_voxel(const bv_view *v, const bv_view_map *map, int64_t row, int64_t column) {
  const int64_t at = row * v->row_stride + column * v->column_stride;
  if (v->mask && v->mask[row * v->mask_row_stride + column * v->mask_column_stride] == 0)
    return 0;
  switch (v->in_dtype) {
  case BV_F32: return bv_byte_of_voxel_f32(v, map, ((const float *)v->in)[at]);
  case BV_F16: return bv_byte_of_voxel_f32(v, map, bv_f32_of_f16(((const uint16_t *)v->in)[at]));
  case BV_BF16: return bv_byte_of_voxel_f32(v, map, bv_f32_of_bf16(((const uint16_t *)v->in)[at]));
  case BV_U8: return bv_byte_of_voxel_f32(v, map, ((const uint8_t *)v->in)[at]);
  case BV_I8: return bv_byte_of_voxel_f32(v, map, ((const int8_t *)v->in)[at]);
  case BV_U16: return bv_byte_of_voxel_f32(v, map, ((const uint16_t *)v->in)[at]);
  case BV_I16: return bv_byte_of_voxel_f32(v, map, ((const int16_t *)v->in)[at]);
  case BV_I32: return bv_byte_of_voxel_f64(v, map, ((const int32_t *)v->in)[at]);
  case BV_U32: return bv_byte_of_voxel_f64(v, map, ((const uint32_t *)v->in)[at]);
  default: return bv_byte_of_voxel_f64(v, map, ((const double *)v->in)[at]);
  }
}

/* ---- A pixel ------------------------------------------------------------------------------------------- */

/* The extent of an axis whose voxels are `spacing` apart where pixels are `finest` apart, which is not more. */
BV_INLINE int64_t bv_stretch_extent(int64_t extent, double spacing, double finest) {
  return (int64_t)(fmin((double)extent * (spacing / finest), 0x1p60) + 0.5);
}

/* Where a pixel's centre lies among those of the voxels of its axis, t of the way between two. */
typedef struct bv_between {
  int64_t below, above;
  double t;
} bv_between;

BV_INLINE bv_between bv_find_between(int64_t voxels, int64_t pixels, int64_t pixel) {
  bv_between place = {pixel, pixel, 0};
  if (voxels == pixels)
    return place;
  double centre = ((double)pixel + 0.5) * (double)voxels / (double)pixels - 0.5;
  centre = fmin(fmax(centre, 0.0), (double)(voxels - 1));
  place.below = (int64_t)centre;
  place.above = place.below + 1 < voxels ? place.below + 1 : place.below;
  place.t = centre - (double)place.below;
  return place;
}

/* What lies between two bytes of a row. */
BV_INLINE double bv_interpolate_row(const bv_view *v, const bv_view_map *map, int64_t row, bv_between x) {
  const double left = bv_byte_of_voxel(v, map, row, x.below);
  return x.t == 0 ? left : left + x.t * (bv_byte_of_voxel(v, map, row, x.above) - left);
}

BV_INLINE void bv_draw_pixel(const bv_view *v, const bv_view_map *map, bv_between y, int64_t row,
                             int64_t column) {
  const bv_between x = bv_find_between(v->columns, v->out_columns, column);
  double grey = bv_interpolate_row(v, map, y.below, x);
  if (y.t != 0)
    grey = grey + y.t * (bv_interpolate_row(v, map, y.above, x) - grey);
  const uint8_t byte = (uint8_t)(grey + 0.5);
  uint8_t *to = v->out + row * v->out_row_stride + column * v->out_column_stride;
  for (int i = 0; i < v->components; ++i)
    to[i * v->component_stride] = v->has_colour_map ? v->colour_map[3 * byte + i] : byte;
  if (v->alpha)
    to[3 * v->component_stride] = 255;
}

#ifdef __cplusplus
extern "C" {
#endif

/* view.cu; see launch.h. */
int bv_launch_view(const bv_view *view, bv_stream stream);

#ifdef __cplusplus
}
#endif

#endif
