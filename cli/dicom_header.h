/* What the attributes of a DICOM file say of its pixels, checked. */
#ifndef BV_CLI_DICOM_HEADER_H
#define BV_CLI_DICOM_HEADER_H

#include "dicom_elements.h"

typedef enum dicom_colour { DICOM_GREY, DICOM_INVERTED, DICOM_PALETTE, DICOM_RGB, DICOM_YBR } dicom_colour;

/* A frame, or the one picture of a file: where it lies, and what its numbers mean. */
typedef struct dicom_frame {
  bool placed, oriented, scaled, windowed;
  double position[3], directions[2][3]; /* of the first pixel; along a row, along a column; in LPS */
  double spacing[2];                    /* of rows, of columns; 0 where the file does not say */
  double slope, inter;
  double window_centre, window_width;
} dicom_frame;

typedef struct dicom_header {
  dicom_contents contents;
  int64_t rows, columns, frames, samples;
  int64_t channels; /* of what is loaded: the samples, but 3 of a palette's colours */
  dicom_colour colour;
  bool planar;       /* all red samples of a frame, then all green, then all blue */
  bool half_colours; /* YBR_FULL_422: two pixels share their colours, where they are not compressed */
  int bits_allocated, bits_stored, high_bit;
  bool is_signed, is_float;
  bool sigmoid;          /* its windows are not straight */
  bool exact_window;     /* from centre - width / 2 to centre + width / 2, see dicom_window() */
  bool has_lookup_table; /* from stored numbers to those that are meant */
  double slice_spacing;  /* 0 where the file does not say */
  int64_t series_number, instance_number;
  char series[DICOM_UID_BYTES], series_name[DICOM_UID_BYTES], photometric[20];
  /* Below, elements point into the file that was decoded. Red, green and blue of a palette, and what is said of
   * each: */
  dicom_element palette[3], palette_facts[3];
  dicom_element offsets; /* of frames along their normal; without bytes where the file has none */
  dicom_frame common;    /* of all frames */
  dicom_frame *each;     /* owned: `frames` of them, NULL where they do not differ */
} dicom_header;

/* Decodes what a file, or the beginning of one, says of its pixels. Without `whole`, CLI_OK with
 * contents.complete false if more of it is needed. What is stored in h->each is freed by dicom_header_free().
 */
cli_result dicom_decode(file_bytes file, bool whole, dicom_header *h, reason why);

void dicom_header_free(dicom_header *h);

/* The bytes of one frame that is not compressed. */
size_t dicom_frame_bytes(const dicom_header *h);

/* The samples of a pixel in a file that is not compressed: two of YBR_FULL_422, where pixels share colours. */
static inline int64_t dicom_file_samples(const dicom_header *h) {
  return h->half_colours && !h->contents.encapsulated ? 2 : h->samples;
}

/* A frame's own attributes. */
static inline const dicom_frame *dicom_frame_of(const dicom_header *h, int64_t frame) {
  return h->each != NULL ? &h->each[frame] : &h->common;
}

/* What MONOCHROME1, where small numbers are white, is turned round by: a stored number s becomes this less s.
 */
double dicom_inversion(const dicom_header *h);

/* The window of a frame, in its numbers as they are loaded; false if the file has none. */
bool dicom_window(const dicom_header *h, const dicom_frame *frame, double window[2]);

#endif
