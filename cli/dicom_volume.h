/* Frames of DICOM files, put in order as the volumes that they are. */
#ifndef BV_CLI_DICOM_VOLUME_H
#define BV_CLI_DICOM_VOLUME_H

#include "dicom_pixels.h"
#include "volume.h"

/* A frame of a file. */
typedef struct dicom_slice {
  size_t file;   /* its number; */
  int64_t frame; /* in it */
  int64_t instance;
  dicom_frame facts;
  bool windowed; /* the file says which window is meant for it: */
  double window[2];
  double along; /* where it lies on the normal of its plane, set by dicom_arrange() */
  size_t place; /* its number among all slices of all volumes, set by dicom_arrange() */
} dicom_slice;

/* Puts `count` slices of the pixels that `h` describes in order: by their positions along the normal, where
 * they have some; several at each position make a series, in the order of instance numbers and frames. Slices
 * without positions stay in that order. Fills all of *volume but its colours. Refuses slices that do not lie
 * side by side, and warns about distances that differ. */
cli_result dicom_arrange(dicom_slice *slices, size_t count, const dicom_header *h, stored_volume *volume,
                         source *into, reason why);

/* Appends the slices of a decoded file to an array that is reallocated. */
cli_result dicom_add_slices(const dicom_header *h, size_t file, dicom_slice **slices, size_t *count,
                            reason why);

/* Whether any of the slices has numbers to be scaled; then those of all are. */
bool dicom_is_scaled(const dicom_slice *slices, size_t count);

/* Allocates into->memory for `count` slices like those of `h`. */
cli_result dicom_allocate(const dicom_header *h, size_t count, bool scaled, source *into, reason why);

/* Loads the slices of one file to their places. */
cli_result dicom_load_slices(const dicom_header *h, file_bytes file, const dicom_slice *slices, size_t count,
                             bool scaled, source *into, reason why);

#endif
