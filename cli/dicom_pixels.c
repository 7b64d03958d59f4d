/* Fragments of compressed frames, and samples of all the forms that the module Image Pixel has. */
#include "dicom_pixels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dicom_codec.h"
#include "dicom_palette.h"

/* ---- Fragments: PS3.5, A.4 --------------------------------------------------------------------------- */

/* The items behind the first, which is the table of offsets; without fragments to store, they are counted. */
static cli_result take_fragments(const dicom_pixels *pixels, dicom_fragment *table, dicom_fragment *fragments,
                                 size_t *count, reason why) {
  const file_bytes file = pixels->file;
  size_t at = pixels->h->contents.pixels_offset;
  *count = 0;
  for (bool first = true;; first = false) {
    if (file.size - at < 8)
      return refuse(why, CLI_UNREADABLE, "cut off between the fragments of its DICOM pixels");
    const uint32_t bytes = dicom_u32(file.data + at + 4, false), tag = dicom_u32(file.data + at, false);
    at += 8;
    if (tag == 0xe0ddfffe) /* the delimiter (FFFE,E0DD), its halves as they lie in the file */
      return CLI_OK;
    if (tag != 0xe000fffe)
      return refuse(why, CLI_UNREADABLE, "damaged DICOM file: before byte %zu a fragment should begin", at);
    if (bytes > file.size - at)
      return refuse(why, CLI_UNREADABLE, "cut off inside a fragment of its DICOM pixels");
    if (first)
      *table = (dicom_fragment){at, bytes};
    else if (fragments != NULL)
      fragments[*count] = (dicom_fragment){at, bytes};
    *count += !first;
    at += bytes;
  }
}

/* A fragment a frame, or one frame of them all, or as the table of offsets says. */
static cli_result share_fragments(dicom_pixels *pixels, dicom_fragment table, reason why) {
  const size_t frames = (size_t)pixels->h->frames, count = pixels->fragment_count;
  const uint8_t *offsets = pixels->file.data + table.offset;
  size_t fragment = 0;
  for (size_t frame = 0; frame < frames; ++frame) {
    if (count == frames || frames == 1) {
      pixels->first[frame] = frame;
      continue;
    }
    if (table.bytes / 4 < frames)
      return refuse(why, CLI_UNREADABLE,
                    "its %zu DICOM frames have %zu fragments, and no table says whose they are", frames, count);
    const size_t begin = dicom_u32(offsets + 4 * frame, false) + pixels->fragments[0].offset;
    while (fragment < count && pixels->fragments[fragment].offset < begin)
      ++fragment;
    if (fragment == count || pixels->fragments[fragment].offset != begin)
      return refuse(why, CLI_UNREADABLE, "damaged DICOM file: at the place of its frame %zu no fragment begins",
                    frame);
    pixels->first[frame] = fragment++;
  }
  pixels->first[frames] = count;
  return CLI_OK;
}

static cli_result find_fragments(dicom_pixels *pixels, reason why) {
  dicom_fragment table;
  cli_result result = take_fragments(pixels, &table, NULL, &pixels->fragment_count, why);
  if (result != CLI_OK)
    return result;
  if (pixels->fragment_count < (size_t)pixels->h->frames)
    return refuse(why, CLI_UNREADABLE, "cut off: its DICOM pixels have %zu fragments for %lld frames",
                  pixels->fragment_count, (long long)pixels->h->frames);
  pixels->fragments = malloc(pixels->fragment_count * sizeof *pixels->fragments);
  pixels->first = malloc(((size_t)pixels->h->frames + 1) * sizeof *pixels->first);
  if (pixels->fragments == NULL || pixels->first == NULL)
    return refuse(why, CLI_FAILED, "out of memory");
  result = take_fragments(pixels, &table, pixels->fragments, &pixels->fragment_count, why);
  return result == CLI_OK ? share_fragments(pixels, table, why) : result;
}

cli_result dicom_check_size(const dicom_header *h, size_t file_size, reason why) {
  const int64_t shape[4] = {h->frames, h->rows, h->columns, dicom_file_samples(h)};
  const size_t limit = h->contents.encapsulated                ? unfold_limit(file_size)
                       : file_size > h->contents.pixels_offset ? file_size - h->contents.pixels_offset
                                                               : 0;
  size_t bytes;
  return size_of_pixels(shape, 4, (size_t)h->bits_allocated / 8, limit, &bytes, why);
}

cli_result dicom_pixels_open(dicom_pixels *pixels, const dicom_header *h, file_bytes file, reason why) {
  const size_t bytes = dicom_frame_bytes(h);
  *pixels = (dicom_pixels){.h = h, .file = file};
  cli_result result = dicom_check_size(h, file.size, why);
  if (result == CLI_OK && h->contents.encapsulated)
    result = find_fragments(pixels, why);
  if (result != CLI_OK)
    return result;
  pixels->frame = malloc(bytes + 1); /* DCMTK wants an even number */
  pixels->other = malloc(h->colour == DICOM_PALETTE ? 6 * bytes : bytes + 1);
  return pixels->frame != NULL && pixels->other != NULL ? CLI_OK : refuse(why, CLI_FAILED, "out of memory");
}

void dicom_pixels_close(dicom_pixels *pixels) {
  free(pixels->fragments);
  free(pixels->first);
  free(pixels->frame);
  free(pixels->other);
  *pixels = (dicom_pixels){0};
}

/* ---- Bytes of a frame -------------------------------------------------------------------------------- */

static cli_result unpack_frame(dicom_pixels *pixels, int64_t frame, bool *rgb, reason why) {
  const dicom_fragment *fragment = &pixels->fragments[pixels->first[frame]];
  const size_t count = pixels->first[frame + 1] - pixels->first[frame];
  const uint8_t *packed = pixels->file.data + fragment->offset;
  uint8_t *joined = NULL;
  size_t bytes = 0, at = 0;
  for (size_t i = 0; i < count; ++i)
    bytes += fragment[i].bytes;
  if (bytes > UINT32_MAX || dicom_frame_bytes(pixels->h) > UINT32_MAX)
    return refuse(why, CLI_UNSUPPORTED, "compressed DICOM frames of more than 4 GiB are not supported");
  if (count > 1) {
    joined = malloc(bytes > 0 ? bytes : 1);
    if (joined == NULL)
      return refuse(why, CLI_FAILED, "out of memory");
    for (size_t i = 0; i < count; at += fragment[i++].bytes)
      memcpy(joined + at, pixels->file.data + fragment[i].offset, fragment[i].bytes);
    packed = joined;
  }
  memset(pixels->frame, 0, dicom_frame_bytes(pixels->h));
  cli_result result = dicom_unpack(pixels->h, packed, bytes, pixels->frame, rgb, why);
  free(joined);
  return result;
}

/* A frame's bytes as they lie in the file, of which there are so many, in the machine's order. */
static void copy_bytes(const dicom_pixels *pixels, size_t begin, size_t bytes, uint8_t *to) {
  const dicom_header *h = pixels->h;
  const uint8_t *from = pixels->file.data + h->contents.pixels_offset;
  const size_t size = (size_t)h->bits_allocated / 8;
  const bool swapped = h->contents.big_endian != machine_is_big_endian();
  /* Single bytes lie in big-endian words too, where they are said to be words. */
  const size_t unit = size > 1 ? size : h->contents.words && h->contents.big_endian ? 2 : 1;
  if (unit == 1 || (size > 1 && !swapped)) {
    memcpy(to, from + begin, bytes);
    return;
  }
  const size_t last = pixels->file.size - h->contents.pixels_offset - 1;
  for (size_t i = 0; i < bytes; ++i) {
    const size_t turned = (begin + i) ^ (unit - 1);
    to[i] = from[turned <= last ? turned : last];
  }
}

/* Into pixels->frame, three samples a pixel where YBR_FULL_422 has Y, Y, Cb, Cr of two. */
static void copy_frame(dicom_pixels *pixels, int64_t frame) {
  const dicom_header *h = pixels->h;
  const size_t bytes = dicom_frame_bytes(h) / (size_t)h->samples * (size_t)dicom_file_samples(h);
  const bool halves = dicom_file_samples(h) != h->samples;
  uint8_t *to = pixels->frame;
  copy_bytes(pixels, (size_t)frame * bytes, bytes, halves ? pixels->other : to);
  for (const uint8_t *from = pixels->other; halves && from < pixels->other + bytes; from += 4)
    for (int pixel = 0; pixel < 2; ++pixel) {
      *to++ = from[pixel];
      *to++ = from[2];
      *to++ = from[3];
    }
}

/* ---- Samples ----------------------------------------------------------------------------------------- */

int32_t dicom_stored_type(const dicom_header *h) {
  if (h->colour == DICOM_PALETTE)
    return dicom_palette_bits(h) == 8 ? BV_U8 : BV_U16;
  if (h->is_float)
    return h->bits_allocated == 32 ? BV_F32 : BV_F64;
  switch (h->bits_allocated) {
  case 8: return h->is_signed ? BV_I8 : BV_U8;
  case 16: return h->is_signed ? BV_I16 : BV_U16;
  default: return h->is_signed ? BV_I32 : BV_U32;
  }
}

/* Brings the stored bits down to bit 0, carries the sign on, and turns MONOCHROME1 round. */
#define CLEAN(type)                                                          \
  for (size_t i = 0; i < count; ++i) {                                       \
    type *sample = (type *)bytes + i;                                        \
    uint32_t bits = (uint32_t)*sample >> shift & mask;                       \
    bits = h->is_signed && bits & sign ? bits | ~mask : bits;                \
    *sample = (type)(h->colour == DICOM_INVERTED ? inversion - bits : bits); \
  }

static void clean_integers(const dicom_header *h, uint8_t *bytes, size_t count) {
  const unsigned shift = (unsigned)(h->high_bit + 1 - h->bits_stored);
  const uint32_t mask = h->bits_stored == 32 ? UINT32_MAX : ((uint32_t)1 << h->bits_stored) - 1;
  const uint32_t sign = (uint32_t)1 << (h->bits_stored - 1);
  const uint32_t inversion = h->is_signed ? UINT32_MAX : mask; /* -1 */
  if (h->bits_stored == h->bits_allocated && h->colour != DICOM_INVERTED)
    return;
  switch (h->bits_allocated) {
  case 8: CLEAN(uint8_t) break;
  case 16: CLEAN(uint16_t) break;
  default: CLEAN(uint32_t) break;
  }
}

static void clean_floats(const dicom_header *h, uint8_t *bytes, size_t count) {
  for (size_t i = 0; i < count && h->colour == DICOM_INVERTED; ++i)
    bytes[(i + 1) * (size_t)h->bits_allocated / 8 -
          (machine_is_big_endian() ? (size_t)h->bits_allocated / 8 : 1)] ^= 0x80; /* the sign */
}

static uint8_t rounded(double number) { return (uint8_t)(number < 0 ? 0 : number > 255 ? 255 : number + 0.5); }

/* PS3.3, C.7.6.3.1.2: JPEG's colours, in the full range of a byte. */
static void make_rgb(uint8_t *bytes, size_t count) {
  for (uint8_t *pixel = bytes; pixel < bytes + count; pixel += 3) {
    const double y = pixel[0], b = pixel[1] - 128.0, r = pixel[2] - 128.0;
    pixel[0] = rounded(y + 1.402 * r);
    pixel[1] = rounded(y - (0.114 * 1.772 * b + 0.299 * 1.402 * r) / 0.587);
    pixel[2] = rounded(y + 1.772 * b);
  }
}

/* Samples of colours, from one plane after the other to beside each other. */
static void interleave(dicom_pixels *pixels) {
  const size_t size = (size_t)pixels->h->bits_allocated / 8;
  const size_t plane = (size_t)(pixels->h->rows * pixels->h->columns);
  for (size_t sample = 0; sample < 3; ++sample)
    for (size_t i = 0; i < plane; ++i)
      memcpy(pixels->other + (3 * i + sample) * size, pixels->frame + (sample * plane + i) * size, size);
  uint8_t *const done = pixels->other;
  pixels->other = pixels->frame;
  pixels->frame = done;
}

cli_result dicom_load_frame(dicom_pixels *pixels, int64_t frame, bool scaled, void *to, reason why) {
  const dicom_header *h = pixels->h;
  const dicom_frame *facts = dicom_frame_of(h, frame);
  bool rgb = h->colour == DICOM_RGB;
  if (h->contents.encapsulated) {
    cli_result result = unpack_frame(pixels, frame, &rgb, why);
    if (result != CLI_OK)
      return result;
  } else {
    copy_frame(pixels, frame);
    if (h->samples == 3 && h->planar && !h->half_colours)
      interleave(pixels);
  }
  stored_numbers numbers = {.count = (size_t)(h->rows * h->columns * h->samples),
                            .type = dicom_stored_type(h),
                            .big_endian = machine_is_big_endian(),
                            .scaled = scaled,
                            .slope = facts->slope,
                            .inter = facts->inter};
  if (h->is_float)
    clean_floats(h, pixels->frame, numbers.count);
  else
    clean_integers(h, pixels->frame, numbers.count);
  if (h->samples == 3 && !rgb)
    make_rgb(pixels->frame, numbers.count);
  numbers.data = pixels->frame;
  if (h->colour == DICOM_PALETTE) {
    dicom_apply_palette(h, pixels->frame, numbers.count, pixels->other);
    numbers.data = pixels->other;
    numbers.count *= 3;
  }
  return convert_numbers(&numbers, to, why);
}
