/* What a file's directories ask libtiff to read, counted before libtiff reads it: it keeps a copy of each value
 * of each tag, and looks at every directory as often as there are pages. */
#include <string.h>

#include "tiff_input.h"

/* The layout of a directory: classic TIFF's, or BigTIFF's. */
typedef struct layout {
  bool big_endian;
  size_t offset_bytes, count_bytes, entry_bytes; /* of an offset, of the number of entries, of an entry */
} layout;

static bool read_number(file_bytes file, const layout *as, uint64_t at, size_t bytes, uint64_t *number) {
  if (at > file.size || file.size - at < bytes)
    return false;
  *number = 0;
  for (size_t i = 0; i < bytes; ++i)
    *number |= (uint64_t)file.data[at + i] << 8 * (as->big_endian ? bytes - 1 - i : i);
  return true;
}

static uint64_t bytes_of_type(uint64_t type) {
  static const uint8_t bytes[] = {[1] = 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, [16] = 8, 8, 8};
  return type < sizeof bytes ? bytes[type] : 0; /* others are skipped */
}

/* Adds what one entry's values take to *bytes, which stays where that is more than a number can say. */
static void add_values(file_bytes file, const layout *as, uint64_t entry, uint64_t *bytes) {
  uint64_t type = 0, count = 0, taken;
  read_number(file, as, entry + 2, 2, &type);
  read_number(file, as, entry + 4, as->offset_bytes, &count);
  if (__builtin_mul_overflow(count, bytes_of_type(type), &taken) ||
      __builtin_add_overflow(*bytes, taken, bytes))
    *bytes = UINT64_MAX;
}

/* Reads the head of the file: how its directories are laid out, and where the first one is. */
static bool find_first(file_bytes file, layout *as, uint64_t *at) {
  uint64_t version = 0;
  *as = (layout){.big_endian = file.size > 0 && file.data[0] == 'M',
                 .offset_bytes = 4,
                 .count_bytes = 2,
                 .entry_bytes = 12};
  read_number(file, as, 2, 2, &version);
  const bool is_big = version == 43;
  if (is_big)
    *as = (layout){as->big_endian, 8, 8, 20};
  return read_number(file, as, is_big ? 8 : 4, as->offset_bytes, at);
}

cli_result tiff_check_directories(file_bytes file, reason why) {
  layout as;
  uint64_t at, entries, directories = 0, values = 0; /* the last two: bytes of all of them */
  for (bool more = find_first(file, &as, &at);
       more && at != 0 && read_number(file, &as, at, as.count_bytes, &entries);) {
    if (entries > file.size / as.entry_bytes)
      return CLI_OK; /* cut off, as libtiff will say */
    const uint64_t first = at + as.count_bytes, end = first + entries * as.entry_bytes;
    directories += end - at + as.offset_bytes;
    if (directories > file.size)
      return refuse(why, CLI_UNREADABLE, "damaged TIFF (its pages do not end, or their directories overlap)");
    for (uint64_t entry = first; entry < end; entry += as.entry_bytes)
      add_values(file, &as, entry, &values);
    if (values > TIFF_VALUES_AT_LEAST + TIFF_VALUES_PER_BYTE * (uint64_t)file.size)
      return refuse(why, CLI_UNREADABLE, "damaged TIFF (its tags ask for %llu bytes, and the file has %zu)",
                    (unsigned long long)values, file.size);
    more = read_number(file, &as, end, as.offset_bytes, &at);
  }
  return CLI_OK;
}

bool tiff_names_predictor(TIFF *tiff) {
  const file_bytes file = ((const tiff_input *)TIFFClientdata(tiff))->file;
  layout as;
  uint64_t at = TIFFCurrentDirOffset(tiff), ignored, entries = 0, tag, type = 0, count = 0, value = 0;
  find_first(file, &as, &ignored);
  read_number(file, &as, at, as.count_bytes, &entries);
  for (at += as.count_bytes; entries > 0 && read_number(file, &as, at, 2, &tag);
       --entries, at += as.entry_bytes)
    if (tag == TIFFTAG_PREDICTOR) {
      read_number(file, &as, at + 2, 2, &type);
      read_number(file, &as, at + 4, as.offset_bytes, &count);
      read_number(file, &as, at + 4 + as.offset_bytes, 2, &value);
      return type != TIFF_SHORT || count != 1 || value != PREDICTOR_NONE;
    }
  return false;
}
