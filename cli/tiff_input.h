/* A TIFF file in memory, as libtiff sees it, and libtiff's errors, which it says to us alone. */
#ifndef BV_CLI_TIFF_INPUT_H
#define BV_CLI_TIFF_INPUT_H

#include <tiffio.h>

#include "reader.h"

typedef struct tiff_input {
  file_bytes file;
  uint64_t position;
  uint64_t stored; /* bytes of strips and tiles decoded so far */
  char error[160]; /* libtiff's first, "" if there was none */
} tiff_input;

/* NULL if it is no TIFF, or without memory. */
TIFF *tiff_open(tiff_input *input);

/* Gives libtiff's first error as the reason. */
cli_result tiff_refuse_damaged(const tiff_input *input, reason why);

#endif
