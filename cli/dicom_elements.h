/* The elements of DICOM files, one after the other, up to the pixels. */
#ifndef BV_CLI_DICOM_ELEMENTS_H
#define BV_CLI_DICOM_ELEMENTS_H

#include "reader.h"

#define DICOM_UID_BYTES 65          /* the longest identifier, and a zero */
#define DICOM_MAX_DEPTH 32          /* of sequences in each other: no sound file has as many */
#define DICOM_UNDEFINED 0xffffffffu /* a length: a delimiter ends it */

typedef struct dicom_element {
  uint32_t tag; /* group and element number: 0x00280010 is (0028,0010) */
  const uint8_t *value;
  size_t bytes;
  bool big_endian;
  int depth;                           /* 0: of the data set itself */
  uint32_t sequences[DICOM_MAX_DEPTH]; /* `depth` of them: the sequences that it lies in */
  int64_t items[DICOM_MAX_DEPTH];      /* and the number of the item in each */
} dicom_element;

/* Told each element of the data set itself and of the sequences of functional groups, sequences without their
 * bytes; others are skipped. */
typedef void dicom_visitor(void *context, const dicom_element *element);

typedef struct dicom_contents {
  char syntax[DICOM_UID_BYTES], storage[DICOM_UID_BYTES]; /* transfer syntax; class of what is stored, or "" */
  bool big_endian;
  bool complete;       /* the walk came to the pixels, or to the end of the file */
  uint32_t pixels_tag; /* 0 without pixels */
  size_t pixels_offset, pixels_bytes;
  bool words;        /* of 16 bits, whatever the pixels' are */
  bool encapsulated; /* the pixels are fragments: items up to a delimiter, their length is unknown */
} dicom_contents;

/* Walks through a file, or the beginning of one, without recursion beyond DICOM_MAX_DEPTH and without memory.
 */
cli_result dicom_walk(file_bytes file, bool whole, dicom_visitor *visit, void *context,
                      dicom_contents *contents, reason why);

uint32_t dicom_u32(const uint8_t *at, bool big_endian);
uint16_t dicom_u16(const uint8_t *at, bool big_endian);

#endif
