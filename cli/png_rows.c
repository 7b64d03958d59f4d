/* Filtering and packing of rows. */
#include "png_rows.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* Unpacked. A piece begins without anything to refer to: smaller ones would cost more bytes, larger ones leave
 * threads without work. */
#define PIECE_BYTES ((size_t)1 << 20)
/* Of a row, filtered at a time: stays in the cache until it is packed. */
#define SEGMENT_BYTES ((size_t)1 << 15)

enum { FILTER_SUB = 1, FILTER_PAETH = 4 };

static size_t row_bytes_of(const picture *shown) { return (size_t)shown->width * (size_t)shown->channels; }

static uint32_t rows_of_piece(const picture *shown) {
  size_t rows = PIECE_BYTES / (row_bytes_of(shown) + 1);
  return rows == 0 ? 1 : (uint32_t)rows;
}

uint32_t count_png_pieces(const picture *shown) { return (shown->height - 1) / rows_of_piece(shown) + 1; }

/* ---- Filters ------------------------------------------------------------------------------------------ */

static int16_t distance(int16_t a, int16_t b) { return (int16_t)(a > b ? a - b : b - a); }

/* PNG's Paeth predictor: of the left, upper and upper left byte the nearest to left + upper - upper left. */
static uint8_t predict(uint8_t left, uint8_t upper, uint8_t corner) {
  const int16_t from_left = distance(upper, corner), from_upper = distance(left, corner);
  const int16_t from_corner = distance((int16_t)(left + upper), (int16_t)(2 * corner));
  const uint8_t other = from_upper <= from_corner ? upper : corner;
  return from_left <= from_upper && from_left <= from_corner ? left : other;
}

/* Filters the bytes begin .. end - 1 of a row by the row above it; NULL above the first row. */
static void filter(const uint8_t *row, const uint8_t *above, size_t begin, size_t end, size_t step,
                   uint8_t *to) {
  size_t i = begin;
  for (; i < end && i < step; ++i) /* nothing is left of them */
    to[i - begin] = (uint8_t)(row[i] - (above ? above[i] : 0));
  if (above)
    for (; i < end; ++i)
      to[i - begin] = (uint8_t)(row[i] - predict(row[i - step], above[i], above[i - step]));
  else
    for (; i < end; ++i)
      to[i - begin] = (uint8_t)(row[i] - row[i - step]);
}

/* ---- Packing ------------------------------------------------------------------------------------------ */

/* Hands bytes to zlib, whose output has room for whatever becomes of them. */
static void pack(z_stream *stream, png_piece *piece, uint8_t *bytes, size_t count) {
  piece->adler = (uint32_t)adler32_z(piece->adler, bytes, count);
  stream->next_in = bytes;
  stream->avail_in = (uInt)count;
  deflate(stream, Z_NO_FLUSH);
}

static void pack_row(z_stream *stream, png_piece *piece, const picture *shown, uint32_t number) {
  const size_t row_bytes = row_bytes_of(shown), step = (size_t)shown->channels;
  const uint8_t *row = shown->pixels + number * row_bytes, *above = number > 0 ? row - row_bytes : NULL;
  uint8_t filtered[SEGMENT_BYTES], kind = above ? FILTER_PAETH : FILTER_SUB;
  pack(stream, piece, &kind, 1);
  for (size_t begin = 0; begin < row_bytes; begin += SEGMENT_BYTES) {
    size_t end = row_bytes - begin < SEGMENT_BYTES ? row_bytes : begin + SEGMENT_BYTES;
    filter(row, above, begin, end, step, filtered);
    pack(stream, piece, filtered, end - begin);
  }
}

/* zlib's header (RFC 1950): deflate with a window of 32 KiB, packed fast. */
static const uint8_t stream_header[2] = {0x78, 0x01};

static void pack_rows(z_stream *stream, png_piece *piece, const picture *shown, uint32_t number) {
  const uint32_t first = number * rows_of_piece(shown), left = shown->height - first;
  const uint32_t rows = left < rows_of_piece(shown) ? left : rows_of_piece(shown);
  piece->adler = (uint32_t)adler32(0, NULL, 0);
  piece->unpacked_bytes = rows * (row_bytes_of(shown) + 1);
  const size_t flush_bytes = 16; /* it takes 5 or 6 */
  const size_t room = sizeof stream_header + deflateBound(stream, piece->unpacked_bytes) + flush_bytes;
  piece->bytes = malloc(room);
  if (piece->bytes == NULL)
    return;
  if (number == 0) {
    memcpy(piece->bytes, stream_header, sizeof stream_header);
    piece->size = sizeof stream_header;
  }
  stream->next_out = piece->bytes + piece->size;
  stream->avail_out = (uInt)(room - piece->size);
  for (uint32_t row = first; row < first + rows; ++row)
    pack_row(stream, piece, shown, row);
  deflate(stream, rows == left ? Z_FINISH : Z_SYNC_FLUSH); /* to a whole byte */
  piece->size = (size_t)(stream->next_out - piece->bytes);
}

png_piece pack_png_piece(const picture *shown, uint32_t number) {
  png_piece piece = {0};
  z_stream stream = {0};
  /* Filtered pictures have runs and few other repetitions. For the slices of a brain and for noise, Z_RLE takes
   * less than half the time of libpng's defaults at level 3 or of zlib's other strategies, and fewer bytes. */
  if (deflateInit2(&stream, 1, Z_DEFLATED, -MAX_WBITS, MAX_MEM_LEVEL, Z_RLE) == Z_OK) {
    pack_rows(&stream, &piece, shown, number);
    deflateEnd(&stream);
  }
  return piece;
}
