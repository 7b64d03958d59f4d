/* RLE Lossless frames: PS3.5, G. A segment for each byte of each sample, the most significant first, packed as
 * PackBits does. */
#include <string.h>

#include "dicom_codec.h"
#include "numbers.h"

#define HEADER_BYTES 64
#define MOST_SEGMENTS 15

/* Writes `count` bytes, `step` apart; false if the packed ones do not tell so many. */
static bool unpack_segment(const uint8_t *packed, size_t packed_bytes, uint8_t *to, size_t count, size_t step) {
  size_t at = 0, done = 0;
  while (done < count) {
    if (packed_bytes - at < 2)
      return false;
    const unsigned control = packed[at++];
    if (control == 128) /* nothing */
      continue;
    const bool literal = control < 128;
    size_t run = literal ? control + 1 : 257 - control;
    if (literal && run > packed_bytes - at)
      return false;
    if (run > count - done)
      run = count - done;
    for (size_t i = 0; i < run; ++i)
      to[(done + i) * step] = packed[at + (literal ? i : 0)];
    done += run;
    at += literal ? control + 1 : 1;
  }
  return true;
}

cli_result dicom_unpack_rle(const dicom_header *h, const uint8_t *packed, size_t packed_bytes, uint8_t *frame,
                            reason why) {
  const size_t bytes = (size_t)h->bits_allocated / 8, step = bytes * (size_t)h->samples;
  const size_t pixels = (size_t)(h->rows * h->columns);
  if (packed_bytes < HEADER_BYTES || step > MOST_SEGMENTS || dicom_u32(packed, false) != step)
    return refuse(why, CLI_UNREADABLE,
                  "damaged DICOM file: its RLE frame has not the %zu segments that it needs", step);
  for (size_t segment = 0; segment < step; ++segment) {
    const size_t begin = dicom_u32(packed + 4 + 4 * segment, false);
    const size_t end = segment + 1 < step ? dicom_u32(packed + 8 + 4 * segment, false) : packed_bytes;
    const size_t byte = segment % bytes, place = machine_is_big_endian() ? byte : bytes - 1 - byte;
    if (begin < HEADER_BYTES || begin > end || end > packed_bytes ||
        !unpack_segment(packed + begin, end - begin, frame + segment / bytes * bytes + place, pixels, step))
      return refuse(why, CLI_UNREADABLE, "damaged DICOM file: segment %zu of an RLE frame cannot be unpacked",
                    segment);
  }
  return CLI_OK;
}
