/* TIFF and BigTIFF files, through libtiff. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "numbers.h"
#include "tiff_page.h"

/* ---- Pixels ----------------------------------------------------------------------------------------- */

static size_t sum_limit(const tiff_input *input, const tiff_page *p) {
  return p->compressed || p->sparse ? unfold_limit(input->file.size) : input->file.size;
}

/* Adds what decoding the page takes, whole tiles included, to *bytes. */
static cli_result add_decoded_bytes(const tiff_input *input, const tiff_page *p, size_t *bytes, reason why) {
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
static cli_result read_block(TIFF *tiff, tiff_input *input, const tiff_page *p, uint32_t x, uint32_t y,
                             uint16_t plane, void *block, size_t bytes, reason why) {
  const uint32_t index = p->tiled ? TIFFComputeTile(tiff, x, y, 0, plane) : TIFFComputeStrip(tiff, y, plane);
  if (tiff_is_absent(tiff, index)) {
    memset(block, 0, bytes);
    return input->error[0] == '\0' ? CLI_OK : tiff_refuse_damaged(input, why);
  }
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
static cli_result read_page(TIFF *tiff, tiff_input *input, const tiff_page *p, uint8_t *out, reason why) {
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

/* Counts the pages that are images of the series, all alike, and describes the first of them. */
static cli_result check_pages(TIFF *tiff, tiff_input *input, tiff_page *first, int64_t *pages, reason why) {
  size_t decoded_bytes = 0;
  int64_t directories = 0;
  *pages = 0;
  do {
    tiff_page p;
    if (++directories > UINT16_MAX) /* libtiff's time grows with their square */
      return refuse(why, CLI_UNSUPPORTED, "a TIFF of more than %d pages", UINT16_MAX);
    cli_result result = tiff_describe_page(tiff, &p, why);
    if (result == CLI_OK && p.is_derived)
      continue;
    if (result == CLI_OK && *pages == 0)
      *first = p;
    if (result != CLI_OK || (result = tiff_check_agreement(&p, first, directories, why)) != CLI_OK ||
        (result = add_decoded_bytes(input, &p, &decoded_bytes, why)) != CLI_OK)
      return result;
    ++*pages;
  } while (TIFFReadDirectory(tiff));
  if (input->error[0] != '\0')
    return tiff_refuse_damaged(input, why);
  if (!TIFFLastDirectory(tiff))
    return refuse(why, CLI_UNREADABLE, "damaged TIFF (its pages do not end)");
  if (*pages == 0)
    return refuse(why, CLI_UNSUPPORTED, "a TIFF that has only reduced copies or masks of other pages");
  return CLI_OK;
}

/* Goes to the file's first page of the series, or to the next one. */
static cli_result go_to_page(TIFF *tiff, tiff_input *input, bool from_the_beginning, tiff_page *p, reason why) {
  do {
    if (from_the_beginning ? !TIFFSetDirectory(tiff, 0) : !TIFFReadDirectory(tiff))
      return tiff_refuse_damaged(input, why);
    from_the_beginning = false;
    cli_result result = tiff_describe_page(tiff, p, why);
    if (result != CLI_OK)
      return result;
  } while (p->is_derived);
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
  tiff_page p = {0}, first = {0};
  int64_t pages, planes = 1; /* of a page */
  size_t bytes;
  cli_result result = check_pages(tiff, input, &first, &pages, why);
  if (result != CLI_OK || (result = go_to_page(tiff, input, true, &p, why)) != CLI_OK ||
      (pages == 1 && (result = tiff_count_planes(tiff, input, &first, &planes, why)) != CLI_OK))
    return result;
  find_spacing(tiff, into->spacing);
  const int64_t shape[4] = {pages * planes, first.channels, first.height, first.width};
  if ((result = size_of_pixels(shape, 4, stored_size(first.type), SIZE_MAX, &bytes, why)) != CLI_OK ||
      (result = allocate_pixels(into, bytes, why)) != CLI_OK)
    return result;
  for (int64_t i = 0; i < pages; ++i) {
    uint8_t *out = (uint8_t *)into->memory + (size_t)i * (bytes / (size_t)pages);
    if ((i > 0 && (result = go_to_page(tiff, input, false, &p, why)) != CLI_OK) ||
        (result = tiff_check_agreement(&p, &first, i + 1, why)) != CLI_OK)
      return result;
    if (planes > 1)
      tiff_read_planes(tiff, input, &p, planes, out);
    else if ((result = read_page(tiff, input, &p, out, why)) != CLI_OK)
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
  cli_result result = tiff_check_directories(file, why);
  if (result != CLI_OK)
    return result;
  TIFF *tiff = tiff_open(&input);
  if (tiff == NULL)
    return tiff_refuse_damaged(&input, why);
  result = read_pages(tiff, &input, into, why);
  TIFFClose(tiff);
  return result;
}
