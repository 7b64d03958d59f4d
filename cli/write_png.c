/* Pictures as PNG files: libpng writes the chunks, png_rows.h packs the pixels. */
#include "write.h"

#include <errno.h>
#include <math.h>
#include <png.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "output.h"
#include "parallel.h"
#include "png_rows.h"

#define PIECES_PER_THREAD 8 /* at a time: enough for them to end at about the same time */

static void note_error(png_structp png, png_const_charp message) {
  reason *why = png_get_error_ptr(png);
  refuse(*why, CLI_WRITE, "%s", message);
  png_longjmp(png, 1);
}

static void ignore_warning(png_structp png, png_const_charp message) {
  (void)png;
  (void)message;
}

static void write_bytes(png_structp png, png_bytep bytes, size_t count) {
  if (fwrite(bytes, 1, count, png_get_io_ptr(png)) != count)
    png_error(png, strerror(errno));
}

static void flush_nothing(png_structp png) { (void)png; } /* output_close() flushes */

/* ---- Before the pixels -------------------------------------------------------------------------------- */

/* Pixels per unit along both axes; only their ratio counts when the unit is unknown. */
static void set_proportions(png_structp png, png_infop info, const picture *shown) {
  const double rows = shown->row_spacing, columns = shown->column_spacing, scale = 1e6;
  if (!(rows > 0 && columns > 0) || !isfinite(rows / columns) || rows == columns)
    return;
  double smaller = fmin(rows, columns);
  double x = round(scale * smaller / columns), y = round(scale * smaller / rows);
  if (x >= 1 && y >= 1)
    png_set_pHYs(png, info, (png_uint_32)x, (png_uint_32)y, PNG_RESOLUTION_UNKNOWN);
}

static void put_header(png_structp png, png_infop info, const picture *shown) {
  const int colour = shown->channels == 1   ? PNG_COLOR_TYPE_GRAY
                     : shown->channels == 3 ? PNG_COLOR_TYPE_RGB
                                            : PNG_COLOR_TYPE_RGBA;
  png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX); /* libpng's default is a million each */
  png_set_IHDR(png, info, shown->width, shown->height, 8, colour, PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  set_proportions(png, info, shown);
  png_write_info(png, info);
}

/* ---- Pixels ------------------------------------------------------------------------------------------- */

/* Pieces that are packed at the same time, and then written. */
typedef struct piece_batch {
  const picture *shown;
  uint32_t first;
  int count, most;
  png_piece *pieces; /* `most` of them; their bytes are owned */
} piece_batch;

static void pack_item(void *context, int item) {
  piece_batch *batch = context;
  batch->pieces[item] = pack_png_piece(batch->shown, batch->first + (uint32_t)item);
}

static void drop_bytes(png_piece *piece) {
  free(piece->bytes);
  piece->bytes = NULL;
}

/* Writes the batch and adds its pieces to the sum. */
static cli_result put_batch(png_structp png, piece_batch *batch, uint32_t *adler, reason why) {
  for_each_item(batch->count, pack_item, batch);
  for (int i = 0; i < batch->count; ++i) {
    png_piece *piece = &batch->pieces[i];
    if (piece->bytes == NULL) /* there may be memory for one at a time */
      pack_item(batch, i);
    if (piece->bytes == NULL)
      return refuse(why, CLI_FAILED, "out of memory for packing PNG");
    png_write_chunk(png, (png_const_bytep) "IDAT", piece->bytes, piece->size);
    *adler = (uint32_t)adler32_combine(*adler, piece->adler, (z_off_t)piece->unpacked_bytes);
    drop_bytes(piece);
  }
  return CLI_OK;
}

static cli_result put_pixels(png_structp png, piece_batch *batch, reason why) {
  const uint32_t pieces = count_png_pieces(batch->shown), most = (uint32_t)batch->most;
  uint32_t adler = (uint32_t)adler32(0, NULL, 0);
  for (; batch->first < pieces; batch->first += most) {
    batch->count = (int)(pieces - batch->first < most ? pieces - batch->first : most);
    cli_result result = put_batch(png, batch, &adler, why);
    if (result != CLI_OK)
      return result;
  }
  uint8_t sum[4];
  png_save_uint_32(sum, adler);
  png_write_chunk(png, (png_const_bytep) "IDAT", sum, sizeof sum);
  return CLI_OK;
}

/* The end of the file is written as any chunk is: libpng has not seen the pixels. */
static cli_result put_png(png_structp png, png_infop info, piece_batch *batch, reason why) {
  if (setjmp(png_jmpbuf(png)))
    return CLI_WRITE;
  put_header(png, info, batch->shown);
  cli_result result = put_pixels(png, batch, why);
  if (result == CLI_OK)
    png_write_chunk(png, (png_const_bytep) "IEND", NULL, 0);
  return result;
}

static cli_result encode(FILE *stream, const picture *shown, reason why) {
  const uint32_t pieces = count_png_pieces(shown), most = PIECES_PER_THREAD * (uint32_t)bv_get_threads();
  piece_batch batch = {.shown = shown, .most = (int)(pieces < most ? pieces : most)};
  batch.pieces = calloc((size_t)batch.most, sizeof *batch.pieces);
  png_structp png =
      batch.pieces ? png_create_write_struct(PNG_LIBPNG_VER_STRING, &why, note_error, ignore_warning) : NULL;
  png_infop info = png ? png_create_info_struct(png) : NULL;
  cli_result result;
  if (info) {
    png_set_write_fn(png, stream, write_bytes, flush_nothing);
    result = put_png(png, info, &batch, why);
  } else {
    result = refuse(why, CLI_FAILED, "out of memory for writing PNG");
  }
  png_destroy_write_struct(&png, &info);
  for (int i = 0; i < batch.most && batch.pieces; ++i)
    drop_bytes(&batch.pieces[i]);
  free(batch.pieces);
  return result;
}

cli_result write_png(const char *path, const picture *shown, char *text, size_t text_bytes) {
  reason why = {text, text_bytes};
  if (shown->width < 1 || shown->height < 1 || shown->height > PNG_UINT_31_MAX ||
      (size_t)shown->width * (size_t)shown->channels > PNG_MOST_ROW_BYTES)
    return refuse(why, CLI_UNSUPPORTED,
                  "a PNG of %u x %u pixels of %d bytes; allowed are 1 to 2^31 - 1 rows of 1 to 2^30 bytes",
                  shown->width, shown->height, shown->channels);
  output out;
  cli_result result = output_open(path, &out, why);
  if (result != CLI_OK)
    return result;
  result = encode(out.stream, shown, why);
  return output_close(&out, result, why);
}
