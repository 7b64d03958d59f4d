/* Transfer syntaxes by name, and a look at compressed frames before a codec sees them. */
#include "dicom_codec.h"

#include <string.h>

typedef enum packing { JPEG, JPEG_LS, RLE, UNKNOWN } packing;

typedef struct transfer_syntax {
  const char *uid, *name;
  packing packing;
} transfer_syntax;

static const transfer_syntax syntaxes[] = {
    /* PS3.6, A */
    {"1.2.840.10008.1.2.4.50", "JPEG Baseline", JPEG},
    {"1.2.840.10008.1.2.4.51", "JPEG Extended", JPEG},
    {"1.2.840.10008.1.2.4.57", "JPEG Lossless", JPEG},
    {"1.2.840.10008.1.2.4.70", "JPEG Lossless SV1", JPEG},
    {"1.2.840.10008.1.2.4.80", "JPEG-LS Lossless", JPEG_LS},
    {"1.2.840.10008.1.2.4.81", "JPEG-LS Near-Lossless", JPEG_LS},
    {"1.2.840.10008.1.2.5", "RLE Lossless", RLE},
    {"1.2.840.10008.1.2.4.90", "JPEG 2000 Lossless", UNKNOWN},
    {"1.2.840.10008.1.2.4.91", "JPEG 2000", UNKNOWN},
    {"1.2.840.10008.1.2.4.92", "JPEG 2000 Part 2 Lossless", UNKNOWN},
    {"1.2.840.10008.1.2.4.93", "JPEG 2000 Part 2", UNKNOWN},
    {"1.2.840.10008.1.2.4.94", "JPIP Referenced", UNKNOWN},
    {"1.2.840.10008.1.2.4.95", "JPIP Referenced Deflate", UNKNOWN},
    {"1.2.840.10008.1.2.4.100", "MPEG2 Main Profile", UNKNOWN},
    {"1.2.840.10008.1.2.4.101", "MPEG2 Main Profile High Level", UNKNOWN},
    {"1.2.840.10008.1.2.4.102", "MPEG-4 AVC/H.264 High Profile", UNKNOWN},
    {"1.2.840.10008.1.2.4.103", "MPEG-4 AVC/H.264 BD-compatible", UNKNOWN},
    {"1.2.840.10008.1.2.4.107", "HEVC/H.265 Main Profile", UNKNOWN},
    {"1.2.840.10008.1.2.4.108", "HEVC/H.265 Main 10 Profile", UNKNOWN},
    {"1.2.840.10008.1.2.4.110", "JPEG XL Lossless", UNKNOWN},
    {"1.2.840.10008.1.2.4.111", "JPEG XL JPEG Recompression", UNKNOWN},
    {"1.2.840.10008.1.2.4.112", "JPEG XL", UNKNOWN},
    {"1.2.840.10008.1.2.4.201", "High-Throughput JPEG 2000 Lossless", UNKNOWN},
    {"1.2.840.10008.1.2.4.202", "High-Throughput JPEG 2000 RPCL Lossless", UNKNOWN},
    {"1.2.840.10008.1.2.4.203", "High-Throughput JPEG 2000", UNKNOWN},
};

static const transfer_syntax *find_syntax(const char *uid) {
  for (size_t i = 0; i < sizeof syntaxes / sizeof syntaxes[0]; ++i)
    if (strcmp(uid, syntaxes[i].uid) == 0)
      return &syntaxes[i];
  return NULL;
}

cli_result dicom_syntax_is_plain(const char *syntax, reason why) {
  static const char *const plain[] = {"1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"};
  for (size_t i = 0; i < sizeof plain / sizeof plain[0]; ++i)
    if (strcmp(syntax, plain[i]) == 0)
      return CLI_OK;
  const transfer_syntax *known = find_syntax(syntax);
  return refuse(why, CLI_UNREADABLE,
                "damaged DICOM file: its transfer syntax is %s, and its pixels are no compressed fragments",
                known != NULL ? known->name : syntax);
}

cli_result dicom_codec_takes(const char *syntax, reason why) {
  const transfer_syntax *known = find_syntax(syntax);
  if (known == NULL || known->packing == UNKNOWN)
    return refuse(
        why, CLI_UNSUPPORTED,
        "DICOM pixels of the transfer syntax %s are not supported, only uncompressed ones, JPEG, JPEG-LS "
        "and RLE",
        known != NULL ? known->name : syntax);
  return known->packing == RLE ? CLI_OK : dicom_jpeg_is_there(known->name, why);
}

/* Refuses a picture whose own header asks for another size than the file does: segments up to the frame's
 * header, in JPEG and in JPEG-LS. */
static cli_result check_picture(const dicom_header *h, const uint8_t *packed, size_t packed_bytes, reason why) {
  const transfer_syntax *known = find_syntax(h->contents.syntax);
  size_t at = 2;
  while (packed_bytes >= 10 && at <= packed_bytes - 10 && packed[at] == 0xff) {
    const unsigned marker = packed[at + 1];
    const bool frame =
        (marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc) ||
        marker == 0xf7;
    if (frame) {
      const int rows = dicom_u16(packed + at + 5, true), columns = dicom_u16(packed + at + 7, true);
      if (rows == h->rows && columns == h->columns && packed[at + 9] == h->samples)
        return CLI_OK;
      return refuse(why, CLI_UNREADABLE,
                    "its %s picture is %d x %d with %d samples, and not as the file says %lld x "
                    "%lld with %lld",
                    known->name, columns, rows, packed[at + 9], (long long)h->columns, (long long)h->rows,
                    (long long)h->samples);
    }
    at += marker == 0xff ? 1 : 2 + (size_t)dicom_u16(packed + at + 2, true); /* 0xff may be repeated */
  }
  return refuse(why, CLI_UNREADABLE, "damaged DICOM file: its compressed pixels are no %s picture",
                known->name);
}

cli_result dicom_unpack(const dicom_header *h, const uint8_t *packed, size_t packed_bytes, uint8_t *frame,
                        bool *rgb, reason why) {
  if (find_syntax(h->contents.syntax)->packing == RLE)
    return dicom_unpack_rle(h, packed, packed_bytes, frame, why);
  cli_result result = check_picture(h, packed, packed_bytes, why);
  return result == CLI_OK ? dicom_unpack_jpeg(h, packed, packed_bytes, frame, rgb, why) : result;
}
