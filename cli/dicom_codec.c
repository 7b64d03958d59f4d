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

/* The bytes of a scan's data: up to the next marker that is none of its own. */
static size_t scan_bytes(const uint8_t *packed, size_t packed_bytes) {
  size_t at = 0;
  while (at + 1 < packed_bytes && !(packed[at] == 0xff && packed[at + 1] >= 0x80 && packed[at + 1] != 0xff &&
                                    (packed[at + 1] < 0xd0 || packed[at + 1] > 0xd7)))
    ++at;
  return at;
}

static cli_result check_frame(const dicom_header *h, const transfer_syntax *known, const uint8_t *segment,
                              reason why) {
  const int rows = dicom_u16(segment + 5, true), columns = dicom_u16(segment + 7, true);
  const bool sequential = segment[1] == 0xc0 || segment[1] == 0xc1 || segment[1] == 0xc3 || segment[1] == 0xf7;
  if (!sequential)
    return refuse(why, CLI_UNSUPPORTED, "DICOM pixels of JPEG's process %d are not supported, only 0, 1 and 3",
                  segment[1] - 0xc0);
  if (rows == h->rows && columns == h->columns && segment[9] == h->samples)
    return CLI_OK;
  return refuse(why, CLI_UNREADABLE,
                "its %s picture is %d x %d with %d samples, and not as the file says %lld x %lld with %lld",
                known->name, columns, rows, segment[9], (long long)h->columns, (long long)h->rows,
                (long long)h->samples);
}

/* Looks at the segments of JPEG and JPEG-LS before a codec does: refuses a picture whose own header asks for
 * another size than the file does, and one with more scans than samples, each of which takes as long as all. */
static cli_result check_picture(const dicom_header *h, const uint8_t *packed, size_t packed_bytes, reason why) {
  const transfer_syntax *known = find_syntax(h->contents.syntax);
  int frames = 0, scans = 0;
  size_t at = 2;
  while (packed_bytes >= 10 && at <= packed_bytes - 10 && packed[at] == 0xff) {
    const unsigned marker = packed[at + 1];
    if (marker == 0xff || marker == 0xd9) { /* may be repeated; the end */
      at += marker == 0xff ? 1 : 2;
      continue;
    }
    const bool frame =
        (marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc) ||
        marker == 0xf7;
    cli_result result = frame ? check_frame(h, known, packed + at, why) : CLI_OK;
    if (result != CLI_OK)
      return result;
    frames += frame;
    at += 2 + (size_t)dicom_u16(packed + at + 2, true);
    if (marker == 0xda && ++scans > h->samples)
      return refuse(why, CLI_UNREADABLE, "damaged DICOM file: its %s picture has more scans than samples",
                    known->name);
    if (marker == 0xda && at < packed_bytes)
      at += scan_bytes(packed + at, packed_bytes - at);
  }
  return frames > 0 ? CLI_OK
                    : refuse(why, CLI_UNREADABLE, "damaged DICOM file: its compressed pixels are no %s picture",
                             known->name);
}

cli_result dicom_unpack(const dicom_header *h, const uint8_t *packed, size_t packed_bytes, uint8_t *frame,
                        bool *rgb, reason why) {
  if (find_syntax(h->contents.syntax)->packing == RLE)
    return dicom_unpack_rle(h, packed, packed_bytes, frame, why);
  cli_result result = check_picture(h, packed, packed_bytes, why);
  return result == CLI_OK ? dicom_unpack_jpeg(h, packed, packed_bytes, frame, rgb, why) : result;
}
