/* The pixels of DICOM files, frame by frame. */
#ifndef BV_CLI_DICOM_PIXELS_H
#define BV_CLI_DICOM_PIXELS_H

#include "dicom_header.h"
#include "numbers.h"

typedef struct dicom_fragment {
  size_t offset, bytes; /* in the file */
} dicom_fragment;

typedef struct dicom_pixels {
  const dicom_header *h;
  file_bytes file;
  dicom_fragment *fragments; /* owned; of compressed pixels, `fragment_count` of them */
  size_t fragment_count;
  size_t *first;          /* owned; the first fragment of each frame, and their number */
  uint8_t *frame, *other; /* owned; one frame's bytes each */
} dicom_pixels;

/* Refuses a header that asks for more than a file of so many bytes holds, or can unfold to. */
cli_result dicom_check_size(const dicom_header *h, size_t file_size, reason why);

/* Finds the pixels of a file whose header was decoded as a whole. The file and the header must outlive it.
 * Freed by dicom_pixels_close() also on failure. */
cli_result dicom_pixels_open(dicom_pixels *pixels, const dicom_header *h, file_bytes file, reason why);
void dicom_pixels_close(dicom_pixels *pixels);

/* What the stored numbers of a frame are, as for load_numbers(). */
int32_t dicom_stored_type(const dicom_header *h);

/* Writes a frame's numbers, samples beside each other, to `to` as convert_numbers() does; scaled, if asked, by
 * the frame's rescale slope and intercept. MONOCHROME1 is turned round, YBR becomes RGB, and an index of a
 * palette its colour. */
cli_result dicom_load_frame(dicom_pixels *pixels, int64_t frame, bool scaled, void *to, reason why);

#endif
