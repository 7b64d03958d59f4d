/* batchview: grids of pictures, labels and images over pictures, slices, projections and orthogonal views of
 * volumes, colours and windows by their names.
 *
 * See batchview/batchview.h for tensors, statuses, and the promises that hold here too. */
#ifndef BATCHVIEW_PICTURES_H
#define BATCHVIEW_PICTURES_H

#include "batchview.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Grids ------------------------------------------------------------------------------------------ */

/* How images are set side by side. Start from BV_GRID_OPTIONS_INIT, which has the defaults of torchvision's
 * make_grid. */
typedef struct bv_grid_options {
  size_t struct_size;   /* sizeof(bv_grid_options) of the caller, so that fields can be added */
  int64_t columns;      /* images in a row, 1 or more; fewer where there are not so many images */
  int64_t padding;      /* pixels between the images and around all of them, 0 or more; 0 around a single one */
  double padding_value; /* what is there, and around images that are smaller than others: 0 .. 1 */
} bv_grid_options;

#define BV_GRID_OPTIONS_INIT \
  { sizeof(bv_grid_options), 8, 2, 0.0 }

/* The extents of the grid of some batches [B, C, H, W]: rows and columns of pixels. Each image has a cell, all
 * of them as high as the highest image and as wide as the widest.
 * batches: `count` of them, 1 or more, on one device, with the same number of channels; their data is not
 *   touched.
 * grid: NULL for the defaults.
 * Returns BV_OK; BV_ERROR_NULL, _SHAPE (no image, or more than 2^31 - 1 pixels a side), _TYPE, _VALUE, _DEVICE,
 * _NO_CUDA. */
BV_API bv_status bv_grid_size(const bv_tensor *batches, int32_t count, const bv_grid_options *grid,
                              int64_t extents[2]);

/* Normalises batches as bv_normalize_batch_for_display does, into the cells of one picture: their images one
 * after the other, row by row, each in the middle of its cell.
 *
 * out, of the extents that bv_grid_size gives; its type and shape choose the packing:
 *     u8 [rows, columns, 3], C = 1 or 3       RGB: grey three times, or through colour_map; or the channels
 *     u8 [rows, columns, 4], C = 1 or 3       RGBA, alpha 255
 *     u8 or float [C, rows, columns]          grey, or values 0 .. 1
 *     u8 or float [rows, columns], C = 1      the same
 *   The first of these that fits is taken. `out` must not overlap the batches or the mask.
 * options: NULL for the defaults. A scope counts for each batch by itself. A mask is for a single batch. A
 *   workspace cannot be given: images that do not fit on chip, and one window for a batch that does not fill
 *   its rows, take memory from the device's default pool.
 *
 * Returns like bv_normalize_batch_for_display; BV_ERROR_VALUE also for `count`, `grid` and a workspace. */
BV_API bv_status bv_make_grid(const bv_tensor *batches, int32_t count, const bv_tensor *out,
                              const bv_grid_options *grid, const bv_display_options *options, bv_stream stream);

/* ---- Overlays --------------------------------------------------------------------------------------- */

/* Lays labels in colour over pictures, in place: a component p of a pixel with a label becomes
 * (p * (256 - a) + c * a + 128) / 256, rounded down, where c is the label's colour and a is 256 * opacity,
 * rounded. Pixels with label 0, and alpha, stay.
 *
 * It is one pass over the labels, and only pixels that have one are touched: it moves the labels' bytes, and
 * six bytes for each pixel with a label, three read and three written.
 *
 * pictures: u8 [..., H, W, 3 or 4], of 3 to 8 dimensions: what bv_normalize_batch_for_display or bv_make_grid
 *   wrote.
 * labels: u8, i8, u16, i16, i32 or u32, on the same device, of a shape that broadcasts to that of the pixels
 *   (without the last dimension) as in NumPy; must not overlap the pictures.
 * colours: NULL for six colours in turns, from label 1 on; or 256 x 3 bytes R, G, B in host memory, for the
 *   lowest 8 bits of a label. A negative label counts as 2^32 more, in either.
 * opacity: 0 .. 1.
 * Returns BV_OK; BV_ERROR_NULL, _SHAPE, _TYPE, _OVERLAP, _VALUE, _DEVICE, _NO_CUDA. */
BV_API bv_status bv_overlay_labels(const bv_tensor *pictures, const bv_tensor *labels, const uint8_t *colours,
                                   double opacity, bv_stream stream);

/* Lays a second image in colour over pictures, in place: PET over CT, a map of saliency over MRI. It is like
 * bv_overlay_labels with the image's bytes as labels: pixels where they are 0, the image's background, stay.
 *
 *     bv_normalize_batch_for_display(&pet, &values, NULL, stream);                  f32 or u8 [B, 1, H, W]
 *     bv_overlay_image(&pictures, &values, NULL, 0.5, stream);                      over u8 [B, 1, H, W, 3]
 *
 * image: display-ready values, u8; or f32, f16, bf16 or f64 in 0 .. 1, whose bytes are 255 * y, truncated, in
 *   float64 for f64 and in float32 for the others. Values beyond are clamped, NaN is 0. Device, shape and
 *   overlap as for labels.
 * colour_map: the colours of the bytes, as in bv_display_options; NULL for "hot".
 * Returns like bv_overlay_labels. */
BV_API bv_status bv_overlay_image(const bv_tensor *pictures, const bv_tensor *image, const uint8_t *colour_map,
                                  double opacity, bv_stream stream);

/* ---- Volumes ---------------------------------------------------------------------------------------- */

/* Slices of a volume as a batch, whose memory is the volume's: slices first, first + step, ... along `axis`.
 *
 *     bv_view_slices(&volume, 2, 0, 4, 0, &slices);                every fourth axial slice,
 *     bv_make_grid(&slices, 1, &out, NULL, NULL, stream);          side by side
 *
 * With BV_SCOPE_BATCH they share one window, with BV_SCOPE_PLANE each has its own.
 * volume: [H, W, D], any type, any strides.
 * axis: 0, 1 or 2.
 * first: 0 or more. step: 1 or more. count: how many, or 0 for all that there are.
 * batch: receives the view [count, 1, rows, columns], where rows and columns are the other two axes in their
 *   order.
 * Returns BV_OK; BV_ERROR_NULL, _SHAPE, _TYPE, _VALUE, _DEVICE, _NO_CUDA. */
BV_API bv_status bv_view_slices(const bv_tensor *volume, int axis, int64_t first, int64_t step, int64_t count,
                                bv_tensor *batch);

/* What becomes of the voxels along an axis. NaN does not count; where there is nothing else, it is NaN. */
enum {
  BV_PROJECTION_MAX = 0, /* the largest, infinities too: a maximum intensity projection */
  BV_PROJECTION_MIN = 1, /* the smallest */
  BV_PROJECTION_MEAN = 2 /* their sum in float64, added up from first to last, divided by their number */
};

/* Projects a volume along an axis, to numbers that bv_normalize_batch_for_display takes as
 * [1, 1, rows, columns].
 * volume, axis: as for bv_view_slices.
 * out: [rows, columns], the other two axes in their order; f64 for volumes of f64, i32 and u32, f32 for all
 *   others; must not overlap the volume.
 * Returns BV_OK; BV_ERROR_NULL, _SHAPE, _TYPE, _OVERLAP, _VALUE, _DEVICE, _NO_CUDA. */
BV_API bv_status bv_project_volume(const bv_tensor *volume, int axis, int projection, const bv_tensor *out,
                                   bv_stream stream);

/* How the three orthogonal views of a volume are drawn. Start from BV_ORTHOGONAL_OPTIONS_INIT. */
typedef struct bv_orthogonal_options {
  size_t struct_size;  /* sizeof(bv_orthogonal_options) of the caller, so that fields can be added */
  double spacing[3];   /* of the voxels along the three axes, in one unit; finite, more than 0 */
  int64_t position[3]; /* along each axis the slice that is shown; -1: the middle one, extent / 2 */
  int32_t upright;     /* 0: rows and columns are as in bv_view_slices. 1: in the views along axes 0 and 1 the
                          rows are axis 2, its last slice at the top, as is usual where that is the head */
  int32_t reserved;    /* 0 */
} bv_orthogonal_options;

#define BV_ORTHOGONAL_OPTIONS_INIT \
  { sizeof(bv_orthogonal_options), {1, 1, 1}, {-1, -1, -1}, 0, 0 }

/* The extents of the picture that bv_make_orthogonal_views draws: rows and columns. Pixels are square, as wide
 * as the finest spacing: a view has n * spacing / finest of them along an axis of n voxels, rounded.
 * volume: [H, W, D], any type, any strides; its data is not touched.
 * views, grid: NULL for the defaults.
 * Returns BV_OK; BV_ERROR_NULL, _SHAPE (an extent of 0, or more than 2^31 - 1 pixels a side), _TYPE, _VALUE,
 * _DEVICE, _NO_CUDA. */
BV_API bv_status bv_orthogonal_size(const bv_tensor *volume, const bv_orthogonal_options *views,
                                    const bv_grid_options *grid, int64_t extents[2]);

/* The slices along axes 0, 1 and 2 in the cells of one picture, in that order, each in the middle of its cell:
 *
 *     bv_orthogonal_options views = BV_ORTHOGONAL_OPTIONS_INIT;
 *     views.spacing[2] = 3;                             slices are 3 times as far apart as rows and columns
 *     bv_orthogonal_size(&volume, &views, NULL, extents);
 *     bv_make_orthogonal_views(&volume, &out, &views, NULL, NULL, stream);
 *
 * Voxels become 8-bit pixels as in bv_normalize_batch_for_display. Where an axis has more pixels than voxels,
 * pixel i lies at c = (i + 0.5) * voxels / pixels - 0.5, clamped to the voxels' 0 .. voxels - 1, and is
 * a + (c - j) * (b - a) of the voxels j = floor(c) and j + 1, in float64: first along columns, then along rows.
 * That is rounded by adding 0.5 and truncating. The colour map comes last.
 *
 * volume: as above.
 * out: u8, as for bv_make_grid with C = 1, of the extents that bv_orthogonal_size gives; must not overlap the
 *   volume or the mask.
 * grid: of three cells, each as high as the highest view and as wide as the widest.
 * options: NULL for the defaults. With BV_SCOPE_BATCH there is one window, over all voxels of the volume; with
 *   the other scopes each view has its own, over the slice that it shows. A mask has up to 3 dimensions that
 *   broadcast to [H, W, D]. A workspace cannot be given: on a device, memory for measuring is from its default
 *   pool.
 * Returns like bv_make_grid; BV_ERROR_VALUE also for `views`. */
BV_API bv_status bv_make_orthogonal_views(const bv_tensor *volume, const bv_tensor *out,
                                          const bv_orthogonal_options *views, const bv_grid_options *grid,
                                          const bv_display_options *options, bv_stream stream);

/* ---- Colour maps ------------------------------------------------------------------------------------ */

/* 256 colours R, G, B for the grey values 0 .. 255: what bv_display_options.colour_map takes. They are
 * Matplotlib's of the same name (grey is its gray), rounded to bytes. */
typedef struct bv_colour_map {
  const char *name;
  uint8_t rgb[256 * 3];
} bv_colour_map;

/* The map of that name: grey, bone, hot, viridis, magma or turbo. NULL if there is none:
 *     options.colour_map = bv_find_colour_map("viridis")->rgb; */
BV_API const bv_colour_map *bv_find_colour_map(const char *name);

/* All of them, in that order; the one after the last has no name. */
BV_API const bv_colour_map *bv_colour_maps(void);

/* ---- Windows for CT --------------------------------------------------------------------------------- */

/* A window that radiologists commonly use, in Hounsfield units: lo = level - width / 2, hi = level + width / 2,
 * for BV_WINDOW_FIXED and, because 0 is water, BV_FOREGROUND_ALL. */
typedef struct bv_window_preset {
  const char *name;
  double width, level;
} bv_window_preset;

/* The preset of that name; NULL if there is none. Names, widths and levels, after Radiopaedia's "Windowing
 * (CT)" (doi.org/10.53347/rID-52108), which for some gives a range, of which these are within:
 *
 *     brain 80, 40    stroke 40, 40        subdural 200, 75    temporal-bone 2800, 600
 *     lung 1500, -600    mediastinum 350, 50    vascular 600, 200
 *     soft-tissue 400, 40    abdomen 400, 50    liver 150, 30    spine 250, 50    bone 1800, 400 */
BV_API const bv_window_preset *bv_find_window_preset(const char *name);

/* All of them, in that order; the one after the last has no name. */
BV_API const bv_window_preset *bv_window_presets(void);

#ifdef __cplusplus
}
#endif

#endif
