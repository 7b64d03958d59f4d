/* TIFF and BigTIFF files, through libtiff. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "numbers.h"
#include "tiff_pixels.h"

/* Bytes of all pages so far. */
typedef struct page_bytes {
  size_t decoded; /* as libtiff decodes them, whole tiles included */
  size_t shown;   /* as they are shown */
} page_bytes;

static cli_result add_page_bytes(const tiff_input *input, const tiff_page *p, page_bytes *sum, reason why) {
  int64_t width = p->width, height = p->height;
  if (p->tiled) {
    width = (width + p->block_width - 1) / p->block_width * p->block_width;
    height = (height + p->block_height - 1) / p->block_height * p->block_height;
  }
  const int64_t rows[2] = {p->planar ? p->samples : 1, height}, shape[3] = {p->channels, height, width};
  const size_t most_shown = unfold_limit(input->file.size);
  const size_t most_decoded = p->compressed || p->sparse ? most_shown : input->file.size;
  page_bytes page;
  cli_result result =
      size_of_pixels(rows, 2, tiff_bytes_of_row(p, (size_t)width), most_decoded, &page.decoded, why);
  if (result == CLI_OK)
    result = size_of_pixels(shape, 3, tiff_bytes_of_channel(p), most_shown, &page.shown, why);
  if (result != CLI_OK)
    return result;
  sum->decoded += page.decoded;
  sum->shown += page.shown;
  if (sum->decoded > most_decoded || sum->shown > most_shown)
    return refuse(why, CLI_UNREADABLE, "cut off: its pages ask for more than the %zu bytes that it can hold",
                  sum->decoded > most_decoded ? most_decoded : most_shown);
  return CLI_OK;
}

/* Counts the pages that are images of the series, all alike, and describes the first of them. */
static cli_result check_pages(TIFF *tiff, tiff_input *input, tiff_page *first, int64_t *pages, reason why) {
  page_bytes sum = {0};
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
        (result = add_page_bytes(input, &p, &sum, why)) != CLI_OK)
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
  if ((result = size_of_pixels(shape, 4, tiff_bytes_of_channel(&first), SIZE_MAX, &bytes, why)) != CLI_OK ||
      (result = allocate_pixels(into, bytes, why)) != CLI_OK)
    return result;
  for (int64_t i = 0; i < pages; ++i) {
    uint8_t *out = (uint8_t *)into->memory + (size_t)i * (bytes / (size_t)pages);
    if ((i > 0 && (result = go_to_page(tiff, input, false, &p, why)) != CLI_OK) ||
        (result = tiff_check_agreement(&p, &first, i + 1, why)) != CLI_OK)
      return result;
    if (planes > 1)
      tiff_read_planes(tiff, input, &p, planes, out);
    else if ((result = tiff_read_page(tiff, input, &p, out, why)) != CLI_OK)
      return result;
  }
  if (first.white_is_zero)
    tiff_invert(&first, into->memory, bytes);
  into->tensor.dtype = first.palette ? BV_U8 : first.type;
  if (first.type >= STORED_I64 && (result = convert_wide(first.type, into, why)) != CLI_OK)
    return result;
  set_interleaved(into, shape);
  orient(into, first.orientation);
  return CLI_OK;
}

/* libtiff reports a shortage of memory as damage, or goes on without what it had no memory for; malloc() sets
 * errno. */
cli_result read_tiff(file_bytes file, source *into, reason why) {
  tiff_input input = {.file = file};
  cli_result result = tiff_check_directories(file, why);
  if (result != CLI_OK)
    return result;
  errno = 0;
  TIFF *tiff = tiff_open(&input);
  result = tiff != NULL ? read_pages(tiff, &input, into, why) : tiff_refuse_damaged(&input, why);
  if (errno == ENOMEM)
    result = refuse(why, CLI_FAILED, "out of memory for reading TIFF");
  if (tiff != NULL)
    TIFFClose(tiff);
  return result;
}
