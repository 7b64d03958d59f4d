/* NumPy's .npy files, versions 1 to 3, by a small strict reader of our own: there is no library for it.
 *
 * After 8 bytes of magic and version comes the length of the header, little-endian in 2 bytes (version 1) or 4,
 * and the header: a Python dictionary of three entries, read by the grammar that NumPy writes. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "numbers.h"

#define MOST_DIMENSIONS 32      /* NumPy's own limit, long enough for a good message */
#define MOST_HEADER_BYTES 10000 /* NumPy reads no longer ones unless it is told to trust the file */

typedef struct npy_header {
  char descr[16];
  bool fortran_order;
  int ndim;
  int64_t shape[MOST_DIMENSIONS];
} npy_header;

/* ---- Grammar ---------------------------------------------------------------------------------------- */

/* What is left of the header's text. */
typedef struct text {
  const char *at, *end;
} text;

/* Blanks as Python has them. */
static void skip_spaces(text *left) {
  while (left->at < left->end && *left->at != '\0' && strchr(" \t\n\r\f", *left->at) != NULL)
    ++left->at;
}

/* Takes `token` if it comes next. */
static bool take(text *left, const char *token) {
  skip_spaces(left);
  size_t length = strlen(token);
  if ((size_t)(left->end - left->at) < length || memcmp(left->at, token, length) != 0)
    return false;
  left->at += length;
  return true;
}

/* A string in single or double quotes without escapes, of printable ASCII; Python 2 may put a u before it. */
static bool take_string(text *left, char *out, size_t out_bytes) {
  (void)take(left, "u");
  if (left->at == left->end || (*left->at != '\'' && *left->at != '"'))
    return false;
  char quote = *left->at++;
  size_t length = 0;
  while (left->at < left->end && *left->at != quote) {
    char character = *left->at++;
    if (character < ' ' || character > '~' || character == '\\' || length + 1 >= out_bytes)
      return false;
    out[length++] = character;
  }
  out[length] = '\0';
  if (left->at == left->end)
    return false;
  ++left->at;
  return true;
}

/* Python 2 wrote the letter L after numbers of its long type. */
static bool take_number(text *left, int64_t *number) {
  skip_spaces(left);
  const char *start = left->at;
  *number = 0;
  for (; left->at < left->end && *left->at >= '0' && *left->at <= '9'; ++left->at)
    if (__builtin_mul_overflow(*number, 10, number) || __builtin_add_overflow(*number, *left->at - '0', number))
      return false;
  if (left->at == start)
    return false;
  (void)take(left, "L");
  return true;
}

static bool take_bool(text *left, bool *value) {
  *value = take(left, "True");
  return *value || take(left, "False");
}

/* "(2, 3)", "(2,)" or "()". */
static bool take_shape(text *left, npy_header *header) {
  if (!take(left, "("))
    return false;
  header->ndim = 0;
  while (!take(left, ")")) {
    if (header->ndim == MOST_DIMENSIONS || !take_number(left, &header->shape[header->ndim]))
      return false;
    ++header->ndim;
    if (!take(left, ",") && !(header->ndim > 1 && left->at < left->end && *left->at == ')'))
      return false;
  }
  return true;
}

static cli_result parse_header(text left, npy_header *header, reason why) {
  bool descr = false, fortran_order = false, shape = false;
  char key[16];
  if (!take(&left, "{"))
    return refuse(why, CLI_UNREADABLE, "its header is not a Python dictionary");
  while (!take(&left, "}")) {
    if (!take_string(&left, key, sizeof key) || !take(&left, ":"))
      return refuse(why, CLI_UNREADABLE, "its header is damaged where a key should be");
    if (strcmp(key, "descr") == 0 && !descr) {
      if (take(&left, "["))
        return refuse(why, CLI_UNSUPPORTED, "structured NumPy types are not supported");
      descr = take_string(&left, header->descr, sizeof header->descr);
      if (!descr)
        return refuse(why, CLI_UNREADABLE, "its header has no sound 'descr'");
    } else if (strcmp(key, "fortran_order") == 0 && !fortran_order) {
      fortran_order = take_bool(&left, &header->fortran_order);
      if (!fortran_order)
        return refuse(why, CLI_UNREADABLE, "its header's 'fortran_order' is neither True nor False");
    } else if (strcmp(key, "shape") == 0 && !shape) {
      shape = take_shape(&left, header);
      if (!shape)
        return refuse(why, CLI_UNREADABLE, "its header's 'shape' is no tuple of at most %d sizes",
                      MOST_DIMENSIONS);
    } else {
      return refuse(why, CLI_UNREADABLE, "its header has an unknown or repeated key '%s'", key);
    }
    if (!take(&left, ",") && !(left.at < left.end && *left.at == '}'))
      return refuse(why, CLI_UNREADABLE, "its header is damaged after '%s'", key);
  }
  skip_spaces(&left);
  if (left.at != left.end)
    return refuse(why, CLI_UNREADABLE, "its header goes on after the dictionary");
  if (!descr || !fortran_order || !shape)
    return refuse(why, CLI_UNREADABLE, "its header lacks '%s'",
                  !descr           ? "descr"
                  : !fortran_order ? "fortran_order"
                                   : "shape");
  return CLI_OK;
}

/* ---- Meaning ---------------------------------------------------------------------------------------- */

/* A byte order and a code, as NumPy writes it, or another name that it reads: native order without a sign. */
static cli_result find_type(const char *descr, int32_t *type, bool *big_endian, reason why) {
  static const struct {
    const char *code, *letter, *name;
    int32_t type;
  } types[] = {
      {"b1", "?", "bool", BV_U8},        {"u1", "B", "uint8", BV_U8},      {"i1", "b", "int8", BV_I8},
      {"u2", "H", "uint16", BV_U16},     {"i2", "h", "int16", BV_I16},     {"f2", "e", "float16", BV_F16},
      {"u4", "I", "uint32", BV_U32},     {"i4", "i", "int32", BV_I32},     {"f4", "f", "float32", BV_F32},
      {"u8", "Q", "uint64", STORED_U64}, {"i8", "q", "int64", STORED_I64}, {"f8", "d", "float64", BV_F64}};
  const bool ordered = descr[0] != '\0' && strchr("<>|=", descr[0]) != NULL;
  const char *name = ordered ? descr + 1 : descr;
  *big_endian = descr[0] == '>' || (descr[0] != '<' && machine_is_big_endian());
  for (size_t i = 0; i < sizeof types / sizeof types[0]; ++i)
    if (strcmp(types[i].code, name) == 0 || strcmp(types[i].letter, name) == 0 ||
        (!ordered && strcmp(types[i].name, name) == 0)) {
      *type = types[i].type;
      return CLI_OK;
    }
  return refuse(why, CLI_UNSUPPORTED,
                "NumPy type '%s' is not supported; b1, u1 to u8, i1 to i8, f2, f4 and f8 are", descr);
}

static cli_result check_shape(const npy_header *header, reason why) {
  if (header->ndim < 2 || header->ndim > 4)
    return refuse(why, CLI_UNSUPPORTED,
                  "it has %d dimension%s; 2 (image), 3 (volume) and 4 (batch) are supported", header->ndim,
                  header->ndim == 1 ? "" : "s");
  for (int axis = 0; axis < header->ndim; ++axis)
    if (header->shape[axis] == 0)
      return refuse(why, CLI_UNSUPPORTED, "it is empty: dimension %d is 0", axis);
  return CLI_OK;
}

/* Where the header's text lies. */
static cli_result find_header(file_bytes file, text *left, size_t *header_end, reason why) {
  if (file.size < 10)
    return refuse(why, CLI_UNREADABLE, "cut off inside its header");
  int major = file.data[6], minor = file.data[7];
  if (major < 1 || major > 3 || minor != 0)
    return refuse(why, CLI_UNSUPPORTED, ".npy version %d.%d is not supported; 1.0, 2.0 and 3.0 are", major,
                  minor);
  size_t start = major == 1 ? 10 : 12;
  if (file.size < start)
    return refuse(why, CLI_UNREADABLE, "cut off inside its header");
  size_t length = (size_t)file.data[8] | (size_t)file.data[9] << 8;
  if (major > 1)
    length |= (size_t)file.data[10] << 16 | (size_t)file.data[11] << 24;
  if (length > MOST_HEADER_BYTES)
    return refuse(why, CLI_UNSUPPORTED, "its header takes %zu bytes; at most %d are supported", length,
                  MOST_HEADER_BYTES);
  if (length > file.size - start)
    return refuse(why, CLI_UNREADABLE, "cut off inside its header: %zu of %zu bytes", file.size - start,
                  length);
  left->at = (const char *)file.data + start;
  left->end = left->at + length;
  *header_end = start + length;
  return CLI_OK;
}

/* Reads the header. The numbers begin at *offset; `held` are the file's bytes, if all of it is there. */
static cli_result find_numbers(file_bytes file, size_t held, npy_header *header, stored_numbers *numbers,
                               size_t *offset, reason why) {
  text left;
  size_t bytes = 0;
  cli_result result;
  if ((result = find_header(file, &left, offset, why)) != CLI_OK ||
      (result = parse_header(left, header, why)) != CLI_OK ||
      (result = find_type(header->descr, &numbers->type, &numbers->big_endian, why)) != CLI_OK ||
      (result = check_shape(header, why)) != CLI_OK)
    return result;
  const size_t element_bytes = stored_size(numbers->type);
  result = size_of_pixels(header->shape, header->ndim, element_bytes, held - *offset, &bytes, why);
  numbers->count = bytes / element_bytes;
  return result;
}

cli_result npy_extent(file_bytes beginning, size_t *bytes, reason why) {
  if (beginning.size < MOST_HEADER_BYTES + 12)
    return CLI_OK;
  npy_header header;
  stored_numbers numbers = {0};
  size_t offset = 0;
  cli_result result = find_numbers(beginning, SIZE_MAX, &header, &numbers, &offset, why);
  if (result == CLI_OK)
    *bytes = offset + numbers.count * stored_size(numbers.type);
  return result;
}

/* An array [H, W, 3] or [H, W, 4] as the picture that image libraries take it for; alpha is dropped. */
static void set_picture(source *into) {
  const bv_tensor array = into->tensor;
  const int64_t shape[4] = {1, 3, array.shape[0], array.shape[1]};
  into->tensor = bv_contiguous_tensor(array.data, array.dtype, BV_CPU, 4, shape);
  into->tensor.stride[1] = array.stride[2];
  into->tensor.stride[2] = array.stride[0];
  into->tensor.stride[3] = array.stride[1];
  into->samples = (int)array.shape[2];
  into->kind = SOURCE_BATCH;
}

cli_result read_npy(file_bytes file, source *into, reason why) {
  size_t offset = 0;
  npy_header header;
  stored_numbers numbers = {0};
  cli_result result = find_numbers(file, file.size, &header, &numbers, &offset, why);
  if (result != CLI_OK)
    return result;
  const size_t held = file.size - offset, bytes = numbers.count * stored_size(numbers.type);
  numbers.data = file.data + offset;
  result = load_numbers(&numbers, into, why);
  if (result != CLI_OK)
    return result;
  if (held > bytes || file.more)
    warn(into, "more bytes follow its array, and are not read");

  bv_tensor *tensor = &into->tensor;
  *tensor = bv_contiguous_tensor(tensor->data, tensor->dtype, BV_CPU, header.ndim, header.shape);
  if (header.fortran_order) {
    int64_t stride = 1;
    for (int axis = 0; axis < header.ndim; ++axis) {
      tensor->stride[axis] = stride;
      stride *= header.shape[axis];
    }
  }
  /* Bytes, not booleans: NumPy's u1, uint8 or B */
  if (header.ndim == 3 && (header.shape[2] == 3 || header.shape[2] == 4) && numbers.type == BV_U8 &&
      strpbrk(header.descr, "uB") != NULL) {
    set_picture(into);
    return CLI_OK;
  }
  into->kind = header.ndim == 2 ? SOURCE_IMAGE : header.ndim == 3 ? SOURCE_VOLUME : SOURCE_BATCH;
  return CLI_OK;
}
