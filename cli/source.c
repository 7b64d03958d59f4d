/* Files as sources: reading them whole, unpacking gzip, and finding the reader by the content. */
#include "reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "pages.h"

/* ---- Formats ---------------------------------------------------------------------------------------- */

typedef struct file_format {
  const char *name;
  reader *read; /* NULL: known, and not taken */
  size_t offset;
  size_t magic_bytes;
  const char *magic;
} file_format;

static const file_format formats[] = {
    {"nifti", read_nifti, 0, 4, "\x5c\x01\0\0"}, /* 348, the size of the NIfTI-1 header */
    {"nifti", read_nifti, 0, 4, "\0\0\x01\x5c"},
    {"nifti", read_nifti, 0, 4, "\x1c\x02\0\0"}, /* 540, NIfTI-2 */
    {"nifti", read_nifti, 0, 4, "\0\0\x02\x1c"},
    {"npy", read_npy, 0, 6, "\x93NUMPY"},
    {"png", read_png, 0, 8, "\x89PNG\r\n\x1a\n"},
    {"tiff", read_tiff, 0, 4, "II*\0"},
    {"tiff", read_tiff, 0, 4, "MM\0*"},
    {"tiff", read_tiff, 0, 4, "II+\0"}, /* BigTIFF */
    {"tiff", read_tiff, 0, 4, "MM\0+"},
    {"DICOM", NULL, 128, 4, "DICM"},
    {"gzip-compressed gzip", NULL, 0, 2, "\x1f\x8b"},
    {"HDF5", NULL, 0, 8, "\x89HDF\r\n\x1a\n"},
    {"JPEG", NULL, 0, 3, "\xff\xd8\xff"},
    {"NRRD", NULL, 0, 4, "NRRD"},
    {"zip or .npz", NULL, 0, 4, "PK\x03\x04"},
};

#define PREFIX_BYTES 132 /* what tells the format: up to the end of DICOM's magic */

static const file_format *find_format(file_bytes file) {
  for (size_t i = 0; i < sizeof formats / sizeof formats[0]; ++i) {
    const file_format *known = &formats[i];
    if (file.size >= known->offset + known->magic_bytes &&
        memcmp(file.data + known->offset, known->magic, known->magic_bytes) == 0)
      return known;
  }
  return NULL;
}

static bool is_gzip(file_bytes file) { return file.size >= 2 && file.data[0] == 0x1f && file.data[1] == 0x8b; }

static cli_result check_format(file_bytes file, const file_format **found, reason why) {
  if (file.size == 0)
    return refuse(why, CLI_UNREADABLE, "the file is empty");
  *found = find_format(file);
  if (*found == NULL)
    return refuse(why, CLI_UNSUPPORTED, "not a NIfTI, NumPy, PNG or TIFF file");
  if ((*found)->read == NULL)
    return refuse(why, CLI_UNSUPPORTED, "%s files are not supported, only NIfTI, NumPy, PNG and TIFF",
                  (*found)->name);
  return CLI_OK;
}

/* ---- What readers share ----------------------------------------------------------------------------- */

size_t memory_limit(void) {
  long pages = sysconf(_SC_PHYS_PAGES), page_bytes = sysconf(_SC_PAGESIZE);
  if (pages <= 0 || page_bytes <= 0)
    return (size_t)1 << 30;
  return (size_t)pages / 3 * (size_t)page_bytes;
}

static cli_result refuse_memory(reason why, size_t bytes) {
  return refuse(why, CLI_FAILED, "out of memory: %zu bytes could not be allocated", bytes);
}

cli_result allocate_pixels(source *into, size_t bytes, reason why) {
  if (bytes > memory_limit())
    return refuse(why, CLI_UNSUPPORTED, "its pixels take %zu bytes, more than a third of this machine's memory",
                  bytes);
  into->memory = malloc(bytes);
  if (into->memory == NULL)
    return refuse_memory(why, bytes);
  prefer_large_pages(into->memory, bytes);
  into->memory_bytes = bytes;
  return CLI_OK;
}

cli_result size_of_pixels(const int64_t *shape, int count, size_t element_bytes, size_t limit, size_t *bytes,
                          reason why) {
  size_t product = element_bytes;
  for (int axis = 0; axis < count; ++axis)
    if (__builtin_mul_overflow(product, (size_t)shape[axis], &product))
      return refuse(why, CLI_UNREADABLE, "its dimensions multiply to more than 2^64 bytes");
  if (product > limit)
    return refuse(why, CLI_UNREADABLE, "cut off: its dimensions ask for %zu bytes, and it can hold only %zu",
                  product, limit);
  *bytes = product;
  return CLI_OK;
}

void set_interleaved(source *into, const int64_t shape[4]) {
  const int64_t channels = shape[1], height = shape[2], width = shape[3];
  bv_tensor *tensor = &into->tensor;
  tensor->data = into->memory;
  if (shape[0] == 1 && channels == 1) {
    into->kind = SOURCE_IMAGE;
    *tensor = bv_contiguous_tensor(tensor->data, tensor->dtype, BV_CPU, 2, shape + 2);
    return;
  }
  into->kind = SOURCE_BATCH;
  *tensor = bv_contiguous_tensor(tensor->data, tensor->dtype, BV_CPU, 4, shape);
  tensor->stride[1] = 1;
  tensor->stride[2] = width * channels;
  tensor->stride[3] = channels;
  tensor->stride[0] = height * width * channels;
}

size_t unfold_limit(size_t compressed) {
  const size_t small = (size_t)256 << 20, ratio = 1032;
  if (compressed <= small / ratio)
    return small;
  return compressed <= SIZE_MAX / ratio ? compressed * ratio : SIZE_MAX;
}

/* ---- Bytes ------------------------------------------------------------------------------------------ */

typedef struct buffer {
  uint8_t *data;
  size_t size, capacity;
  bool known; /* what it begins with is a format that is taken */
} buffer;

/* Refuses what no reader will take as soon as that can be told, before all of it is in memory. */
static cli_result check_beginning(buffer *bytes, reason why) {
  const file_format *known;
  if (bytes->known || bytes->size < PREFIX_BYTES)
    return CLI_OK;
  bytes->known = true;
  return check_format((file_bytes){bytes->data, bytes->size}, &known, why);
}

/* Makes room for at least one more byte. */
static cli_result grow(buffer *bytes, reason why) {
  if (bytes->size < bytes->capacity)
    return CLI_OK;
  size_t limit = memory_limit();
  if (bytes->capacity >= limit)
    return refuse(why, CLI_UNSUPPORTED, "it holds more than %zu bytes, a third of this machine's memory",
                  limit);
  size_t capacity = bytes->capacity <= limit / 2 ? bytes->capacity * 2 : limit;
  if (capacity < 65536)
    capacity = 65536;
  uint8_t *data = realloc(bytes->data, capacity);
  if (data == NULL)
    return refuse_memory(why, capacity);
  prefer_large_pages(data, capacity);
  bytes->data = data;
  bytes->capacity = capacity;
  return CLI_OK;
}

/* Unpacks all members of a gzip file; zeros after the last one are padding. */
static cli_result gunzip(file_bytes file, buffer *out, reason why) {
  z_stream stream = {0};
  if (inflateInit2(&stream, 16 + MAX_WBITS) != Z_OK)
    return refuse(why, CLI_FAILED, "out of memory: zlib could not be started");
  size_t taken = 0; /* of the file's bytes handed to zlib */
  cli_result result = CLI_OK;
  while (result == CLI_OK) {
    if (stream.avail_in == 0 && taken < file.size) {
      size_t rest = file.size - taken, chunk = (size_t)1 << 30; /* avail_in has 32 bits */
      stream.next_in = (z_const Bytef *)(file.data + taken);
      stream.avail_in = (uInt)(rest < chunk ? rest : chunk);
      taken += stream.avail_in;
    }
    result = grow(out, why);
    if (result != CLI_OK)
      break;
    size_t room = out->capacity - out->size, most = (size_t)1 << 30;
    stream.next_out = out->data + out->size;
    stream.avail_out = (uInt)(room < most ? room : most);
    int status = inflate(&stream, Z_NO_FLUSH);
    out->size = (size_t)(stream.next_out - out->data);
    result = check_beginning(out, why);
    if (result != CLI_OK)
      break;
    if (status == Z_STREAM_END) {
      size_t at = taken - stream.avail_in;
      file_bytes rest = {file.data + at, file.size - at};
      if (is_gzip(rest)) {
        inflateReset(&stream);
        continue;
      }
      for (size_t i = 0; i < rest.size; ++i)
        if (rest.data[i] != 0)
          result = refuse(why, CLI_UNREADABLE, "%zu bytes that are not gzip follow its gzip data", rest.size);
      break;
    }
    if (status == Z_BUF_ERROR) /* there was room, so what it lacks is input */
      result = refuse(why, CLI_UNREADABLE, "cut off: its gzip data ends early");
    else if (status == Z_MEM_ERROR)
      result = refuse(why, CLI_FAILED, "out of memory: zlib could not go on");
    else if (status != Z_OK)
      result = refuse(why, CLI_UNREADABLE, "damaged gzip data (%s)", stream.msg ? stream.msg : "no detail");
  }
  inflateEnd(&stream);
  return result;
}

static cli_result parse(file_bytes file, source *into, reason why) {
  const file_format *known = NULL;
  cli_result result = check_format(file, &known, why);
  if (result != CLI_OK)
    return result;
  result = known->read(file, into, why);
  snprintf(into->format, sizeof into->format, "%s", known->name);
  return result;
}

cli_result source_parse(const void *bytes, size_t size, source *into, char *text, size_t text_bytes) {
  file_bytes file = {bytes, size};
  reason why = {text, text_bytes};
  *into = (struct source){.tensor = {.device = BV_CPU}, .spacing = {1, 1, 1}};
  cli_result result;
  if (is_gzip(file)) {
    buffer unpacked = {0};
    result = gunzip(file, &unpacked, why);
    if (result == CLI_OK)
      result = parse((file_bytes){unpacked.data, unpacked.size}, into, why);
    free(unpacked.data);
  } else {
    result = parse(file, into, why);
  }
  if (result != CLI_OK)
    source_free(into);
  return result;
}

static cli_result read_all(int descriptor, buffer *bytes, reason why) {
  for (;;) {
    cli_result result = grow(bytes, why);
    if (result != CLI_OK)
      return result;
    ssize_t got = read(descriptor, bytes->data + bytes->size, bytes->capacity - bytes->size);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return refuse(why, CLI_UNREADABLE, "%s", strerror(errno));
    bytes->size += (size_t)got;
    if (is_gzip((file_bytes){bytes->data, bytes->size}))
      bytes->known = true;
    result = check_beginning(bytes, why);
    if (result != CLI_OK || got == 0)
      return result;
  }
}

cli_result source_read(const char *path, source *into, char *text, size_t text_bytes) {
  reason why = {text, text_bytes};
  *into = (struct source){0};
  bool standard_input = strcmp(path, "-") == 0;
  int descriptor = standard_input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
  if (descriptor < 0)
    return refuse(why, CLI_UNREADABLE, "%s", strerror(errno));
  buffer bytes = {0};
  struct stat status;
  if (fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode) &&
      (uintmax_t)status.st_size < memory_limit()) {
    size_t capacity = (size_t)status.st_size + 1; /* one more, so that the end is seen without growing */
    bytes.data = malloc(capacity);
    bytes.capacity = bytes.data != NULL ? capacity : 0;
  }
  cli_result result = read_all(descriptor, &bytes, why);
  if (!standard_input)
    close(descriptor);
  if (result == CLI_OK)
    result = source_parse(bytes.data, bytes.size, into, text, text_bytes);
  free(bytes.data);
  return result;
}

void source_free(source *into) {
  free(into->memory);
  *into = (struct source){0};
}
