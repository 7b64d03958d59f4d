/* The fields of NRRD headers. */
#include "nrrd_header.h"

#include <math.h>
#include <string.h>

static const header_field known_fields[NRRD_FIELD_COUNT] = {
    [NRRD_DIMENSION] = {"dimension", NULL, {0}},
    [NRRD_TYPE] = {"type", NULL, {0}},
    [NRRD_SIZES] = {"sizes", NULL, {0}},
    [NRRD_ENCODING] = {"encoding", NULL, {0}},
    [NRRD_ENDIAN] = {"endian", NULL, {0}},
    [NRRD_SPACE] = {"space", NULL, {0}},
    [NRRD_SPACE_DIRECTIONS] = {"space directions", NULL, {0}},
    [NRRD_SPACE_ORIGIN] = {"space origin", NULL, {0}},
    [NRRD_SPACINGS] = {"spacings", NULL, {0}},
    [NRRD_KINDS] = {"kinds", NULL, {0}},
    [NRRD_DATA_FILE] = {"data file", "datafile", {0}},
    [NRRD_LINE_SKIP] = {"line skip", "lineskip", {0}},
    [NRRD_BYTE_SKIP] = {"byte skip", "byteskip", {0}},
};

cli_result nrrd_refuse_field(const nrrd_header *h, int field, const char *allowed, reason why) {
  const text_slice value = nrrd_value(h, field);
  if (value.text == NULL)
    return refuse(why, CLI_UNREADABLE, "its header has no line '%s'", h->fields[field].name);
  return refuse(why, CLI_UNREADABLE, "its header's '%s' is '%.*s'; allowed is %s", h->fields[field].name,
                QUOTED(value), allowed);
}

/* Stores the fields up to the empty line, behind which *end is; *end is 0 if that line is missing. Of a
 * beginning of a file, the last line counts only if it has its end. */
static cli_result take_fields(file_bytes file, bool whole, nrrd_header *h, size_t *end, reason why) {
  size_t at = 0;
  text_slice line, name, value;
  bool complete;
  memcpy(h->fields, known_fields, sizeof h->fields);
  *end = 0;
  if (!take_line(file, &at, &line, &complete) || line.bytes != 8 || memcmp(line.text, "NRRD000", 7) != 0)
    return refuse(why, CLI_UNREADABLE, "not a NRRD file: its first line is not NRRD000 and a digit");
  if (line.text[7] < '1' || line.text[7] > '5')
    return refuse(why, CLI_UNSUPPORTED, "NRRD files of version %c are not supported, only 1 to 5",
                  line.text[7]);
  while (take_line(file, &at, &line, &complete)) {
    if (at > HEADER_TEXT_BYTES)
      return refuse(why, CLI_UNREADABLE, "its header has more than %zu bytes", HEADER_TEXT_BYTES);
    if (line.bytes == 0 && complete) {
      *end = at;
      return CLI_OK;
    }
    if (line.bytes == 0 || line.text[0] == '#' || !(complete || whole))
      continue;
    if (!split_line(line, ':', &name, &value))
      return refuse(why, CLI_UNREADABLE, "its header has the line '%.*s' without a colon", QUOTED(line));
    if (value.bytes > 0 && value.text[0] == '=') /* a key of somebody's own */
      continue;
    cli_result result = store_field(h->fields, NRRD_FIELD_COUNT, name, value, why);
    if (result != CLI_OK)
      return result;
  }
  return CLI_OK;
}

/* ---- Numbers ---------------------------------------------------------------------------------------- */

static cli_result find_type(nrrd_header *h, reason why) {
  static const struct {
    const char *names[6];
    int32_t type;
  } types[] = {
      {{"signed char", "int8", "int8_t"}, BV_I8},
      {{"uchar", "unsigned char", "uint8", "uint8_t"}, BV_U8},
      {{"short", "short int", "signed short", "signed short int", "int16", "int16_t"}, BV_I16},
      {{"ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"}, BV_U16},
      {{"int", "signed int", "int32", "int32_t"}, BV_I32},
      {{"uint", "unsigned int", "uint32", "uint32_t"}, BV_U32},
      {{"longlong", "long long", "long long int", "signed long long", "int64", "int64_t"}, STORED_I64},
      {{"ulonglong", "unsigned long long", "unsigned long long int", "uint64", "uint64_t"}, STORED_U64},
      {{"float"}, BV_F32},
      {{"double"}, BV_F64},
  };
  const text_slice value = nrrd_value(h, NRRD_TYPE);
  for (size_t i = 0; value.text != NULL && i < sizeof types / sizeof types[0]; ++i)
    for (int name = 0; name < 6 && types[i].names[name] != NULL; ++name)
      if (is_word(value, types[i].names[name])) {
        h->numbers.type = types[i].type;
        return CLI_OK;
      }
  if (value.text != NULL && is_word(value, "block"))
    return refuse(why, CLI_UNSUPPORTED, "NRRD voxels of type block are not supported");
  return nrrd_refuse_field(h, NRRD_TYPE, "a type of integers or floats", why);
}

static cli_result find_encoding(nrrd_header *h, reason why) {
  const text_slice value = nrrd_value(h, NRRD_ENCODING), endian = nrrd_value(h, NRRD_ENDIAN);
  if (value.text == NULL)
    return nrrd_refuse_field(h, NRRD_ENCODING, "raw or gzip", why);
  h->place.packed = is_word(value, "gzip") || is_word(value, "gz");
  if (!h->place.packed && !is_word(value, "raw"))
    return refuse(why, CLI_UNSUPPORTED, "the NRRD encoding '%.*s' is not supported, only raw and gzip",
                  QUOTED(value));
  h->numbers.big_endian = endian.text != NULL && is_word(endian, "big");
  if (stored_size(h->numbers.type) > 1 && !h->numbers.big_endian &&
      !(endian.text != NULL && is_word(endian, "little")))
    return nrrd_refuse_field(h, NRRD_ENDIAN, "big or little", why);
  return CLI_OK;
}

/* A whole number from `least`; `otherwise` if the header says none. */
static cli_result find_integer(const nrrd_header *h, int field, int64_t least, int64_t otherwise,
                               int64_t *number, reason why) {
  const text_slice value = nrrd_value(h, field);
  *number = otherwise;
  if (value.text == NULL || (parse_integers(value, number, 1) == 1 && *number >= least))
    return CLI_OK;
  return nrrd_refuse_field(h, field, least < 0 ? "a number from -1" : "a number from 0", why);
}

static cli_result find_place(nrrd_header *h, reason why) {
  cli_result result;
  if ((result = find_integer(h, NRRD_LINE_SKIP, 0, 0, &h->place.line_skip, why)) != CLI_OK ||
      (result = find_integer(h, NRRD_BYTE_SKIP, SKIP_TO_LAST, 0, &h->place.byte_skip, why)) != CLI_OK)
    return result;
  if (h->place.packed && h->place.byte_skip < 0)
    return nrrd_refuse_field(h, NRRD_BYTE_SKIP, "a number from 0 where the encoding is gzip", why);
  h->place.file = nrrd_value(h, NRRD_DATA_FILE);
  const text_slice name = h->place.file;
  text_slice rest = name, word;
  if (name.text == NULL)
    return CLI_OK;
  if (take_word(&rest, &word) && is_word(word, "LIST"))
    return refuse(why, CLI_UNSUPPORTED, "its voxels are in a list of files; only one data file is supported");
  if (memchr(name.text, '%', name.bytes) != NULL)
    return refuse(why, CLI_UNSUPPORTED, "its voxels are in the files '%.*s'; only one data file is supported",
                  QUOTED(name));
  return CLI_OK;
}

/* ---- Axes ------------------------------------------------------------------------------------------- */

static cli_result find_sizes(nrrd_header *h, reason why) {
  int64_t axes;
  if (parse_integers(nrrd_value(h, NRRD_DIMENSION), &axes, 1) != 1 || axes < 1 || axes > NRRD_MAX_AXES)
    return nrrd_refuse_field(h, NRRD_DIMENSION, "a number from 1 to 16", why);
  h->axes = (int)axes;
  if (nrrd_value(h, NRRD_SIZES).text == NULL ||
      parse_integers(nrrd_value(h, NRRD_SIZES), h->sizes, NRRD_MAX_AXES) != h->axes)
    return nrrd_refuse_field(h, NRRD_SIZES, "as many numbers as it has dimensions", why);
  for (int axis = 0; axis < h->axes; ++axis) {
    h->spacings[axis] = NAN;
    if (h->sizes[axis] < 1)
      return nrrd_refuse_field(h, NRRD_SIZES, "numbers from 1", why);
  }
  if (nrrd_value(h, NRRD_SPACINGS).text != NULL &&
      parse_numbers(nrrd_value(h, NRRD_SPACINGS), h->spacings, NRRD_MAX_AXES) != h->axes)
    return nrrd_refuse_field(h, NRRD_SPACINGS, "as many numbers as it has dimensions", why);
  return CLI_OK;
}

/* "(1, 2, 3)" as the first three of its numbers, which may be a fourth for time; false for anything else. */
static bool parse_vector(text_slice *text, double vector[3], int *count) {
  double numbers[4];
  char copy[160];
  const char *end = memchr(text->text, ')', text->bytes);
  const size_t bytes = end != NULL ? (size_t)(end - text->text) : 0;
  if (bytes < 2 || bytes > sizeof copy || text->text[0] != '(')
    return false;
  memcpy(copy, text->text + 1, bytes - 1);
  for (size_t i = 0; i < bytes - 1; ++i)
    if (copy[i] == ',')
      copy[i] = ' ';
  *count = parse_numbers((text_slice){copy, bytes - 1}, numbers, 4);
  for (int i = 0; i < 3; ++i)
    vector[i] = i < *count ? numbers[i] : 0;
  text->text += bytes + 1;
  text->bytes -= bytes + 1;
  return *count >= 2;
}

static cli_result find_directions(nrrd_header *h, reason why) {
  static const char allowed[] = "a vector (X,Y,Z) or none for each dimension";
  text_slice rest = nrrd_value(h, NRRD_SPACE_DIRECTIONS), word;
  if (rest.text == NULL)
    return CLI_OK;
  for (int axis = 0; axis < h->axes; ++axis) {
    int count;
    while (rest.bytes > 0 && (rest.text[0] == ' ' || rest.text[0] == '\t'))
      ++rest.text, --rest.bytes;
    if (rest.bytes > 0 && rest.text[0] == '(') {
      if (!parse_vector(&rest, h->directions[axis], &count))
        return nrrd_refuse_field(h, NRRD_SPACE_DIRECTIONS, allowed, why);
      h->is_direction[axis] = true;
    } else if (!take_word(&rest, &word) || !is_word(word, "none")) {
      return nrrd_refuse_field(h, NRRD_SPACE_DIRECTIONS, allowed, why);
    }
  }
  return take_word(&rest, &word) ? nrrd_refuse_field(h, NRRD_SPACE_DIRECTIONS, allowed, why) : CLI_OK;
}

/* Where the first voxel is; a file that says nothing sound of it has it at the origin. */
static void find_origin(nrrd_header *h) {
  int count;
  text_slice text = nrrd_value(h, NRRD_SPACE_ORIGIN);
  if (text.text == NULL || !parse_vector(&text, h->origin, &count))
    memset(h->origin, 0, sizeof h->origin);
  for (int row = 0; row < 3; ++row)
    if (!isfinite(h->origin[row]))
      h->origin[row] = 0;
}

cli_result nrrd_decode(file_bytes file, bool whole, nrrd_header *h, bool *complete, reason why) {
  size_t end, bytes;
  *h = (nrrd_header){0};
  cli_result result = take_fields(file, whole, h, &end, why);
  *complete = result == CLI_OK && (end > 0 || whole);
  if (!*complete)
    return result;
  if (end == 0 && nrrd_value(h, NRRD_DATA_FILE).text == NULL)
    return refuse(why, CLI_UNREADABLE, "cut off inside its header: no empty line ends it");
  h->place.header_bytes = end > 0 ? end : file.size;
  if ((result = find_type(h, why)) != CLI_OK || (result = find_encoding(h, why)) != CLI_OK ||
      (result = find_place(h, why)) != CLI_OK || (result = find_sizes(h, why)) != CLI_OK ||
      (result = find_directions(h, why)) != CLI_OK)
    return result;
  find_origin(h);
  result = size_of_pixels(h->sizes, h->axes, stored_size(h->numbers.type), SIZE_MAX / 2, &bytes, why);
  h->numbers.count = result == CLI_OK ? bytes / stored_size(h->numbers.type) : 0;
  return result;
}
