/* Stands in for the module with DCMTK's codecs. */
#include "dicom_codec.h"

cli_result dicom_jpeg_is_there(const char *name, reason why) {
  return refuse(why, CLI_UNSUPPORTED,
                "its DICOM pixels are %s, which this batchview cannot unpack: it was built without DCMTK "
                "(BATCHVIEW_DICOM)",
                name);
}

cli_result dicom_unpack_jpeg(const dicom_header *h, const uint8_t *packed, size_t packed_bytes, uint8_t *frame,
                             bool *rgb, reason why) {
  (void)packed, (void)packed_bytes, (void)frame, (void)rgb;
  return dicom_jpeg_is_there(h->contents.syntax, why);
}
