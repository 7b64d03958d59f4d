/* Layout of the grid. */
#include "montage.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cell.h"
#include "colour_bar.h"

/* libpng takes a million pixels a side; more than 2^30 in all is nothing to look at. */
#define MAX_SIDE 1000000
#define MAX_PIXELS ((int64_t)1 << 30)

typedef struct montage_grid {
  int64_t cells, rows, columns;    /* counted in cells */
  int64_t cell_rows, cell_columns; /* in pixels */
  int64_t padding;                 /* pixels between cells, */
  int64_t margin;                  /* and around all of them */
  int64_t cell_bar;                /* columns of a cell that its colour bar has, */
  const double *window;            /* or the window of one bar beside the whole grid; NULL without */
  int64_t height, width;           /* of the whole */
  int channels;
} montage_grid;

static int64_t near_square_columns(const montage_grid *grid) {
  double columns = ceil(sqrt((double)grid->cells * (double)(grid->cell_rows + grid->padding) /
                             (double)(grid->cell_columns + grid->padding)));
  return columns < (double)grid->cells ? (int64_t)columns : grid->cells;
}

/* Pixels of so many cells in a row. */
static double extent_of(int64_t cells, int64_t cell, const montage_grid *grid) {
  return (double)cells * (double)cell + (double)(cells - 1) * (double)grid->padding + 2 * (double)grid->margin;
}

static const double *window_of_cell(const cli_rendering *rendering, int64_t cell) {
  return rendering->windows + 3 * (cell * rendering->window_count / count_cells(rendering));
}

/* Where all pictures that have a window have the same, it gets one bar; else each cell has room for its own. */
static void lay_out_bars(const cli_rendering *renderings, int count, montage_grid *grid) {
  bool differ = false;
  grid->cell_rows = grid->cell_rows < COLOUR_BAR_ROWS ? COLOUR_BAR_ROWS : grid->cell_rows;
  for (int i = 0; i < count; ++i)
    for (int64_t group = 0; group < renderings[i].window_count; ++group) {
      const double *window = renderings[i].windows + 3 * group;
      if (!colour_bar_is_possible(window))
        continue;
      if (!grid->window)
        grid->window = window;
      differ = differ || window[0] != grid->window[0] || window[1] != grid->window[1];
      const int64_t columns = colour_bar_columns(window, grid->cell_rows);
      grid->cell_bar = columns > grid->cell_bar ? columns : grid->cell_bar;
    }
  if (differ)
    grid->window = NULL;
  else
    grid->cell_bar = 0;
  grid->cell_columns += grid->cell_bar;
}

static cli_result lay_out(const cli_rendering *renderings, int count, const cli_options *options,
                          montage_grid *grid, reason why) {
  *grid = (struct montage_grid){.cell_rows = 1, .cell_columns = 1, .padding = options->padding};
  grid->channels = options->colours || options->overlay || options->overlay_image ? 3 : 1;
  int i = 0;
  do { /* there is at least one */
    int64_t size[2];
    size_of_cells(&renderings[i], size);
    grid->cells += count_cells(&renderings[i]);
    grid->cell_rows = size[0] > grid->cell_rows ? size[0] : grid->cell_rows;
    grid->cell_columns = size[1] > grid->cell_columns ? size[1] : grid->cell_columns;
    if (renderings[i].slices.colour)
      grid->channels = 3;
  } while (++i < count);
  if (options->colour_bar)
    lay_out_bars(renderings, count, grid);
  grid->columns = options->columns == 0            ? near_square_columns(grid)
                  : options->columns < grid->cells ? options->columns
                                                   : grid->cells;
  grid->rows = (grid->cells + grid->columns - 1) / grid->columns;
  grid->margin = grid->cells > 1 ? grid->padding : 0;
  const double height = extent_of(grid->rows, grid->cell_rows, grid);
  double width = extent_of(grid->columns, grid->cell_columns, grid);
  if (grid->window && height <= MAX_SIDE)
    width += (double)colour_bar_columns(grid->window, (int64_t)height - 2 * grid->margin);
  if (height > MAX_SIDE || width > MAX_SIDE || height * width > (double)MAX_PIXELS) {
    return refuse(why, CLI_UNSUPPORTED,
                  "the picture would have %.0f rows and %.0f columns; at most %d each and %" PRId64
                  " pixels are possible",
                  height, width, MAX_SIDE, MAX_PIXELS);
  }
  grid->height = (int64_t)height;
  grid->width = (int64_t)width;
  return CLI_OK;
}

/* The grey of text that is seen before the padding. */
static uint8_t ink_of(const cli_options *options) { return options->padding_value < 0.5 ? 255 : 0; }

static cli_result draw_rendering(const cli_rendering *rendering, const cli_options *options,
                                 const montage_grid *grid, int64_t first_cell, cli_canvas canvas, reason why) {
  int64_t size[2];
  size_of_cells(rendering, size);
  cli_result result = CLI_OK;
  for (int64_t i = 0; i < count_cells(rendering) && result == CLI_OK; ++i) {
    const int64_t row = (first_cell + i) / grid->columns, column = (first_cell + i) % grid->columns;
    const int64_t top = grid->margin + row * (grid->cell_rows + grid->padding);
    const int64_t left = grid->margin + column * (grid->cell_columns + grid->padding);
    const int64_t picture_columns = grid->cell_columns - grid->cell_bar;
    const cli_canvas at =
        canvas_at(canvas, top + (grid->cell_rows - size[0]) / 2, left + (picture_columns - size[1]) / 2);
    result = draw_cell(rendering, i, options, at, why);
    if (grid->cell_bar > 0 && colour_bar_is_possible(window_of_cell(rendering, i)))
      colour_bar_draw(window_of_cell(rendering, i), grid->cell_rows, ink_of(options),
                      canvas_at(canvas, top, left + picture_columns));
  }
  return result;
}

cli_result montage_of_renderings(const cli_rendering *renderings, int count, const cli_options *options,
                                 cli_montage *montage, reason why) {
  montage_grid grid;
  uint8_t shades[3][256];
  *montage = (struct cli_montage){0};
  cli_result result = lay_out(renderings, count, options, &grid, why);
  if (result != CLI_OK)
    return result;
  for (int grey = 0; grey < 256; ++grey)
    for (int channel = 0; channel < 3; ++channel)
      shades[channel][grey] = options->colours ? options->colours[3 * grey + channel] : (uint8_t)grey;
  const size_t bytes = (size_t)(grid.height * grid.width) * (size_t)grid.channels;
  montage->memory = calloc(bytes, 1);
  if (!montage->memory) {
    return refuse(why, CLI_FAILED, "out of memory for a picture of %" PRId64 " x %" PRId64 " pixels",
                  grid.width, grid.height);
  }
  if (options->padding_value > 0)
    memset(montage->memory, (uint8_t)(255 * options->padding_value), bytes);
  montage->picture = (picture){.pixels = montage->memory,
                               .width = (uint32_t)grid.width,
                               .height = (uint32_t)grid.height,
                               .channels = grid.channels};
  montage->cells = grid.cells;
  montage->grid_columns = grid.columns;
  const cli_canvas canvas = {.pixels = montage->memory,
                             .row_stride = grid.width * grid.channels,
                             .channels = grid.channels,
                             .shades = {shades[0], shades[1], shades[2]}};
  int64_t cell = 0;
  for (int i = 0; i < count && result == CLI_OK; ++i) {
    result = draw_rendering(&renderings[i], options, &grid, cell, canvas, why);
    cell += count_cells(&renderings[i]);
  }
  if (grid.window) {
    const int64_t rows = grid.height - 2 * grid.margin;
    colour_bar_draw(grid.window, rows, ink_of(options),
                    canvas_at(canvas, grid.margin, grid.width - colour_bar_columns(grid.window, rows)));
  }
  return result;
}

void montage_free(cli_montage *montage) {
  free(montage->memory);
  *montage = (struct cli_montage){0};
}
