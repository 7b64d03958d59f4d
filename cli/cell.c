/* Resampling to square pixels, and what is laid over them. */
#include "cell.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "batchview/pictures.h"

/* One axis of a cell's picture: where its pixels lie between those of the plane. */
typedef struct axis_map {
  int64_t from, to; /* extents: of the plane, of the picture */
} axis_map;

typedef struct position {
  int64_t below, above;
  double t; /* of the way from below to above */
} position;

static position position_of(axis_map map, int64_t index) {
  if (map.to == map.from)
    return (position){index, index, 0};
  double centre = ((double)index + 0.5) * (double)map.from / (double)map.to - 0.5;
  centre = fmin(fmax(centre, 0), (double)(map.from - 1));
  int64_t below = (int64_t)centre;
  return (position){below, below + 1 < map.from ? below + 1 : below, centre - (double)below};
}

static int64_t nearest(axis_map map, int64_t index) { return (2 * index + 1) * map.from / (2 * map.to); }

/* The extent of an axis whose pixels are `spacing` apart when they become `pixel` apart. */
static axis_map stretched(int64_t extent, double spacing, double pixel) {
  double to = (double)extent * (spacing / pixel);
  return (axis_map){extent, (int64_t)(fmin(to, 1e18) + 0.5)}; /* far more than a picture can have */
}

static void map_axes(const cli_slices *slices, axis_map *rows, axis_map *columns) {
  *rows = stretched(slices->batch.shape[2], slices->row_spacing, slices->pixel);
  *columns = stretched(slices->batch.shape[3], slices->column_spacing, slices->pixel);
}

int64_t count_cells(const cli_rendering *rendering) {
  const int64_t *shape = rendering->slices.batch.shape;
  return shape[0] * (rendering->slices.colour ? 1 : shape[1]);
}

void size_of_cells(const cli_rendering *rendering, int64_t size[2]) {
  axis_map rows, columns;
  map_axes(&rendering->slices, &rows, &columns);
  size[0] = rows.to;
  size[1] = columns.to;
}

/* ---- Planes ----------------------------------------------------------------------------------------- */

/* Draws one plane in a channel of the canvas. */
static void copy_plane(const uint8_t *plane, int64_t rows, int64_t columns, const cli_canvas *canvas,
                       int channel) {
  uint8_t *to = canvas->pixels + channel;
  for (int64_t row = 0; row < rows; ++row, plane += columns, to += canvas->row_stride)
    if (canvas->channels == 1)
      memcpy(to, plane, (size_t)columns); /* grey as it is */
    else
      for (int64_t column = 0; column < columns; ++column)
        to[column * canvas->channels] = canvas->shades[channel][plane[column]];
}

static void stretch_plane(const uint8_t *plane, axis_map rows, axis_map columns, const cli_canvas *canvas,
                          int channel) {
  uint8_t *to = canvas->pixels + channel;
  for (int64_t row = 0; row < rows.to; ++row, to += canvas->row_stride) {
    position y = position_of(rows, row);
    const uint8_t *upper = plane + y.below * columns.from, *lower = plane + y.above * columns.from;
    for (int64_t column = 0; column < columns.to; ++column) {
      position x = position_of(columns, column);
      double above = upper[x.below] + x.t * (upper[x.above] - upper[x.below]);
      double below = lower[x.below] + x.t * (lower[x.above] - lower[x.below]);
      const uint8_t grey = (uint8_t)(above + y.t * (below - above) + 0.5);
      to[column * canvas->channels] = canvas->channels == 1 ? grey : canvas->shades[channel][grey];
    }
  }
}

static void draw_plane(const uint8_t *plane, axis_map rows, axis_map columns, const cli_canvas *canvas,
                       int channel) {
  if (rows.to == rows.from && columns.to == columns.from)
    copy_plane(plane, rows.to, columns.to, canvas, channel);
  else
    stretch_plane(plane, rows, columns, canvas, channel);
}

/* ---- What is laid over them --------------------------------------------------------------------------- */

/* The element of a layer at which a cell begins: it may be that of all images, or of all planes of an image. */
static int64_t start_of_cell(const bv_tensor *layer, const cli_rendering *rendering, int64_t cell) {
  const int64_t planes = rendering->slices.colour ? 1 : rendering->slices.batch.shape[1];
  const int64_t image = layer->shape[0] > 1 ? cell / planes : 0,
                plane = layer->shape[1] > 1 ? cell % planes : 0;
  return image * layer->stride[0] + plane * layer->stride[1];
}

static void stretch_labels(const int32_t *labels, axis_map rows, axis_map columns, int32_t *to) {
  for (int64_t row = 0; row < rows.to; ++row)
    for (int64_t column = 0; column < columns.to; ++column)
      *to++ = labels[nearest(rows, row) * columns.from + nearest(columns, column)];
}

/* Lays one of the rendering's layers over the cell that is drawn at the canvas. */
static cli_result overlay(const cli_layer *layer, const cli_rendering *rendering, int64_t cell,
                          const cli_options *options, cli_canvas canvas, reason why) {
  axis_map rows, columns;
  map_axes(&rendering->slices, &rows, &columns);
  rows.from = layer->tensor.shape[2]; /* 1 where one row or column is that of the whole picture */
  columns.from = layer->tensor.shape[3];
  const int64_t shape[3] = {rows.to, columns.to, 3}, start = start_of_cell(&layer->tensor, rendering, cell);
  void *memory = malloc((size_t)(rows.to * columns.to) * bv_dtype_size(layer->tensor.dtype));
  if (!memory)
    return refuse(why, CLI_FAILED, "out of memory for an overlay of %" PRId64 " x %" PRId64 " pixels",
                  columns.to, rows.to);
  const bv_tensor over = bv_contiguous_tensor(memory, layer->tensor.dtype, BV_CPU, 2, shape);
  bv_tensor pixels = bv_contiguous_tensor(canvas.pixels, BV_U8, BV_CPU, 3, shape);
  pixels.stride[0] = canvas.row_stride;
  bv_status status;
  if (layer == &rendering->labels) {
    stretch_labels((const int32_t *)layer->memory + start, rows, columns, memory);
    status = bv_overlay_labels(&pixels, &over, NULL, options->opacity, NULL);
  } else {
    const cli_canvas grey = {.pixels = memory, .row_stride = columns.to, .channels = 1};
    draw_plane((const uint8_t *)layer->memory + start, rows, columns, &grey, 0);
    status = bv_overlay_image(&pixels, &over, options->overlay_colours, options->opacity, NULL);
  }
  free(memory);
  return status == BV_OK ? CLI_OK : refuse(why, CLI_FAILED, "%s", bv_last_error());
}

cli_result draw_cell(const cli_rendering *rendering, int64_t cell, const cli_options *options,
                     cli_canvas canvas, reason why) {
  axis_map rows, columns;
  map_axes(&rendering->slices, &rows, &columns);
  for (int channel = 0; channel < canvas.channels; ++channel) {
    /* grey in all channels of the picture, colours each in its own */
    const int64_t number = rendering->slices.colour ? 3 * cell + channel : cell;
    draw_plane((const uint8_t *)rendering->memory + number * rows.from * columns.from, rows, columns, &canvas,
               channel);
  }
  cli_result result = CLI_OK;
  if (rendering->image.memory)
    result = overlay(&rendering->image, rendering, cell, options, canvas, why);
  if (result == CLI_OK && rendering->labels.memory)
    result = overlay(&rendering->labels, rendering, cell, options, canvas, why);
  return result;
}
