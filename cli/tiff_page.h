/* What a page of a TIFF file holds, as far as it can be read. */
#ifndef BV_CLI_TIFF_PAGE_H
#define BV_CLI_TIFF_PAGE_H

#include "tiff_input.h"

typedef struct tiff_page {
  uint32_t width, height;
  uint32_t block_width, block_height; /* of a tile, or a strip */
  uint16_t samples;                   /* of a pixel in the file */
  uint16_t channels;                  /* shown: the first samples, all but alpha; of a palette its three */
  uint16_t bits;                      /* of a sample in the file */
  uint16_t orientation;
  int32_t type; /* of a sample, as numbers.h has it; the next larger one where no type has so many bits */
  bool packed;  /* no type has so many bits */
  bool palette; /* samples are numbers of colours */
  bool tiled, planar, white_is_zero, compressed;
  bool sparse;     /* some strips or tiles are absent, and zeros */
  bool is_derived; /* a smaller copy of another page, or a mask of one: no image of its own */
} tiff_page;

/* Describes libtiff's current directory. Refuses what cannot be read, but not where the page is derived. */
cli_result tiff_describe_page(TIFF *tiff, tiff_page *page, reason why);

/* Refuses a page that does not look like the first one; `number` counts from 1. */
cli_result tiff_check_agreement(const tiff_page *page, const tiff_page *first, int64_t number, reason why);

/* Whether a strip or tile, by libtiff's number, is absent: without bytes, or without a place. */
bool tiff_is_absent(TIFF *tiff, uint32_t block);

/* How many planes an ImageJ stack of one page has; 1 for every other file. All of them lie in the file. */
cli_result tiff_count_planes(TIFF *tiff, const tiff_input *input, const tiff_page *page, int64_t *planes,
                             reason why);

/* Copies these planes, [planes, H, W, channels]. */
void tiff_read_planes(TIFF *tiff, const tiff_input *input, const tiff_page *page, int64_t planes, uint8_t *out);

#endif
