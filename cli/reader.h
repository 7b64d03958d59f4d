/* What the readers behind source.h share: the bytes they are given, and how they refuse them. */
#ifndef BV_CLI_READER_H
#define BV_CLI_READER_H

#include "reason.h"

/* A file, unpacked if it was gzip: all of it, or as much as its reader said that it needs. */
typedef struct file_bytes {
  const uint8_t *data;
  size_t size;
  bool more;        /* bytes that are not here follow */
  const char *path; /* NULL if there is none: standard input, or bytes in memory */
} file_bytes;

/* A reader fills everything of an empty source but `format`. What it has stored in into->memory when it
 * fails is freed by its caller. */
typedef cli_result reader(file_bytes file, source *into, reason why);

reader read_dicom, read_metaimage, read_mgh, read_nifti, read_npy, read_nrrd, read_png, read_tiff;

/* The DICOM files of a directory, as one volume. */
cli_result read_directory(const char *path, source *into, reason why);

/* Of how many series they are, those without pixels left out. */
typedef enum series_count {
  SERIES_NO_MEMORY,
  SERIES_UNKNOWN,
  SERIES_NONE,
  SERIES_ONE,
  SERIES_SEVERAL
} series_count;

series_count count_series(const char *path);

/* What the beginning of a file, unpacked if it is gzip, says of its format. */
typedef enum format_guess {
  GUESS_FOREIGN, /* none that is read */
  GUESS_DICOM,
  GUESS_READ,    /* another one that is read */
  GUESS_UNKNOWN, /* it cannot be opened, or not be unpacked */
  GUESS_NO_MEMORY
} format_guess;

format_guess source_guess(const char *path);

/* From a file's beginning: how many of its bytes its reader will look at; *bytes stays 0 if the beginning is
 * too short to tell. Refuses what the reader would refuse for its header. */
typedef cli_result file_extent(file_bytes beginning, size_t *bytes, reason why);

file_extent dicom_extent, metaimage_extent, mgh_extent, nifti_extent, npy_extent, nrrd_extent;

/* Says something about a sound file that its user should know: a line of its own, beside the result. */
void warn(source *about, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The most bytes that a file or its pixels may take: a third of the machine's memory. */
size_t memory_limit(void);

/* Allocates into->memory, refusing more than memory_limit(). */
cli_result allocate_pixels(source *into, size_t bytes, reason why);

/* Sets *bytes to the product of `count` positive extents and the element size, or refuses it if it overflows
 * or exceeds `limit`, the bytes that the file has or can unfold to. */
cli_result size_of_pixels(const int64_t *shape, int count, size_t element_bytes, size_t limit, size_t *bytes,
                          reason why);

/* Describes pixels [pages, H, W, C], as they lie in into->memory, by the shape [pages, C, H, W] of the batch
 * or image that they are. */
void set_interleaved(source *into, const int64_t shape[4]);

/* The bytes that `compressed` bytes can unfold to in good faith: 256 MiB, or 1032 times as many, which is the
 * most that deflate can do. */
size_t unfold_limit(size_t compressed);

#endif
