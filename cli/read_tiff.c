/* TIFF and BigTIFF files, through libtiff. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "numbers.h"
#include "tiff_input.h"

/* ---- Pages ------------------------------------------------------------------------------------------ */

typedef struct page {
  uint32_t width, height;
  uint32_t block_width, block_height; /* of a tile, or a strip */
  uint16_t samples;                   /* of a pixel in the file */
  uint16_t channels;                  /* of them shown: 1 or 3 */
  uint16_t orientation;
  int32_t type; /* as numbers.h has it */
  bool tiled, planar, white_is_zero, compressed;
} page;

static cli_result find_type(TIFF *tiff, page *p, reason why) {
  static const struct {
    uint16_t format, bits;
    int32_t type;
  } types[] = {{SAMPLEFORMAT_UINT, 8, BV_U8},       {SAMPLEFORMAT_INT, 8, BV_I8},
               {SAMPLEFORMAT_UINT, 16, BV_U16},     {SAMPLEFORMAT_INT, 16, BV_I16},
               {SAMPLEFORMAT_UINT, 32, BV_U32},     {SAMPLEFORMAT_INT, 32, BV_I32},
               {SAMPLEFORMAT_UINT, 64, STORED_U64}, {SAMPLEFORMAT_INT, 64, STORED_I64},
               {SAMPLEFORMAT_IEEEFP, 16, BV_F16},   {SAMPLEFORMAT_IEEEFP, 32, BV_F32},
               {SAMPLEFORMAT_IEEEFP, 64, BV_F64}};
  uint16_t format = SAMPLEFORMAT_UINT, bits = 1;
  TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLEFORMAT, &format);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_BITSPERSAMPLE, &bits);
  if (format == SAMPLEFORMAT_VOID)
    format = SAMPLEFORMAT_UINT;
  for (size_t i = 0; i < sizeof types / sizeof types[0]; ++i)
    if (types[i].format == format && types[i].bits == bits) {
      p->type = types[i].type;
      return CLI_OK;
    }
  return refuse(
      why, CLI_UNSUPPORTED,
      "TIFF samples of %u bits in format %u are not supported; integers of 8 to 64 bits and floats of "
      "16, 32 and 64 are",
      bits, format);
}

static cli_result find_channels(TIFF *tiff, page *p, reason why) {
  uint16_t photometric = PHOTOMETRIC_MINISBLACK, compression = COMPRESSION_NONE, planar = PLANARCONFIG_CONTIG;
  TIFFGetField(tiff, TIFFTAG_PHOTOMETRIC, &photometric);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_COMPRESSION, &compression);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLESPERPIXEL, &p->samples);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_PLANARCONFIG, &planar);
  if (compression == COMPRESSION_OJPEG)
    return refuse(why, CLI_UNSUPPORTED, "TIFF's old-style JPEG compression is not supported");
  if (photometric == PHOTOMETRIC_YCBCR && compression == COMPRESSION_JPEG) {
    TIFFSetField(tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
    photometric = PHOTOMETRIC_RGB;
  }
  if (photometric != PHOTOMETRIC_MINISBLACK && photometric != PHOTOMETRIC_MINISWHITE &&
      photometric != PHOTOMETRIC_RGB)
    return refuse(why, CLI_UNSUPPORTED,
                  "TIFF's photometric interpretation %u is not supported; grey and RGB are", photometric);
  p->channels = photometric == PHOTOMETRIC_RGB ? 3 : 1;
  if (p->samples != p->channels && p->samples != p->channels + 1) /* one more is alpha */
    return refuse(why, CLI_UNSUPPORTED,
                  "a TIFF of %u samples per pixel; %u is supported, and one more for alpha", p->samples,
                  p->channels);
  p->white_is_zero = photometric == PHOTOMETRIC_MINISWHITE;
  if (p->white_is_zero && p->type != BV_U8 && p->type != BV_U16 && p->type != BV_U32)
    return refuse(why, CLI_UNSUPPORTED,
                  "a TIFF where 0 is white, of other than unsigned integers of 8 to 32 bits");
  p->planar = planar == PLANARCONFIG_SEPARATE && p->samples > 1;
  p->compressed = compression != COMPRESSION_NONE;
  return CLI_OK;
}

static cli_result describe_page(TIFF *tiff, page *p, reason why) {
  *p = (page){.samples = 1, .orientation = ORIENTATION_TOPLEFT};
  cli_result result;
  if ((result = find_type(tiff, p, why)) != CLI_OK || (result = find_channels(tiff, p, why)) != CLI_OK)
    return result;
  TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &p->width);
  TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &p->height);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_ORIENTATION, &p->orientation);
  p->tiled = TIFFIsTiled(tiff);
  if (p->tiled) {
    TIFFGetField(tiff, TIFFTAG_TILEWIDTH, &p->block_width);
    TIFFGetField(tiff, TIFFTAG_TILELENGTH, &p->block_height);
  } else {
    p->block_width = p->width;
    TIFFGetFieldDefaulted(tiff, TIFFTAG_ROWSPERSTRIP, &p->block_height);
    if (p->block_height > p->height)
      p->block_height = p->height;
  }
  if (p->width == 0 || p->height == 0 || p->block_width == 0 || p->block_height == 0)
    return refuse(why, CLI_UNREADABLE, "a TIFF page of %u x %u pixels in blocks of %u x %u", p->width,
                  p->height, p->block_width, p->block_height);
  return CLI_OK;
}

/* ---- Pixels ----------------------------------------------------------------------------------------- */

static size_t sum_limit(const tiff_input *input, const page *p) {
  return p->compressed ? unfold_limit(input->file.size) : input->file.size;
}

/* Adds what decoding the page takes, whole tiles included, to *bytes. */
static cli_result add_decoded_bytes(const tiff_input *input, const page *p, size_t *bytes, reason why) {
  int64_t width = p->width, height = p->height;
  if (p->tiled) {
    width = (width + p->block_width - 1) / p->block_width * p->block_width;
    height = (height + p->block_height - 1) / p->block_height * p->block_height;
  }
  const int64_t shape[3] = {p->samples, height, width};
  size_t page_bytes, limit = sum_limit(input, p);
  cli_result result = size_of_pixels(shape, 3, stored_size(p->type), limit, &page_bytes, why);
  if (result != CLI_OK)
    return result;
  *bytes += page_bytes;
  if (*bytes > limit)
    return refuse(why, CLI_UNREADABLE, "cut off: its pages ask for more than the %zu bytes that it can hold",
                  limit);
  return CLI_OK;
}

/* Decodes one strip or tile, whose upper left pixel is (x, y), to `block`. */
static cli_result read_block(TIFF *tiff, tiff_input *input, const page *p, uint32_t x, uint32_t y,
                             uint16_t plane, void *block, size_t bytes, reason why) {
  const uint32_t index = p->tiled ? TIFFComputeTile(tiff, x, y, 0, plane) : TIFFComputeStrip(tiff, y, plane);
  /* Each byte of the file belongs to one block: else a small file could ask for endless work. */
  if (__builtin_add_overflow(input->stored, TIFFGetStrileByteCount(tiff, index), &input->stored) ||
      input->stored > input->file.size)
    return refuse(why, CLI_UNREADABLE, "damaged TIFF (its strips or tiles take more bytes than the file has)");
  const tmsize_t got = p->tiled ? TIFFReadEncodedTile(tiff, index, block, (tmsize_t)bytes)
                                : TIFFReadEncodedStrip(tiff, index, block, (tmsize_t)bytes);
  if (got != (tmsize_t)bytes || input->error[0] != '\0')
    return tiff_refuse_damaged(input, why);
  return CLI_OK;
}

/* Decodes one page to `out`, [H, W, channels]. */
static cli_result read_page(TIFF *tiff, tiff_input *input, const page *p, uint8_t *out, reason why) {
  const size_t sample = stored_size(p->type), pixel = sample * p->channels;
  const size_t block_pixel = p->planar ? sample : sample * p->samples, kept = p->planar ? sample : pixel;
  const size_t block_row = block_pixel * p->block_width;
  uint8_t *block = malloc(block_row * p->block_height);
  if (block == NULL)
    return refuse(why, CLI_FAILED, "out of memory: %zu bytes could not be allocated",
                  block_row * p->block_height);
  cli_result result = CLI_OK;
  for (uint16_t plane = 0; plane < (p->planar ? p->channels : 1); ++plane)
    for (uint64_t y = 0; y < p->height; y += p->block_height)
      for (uint64_t x = 0; x < p->width; x += p->block_width) {
        const size_t rows = p->height - y < p->block_height ? p->height - y : p->block_height;
        const size_t columns = p->width - x < p->block_width ? p->width - x : p->block_width;
        result = read_block(tiff, input, p, (uint32_t)x, (uint32_t)y, plane, block,
                            block_row * (p->tiled ? p->block_height : rows), why);
        if (result != CLI_OK)
          goto done;
        for (size_t row = 0; row < rows; ++row) {
          const uint8_t *from = block + row * block_row;
          uint8_t *to = out + ((y + row) * p->width + x) * pixel + plane * sample;
          if (block_pixel == pixel)
            memcpy(to, from, columns * pixel);
          else
            for (size_t column = 0; column < columns; ++column)
              memcpy(to + column * pixel, from + column * block_pixel, kept);
        }
      }
done:
  free(block);
  return result;
}

static cli_result check_agreement(const page *p, const page *first, int64_t number, reason why) {
  if (p->width != first->width || p->height != first->height)
    return refuse(why, CLI_UNSUPPORTED, "TIFF page %d is %u x %u, and the first one %u x %u; they must agree",
                  (int)number, p->width, p->height, first->width, first->height);
  if (p->type != first->type || p->channels != first->channels || p->orientation != first->orientation ||
      p->white_is_zero != first->white_is_zero)
    return refuse(why, CLI_UNSUPPORTED,
                  "TIFF page %d has another type, colour or orientation than the first one", (int)number);
  return CLI_OK;
}

static cli_result check_pages(TIFF *tiff, tiff_input *input, page *first, int64_t *pages, reason why) {
  size_t decoded_bytes = 0;
  *pages = 0;
  do {
    page p;
    cli_result result = describe_page(tiff, &p, why);
    if (result == CLI_OK && *pages == 0)
      *first = p;
    if (result != CLI_OK || (result = check_agreement(&p, first, *pages + 1, why)) != CLI_OK ||
        (result = add_decoded_bytes(input, &p, &decoded_bytes, why)) != CLI_OK)
      return result;
    if (++*pages > UINT16_MAX) /* libtiff's time grows with their square */
      return refuse(why, CLI_UNSUPPORTED, "a TIFF of more than %d pages", UINT16_MAX);
  } while (TIFFReadDirectory(tiff));
  if (input->error[0] != '\0')
    return tiff_refuse_damaged(input, why);
  if (!TIFFLastDirectory(tiff))
    return refuse(why, CLI_UNREADABLE, "damaged TIFF (its pages do not end)");
  return CLI_OK;
}

/* Distances from the resolution: mm where it has a unit, else relative to the coarser axis. */
static void find_spacing(TIFF *tiff, double spacing[3]) {
  float x = 0, y = 0;
  uint16_t unit = RESUNIT_INCH;
  TIFFGetField(tiff, TIFFTAG_XRESOLUTION, &x);
  TIFFGetField(tiff, TIFFTAG_YRESOLUTION, &y);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_RESOLUTIONUNIT, &unit);
  if (!(x > 0 && y > 0) || !isfinite(x) || !isfinite(y))
    return;
  const double scale = unit == RESUNIT_INCH ? 25.4 : unit == RESUNIT_CENTIMETER ? 10 : fmin(x, y);
  spacing[0] = scale / y;
  spacing[1] = scale / x;
}

static void flip(bv_tensor *tensor, int axis) {
  int64_t last = (tensor->shape[axis] - 1) * tensor->stride[axis];
  tensor->data = (char *)tensor->data + last * (int64_t)bv_dtype_size(tensor->dtype);
  tensor->stride[axis] = -tensor->stride[axis];
}

/* TIFF's Orientation says which sides of the picture the stored row 0 and column 0 are. */
static void orient(source *into, uint16_t orientation) {
  bv_tensor *tensor = &into->tensor;
  const int rows = tensor->ndim - 2, columns = tensor->ndim - 1;
  if (orientation >= ORIENTATION_LEFTTOP) {
    const int64_t shape = tensor->shape[rows], stride = tensor->stride[rows];
    tensor->shape[rows] = tensor->shape[columns];
    tensor->stride[rows] = tensor->stride[columns];
    tensor->shape[columns] = shape;
    tensor->stride[columns] = stride;
    const double spacing = into->spacing[0];
    into->spacing[0] = into->spacing[1];
    into->spacing[1] = spacing;
  }
  if (orientation == ORIENTATION_BOTRIGHT || orientation == ORIENTATION_BOTLEFT ||
      orientation == ORIENTATION_RIGHTBOT || orientation == ORIENTATION_LEFTBOT)
    flip(tensor, rows);
  if (orientation == ORIENTATION_TOPRIGHT || orientation == ORIENTATION_BOTRIGHT ||
      orientation == ORIENTATION_RIGHTTOP || orientation == ORIENTATION_RIGHTBOT)
    flip(tensor, columns);
}

/* Gives 64-bit integers, which tensors do not have, their own memory as float64. */
static cli_result convert_wide(int32_t type, source *into, reason why) {
  void *raw = into->memory;
  const stored_numbers numbers = {
      .data = raw, .count = into->memory_bytes / 8, .type = type, .big_endian = machine_is_big_endian()};
  into->memory = NULL;
  cli_result result = load_numbers(&numbers, into, why);
  free(raw);
  return result;
}

static cli_result read_pages(TIFF *tiff, tiff_input *input, source *into, reason why) {
  page first = {0};
  int64_t pages;
  size_t bytes;
  cli_result result = check_pages(tiff, input, &first, &pages, why);
  if (result != CLI_OK)
    return result;
  const int64_t shape[4] = {pages, first.channels, first.height, first.width};
  if ((result = size_of_pixels(shape, 4, stored_size(first.type), SIZE_MAX, &bytes, why)) != CLI_OK ||
      (result = allocate_pixels(into, bytes, why)) != CLI_OK)
    return result;
  for (int64_t i = 0; i < pages; ++i) {
    page p;
    if (i == 0 ? !TIFFSetDirectory(tiff, 0) : !TIFFReadDirectory(tiff))
      return tiff_refuse_damaged(input, why);
    if ((result = describe_page(tiff, &p, why)) != CLI_OK ||
        (result = check_agreement(&p, &first, i + 1, why)) != CLI_OK)
      return result;
    if (i == 0)
      find_spacing(tiff, into->spacing);
    uint8_t *out = (uint8_t *)into->memory + (size_t)i * (bytes / (size_t)pages);
    if ((result = read_page(tiff, input, &p, out, why)) != CLI_OK)
      return result;
  }
  if (first.white_is_zero)
    for (size_t i = 0; i < bytes; ++i)
      ((uint8_t *)into->memory)[i] ^= 0xff; /* the largest number minus each one */
  into->tensor.dtype = first.type;
  if (first.type >= STORED_I64 && (result = convert_wide(first.type, into, why)) != CLI_OK)
    return result;
  set_interleaved(into, shape);
  orient(into, first.orientation);
  return CLI_OK;
}

cli_result read_tiff(file_bytes file, source *into, reason why) {
  tiff_input input = {.file = file};
  TIFF *tiff = tiff_open(&input);
  if (tiff == NULL)
    return tiff_refuse_damaged(&input, why);
  cli_result result = read_pages(tiff, &input, into, why);
  TIFFClose(tiff);
  return result;
}
