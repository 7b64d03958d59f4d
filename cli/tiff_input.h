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

/* How often a byte of the file may be some tag's value: pages share descriptions and tables of colours, and
 * each has its own copy. */
#define TIFF_VALUES_PER_BYTE 8
#define TIFF_VALUES_AT_LEAST 1000000 /* bytes, of small files */

/* Whether reading all directories takes memory and time in proportion to the file. What is wrong with them
 * otherwise libtiff says. */
cli_result tiff_check_directories(file_bytes file, reason why);

/* Whether the current directory says that pixels are predicted, also where libtiff keeps that from us, because
 * its codec knows of no predictor. */
bool tiff_names_predictor(TIFF *tiff);

/* NULL if it is no TIFF, or without memory. */
TIFF *tiff_open(tiff_input *input);

/* Gives libtiff's first error as the reason. */
cli_result tiff_refuse_damaged(const tiff_input *input, reason why);

#endif
