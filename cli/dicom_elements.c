/* The structure of DICOM files: PS3.10 for the file, PS3.5 for data sets. */
#include "dicom_elements.h"

#include <string.h>

#define PREAMBLE_BYTES 132
#define ITEM 0xfffee000u
#define ITEM_END 0xfffee00du
#define SEQUENCE_END 0xfffee0ddu
#define TRANSFER_SYNTAX 0x00020010u
#define STORAGE_CLASS 0x00020002u
#define PIXEL_DATA 0x7fe00010u
#define FLOAT_PIXELS 0x7fe00008u
#define DOUBLE_PIXELS 0x7fe00009u

typedef struct walk {
  file_bytes file;
  bool whole;
  size_t at;
  bool stopped; /* at the pixels, or because more of the file is needed */
  bool short_of_bytes;
  dicom_visitor *visit;
  void *context;
  dicom_contents *contents;
  dicom_element element; /* its place among sequences is kept here */
  reason why;
} walk;

typedef struct element_header {
  uint32_t tag, length;
  bool is_sequence, is_bytes, is_words;
  bool implicit; /* what a sequence holds has no types written beside it */
} element_header;

uint16_t dicom_u16(const uint8_t *at, bool big_endian) {
  return (uint16_t)(big_endian ? at[0] << 8 | at[1] : at[1] << 8 | at[0]);
}

uint32_t dicom_u32(const uint8_t *at, bool big_endian) {
  const uint32_t first = dicom_u16(at, big_endian), second = dicom_u16(at + 2, big_endian);
  return big_endian ? first << 16 | second : second << 16 | first;
}

/* Whether `bytes` more are there; if not, stops, or refuses a file that has no more. */
static cli_result need(walk *w, size_t end, size_t bytes, bool *there) {
  *there = false;
  if (w->at > end || bytes > end - w->at)
    return refuse(w->why, CLI_UNREADABLE,
                  "damaged DICOM file: at byte %zu an element is longer than what holds it", w->at);
  *there = bytes <= w->file.size - w->at;
  if (*there)
    return CLI_OK;
  w->stopped = w->short_of_bytes = true;
  return w->whole ? refuse(w->why, CLI_UNREADABLE, "cut off: its DICOM elements go beyond its %zu bytes",
                           w->file.size)
                  : CLI_OK;
}

/* ---- Headers of elements ---------------------------------------------------------------------------- */

static bool is_type(const uint8_t *type, const char *types) {
  for (; *types != '\0'; types += 2)
    if (memcmp(type, types, 2) == 0)
      return true;
  return false;
}

/* Takes the tag, the type if it is written, and the length. */
static cli_result take_header(walk *w, size_t end, bool implicit, element_header *header) {
  bool there;
  cli_result result = need(w, end, 8, &there);
  if (result != CLI_OK || !there)
    return result;
  const bool big_endian = w->element.big_endian;
  const uint8_t *at = w->file.data + w->at;
  *header = (element_header){.tag = (uint32_t)dicom_u16(at, big_endian) << 16 | dicom_u16(at + 2, big_endian)};
  header->implicit = implicit;
  if (implicit || header->tag >> 16 == 0xfffe) {
    header->length = dicom_u32(at + 4, big_endian);
    header->is_sequence = header->length == DICOM_UNDEFINED;
    w->at += 8;
    return CLI_OK;
  }
  const uint8_t *type = at + 4;
  if (type[0] < 'A' || type[0] > 'Z' || type[1] < 'A' || type[1] > 'Z')
    return refuse(w->why, CLI_UNREADABLE, "damaged DICOM file: at byte %zu element (%04x,%04x) has no type",
                  w->at, header->tag >> 16, header->tag & 0xffff);
  if (!is_type(type, "OBODOFOLOVOWSQSVUCUNURUTUV")) {
    header->length = dicom_u16(at + 6, big_endian);
    w->at += 8;
    return CLI_OK;
  }
  if ((result = need(w, end, 12, &there)) != CLI_OK || !there)
    return result;
  header->length = dicom_u32(at + 8, big_endian);
  header->is_words = is_type(type, "OW");
  header->is_bytes = is_type(type, "OB") || header->is_words;
  header->is_sequence = is_type(type, "SQ") || (header->length == DICOM_UNDEFINED && !header->is_bytes);
  header->implicit = is_type(type, "UN"); /* a sequence whose writer did not know it: PS3.5, 6.2.2 */
  w->at += 12;
  return CLI_OK;
}

/* ---- Sequences -------------------------------------------------------------------------------------- */

static cli_result walk_set(walk *w, size_t end, bool implicit, bool delimited);

/* Functional groups, which say of frames what the data set says of all. */
static bool is_wanted(const walk *w, uint32_t tag) {
  static const uint32_t groups[] = {0x52009229, 0x52009230},
                        inside[] = {0x00209113, 0x00209116, 0x00289110, 0x00289132, 0x00289145};
  const int depth = w->element.depth;
  const uint32_t *wanted = depth == 0 ? groups : inside;
  const size_t count = depth == 0 ? 2 : 5;
  if (depth > 1 || (depth == 1 && w->element.sequences[0] != groups[0] && w->element.sequences[0] != groups[1]))
    return false;
  for (size_t i = 0; i < count; ++i)
    if (wanted[i] == tag)
      return true;
  return false;
}

static cli_result skip(walk *w, size_t end, size_t bytes) {
  bool there;
  cli_result result = need(w, end, bytes, &there);
  w->at += there ? bytes : 0;
  return result;
}

/* The items of a sequence, of data sets or of bytes; `end` is that of the sequence, or of what holds it. */
static cli_result walk_sequence(walk *w, const element_header *sequence, size_t end, bool delimited) {
  dicom_element *place = &w->element;
  const bool wanted = is_wanted(w, sequence->tag);
  if (place->depth == DICOM_MAX_DEPTH)
    return refuse(w->why, CLI_UNREADABLE, "its DICOM sequences lie more than %d deep in each other",
                  DICOM_MAX_DEPTH);
  place->sequences[place->depth] = sequence->tag;
  for (int64_t item = 0; w->at < end || delimited; ++item) {
    element_header header = {0};
    cli_result result = take_header(w, end, true, &header);
    if (result != CLI_OK || w->stopped || header.tag == SEQUENCE_END)
      return result;
    if (header.tag != ITEM)
      return refuse(w->why, CLI_UNREADABLE, "damaged DICOM file: before byte %zu an item should begin", w->at);
    if (header.length != DICOM_UNDEFINED && (!wanted || sequence->is_bytes)) {
      result = skip(w, end, header.length);
    } else if (header.length != DICOM_UNDEFINED && header.length > end - w->at) {
      result = skip(w, end, header.length); /* refuses it */
    } else {
      place->items[place->depth++] = item;
      result = header.length == DICOM_UNDEFINED ? walk_set(w, end, sequence->implicit, true)
                                                : walk_set(w, w->at + header.length, sequence->implicit, false);
      --place->depth;
    }
    if (result != CLI_OK || w->stopped)
      return result;
  }
  return CLI_OK;
}

/* ---- Data sets -------------------------------------------------------------------------------------- */

static void tell(walk *w, uint32_t tag, size_t bytes) {
  w->element.tag = tag;
  w->element.value = w->file.data + w->at;
  w->element.bytes = bytes;
  w->visit(w->context, &w->element);
}

static cli_result take_pixels(walk *w, const element_header *header) {
  dicom_contents *contents = w->contents;
  w->stopped = contents->complete = true;
  contents->pixels_tag = header->tag;
  contents->pixels_offset = w->at;
  contents->words = header->is_words;
  contents->encapsulated = header->length == DICOM_UNDEFINED;
  contents->pixels_bytes = contents->encapsulated ? 0 : header->length;
  return CLI_OK;
}

static cli_result walk_set(walk *w, size_t end, bool implicit, bool delimited) {
  while (w->at < end) {
    element_header header = {0};
    bool there;
    if (end == SIZE_MAX && w->whole && w->at == w->file.size)
      return CLI_OK; /* a file without pixels */
    cli_result result = take_header(w, end, implicit, &header);
    if (result != CLI_OK || w->stopped)
      return result;
    if (header.tag == ITEM_END && delimited)
      return CLI_OK;
    const bool undefined = header.length == DICOM_UNDEFINED;
    if (w->element.depth == 0 &&
        (header.tag == PIXEL_DATA || header.tag == FLOAT_PIXELS || header.tag == DOUBLE_PIXELS))
      return take_pixels(w, &header);
    if (!undefined && header.length > end - w->at)
      return skip(w, end, header.length); /* refuses it */
    if (undefined || header.is_sequence || (is_wanted(w, header.tag) && header.length > 0)) {
      tell(w, header.tag, 0);
      if (undefined || is_wanted(w, header.tag))
        result = walk_sequence(w, &header, undefined ? end : w->at + header.length, undefined);
      else
        result = skip(w, end, header.length);
    } else if ((result = need(w, end, header.length, &there)) == CLI_OK && there) {
      tell(w, header.tag, header.length);
      w->at += header.length;
    }
    if (result != CLI_OK || w->stopped)
      return result;
  }
  return delimited
             ? refuse(w->why, CLI_UNREADABLE, "damaged DICOM file: an item before byte %zu has no end", w->at)
             : CLI_OK;
}

/* ---- Files ------------------------------------------------------------------------------------------ */

static void copy_uid(char *to, const uint8_t *value, size_t bytes) {
  size_t length = 0;
  while (length < bytes && length < DICOM_UID_BYTES - 1 && value[length] != '\0' && value[length] != ' ')
    ++length;
  memcpy(to, value, length);
  to[length] = '\0';
}

/* The elements of group 2, which are always of the same form: what is stored, and how. */
static cli_result walk_preface(walk *w) {
  w->at = PREAMBLE_BYTES;
  while (!w->stopped && !(w->whole && w->at == w->file.size)) {
    element_header header = {0};
    bool there;
    cli_result result = need(w, SIZE_MAX, 8, &there);
    if (result != CLI_OK || !there)
      return result;
    if (dicom_u16(w->file.data + w->at, false) != 2)
      return CLI_OK;
    if ((result = take_header(w, SIZE_MAX, false, &header)) != CLI_OK || w->stopped)
      return result;
    if ((result = need(w, SIZE_MAX, header.length, &there)) != CLI_OK || !there)
      return result;
    if (header.tag == TRANSFER_SYNTAX)
      copy_uid(w->contents->syntax, w->file.data + w->at, header.length);
    if (header.tag == STORAGE_CLASS)
      copy_uid(w->contents->storage, w->file.data + w->at, header.length);
    w->at += header.length;
  }
  return CLI_OK;
}

/* Whether the data set has no types beside its elements: the first of them tells, for there are files whose
 * transfer syntax says otherwise. */
static bool is_implicit(const walk *w) {
  const uint8_t *type = w->file.data + w->at + 4;
  return w->file.size - w->at < 6 || type[0] < 'A' || type[0] > 'Z' || type[1] < 'A' || type[1] > 'Z';
}

cli_result dicom_walk(file_bytes file, bool whole, dicom_visitor *visit, void *context,
                      dicom_contents *contents, reason why) {
  walk w = {.file = file, .whole = whole, .visit = visit, .context = context, .contents = contents, .why = why};
  *contents = (dicom_contents){0};
  if (file.size < PREAMBLE_BYTES)
    return whole ? refuse(why, CLI_UNREADABLE, "cut off inside its DICOM preamble") : CLI_OK;
  cli_result result = walk_preface(&w);
  if (result != CLI_OK || w.stopped)
    return result;
  if (contents->syntax[0] == '\0')
    return refuse(why, CLI_UNREADABLE, "its DICOM header names no transfer syntax");
  if (strcmp(contents->syntax, "1.2.840.10008.1.2.1.99") == 0)
    return refuse(why, CLI_UNSUPPORTED,
                  "DICOM files of the transfer syntax Deflated Explicit VR Little Endian are not supported");
  contents->big_endian = w.element.big_endian = strcmp(contents->syntax, "1.2.840.10008.1.2.2") == 0;
  result = walk_set(&w, SIZE_MAX, is_implicit(&w), false);
  contents->complete |= result == CLI_OK && !w.short_of_bytes;
  return result;
}
