/* Pictures, see picture.h. libpng encodes them: it is what the program uses already, and is in every
 * distribution. (libspng or libdeflate would be one more dependency, for work that no loop waits for.) */
#include "picture.h"

#include <png.h>
#include <setjmp.h>
#include <zlib.h>

#define MOST_GRID_BYTES (INT64_C(1) << 30) /* protobuf's messages are below 2^31 bytes */

/* ---- The grid ------------------------------------------------------------------------------------------ */

/* The library's layout, of cells without data. */
static bv_status measure(int64_t cells, int64_t cell_height, int64_t cell_width, const bv_grid_options *options,
                         int64_t extents[2]) {
  static uint8_t nowhere;
  const int64_t shape[4] = {cells, 1, cell_height, cell_width};
  bv_tensor described = bv_contiguous_tensor(&nowhere, BV_U8, BV_CPU, 4, shape);
  memset(described.stride, 0, sizeof described.stride);
  return bv_grid_size(&described, 1, options, extents);
}

bv_status tb_lay_out(int64_t cells, int64_t cell_height, int64_t cell_width, int channels,
                     const bv_grid_options *options, bool rounds_to_nearest, tb_grid *grid) {
  static const bv_grid_options defaults = BV_GRID_OPTIONS_INIT;
  const bv_grid_options *used = options ? options : &defaults;
  int64_t extents[2], bytes;
  TB_TRY(measure(cells, cell_height, cell_width, options, extents));
  if (__builtin_mul_overflow(extents[0], extents[1] * channels, &bytes) || bytes > MOST_GRID_BYTES)
    return tb_fail(BV_ERROR_SHAPE, "a grid of %lld x %lld pixels of %d bytes; a log takes at most %lld bytes",
                   (long long)extents[0], (long long)extents[1], channels, (long long)MOST_GRID_BYTES);
  *grid = (tb_grid){
      .cells = cells,
      .cell_height = cell_height,
      .cell_width = cell_width,
      .channels = channels,
      .columns = used->columns < cells ? used->columns : cells,
      .padding = cells > 1 ? used->padding : 0,
      .fill = (uint8_t)(255 * used->padding_value + (rounds_to_nearest ? 0.5 : 0)),
      .height = (uint32_t)extents[0],
      .width = (uint32_t)extents[1],
  };
  return BV_OK;
}

size_t tb_cell_bytes(const tb_grid *grid) {
  return (size_t)grid->cells * (size_t)grid->cell_height * (size_t)grid->cell_width * (size_t)grid->channels;
}

static void fill_row(const tb_grid *grid, uint8_t *row) {
  const size_t bytes = (size_t)grid->width * (size_t)grid->channels;
  memset(row, grid->fill, bytes);
  for (size_t alpha = 3; grid->channels == 4 && alpha < bytes; alpha += 4)
    row[alpha] = 255;
}

/* The row `y` of the grid. */
static void compose_row(const tb_grid *grid, const uint8_t *cells, int64_t y, uint8_t *row) {
  const int64_t pitch = grid->cell_height + grid->padding, inside = (y - grid->padding) % pitch;
  const int64_t first = (y - grid->padding) / pitch * grid->columns;
  const size_t cell_row = (size_t)(grid->cell_width * grid->channels);
  fill_row(grid, row);
  if (y < grid->padding || inside >= grid->cell_height)
    return;
  for (int64_t column = 0; column < grid->columns && first + column < grid->cells; ++column) {
    const int64_t at = grid->padding + column * (grid->cell_width + grid->padding);
    memcpy(row + at * grid->channels,
           cells + (size_t)((first + column) * grid->cell_height + inside) * cell_row, cell_row);
  }
}

/* ---- PNG ----------------------------------------------------------------------------------------------- */

static void note_error(png_structp png, png_const_charp message) {
  tb_fail(BV_ERROR_MEMORY, "encoding a picture: %s", message);
  png_longjmp(png, 1);
}

static void ignore_warning(png_structp png, png_const_charp message) {
  (void)png;
  (void)message;
}

static void keep_bytes(png_structp png, png_bytep bytes, size_t count) {
  tb_bytes *out = png_get_io_ptr(png);
  if (!tb_reserve(out, count))
    png_error(png, "no memory");
  tb_append(out, bytes, count);
}

static void flush_nothing(png_structp png) { (void)png; }

static bv_status put_png(png_structp png, png_infop info, const tb_grid *grid, const uint8_t *cells,
                         uint8_t *row) {
  const int colour = grid->channels == 1   ? PNG_COLOR_TYPE_GRAY
                     : grid->channels == 3 ? PNG_COLOR_TYPE_RGB
                                           : PNG_COLOR_TYPE_RGBA;
  if (setjmp(png_jmpbuf(png)))
    return BV_ERROR_MEMORY;
  png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX); /* libpng's default is a million each */
  png_set_IHDR(png, info, grid->width, grid->height, 8, colour, PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  /* Filtered pictures have runs and few other repetitions: as the program packs them, see cli/png_rows.c. */
  png_set_filter(png, PNG_FILTER_TYPE_BASE, PNG_FILTER_PAETH);
  png_set_compression_level(png, 1);
  png_set_compression_strategy(png, Z_RLE);
  png_write_info(png, info);
  for (uint32_t y = 0; y < grid->height; ++y) {
    compose_row(grid, cells, y, row);
    png_write_row(png, row);
  }
  png_write_end(png, NULL);
  return BV_OK;
}

bv_status tb_encode_png(const tb_grid *grid, const uint8_t *cells, tb_bytes *out) {
  uint8_t *row = malloc((size_t)grid->width * (size_t)grid->channels);
  png_structp png =
      row ? png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, note_error, ignore_warning) : NULL;
  png_infop info = png ? png_create_info_struct(png) : NULL;
  bv_status status;
  out->size = 0;
  if (info) {
    png_set_write_fn(png, out, keep_bytes, flush_nothing);
    status = put_png(png, info, grid, cells, row);
  } else {
    status = tb_fail(BV_ERROR_MEMORY, "no memory for encoding a picture");
  }
  png_destroy_write_struct(&png, &info);
  free(row);
  return status;
}
