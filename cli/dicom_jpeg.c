/* The module with DCMTK's codecs, and one frame for it. */
#include "dicom_jpeg.h"

#include <string.h>

#include "dicom_codec.h"
#include "module.h"

static dicom_jpeg_unpack *find_codec(char *text, size_t text_bytes) {
  static dicom_jpeg_unpack *codec; /* kept: DCMTK registers its codecs once */
  if (codec == NULL) {
    void *symbol = load_from_module("batchview_dicom.so", DICOM_JPEG_UNPACK, text, text_bytes);
    memcpy(&codec, &symbol, sizeof codec); /* POSIX makes a function of it, ISO C has no cast for that */
  }
  return codec;
}

cli_result dicom_jpeg_is_there(const char *name, reason why) {
  char text[256];
  if (find_codec(text, sizeof text) != NULL)
    return CLI_OK;
  return refuse(why, CLI_UNSUPPORTED,
                "its DICOM pixels are %s, and DCMTK, which unpacks them, cannot be loaded: %s", name, text);
}

cli_result dicom_unpack_jpeg(const dicom_header *h, const uint8_t *packed, size_t packed_bytes, uint8_t *frame,
                             bool *rgb, reason why) {
  char text[256] = "";
  dicom_jpeg_frame one = {.syntax = h->contents.syntax,
                          .photometric = h->photometric,
                          .rows = (uint16_t)h->rows,
                          .columns = (uint16_t)h->columns,
                          .samples = (uint16_t)h->samples,
                          .bits_allocated = (uint16_t)h->bits_allocated,
                          .bits_stored = (uint16_t)h->bits_stored,
                          .high_bit = (uint16_t)h->high_bit,
                          .is_signed = h->is_signed,
                          .packed = packed,
                          .packed_bytes = (uint32_t)packed_bytes,
                          .frame = frame,
                          .frame_bytes = (uint32_t)(dicom_frame_bytes(h) + 1) & ~1u};
  dicom_jpeg_unpack *codec = find_codec(text, sizeof text);
  if (codec == NULL)
    return refuse(why, CLI_FAILED, "DCMTK cannot be loaded: %s", text);
  const dicom_jpeg_result result = codec(&one, text, sizeof text);
  *rgb = one.rgb;
  if (result == DICOM_JPEG_NO_MEMORY)
    return refuse(why, CLI_FAILED, "out of memory: DCMTK could not go on");
  if (result == DICOM_JPEG_DAMAGED)
    return refuse(why, CLI_UNREADABLE, "damaged DICOM file: its compressed pixels cannot be unpacked (%s)",
                  text);
  return CLI_OK;
}
