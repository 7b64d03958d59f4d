/* Pixels of DICOM files that are indices of colours. */
#ifndef BV_CLI_DICOM_PALETTE_H
#define BV_CLI_DICOM_PALETTE_H

#include "dicom_header.h"

/* Refuses a file whose palette is not there or too short. */
cli_result dicom_check_palette(const dicom_header *h, reason why);

/* Of a checked palette: the bits of its numbers, 8 or 16. */
int dicom_palette_bits(const dicom_header *h);

/* Writes red, green and blue of `count` pixels of bits_allocated, in the machine's byte order. Indices beyond
 * the palette's ends have the colours there. */
void dicom_apply_palette(const dicom_header *h, const void *pixels, size_t count, void *colours);

#endif
