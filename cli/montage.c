/* Layout of the grid, and resampling to square pixels. */
#include "montage.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "batchview/pictures.h"

/* libpng takes a million pixels a side; more than 2^30 in all is nothing to look at. */
#define MAX_SIDE 1000000
#define MAX_PIXELS ((int64_t)1 << 30)

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

/* The extent of an axis whose pixels are `spacing` apart when they become `pixel` apart. */
static axis_map stretched(int64_t extent, double spacing, double pixel) {
  double to = (double)extent * (spacing / pixel);
  return (axis_map){extent, (int64_t)(fmin(to, 1e18) + 0.5)}; /* far more than lay_out() takes */
}

static void map_axes(const cli_slices *slices, axis_map *rows, axis_map *columns) {
  *rows = stretched(slices->batch.shape[2], slices->row_spacing, slices->pixel);
  *columns = stretched(slices->batch.shape[3], slices->column_spacing, slices->pixel);
}

static int64_t count_cells(const cli_rendering *rendering) {
  const int64_t *shape = rendering->slices.batch.shape;
  return shape[0] * (rendering->slices.colour ? 1 : shape[1]);
}

typedef struct montage_grid {
  int64_t cells, rows, columns;    /* counted in cells */
  int64_t cell_rows, cell_columns; /* in pixels */
  int channels;
} montage_grid;

static int64_t near_square_columns(const montage_grid *grid) {
  double columns = ceil(sqrt((double)grid->cells * (double)grid->cell_rows / (double)grid->cell_columns));
  return columns < (double)grid->cells ? (int64_t)columns : grid->cells;
}

static cli_result lay_out(const cli_rendering *renderings, int count, int64_t columns, montage_grid *grid,
                          reason why) {
  *grid = (struct montage_grid){.cell_rows = 1, .cell_columns = 1, .channels = 1};
  int i = 0;
  do { /* there is at least one */
    const cli_slices *slices = &renderings[i].slices;
    axis_map cell_rows, cell_columns;
    map_axes(slices, &cell_rows, &cell_columns);
    grid->cells += count_cells(&renderings[i]);
    grid->cell_rows = cell_rows.to > grid->cell_rows ? cell_rows.to : grid->cell_rows;
    grid->cell_columns = cell_columns.to > grid->cell_columns ? cell_columns.to : grid->cell_columns;
    if (slices->colour)
      grid->channels = 3;
  } while (++i < count);
  grid->columns = columns == 0 ? near_square_columns(grid) : (columns < grid->cells ? columns : grid->cells);
  grid->rows = (grid->cells + grid->columns - 1) / grid->columns;
  double height = (double)grid->rows * (double)grid->cell_rows;
  double width = (double)grid->columns * (double)grid->cell_columns;
  if (height > MAX_SIDE || width > MAX_SIDE || height * width > (double)MAX_PIXELS) {
    return refuse(why, CLI_UNSUPPORTED,
                  "the picture would have %.0f rows and %.0f columns; at most %d each and %" PRId64
                  " pixels are possible",
                  height, width, MAX_SIDE, MAX_PIXELS);
  }
  return CLI_OK;
}

/* Draws one plane. `to` is its upper left pixel in the picture, `row_stride` counts bytes, `step` the bytes
 * from pixel to pixel. What is drawn of a grey value is said by `shade`. */
static void copy_plane(const uint8_t *plane, int64_t rows, int64_t columns, const uint8_t shade[256],
                       uint8_t *to, int64_t row_stride, int step) {
  for (int64_t row = 0; row < rows; ++row, plane += columns, to += row_stride)
    if (step == 1)
      memcpy(to, plane, (size_t)columns); /* grey as it is */
    else
      for (int64_t column = 0; column < columns; ++column)
        to[column * step] = shade[plane[column]];
}

static void stretch_plane(const uint8_t *plane, axis_map rows, axis_map columns, const uint8_t shade[256],
                          uint8_t *to, int64_t row_stride, int step) {
  for (int64_t row = 0; row < rows.to; ++row) {
    position y = position_of(rows, row);
    const uint8_t *upper = plane + y.below * columns.from, *lower = plane + y.above * columns.from;
    for (int64_t column = 0; column < columns.to; ++column) {
      position x = position_of(columns, column);
      double above = upper[x.below] + x.t * (upper[x.above] - upper[x.below]);
      double below = lower[x.below] + x.t * (lower[x.above] - lower[x.below]);
      to[row * row_stride + column * step] = shade[(uint8_t)(above + y.t * (below - above) + 0.5)];
    }
  }
}

/* Of each pixel of a cell the label that is nearest to it. */
static void stretch_labels(const int32_t *labels, axis_map rows, axis_map columns, int32_t *to) {
  for (int64_t row = 0; row < rows.to; ++row) {
    const int32_t *line = labels + (2 * row + 1) * rows.from / (2 * rows.to) * columns.from;
    for (int64_t column = 0; column < columns.to; ++column)
      *to++ = line[(2 * column + 1) * columns.from / (2 * columns.to)];
  }
}

/* Where the labels of a cell begin: they may be those of all images, or of all planes of an image. */
static const int32_t *labels_of_cell(const cli_rendering *rendering, int64_t cell) {
  const bv_tensor *labels = &rendering->overlay.tensor;
  const int64_t planes = rendering->slices.colour ? 1 : rendering->slices.batch.shape[1];
  const int64_t image = labels->shape[0] > 1 ? cell / planes : 0,
                plane = labels->shape[1] > 1 ? cell % planes : 0;
  return (const int32_t *)labels->data + image * labels->stride[0] + plane * labels->stride[1];
}

/* `to` is the cell's upper left pixel; `memory` has room for the labels of its pixels. */
static cli_result overlay_cell(const int32_t *labels, axis_map rows, axis_map columns, double opacity,
                               uint8_t *to, int64_t row_stride, int32_t *memory, reason why) {
  const int64_t shape[3] = {rows.to, columns.to, 3};
  stretch_labels(labels, rows, columns, memory);
  const bv_tensor stretched = bv_contiguous_tensor(memory, BV_I32, BV_CPU, 2, shape);
  bv_tensor pixels = bv_contiguous_tensor(to, BV_U8, BV_CPU, 3, shape);
  pixels.stride[0] = row_stride;
  if (bv_overlay_labels(&pixels, &stretched, NULL, opacity, NULL) != BV_OK)
    return refuse(why, CLI_FAILED, "%s", bv_last_error());
  return CLI_OK;
}

static cli_result draw_rendering(const cli_rendering *rendering, const cli_options *options,
                                 const montage_grid *grid, int64_t first_cell, uint8_t shades[3][256],
                                 uint8_t *pixels, reason why) {
  axis_map rows, columns;
  map_axes(&rendering->slices, &rows, &columns);
  int64_t row_stride = grid->columns * grid->cell_columns * grid->channels;
  int64_t plane_pixels = rows.from * columns.from;
  const uint8_t *plane = rendering->memory;
  int32_t *labels = NULL;
  if (rendering->overlay.memory && !(labels = malloc((size_t)(rows.to * columns.to) * sizeof *labels)))
    return refuse(why, CLI_FAILED, "out of memory for labels of %" PRId64 " x %" PRId64 " pixels", columns.to,
                  rows.to);
  cli_result result = CLI_OK;
  for (int64_t i = 0; i < count_cells(rendering) && result == CLI_OK; ++i) {
    int64_t cell = first_cell + i;
    int64_t top = cell / grid->columns * grid->cell_rows + (grid->cell_rows - rows.to) / 2;
    int64_t left = cell % grid->columns * grid->cell_columns + (grid->cell_columns - columns.to) / 2;
    uint8_t *to = pixels + top * row_stride + left * grid->channels;
    for (int channel = 0; channel < grid->channels; ++channel) {
      if (rows.to == rows.from && columns.to == columns.from)
        copy_plane(plane, rows.to, columns.to, shades[channel], to + channel, row_stride, grid->channels);
      else
        stretch_plane(plane, rows, columns, shades[channel], to + channel, row_stride, grid->channels);
      if (rendering->slices.colour)
        plane += plane_pixels;
    }
    if (!rendering->slices.colour) /* grey, in all channels of the picture */
      plane += plane_pixels;
    if (labels)
      result = overlay_cell(labels_of_cell(rendering, i), rows, columns, options->opacity, to, row_stride,
                            labels, why);
  }
  free(labels);
  return result;
}

cli_result montage_of_renderings(const cli_rendering *renderings, int count, const cli_options *options,
                                 cli_montage *montage, reason why) {
  const uint8_t *colours = options->colours;
  montage_grid grid;
  uint8_t shades[3][256];
  *montage = (struct cli_montage){0};
  cli_result result = lay_out(renderings, count, options->columns, &grid, why);
  if (result != CLI_OK)
    return result;
  if (colours || options->overlay)
    grid.channels = 3;
  for (int grey = 0; grey < 256; ++grey)
    for (int channel = 0; channel < 3; ++channel)
      shades[channel][grey] = colours ? colours[3 * grey + channel] : (uint8_t)grey;
  int64_t height = grid.rows * grid.cell_rows, width = grid.columns * grid.cell_columns;
  montage->memory = calloc((size_t)(height * width), (size_t)grid.channels);
  if (!montage->memory) {
    return refuse(why, CLI_FAILED, "out of memory for a picture of %" PRId64 " x %" PRId64 " pixels", width,
                  height);
  }
  montage->picture = (picture){.pixels = montage->memory,
                               .width = (uint32_t)width,
                               .height = (uint32_t)height,
                               .channels = grid.channels};
  montage->cells = grid.cells;
  montage->grid_columns = grid.columns;
  int64_t cell = 0;
  for (int i = 0; i < count && result == CLI_OK; ++i) {
    result = draw_rendering(&renderings[i], options, &grid, cell, shades, montage->memory, why);
    cell += count_cells(&renderings[i]);
  }
  return result;
}

void montage_free(cli_montage *montage) {
  free(montage->memory);
  *montage = (struct cli_montage){0};
}
