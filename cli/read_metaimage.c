/* MetaImage files, alone (.mha) or as a header with the voxels in another file (.mhd), by a small strict
 * reader.
 *
 * The fields are those of https://itk.org/Wiki/MetaIO/Documentation, and what they mean where it is silent is
 * what ITK makes of them. AnatomicalOrientation, which says the axes again, and the function from elements to
 * intensities are not looked at, as in ITK. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "voxel_data.h"
#include "volume.h"

#define MAX_AXES 4

enum {
  OBJECT_TYPE,
  AXES,
  SIZES,
  TYPE,
  CHANNELS,
  SPACING,
  ELEMENT_SIZE,
  MATRIX,
  ROTATION,
  ORIENTATION,
  OFFSET,
  POSITION,
  ORIGIN,
  BINARY,
  BIG_ENDIAN_DATA,
  BIG_ENDIAN_ELEMENTS,
  COMPRESSED,
  COMPRESSED_SIZE,
  HEADER_SIZE,
  DATA_FILE,
  FIELD_COUNT
};

static const header_field known_fields[FIELD_COUNT] = {
    [OBJECT_TYPE] = {"ObjectType", NULL, {0}},
    [AXES] = {"NDims", NULL, {0}},
    [SIZES] = {"DimSize", NULL, {0}},
    [TYPE] = {"ElementType", NULL, {0}},
    [CHANNELS] = {"ElementNumberOfChannels", NULL, {0}},
    [SPACING] = {"ElementSpacing", NULL, {0}},
    [ELEMENT_SIZE] = {"ElementSize", NULL, {0}},
    [MATRIX] = {"TransformMatrix", NULL, {0}},
    [ROTATION] = {"Rotation", NULL, {0}},
    [ORIENTATION] = {"Orientation", NULL, {0}},
    [OFFSET] = {"Offset", NULL, {0}},
    [POSITION] = {"Position", NULL, {0}},
    [ORIGIN] = {"Origin", NULL, {0}},
    [BINARY] = {"BinaryData", NULL, {0}},
    [BIG_ENDIAN_DATA] = {"BinaryDataByteOrderMSB", NULL, {0}},
    [BIG_ENDIAN_ELEMENTS] = {"ElementByteOrderMSB", NULL, {0}},
    [COMPRESSED] = {"CompressedData", NULL, {0}},
    [COMPRESSED_SIZE] = {"CompressedDataSize", NULL, {0}},
    [HEADER_SIZE] = {"HeaderSize", NULL, {0}},
    [DATA_FILE] = {"ElementDataFile", NULL, {0}},
};

typedef struct header {
  header_field fields[FIELD_COUNT];
  int axes;
  int64_t sizes[MAX_AXES], channels;
  double spacing[MAX_AXES], origin[MAX_AXES]; /* 0 where the header says none */
  double matrix[MAX_AXES * MAX_AXES];
  bool has_matrix;
  stored_numbers numbers; /* without data */
  voxel_data place;
} header;

static text_slice value_of(const header *h, int field) { return h->fields[field].value; }

static bool has(const header *h, int field) { return h->fields[field].value.text != NULL; }

static cli_result refuse_field(const header *h, int field, const char *allowed, reason why) {
  if (!has(h, field))
    return refuse(why, CLI_UNREADABLE, "its MetaImage header has no line '%s'", h->fields[field].name);
  return refuse(why, CLI_UNREADABLE, "its MetaImage header's %s is '%.*s'; allowed is %s",
                h->fields[field].name, QUOTED(value_of(h, field)), allowed);
}

/* Stores the fields up to the line of the data file, which is the last, and behind which *end is; 0 if that
 * line is missing. Of a beginning of a file, the last line counts only if it has its end. */
static cli_result take_fields(file_bytes file, bool whole, header *h, size_t *end, reason why) {
  size_t at = 0;
  text_slice line, name, value;
  bool complete;
  memcpy(h->fields, known_fields, sizeof h->fields);
  *end = 0;
  while (take_line(file, &at, &line, &complete) && (complete || whole)) {
    if (at > HEADER_TEXT_BYTES)
      return refuse(why, CLI_UNREADABLE, "its MetaImage header has more than %zu bytes", HEADER_TEXT_BYTES);
    if (line.bytes == 0)
      continue;
    if (!split_line(line, '=', &name, &value) && !split_line(line, ':', &name, &value))
      return refuse(why, CLI_UNREADABLE, "its MetaImage header has the line '%.*s' without an equals sign",
                    QUOTED(line));
    cli_result result = store_field(h->fields, FIELD_COUNT, name, value, why);
    if (result != CLI_OK)
      return result;
    if (has(h, DATA_FILE)) {
      *end = at;
      return CLI_OK;
    }
  }
  return CLI_OK;
}

/* ---- Fields ----------------------------------------------------------------------------------------- */

static cli_result find_flag(const header *h, int field, bool otherwise, bool *flag, reason why) {
  const text_slice value = value_of(h, field);
  *flag = otherwise;
  if (value.text == NULL)
    return CLI_OK;
  *flag = is_word(value, "true") || is_word(value, "1");
  if (!*flag && !is_word(value, "false") && !is_word(value, "0"))
    return refuse_field(h, field, "True or False", why);
  return CLI_OK;
}

/* A whole number from `least`; `otherwise` if the header says none. */
static cli_result find_integer(const header *h, int field, int64_t least, int64_t otherwise, int64_t *number,
                               reason why) {
  *number = otherwise;
  if (!has(h, field) || (parse_integers(value_of(h, field), number, 1) == 1 && *number >= least))
    return CLI_OK;
  return refuse_field(h, field,
                      least < 0    ? "a number from -1"
                      : least == 0 ? "a number from 0"
                                   : "a number from 1",
                      why);
}

static cli_result find_sizes(header *h, reason why) {
  int64_t axes;
  if (has(h, OBJECT_TYPE) && !is_word(value_of(h, OBJECT_TYPE), "Image"))
    return refuse(why, CLI_UNSUPPORTED, "MetaIO objects of type '%.*s' are not supported, only Image",
                  QUOTED(value_of(h, OBJECT_TYPE)));
  if (parse_integers(value_of(h, AXES), &axes, 1) != 1 || axes < 1)
    return refuse_field(h, AXES, "a number from 2 to 4", why);
  if (axes < 2 || axes > MAX_AXES)
    return refuse(why, CLI_UNSUPPORTED,
                  "MetaImage files of %" PRId64 " dimensions are not supported, only of 2 to 4", axes);
  h->axes = (int)axes;
  if (!has(h, SIZES) || parse_integers(value_of(h, SIZES), h->sizes, MAX_AXES) != h->axes)
    return refuse_field(h, SIZES, "as many numbers as it has dimensions", why);
  for (int axis = 0; axis < h->axes; ++axis)
    if (h->sizes[axis] < 1)
      return refuse_field(h, SIZES, "numbers from 1", why);
  return find_integer(h, CHANNELS, 1, 1, &h->channels, why);
}

static cli_result find_type(header *h, reason why) {
  static const struct {
    const char *names[3];
    int32_t type;
  } types[] = {
      {{"MET_CHAR", "MET_CHAR_ARRAY", "MET_ASCII_CHAR"}, BV_I8},
      {{"MET_UCHAR", "MET_UCHAR_ARRAY"}, BV_U8},
      {{"MET_SHORT", "MET_SHORT_ARRAY"}, BV_I16},
      {{"MET_USHORT", "MET_USHORT_ARRAY"}, BV_U16},
      {{"MET_INT", "MET_INT_ARRAY"}, BV_I32},
      {{"MET_UINT", "MET_UINT_ARRAY"}, BV_U32},
      {{"MET_LONG", "MET_LONG_ARRAY"}, BV_I32}, /* 4 bytes, whatever the writer's machine */
      {{"MET_ULONG", "MET_ULONG_ARRAY"}, BV_U32},
      {{"MET_LONG_LONG", "MET_LONG_LONG_ARRAY"}, STORED_I64},
      {{"MET_ULONG_LONG", "MET_ULONG_LONG_ARRAY"}, STORED_U64},
      {{"MET_FLOAT", "MET_FLOAT_ARRAY"}, BV_F32},
      {{"MET_DOUBLE", "MET_DOUBLE_ARRAY"}, BV_F64},
  };
  const text_slice value = value_of(h, TYPE);
  for (size_t i = 0; value.text != NULL && i < sizeof types / sizeof types[0]; ++i)
    for (int name = 0; name < 3 && types[i].names[name] != NULL; ++name)
      if (is_word(value, types[i].names[name])) {
        h->numbers.type = types[i].type;
        return CLI_OK;
      }
  return refuse_field(h, TYPE, "a type of integers or floats, such as MET_SHORT", why);
}

static cli_result find_encoding(header *h, reason why) {
  bool binary, elements;
  int64_t packed_bytes = 0;
  cli_result result;
  if ((result = find_flag(h, BINARY, true, &binary, why)) != CLI_OK ||
      (result = find_flag(h, BIG_ENDIAN_ELEMENTS, false, &elements, why)) != CLI_OK ||
      (result = find_flag(h, BIG_ENDIAN_DATA, elements, &h->numbers.big_endian, why)) != CLI_OK ||
      (result = find_flag(h, COMPRESSED, false, &h->place.packed, why)) != CLI_OK ||
      (result = find_integer(h, COMPRESSED_SIZE, 0, 0, &packed_bytes, why)) != CLI_OK)
    return result;
  h->place.packed_bytes = (size_t)packed_bytes;
  if (!binary)
    return refuse(why, CLI_UNSUPPORTED, "MetaImage voxels as text (BinaryData = False) are not supported");
  return CLI_OK;
}

/* HeaderSize counts from the beginning of the file that has the voxels. */
static cli_result find_place(header *h, size_t end, reason why) {
  const text_slice name = value_of(h, DATA_FILE);
  text_slice rest = name, word;
  int64_t skipped;
  cli_result result = find_integer(h, HEADER_SIZE, SKIP_TO_LAST, 0, &skipped, why);
  if (result != CLI_OK)
    return result;
  if (h->place.packed && skipped != 0)
    return refuse(why, CLI_UNSUPPORTED, "compressed MetaImage voxels with a HeaderSize are not supported");
  h->place.header_bytes = end;
  if (take_word(&rest, &word) && is_word(word, "LIST"))
    return refuse(why, CLI_UNSUPPORTED, "its voxels are in a list of files; only one data file is supported");
  if (memchr(name.text, '%', name.bytes) != NULL)
    return refuse(why, CLI_UNSUPPORTED, "its voxels are in the files '%.*s'; only one data file is supported",
                  QUOTED(name));
  if (!is_word(name, "LOCAL")) {
    h->place.file = name;
    h->place.byte_skip = skipped;
    return CLI_OK;
  }
  if (skipped > 0 && (size_t)skipped < end)
    return refuse_field(h, HEADER_SIZE, "-1, 0, or a number from the header's end on", why);
  h->place.byte_skip = skipped > 0 ? skipped - (int64_t)end : skipped;
  return CLI_OK;
}

/* The numbers of the first of these fields that the header has; false in *found if it has none. */
static cli_result find_numbers(const header *h, const int *fields, int field_count, double *numbers, int count,
                               bool *found, reason why) {
  *found = false;
  for (int i = 0; i < field_count; ++i)
    if (has(h, fields[i])) {
      *found = true;
      if (parse_numbers(value_of(h, fields[i]), numbers, count) == count)
        return CLI_OK;
      char allowed[32];
      snprintf(allowed, sizeof allowed, "%d numbers", count);
      return refuse_field(h, fields[i], allowed, why);
    }
  return CLI_OK;
}

static cli_result find_geometry(header *h, reason why) {
  static const int spacings[] = {SPACING, ELEMENT_SIZE}, origins[] = {OFFSET, POSITION, ORIGIN},
                   matrices[] = {MATRIX, ROTATION, ORIENTATION};
  bool found;
  cli_result result;
  if ((result = find_numbers(h, spacings, 2, h->spacing, h->axes, &found, why)) != CLI_OK ||
      (result = find_numbers(h, origins, 3, h->origin, h->axes, &found, why)) != CLI_OK)
    return result;
  return find_numbers(h, matrices, 3, h->matrix, h->axes * h->axes, &h->has_matrix, why);
}

/* CLI_OK with *complete false if more of the file is needed. */
static cli_result decode(file_bytes file, bool whole, header *h, bool *complete, reason why) {
  size_t end, bytes;
  *h = (header){0};
  cli_result result = take_fields(file, whole, h, &end, why);
  *complete = result == CLI_OK && (end > 0 || whole);
  if (!*complete)
    return result;
  if (end == 0)
    return refuse(why, CLI_UNREADABLE, "cut off inside its MetaImage header: no line ElementDataFile ends it");
  if ((result = find_sizes(h, why)) != CLI_OK || (result = find_type(h, why)) != CLI_OK ||
      (result = find_encoding(h, why)) != CLI_OK || (result = find_place(h, end, why)) != CLI_OK ||
      (result = find_geometry(h, why)) != CLI_OK)
    return result;
  int64_t shape[MAX_AXES + 1] = {h->channels};
  memcpy(shape + 1, h->sizes, sizeof h->sizes);
  result = size_of_pixels(shape, h->axes + 1, stored_size(h->numbers.type), SIZE_MAX / 2, &bytes, why);
  h->numbers.count = result == CLI_OK ? bytes / stored_size(h->numbers.type) : 0;
  return result;
}

/* ---- Volumes ---------------------------------------------------------------------------------------- */

/* The directions of the axes stand one after the other, in ITK's left, posterior, superior; a negative spacing
 * turns one round. A picture's are those of its plane alone, and tell nothing of a patient. */
static void find_axes(const header *h, stored_volume *volume) {
  volume->oriented = h->has_matrix && h->axes > 2;
  for (int axis = 0; axis < 3; ++axis) {
    const double spacing = h->spacing[axis] != 0 && isfinite(h->spacing[axis]) ? h->spacing[axis] : 1;
    volume->spacing[axis] = fabs(spacing);
    for (int row = 0; row < 3; ++row)
      volume->affine[row][axis] = spacing * (volume->oriented ? h->matrix[axis * h->axes + row] : row == axis);
    volume->affine[axis][3] = isfinite(h->origin[axis]) ? h->origin[axis] : 0;
  }
  affine_from_lps(volume->affine);
  if (h->axes == 2 || !affine_is_usable((const double(*)[4])volume->affine))
    assume_lps(volume);
}

/* Bytes of three or four channels are colours; other channels are volumes whose voxels lie beside each other.
 */
static cli_result describe_volume(const header *h, stored_volume *volume, reason why) {
  *volume = (stored_volume){.extent = {h->sizes[0], h->sizes[1], h->axes > 2 ? h->sizes[2] : 1},
                            .count = h->axes > 3 ? h->sizes[3] : 1};
  volume->colour = h->numbers.type == BV_U8 && (h->channels == 3 || h->channels == 4);
  volume->alpha = volume->colour && h->channels == 4;
  volume->mixed = !volume->colour && h->channels > 1;
  if (volume->mixed && volume->count > 1)
    return refuse(why, CLI_UNSUPPORTED,
                  "a MetaImage series of %" PRId64 " volumes with %" PRId64 " channels is not supported",
                  volume->count, h->channels);
  if (volume->mixed)
    volume->count = h->channels;
  find_axes(h, volume);
  return CLI_OK;
}

cli_result metaimage_extent(file_bytes beginning, size_t *bytes, reason why) {
  header h;
  stored_volume volume;
  bool complete;
  cli_result result = decode(beginning, false, &h, &complete, why);
  if (result == CLI_OK && complete)
    result = describe_volume(&h, &volume, why);
  if (result == CLI_OK && complete)
    *bytes = voxel_data_extent(&h.place, h.numbers.count * stored_size(h.numbers.type));
  return result;
}

cli_result read_metaimage(file_bytes file, source *into, reason why) {
  header h;
  stored_volume volume;
  bool complete;
  cli_result result;
  if ((result = decode(file, true, &h, &complete, why)) != CLI_OK ||
      (result = describe_volume(&h, &volume, why)) != CLI_OK ||
      (result = load_voxel_data(&h.place, file, &h.numbers, into, why)) != CLI_OK)
    return result;
  set_volume(into, &volume);
  return CLI_OK;
}
