/* Compressed pixels of DICOM files: RLE, and JPEG and JPEG-LS by DCMTK where that is there.
 */
#ifndef BV_CLI_DICOM_CODEC_H
#define BV_CLI_DICOM_CODEC_H

#include "dicom_header.h"

/* CLI_OK if pixels of this transfer syntax are not compressed. */
cli_result dicom_syntax_is_plain(const char *syntax, reason why);

/* CLI_OK if compressed pixels of this transfer syntax can be unpacked; else refuses them by its name. */
cli_result dicom_codec_takes(const char *syntax, reason why);

/* Unpacks one frame of dicom_frame_bytes(), beside which there is room for one more, in the machine's byte
 * order, samples beside each other; *rgb tells whether its colours are red, green and blue then. */
cli_result dicom_unpack(const dicom_header *h, const uint8_t *packed, size_t packed_bytes, uint8_t *frame,
                        bool *rgb, reason why);

/* The same of RLE, whose colours stay what they are. */
cli_result dicom_unpack_rle(const dicom_header *h, const uint8_t *packed, size_t packed_bytes, uint8_t *frame,
                            reason why);

/* The same of JPEG and JPEG-LS, by DCMTK, where that is there. */
cli_result dicom_unpack_jpeg(const dicom_header *h, const uint8_t *packed, size_t packed_bytes, uint8_t *frame,
                             bool *rgb, reason why);

/* CLI_OK if it is there; else refuses pixels of this name. */
cli_result dicom_jpeg_is_there(const char *name, reason why);

#endif
