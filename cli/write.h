/* Results as files. An output appears whole or not at all: it is written beside its final place without a name
 * or under another one, synchronised, and named, so that a file of that name is replaced in one step, and its
 * owner, group and permissions are kept where the system allows it; after a failure nothing is left behind.
 * What is not a regular file (a pipe, a device) and standard output, "-", are written directly.
 *
 * Each function returns CLI_OK; CLI_WRITE if the file cannot be written; CLI_UNSUPPORTED if the format cannot
 * hold what is given; CLI_FAILED without memory. On failure it writes one line without a newline to `reason`
 * that names neither the program nor the file. */
#ifndef BV_CLI_WRITE_H
#define BV_CLI_WRITE_H

#include "source.h"

typedef struct picture {
  const uint8_t *pixels; /* rows from the top, without gaps */
  uint32_t width, height;
  int channels; /* 1 grey, 3 RGB, 4 RGBA */
  /* Distance of neighbouring rows, and of neighbouring columns, in the same unit; where they differ, the file
   * says so and viewers that care show the right proportions. 0 where nothing is known. */
  double row_spacing, column_spacing;
} picture;

cli_result write_png(const char *path, const picture *shown, char *reason, size_t reason_bytes);

/* A CPU tensor in C order without gaps, of any type but bf16, which NumPy does not have. */
cli_result write_npy(const char *path, const bv_tensor *tensor, char *reason, size_t reason_bytes);

#endif
