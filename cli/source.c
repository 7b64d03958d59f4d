/* Files as sources: finding the reader by the content, and what readers share. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "input.h"
#include "pages.h"
#include "pair.h"

/* ---- Formats ---------------------------------------------------------------------------------------- */

typedef struct file_format {
  const char *name;
  reader *read;        /* NULL: known, and not taken */
  file_extent *extent; /* NULL: its reader wants all of the file */
  size_t offset;
  size_t magic_bytes;
  const char *magic;
} file_format;

static const file_format formats[] = {
    {"dicom", read_dicom, dicom_extent, 128, 4, "DICM"}, /* first: what is before it may be anything */
    {"metaimage", read_metaimage, metaimage_extent, 0, 10, "ObjectType"},
    {"metaimage", read_metaimage, metaimage_extent, 0, 5, "NDims"},
    {"metaimage", read_metaimage, metaimage_extent, 0, 9, "Comment ="},
    {"mgh", read_mgh, mgh_extent, 0, 4, "\0\0\0\x01"},         /* its version */
    {"nifti", read_nifti, nifti_extent, 0, 4, "\x5c\x01\0\0"}, /* 348, the size of the NIfTI-1 header */
    {"nifti", read_nifti, nifti_extent, 0, 4, "\0\0\x01\x5c"},
    {"nifti", read_nifti, nifti_extent, 0, 4, "\x1c\x02\0\0"}, /* 540, NIfTI-2 */
    {"nifti", read_nifti, nifti_extent, 0, 4, "\0\0\x02\x1c"},
    {"npy", read_npy, npy_extent, 0, 6, "\x93NUMPY"},
    {"nrrd", read_nrrd, nrrd_extent, 0, 4, "NRRD"},
    {"png", read_png, NULL, 0, 8, "\x89PNG\r\n\x1a\n"},
    {"tiff", read_tiff, NULL, 0, 4, "II*\0"},
    {"tiff", read_tiff, NULL, 0, 4, "MM\0*"},
    {"tiff", read_tiff, NULL, 0, 4, "II+\0"}, /* BigTIFF */
    {"tiff", read_tiff, NULL, 0, 4, "MM\0+"},
    {"gzip-compressed gzip", NULL, NULL, 0, 2, "\x1f\x8b"},
    {"HDF5", NULL, NULL, 0, 8, "\x89HDF\r\n\x1a\n"},
    {"JPEG", NULL, NULL, 0, 3, "\xff\xd8\xff"},
    {"zip or .npz", NULL, NULL, 0, 4, "PK\x03\x04"},
};

#define TAKEN_FORMATS "NIfTI, DICOM, NRRD, MetaImage, MGH, NumPy, PNG or TIFF"
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

format_guess source_guess(const char *path) {
  uint8_t prefix[PREFIX_BYTES];
  gzFile file = gzopen(path, "rbe"); /* which reads what is no gzip as it is */
  if (file == NULL)
    return errno == ENOMEM ? GUESS_NO_MEMORY : GUESS_UNKNOWN;
  const int bytes = gzread(file, prefix, sizeof prefix);
  int status;
  gzerror(file, &status);
  gzclose(file);
  if (bytes < 0)
    return status == Z_MEM_ERROR ? GUESS_NO_MEMORY : GUESS_UNKNOWN;
  const file_format *known = find_format((file_bytes){.data = prefix, .size = (size_t)bytes});
  if (known == NULL || known->read == NULL)
    return GUESS_FOREIGN;
  return known->read == read_dicom ? GUESS_DICOM : GUESS_READ;
}

static cli_result check_format(file_bytes file, const file_format **found, reason why) {
  if (file.size == 0)
    return refuse(why, CLI_UNREADABLE, "the file is empty");
  *found = find_format(file);
  if (*found == NULL)
    return refuse(why, CLI_UNSUPPORTED, "not a " TAKEN_FORMATS " file");
  if ((*found)->read == NULL)
    return refuse(why, CLI_UNSUPPORTED, "%s files are not supported", (*found)->name);
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

/* ---- Files ------------------------------------------------------------------------------------------ */

/* Refuses what no reader will take as soon as that can be told, before all of it is in memory. */
static cli_result check_beginning(file_bytes beginning, size_t *needed, reason why) {
  const file_format *known = NULL;
  if (beginning.size < PREFIX_BYTES)
    return CLI_OK;
  cli_result result = check_format(beginning, &known, why);
  if (result != CLI_OK)
    return result;
  if (known->extent != NULL)
    return known->extent(beginning, needed, why);
  *needed = INPUT_ALL;
  return CLI_OK;
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

static cli_result parse_packed(file_bytes file, source *into, reason why) {
  input_bytes unpacked = {0};
  cli_result result = input_unpack(file, check_beginning, &unpacked, why);
  if (result == CLI_OK)
    result = parse((file_bytes){unpacked.data, unpacked.size, unpacked.more, file.path}, into, why);
  if (result == CLI_OK && unpacked.foreign_bytes > 0)
    warn(into, "%zu bytes that are not gzip follow its gzip data; they are ignored", unpacked.foreign_bytes);
  free(unpacked.data);
  return result;
}

static const source no_source = {.tensor = {.device = BV_CPU}, .spacing = {1, 1, 1}};

static cli_result parse_any(file_bytes file, source *into, reason why) {
  *into = no_source;
  cli_result result = is_gzip(file) ? parse_packed(file, into, why) : parse(file, into, why);
  if (result != CLI_OK)
    source_free(into);
  return result;
}

cli_result source_parse(const void *bytes, size_t size, source *into, char *text, size_t text_bytes) {
  return parse_any((file_bytes){.data = bytes, .size = size}, into, (reason){text, text_bytes});
}

static cli_result parse_directory(const char *path, source *into, reason why) {
  *into = no_source;
  cli_result result = read_directory(path, into, why);
  snprintf(into->format, sizeof into->format, "dicom");
  if (result != CLI_OK)
    source_free(into);
  return result;
}

cli_result source_read(const char *path, source *into, char *text, size_t text_bytes) {
  const reason why = {text, text_bytes};
  input_bytes bytes = {0};
  struct stat facts;
  *into = (struct source){0};
  if (stat(path, &facts) == 0 && S_ISDIR(facts.st_mode))
    return parse_directory(path, into, why);
  char header[PATH_MAX];
  const char *place = header_beside(path, header) ? header : path;
  cli_result result = input_read(place, check_beginning, &bytes, why);
  if (strcmp(path, "-") == 0)
    place = NULL;
  if (result == CLI_OK)
    result = parse_any((file_bytes){bytes.data, bytes.size, bytes.more, place}, into, why);
  free(bytes.data);
  return result;
}

void source_as_volume(source *into) {
  if (into->samples == 0)
    return;
  const bv_tensor picture = into->tensor;
  const int64_t shape[3] = {picture.shape[2], picture.shape[3], into->samples};
  into->tensor = bv_contiguous_tensor(picture.data, picture.dtype, BV_CPU, 3, shape);
  into->tensor.stride[0] = picture.stride[2];
  into->tensor.stride[1] = picture.stride[3];
  into->tensor.stride[2] = picture.stride[1];
  into->kind = SOURCE_VOLUME;
  into->samples = 0;
}

void source_free(source *into) {
  free(into->memory);
  *into = (struct source){0};
}
