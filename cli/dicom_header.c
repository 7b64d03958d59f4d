/* Attributes of the modules Image Pixel, Image Plane, Modality LUT and VOI LUT of PS3.3, by their tags. */
#include "dicom_header.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dicom_codec.h"
#include "dicom_palette.h"
#include "header_text.h"

#define DICOMDIR_STORAGE "1.2.840.10008.1.3.10"
#define MAX_NUMBERS 6 /* that an attribute has, of those that are looked at */
#define FEW_FRAMES 65536

typedef struct decoding {
  dicom_header *h;
  dicom_frame *each; /* where attributes of frames go, in the second walk */
} decoding;

/* ---- Values ----------------------------------------------------------------------------------------- */

/* A text without the blanks and zeros behind it. */
static text_slice text_of(const dicom_element *element) {
  text_slice text = {(const char *)element->value, element->bytes};
  while (text.bytes > 0 && (text.text[text.bytes - 1] == ' ' || text.text[text.bytes - 1] == '\0'))
    --text.bytes;
  while (text.bytes > 0 && text.text[0] == ' ')
    ++text.text, --text.bytes;
  return text;
}

static void copy_text(char *to, size_t room, const dicom_element *element) {
  const text_slice text = text_of(element);
  const size_t bytes = text.bytes < room - 1 ? text.bytes : room - 1;
  memcpy(to, text.text, bytes);
  to[bytes] = '\0';
}

/* The decimal numbers of a text with \ between them: true if it has at least `count` finite ones. */
static bool take_decimals(const dicom_element *element, double *numbers, int count) {
  char copy[17 * MAX_NUMBERS * 4]; /* of 16 characters each */
  double all[MAX_NUMBERS * 4];
  text_slice text = text_of(element);
  int words = 1;
  if (text.bytes > sizeof copy)
    text.bytes = sizeof copy;
  for (size_t i = 0; i < text.bytes; ++i) {
    copy[i] = text.text[i] == '\\' ? ' ' : text.text[i];
    if (text.text[i] == '\\' && words++ == count)
      text.bytes = i;
  }
  if (parse_numbers((text_slice){copy, text.bytes}, all, count) != count)
    return false;
  for (int i = 0; i < count; ++i)
    if (!isfinite(all[i]))
      return false;
  memcpy(numbers, all, (size_t)count * sizeof *numbers);
  return true;
}

static int64_t take_integer(const dicom_element *element, int64_t otherwise) {
  double number;
  return take_decimals(element, &number, 1) && fabs(number) <= 2147483648.0 && number == floor(number)
             ? (int64_t)number
             : otherwise;
}

static int64_t take_u16(const dicom_element *element) {
  return element->bytes >= 2 ? dicom_u16(element->value, element->big_endian) : 0;
}

/* ---- Attributes ------------------------------------------------------------------------------------- */

/* Attributes that frames may have of their own. */
static void take_frame_attribute(dicom_frame *frame, const dicom_element *element) {
  double pair[2];
  switch (element->tag) {
  case 0x00200032: frame->placed = take_decimals(element, frame->position, 3); break;
  case 0x00200037: frame->oriented = take_decimals(element, frame->directions[0], 6); break;
  case 0x00280030:
    if (take_decimals(element, pair, 2) && pair[0] > 0 && pair[1] > 0)
      memcpy(frame->spacing, pair, sizeof pair);
    break;
  case 0x00281050: frame->windowed |= take_decimals(element, &frame->window_centre, 1); break;
  case 0x00281051:
    if (!take_decimals(element, &frame->window_width, 1))
      frame->window_width = 0;
    break;
  case 0x00281052: frame->scaled |= take_decimals(element, &frame->inter, 1); break;
  case 0x00281053: frame->scaled |= take_decimals(element, &frame->slope, 1); break;
  default: break;
  }
}

static void take_image_attribute(dicom_header *h, const dicom_element *element) {
  double pair[2];
  switch (element->tag) {
  case 0x0008103e: copy_text(h->series_name, sizeof h->series_name, element); break;
  case 0x00180088:
    if (!take_decimals(element, &h->slice_spacing, 1))
      h->slice_spacing = 0;
    break;
  case 0x00181164: /* at the detector, where the patient's is not known; comes before 0028,0030 */
  case 0x00280034: /* only the ratio of the two is known */
    if (h->common.spacing[0] == 0 && take_decimals(element, pair, 2) && pair[0] > 0 && pair[1] > 0)
      memcpy(h->common.spacing, pair, sizeof pair);
    break;
  case 0x0020000e: copy_text(h->series, sizeof h->series, element); break;
  case 0x00200011: h->series_number = take_integer(element, 0); break;
  case 0x00200013: h->instance_number = take_integer(element, 0); break;
  case 0x00280002: h->samples = take_u16(element); break;
  case 0x00280004: copy_text(h->photometric, sizeof h->photometric, element); break;
  case 0x00280006: h->planar = take_u16(element) == 1; break;
  case 0x00280008: h->frames = element->bytes > 0 ? take_integer(element, 0) : 1; break;
  case 0x00280010: h->rows = take_u16(element); break;
  case 0x00280011: h->columns = take_u16(element); break;
  case 0x00280100: h->bits_allocated = (int)take_u16(element); break;
  case 0x00280101: h->bits_stored = (int)take_u16(element); break;
  case 0x00280102: h->high_bit = (int)take_u16(element); break;
  case 0x00280103: h->is_signed = take_u16(element) == 1; break;
  case 0x00281056:
    h->sigmoid = is_word(text_of(element), "SIGMOID");
    h->exact_window = is_word(text_of(element), "LINEAR_EXACT");
    break;
  case 0x00281101:
  case 0x00281102:
  case 0x00281103: h->palette_facts[element->tag - 0x00281101] = *element; break;
  case 0x00281201:
  case 0x00281202:
  case 0x00281203: h->palette[element->tag - 0x00281201] = *element; break;
  case 0x00283000: h->has_lookup_table = true; break;
  case 0x3004000c: h->offsets = *element; break;
  default: break;
  }
}

/* Of the data set, and of the groups that all frames share. */
static void visit_common(void *context, const dicom_element *element) {
  dicom_header *h = ((decoding *)context)->h;
  const bool shared = element->depth == 2 && element->sequences[0] == 0x52009229 && element->items[0] == 0 &&
                      element->items[1] == 0;
  if (element->depth == 0)
    take_image_attribute(h, element);
  if (element->depth == 0 || shared)
    take_frame_attribute(&h->common, element);
}

static void visit_frames(void *context, const dicom_element *element) {
  const decoding *d = context;
  if (element->depth == 2 && element->sequences[0] == 0x52009230 && element->items[0] < d->h->frames &&
      element->items[1] == 0)
    take_frame_attribute(&d->each[element->items[0]], element);
}

/* ---- Checks ----------------------------------------------------------------------------------------- */

static cli_result check_bits(dicom_header *h, reason why) {
  if (h->is_float) {
    h->bits_allocated = h->bits_stored = h->contents.pixels_tag == 0x7fe00008 ? 32 : 64;
    h->high_bit = h->bits_allocated - 1;
    return CLI_OK;
  }
  if (h->bits_allocated != 8 && h->bits_allocated != 16 && h->bits_allocated != 32)
    return refuse(why, CLI_UNSUPPORTED, "DICOM pixels of %d bits are not supported, only of 8, 16 and 32",
                  h->bits_allocated);
  if (h->bits_stored < 1 || h->bits_stored > h->bits_allocated || h->high_bit < h->bits_stored - 1 ||
      h->high_bit >= h->bits_allocated)
    return refuse(why, CLI_UNREADABLE, "its DICOM pixels are said to have %d bits up to bit %d of %d",
                  h->bits_stored, h->high_bit, h->bits_allocated);
  return CLI_OK;
}

static cli_result check_colour(dicom_header *h, reason why) {
  static const struct {
    const char *name;
    int samples;
    dicom_colour colour;
  } known[] = {{"PALETTE COLOR", 1, DICOM_PALETTE}, {"MONOCHROME1", 1, DICOM_INVERTED},
               {"MONOCHROME2", 1, DICOM_GREY},      {"RGB", 3, DICOM_RGB},
               {"YBR_FULL", 3, DICOM_YBR},          {"YBR_FULL_422", 3, DICOM_YBR}};
  for (size_t i = 0; i < sizeof known / sizeof known[0]; ++i)
    if (strcmp(h->photometric, known[i].name) == 0) {
      if (h->samples != known[i].samples)
        return refuse(why, CLI_UNREADABLE, "its DICOM pixels are %s with %" PRId64 " samples", h->photometric,
                      h->samples);
      h->colour = known[i].colour;
      h->half_colours = strcmp(h->photometric, "YBR_FULL_422") == 0;
      h->channels = h->colour == DICOM_PALETTE ? 3 : h->samples;
      if (h->colour == DICOM_PALETTE)
        return dicom_check_palette(h, why);
      const bool coloured = h->samples == 3;
      if (coloured && (h->is_signed || h->is_float || h->bits_allocated == 32 ||
                       h->bits_stored != h->bits_allocated || (h->colour == DICOM_YBR && h->bits_stored != 8)))
        return refuse(why, CLI_UNSUPPORTED, "DICOM colours of %d bits in %d are not supported", h->bits_stored,
                      h->bits_allocated);
      return CLI_OK;
    }
  return refuse(why, CLI_UNSUPPORTED,
                "DICOM pixels of the kind '%s' are not supported, only MONOCHROME1 and 2, PALETTE COLOR, RGB "
                "and YBR_FULL",
                h->photometric);
}

size_t dicom_frame_bytes(const dicom_header *h) {
  return (size_t)(h->rows * h->columns * h->samples) * (size_t)(h->bits_allocated / 8);
}

/* The bytes that frames which are not compressed have in the file. */
static cli_result check_size(const dicom_header *h, reason why) {
  const int64_t shape[2] = {h->frames, h->rows * h->columns};
  const size_t pixel = (size_t)h->bits_allocated / 8 * (size_t)dicom_file_samples(h);
  size_t bytes;
  if (h->contents.encapsulated)
    return CLI_OK;
  if (h->half_colours && h->columns % 2 != 0)
    return refuse(why, CLI_UNREADABLE,
                  "its DICOM pixels of the kind YBR_FULL_422 have %" PRId64 " columns, an odd number",
                  h->columns);
  return size_of_pixels(shape, 2, pixel, h->contents.pixels_bytes, &bytes, why);
}

static cli_result check(dicom_header *h, reason why) {
  if (strcmp(h->contents.storage, DICOMDIR_STORAGE) == 0)
    return refuse(why, CLI_UNSUPPORTED,
                  "a DICOMDIR lists files and has no pixels; give one of them, or their "
                  "directory");
  if (h->contents.pixels_tag == 0)
    return refuse(why, CLI_UNSUPPORTED, "it is a DICOM file without pixels");
  if (h->rows < 1 || h->columns < 1 || h->frames < 1)
    return refuse(why, CLI_UNREADABLE,
                  "its DICOM pixels have %" PRId64 " rows, %" PRId64 " columns and %" PRId64
                  " frames; allowed are numbers from 1",
                  h->rows, h->columns, h->frames);
  if (h->has_lookup_table)
    return refuse(why, CLI_UNSUPPORTED, "DICOM pixels with a modality lookup table are not supported");
  h->is_float = h->contents.pixels_tag != 0x7fe00010;
  cli_result result = h->contents.encapsulated ? dicom_codec_takes(h->contents.syntax, why)
                                               : dicom_syntax_is_plain(h->contents.syntax, why);
  if (result != CLI_OK || (result = check_bits(h, why)) != CLI_OK || (result = check_colour(h, why)) != CLI_OK)
    return result;
  if (h->common.slope == 0)
    return refuse(why, CLI_UNREADABLE, "its DICOM rescale slope is 0");
  return check_size(h, why);
}

/* A place that the file says once is the first frame's. The others lie along the normal where their offsets are
 * known (grids of dose), and nowhere else. */
static void spread_frames(dicom_header *h) {
  const double *row = h->common.directions[0], *column = h->common.directions[1];
  const double normal[3] = {row[1] * column[2] - row[2] * column[1], row[2] * column[0] - row[0] * column[2],
                            row[0] * column[1] - row[1] * column[0]};
  dicom_element rest = h->offsets;
  for (int64_t frame = 0; frame < h->frames; ++frame) {
    double offset = 0;
    h->each[frame].placed &= take_decimals(&rest, &offset, 1);
    for (int i = 0; i < 3; ++i)
      h->each[frame].position[i] += offset * normal[i];
    const uint8_t *next = rest.bytes > 0 ? memchr(rest.value, '\\', rest.bytes) : NULL;
    rest.bytes = next != NULL ? rest.bytes - (size_t)(next + 1 - rest.value) : 0;
    rest.value = next != NULL ? next + 1 : rest.value;
  }
}

/* A sound file has more bytes for a frame than what is kept of it, or few frames. */
static cli_result decode_frames(file_bytes file, dicom_header *h, reason why) {
  dicom_contents contents;
  const size_t bytes = (size_t)h->frames * sizeof *h->each;
  if (bytes > FEW_FRAMES * sizeof *h->each && bytes > h->contents.pixels_offset + h->contents.pixels_bytes)
    return refuse(why, CLI_UNREADABLE, "it is too short for its %" PRId64 " DICOM frames", h->frames);
  h->each = malloc(bytes);
  if (h->each == NULL)
    return refuse(why, CLI_FAILED, "out of memory");
  for (int64_t frame = 0; frame < h->frames; ++frame)
    h->each[frame] = h->common;
  if (h->frames > 1)
    spread_frames(h);
  decoding d = {.h = h, .each = h->each};
  cli_result result = dicom_walk(file, true, visit_frames, &d, &contents, why);
  for (int64_t frame = 0; result == CLI_OK && frame < h->frames; ++frame)
    if (h->each[frame].slope == 0)
      result = refuse(why, CLI_UNREADABLE, "the DICOM rescale slope of its frame %" PRId64 " is 0", frame);
  return result;
}

cli_result dicom_decode(file_bytes file, bool whole, dicom_header *h, reason why) {
  *h = (dicom_header){.frames = 1, .samples = 1, .common = {.slope = 1}};
  decoding d = {.h = h};
  cli_result result = dicom_walk(file, whole, visit_common, &d, &h->contents, why);
  if (result != CLI_OK || !h->contents.complete)
    return result;
  result = check(h, why);
  return result == CLI_OK && whole ? decode_frames(file, h, why) : result;
}

void dicom_header_free(dicom_header *h) {
  free(h->each);
  h->each = NULL;
}

double dicom_inversion(const dicom_header *h) {
  return h->is_float || h->is_signed ? (h->is_float ? 0 : -1) : ldexp(1, h->bits_stored) - 1;
}

/* PS3.3, C.11.2.1.2: whole numbers are thought of as half a step wide to either side, except by LINEAR_EXACT.
 */
bool dicom_window(const dicom_header *h, const dicom_frame *frame, double window[2]) {
  if (!frame->windowed || h->sigmoid || !(frame->window_width >= (h->exact_window ? DBL_MIN : 1)))
    return false;
  const double half = (h->exact_window ? frame->window_width : frame->window_width - 1) / 2;
  double centre = h->exact_window ? frame->window_centre : frame->window_centre - 0.5;
  if (h->colour == DICOM_INVERTED)
    centre = frame->slope * dicom_inversion(h) + 2 * frame->inter - centre;
  window[0] = centre - half;
  window[1] = centre + half;
  return isfinite(window[0]) && isfinite(window[1]);
}
