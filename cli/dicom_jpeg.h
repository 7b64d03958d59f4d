/* JPEG and JPEG-LS frames of DICOM files, by DCMTK: a module of its own (dicom_module.cpp), which the program
 * loads when it meets the first of them, for DCMTK takes longer to start than the program does. */
#ifndef BV_CLI_DICOM_JPEG_H
#define BV_CLI_DICOM_JPEG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the codecs need to know of a frame, and where it goes: rows x columns x samples of bits_allocated, in
 * the machine's byte order, samples beside each other. */
typedef struct dicom_jpeg_frame {
  const char *syntax, *photometric;
  uint16_t rows, columns, samples, bits_allocated, bits_stored, high_bit, is_signed;
  const uint8_t *packed;
  uint32_t packed_bytes;
  uint8_t *frame;
  uint32_t frame_bytes; /* even, as DCMTK wants it */
  bool rgb;             /* set: its colours are red, green and blue now */
} dicom_jpeg_frame;

typedef enum dicom_jpeg_result { DICOM_JPEG_OK, DICOM_JPEG_DAMAGED, DICOM_JPEG_NO_MEMORY } dicom_jpeg_result;

/* The module's function, and its name for dlsym(): `text` gets what DCMTK says of a failure. */
typedef dicom_jpeg_result dicom_jpeg_unpack(dicom_jpeg_frame *frame, char *text, size_t text_bytes);
#define DICOM_JPEG_UNPACK "batchview_dicom_unpack"

#endif
