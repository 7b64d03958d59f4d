/* DICOM files: one picture, or the frames of a volume, by a small strict reader of the standard's parts 3,
 * 5, 10.
 *
 * No library reads the elements: DCMTK and GDCM make an object of each, and go as deep into sequences as the
 * file does. DCMTK's codecs unpack JPEG where they are there (dicom_jpeg.h): they can be given one frame, apart
 * from its file. */
#include <stdlib.h>

#include "dicom_volume.h"
#include "input.h"

#define LONG_HEADER ((size_t)1 << 22) /* a longer one is not looked at again and again while it is read */

cli_result dicom_extent(file_bytes beginning, size_t *bytes, reason why) {
  dicom_header h;
  cli_result result = dicom_decode(beginning, false, &h, why);
  if (result == CLI_OK && h.contents.complete && !h.contents.encapsulated)
    *bytes = h.contents.pixels_offset + h.contents.pixels_bytes;
  else if (result == CLI_OK && (h.contents.complete || beginning.size > LONG_HEADER))
    *bytes = INPUT_ALL;
  return result;
}

static cli_result read_frames(const dicom_header *h, file_bytes file, source *into, reason why) {
  dicom_slice *slices = NULL;
  stored_volume volume;
  size_t count = 0;
  cli_result result = dicom_check_size(h, file.size, why);
  if (result == CLI_OK)
    result = dicom_add_slices(h, 0, &slices, &count, why);
  if (result == CLI_OK)
    result = dicom_arrange(slices, count, h, &volume, into, why);
  const bool scaled = result == CLI_OK && dicom_is_scaled(slices, count);
  if (result == CLI_OK)
    result = dicom_allocate(h, count, scaled, into, why);
  if (result == CLI_OK)
    result = dicom_load_slices(h, file, slices, count, scaled, into, why);
  if (result == CLI_OK)
    set_volume(into, &volume);
  free(slices);
  return result;
}

cli_result read_dicom(file_bytes file, source *into, reason why) {
  dicom_header h;
  cli_result result = dicom_decode(file, true, &h, why);
  if (result == CLI_OK)
    result = read_frames(&h, file, into, why);
  dicom_header_free(&h);
  return result;
}
