/* Pixels of TIFF files: decoded block by block, unpacked where samples have odd numbers of bits, and looked up
 * in the palette. */
#include "tiff_pixels.h"

#include <stdlib.h>
#include <string.h>

#include "numbers.h"

size_t tiff_bytes_of_channel(const tiff_page *p) { return p->palette ? 1 : stored_size(p->type); }

/* Samples of a pixel in a strip or tile. */
static size_t samples_of_block(const tiff_page *p) { return p->planar ? 1 : p->samples; }

size_t tiff_bytes_of_row(const tiff_page *p, size_t pixels) {
  return (pixels * samples_of_block(p) * p->bits + 7) / 8;
}

/* ---- Rows ------------------------------------------------------------------------------------------- */

static void store_sample(int32_t type, void *to, size_t i, uint32_t number) {
  switch (stored_size(type)) {
  case 1: ((uint8_t *)to)[i] = (uint8_t)number; break;
  case 2: ((uint16_t *)to)[i] = (uint16_t)number; break;
  default: ((uint32_t *)to)[i] = number; break;
  }
}

/* Samples follow each other bit by bit, the highest first; those of 24 bits are numbers of three bytes, which
 * libtiff has brought to the machine's order. */
static void unpack_row(const tiff_page *p, const uint8_t *row, size_t count, void *samples) {
  const bool is_signed = p->type == BV_I8 || p->type == BV_I16 || p->type == BV_I32;
  const bool reversed = p->bits == 24 && !machine_is_big_endian();
  const uint64_t mask = (UINT64_C(1) << p->bits) - 1, sign = is_signed ? UINT64_C(1) << (p->bits - 1) : 0;
  uint64_t held = 0; /* the lowest `bits` of it are not used yet */
  unsigned bits = 0;
  for (size_t i = 0; i < count; ++i) {
    for (; bits < p->bits; bits += 8)
      held = held << 8 | *row++;
    bits -= p->bits;
    uint64_t number = held >> bits & mask;
    if (reversed)
      number = (number & 0xff) << 16 | (number & 0xff00) | number >> 16;
    store_sample(p->type, samples, i, (uint32_t)((number ^ sign) - sign));
  }
}

/* Colours have 16 bits; where none needs more than 8, a writer took them for numbers of 8. */
static unsigned palette_shift(uint16_t *const colours[3], size_t count) {
  for (size_t i = 0; i < count; ++i)
    if (colours[0][i] > 255 || colours[1][i] > 255 || colours[2][i] > 255)
      return 8;
  return 0;
}

/* ---- Blocks ------------------------------------------------------------------------------------------ */

/* What the blocks of a page are read with. */
typedef struct block_reader {
  TIFF *tiff;
  tiff_input *input;
  const tiff_page *page;
  uint8_t *block;       /* as decoded */
  uint8_t *samples;     /* of a row, unpacked */
  uint16_t *colours[3]; /* of the palette */
  unsigned shift;       /* from its numbers to bytes */
} block_reader;

/* Decodes one strip or tile, whose upper left pixel is (x, y), to r->block. */
static cli_result decode_block(const block_reader *r, uint32_t x, uint32_t y, uint16_t plane, size_t bytes,
                               reason why) {
  tiff_input *input = r->input;
  const bool tiled = r->page->tiled;
  const uint32_t index = tiled ? TIFFComputeTile(r->tiff, x, y, 0, plane) : TIFFComputeStrip(r->tiff, y, plane);
  if (tiff_is_absent(r->tiff, index)) {
    memset(r->block, 0, bytes);
    return input->error[0] == '\0' ? CLI_OK : tiff_refuse_damaged(input, why);
  }
  /* Each byte of the file belongs to one block: else a small file could ask for endless work. */
  if (__builtin_add_overflow(input->stored, TIFFGetStrileByteCount(r->tiff, index), &input->stored) ||
      input->stored > input->file.size)
    return refuse(why, CLI_UNREADABLE, "damaged TIFF (its strips or tiles take more bytes than the file has)");
  const tmsize_t got = tiled ? TIFFReadEncodedTile(r->tiff, index, r->block, (tmsize_t)bytes)
                             : TIFFReadEncodedStrip(r->tiff, index, r->block, (tmsize_t)bytes);
  if (got != (tmsize_t)bytes || input->error[0] != '\0')
    return tiff_refuse_damaged(input, why);
  return CLI_OK;
}

/* Brings the first `columns` pixels of a decoded row to `to`, pixels of the page. */
static void place_row(const block_reader *r, const uint8_t *row, size_t columns, uint8_t *to) {
  const tiff_page *p = r->page;
  const size_t sample = stored_size(p->type), stored = samples_of_block(p);
  const size_t channel = tiff_bytes_of_channel(p), pixel = channel * p->channels;
  if (p->packed) {
    unpack_row(p, row, columns * stored, r->samples);
    row = r->samples;
  }
  if (p->palette)
    for (size_t column = 0; column < columns; ++column) {
      const size_t at = column * stored;
      const size_t number = sample == 1 ? row[at] : ((const uint16_t *)row)[at];
      for (int k = 0; k < 3; ++k)
        to[3 * column + (size_t)k] = (uint8_t)(r->colours[k][number] >> r->shift);
    }
  else if (sample * stored == pixel)
    memcpy(to, row, columns * pixel);
  else
    for (size_t column = 0; column < columns; ++column)
      memcpy(to + column * pixel, row + column * sample * stored, p->planar ? sample : pixel);
}

static cli_result read_blocks(const block_reader *r, uint8_t *out, reason why) {
  const tiff_page *p = r->page;
  const size_t channel = tiff_bytes_of_channel(p), pixel = channel * p->channels;
  const size_t block_row = tiff_bytes_of_row(p, p->block_width);
  const uint16_t planes = !p->planar || p->palette ? 1 : p->channels;
  for (uint16_t plane = 0; plane < planes; ++plane)
    for (uint64_t y = 0; y < p->height; y += p->block_height)
      for (uint64_t x = 0; x < p->width; x += p->block_width) {
        const size_t rows = p->height - y < p->block_height ? p->height - y : p->block_height;
        const size_t columns = p->width - x < p->block_width ? p->width - x : p->block_width;
        const size_t bytes = block_row * (p->tiled ? p->block_height : rows);
        cli_result result = decode_block(r, (uint32_t)x, (uint32_t)y, plane, bytes, why);
        if (result != CLI_OK)
          return result;
        for (size_t row = 0; row < rows; ++row)
          place_row(r, r->block + row * block_row, columns,
                    out + ((y + row) * p->width + x) * pixel + plane * channel);
      }
  return CLI_OK;
}

cli_result tiff_read_page(TIFF *tiff, tiff_input *input, const tiff_page *p, uint8_t *out, reason why) {
  block_reader r = {.tiff = tiff, .input = input, .page = p};
  const size_t block_bytes = tiff_bytes_of_row(p, p->block_width) * p->block_height;
  const size_t row_bytes = p->packed ? p->block_width * samples_of_block(p) * stored_size(p->type) : 1;
  if (p->palette) {
    if (!TIFFGetField(tiff, TIFFTAG_COLORMAP, &r.colours[0], &r.colours[1], &r.colours[2]))
      return tiff_refuse_damaged(input, why);
    r.shift = palette_shift(r.colours, (size_t)1 << p->bits);
  }
  r.block = malloc(block_bytes);
  r.samples = malloc(row_bytes);
  cli_result result =
      r.block && r.samples
          ? read_blocks(&r, out, why)
          : refuse(why, CLI_FAILED, "out of memory: %zu bytes could not be allocated", block_bytes + row_bytes);
  free(r.block);
  free(r.samples);
  return result;
}

void tiff_invert(const tiff_page *p, void *samples, size_t bytes) {
  const uint32_t most = (uint32_t)((UINT64_C(1) << p->bits) - 1);
  const size_t size = stored_size(p->type);
  for (size_t i = 0; i < bytes / size; ++i)
    switch (size) {
    case 1: ((uint8_t *)samples)[i] ^= (uint8_t)most; break;
    case 2: ((uint16_t *)samples)[i] ^= (uint16_t)most; break;
    default: ((uint32_t *)samples)[i] ^= most; break;
    }
}
