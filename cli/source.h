/* What a file held: pixels in memory, and what the file says about looking at them. */
#ifndef BV_CLI_SOURCE_H
#define BV_CLI_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "batchview/batchview.h"

/* Exit codes of the program, and results of its parts. */
typedef enum cli_result {
  CLI_OK = 0,
  CLI_USAGE = 2,       /* the command line is wrong */
  CLI_UNREADABLE = 3,  /* a file cannot be opened, is cut off, or is not what it claims */
  CLI_UNSUPPORTED = 4, /* a sound file of a kind that batchview does not take */
  CLI_WRITE = 5,       /* an output cannot be written */
  CLI_FAILED = 6       /* the library failed: out of memory, for example */
} cli_result;

typedef enum source_kind {
  SOURCE_IMAGE,  /* [H, W]; a colour picture is a SOURCE_BATCH [1, 3, H, W] */
  SOURCE_VOLUME, /* [H, W, D], or a series of volumes [T, H, W, D] */
  SOURCE_BATCH   /* [B, C, H, W] */
} source_kind;

typedef struct source {
  source_kind kind;
  bv_tensor tensor; /* CPU; data points into `memory`, strides as the file has them */
  void *memory;     /* owned */
  size_t memory_bytes;
  /* Volumes with known anatomy have the axes H anterior to posterior, W right to left of the patient, D
   * inferior to superior, so that slices along axis 2 are axial pictures in radiological display. */
  bool oriented;
  /* Distance of neighbours along the last two (image, batch) or three (volume) axes, in mm or any unit; all 1
   * when the file does not say. */
  double spacing[3];
  char format[16]; /* "nifti", "npy", "png", "tiff" */
} source;

/* Reads `path` ("-" for standard input), telling the format by its content. On failure writes one line
 * without a newline to `reason` (it names neither the program nor the file) and leaves `source` empty. */
cli_result source_read(const char *path, source *source, char *reason, size_t reason_bytes);

/* The same from memory, which is not kept: what every reader is fuzzed through. */
cli_result source_parse(const void *bytes, size_t size, source *source, char *reason, size_t reason_bytes);

void source_free(source *source);

#endif
