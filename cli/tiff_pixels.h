/* The pixels of a page of a TIFF file. */
#ifndef BV_CLI_TIFF_PIXELS_H
#define BV_CLI_TIFF_PIXELS_H

#include "tiff_page.h"

/* Bytes of a row of a strip or tile, of so many pixels, as libtiff decodes it. */
size_t tiff_bytes_of_row(const tiff_page *page, size_t pixels);

/* Bytes of a channel of a pixel that is shown. */
size_t tiff_bytes_of_channel(const tiff_page *page);

/* Decodes libtiff's current directory to `out`, [H, W, channels]. */
cli_result tiff_read_page(TIFF *tiff, tiff_input *input, const tiff_page *page, uint8_t *out, reason why);

/* The largest number of so many bits minus each of the samples. */
void tiff_invert(const tiff_page *page, void *samples, size_t bytes);

#endif
