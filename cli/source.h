/* What a file held: pixels in memory, and what the file says about looking at them. */
#ifndef BV_CLI_SOURCE_H
#define BV_CLI_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "batchview/batchview.h"

/* Exit codes of the program, and results of its parts. */
typedef enum cli_result {
  CLI_OK = 0,
  CLI_USAGE = 2,       /* the command line is wrong */
  CLI_UNREADABLE = 3,  /* a file cannot be opened, is cut off, or is not what it claims */
  CLI_UNSUPPORTED = 4, /* a sound file of a kind that batchview does not take */
  CLI_WRITE = 5,       /* an output cannot be written */
  CLI_FAILED = 6,      /* the library failed: out of memory, for example */
  CLI_PARTLY = 7       /* some of many pictures could not be made; the others are */
} cli_result;

typedef enum source_kind {
  SOURCE_IMAGE,  /* [H, W]; a colour picture is a SOURCE_BATCH [1, 3, H, W] */
  SOURCE_VOLUME, /* [H, W, D], or a series of volumes [T, H, W, D]; in colour [3, H, W, D], [T, 3, H, W, D] */
  SOURCE_BATCH   /* [B, C, H, W] */
} source_kind;

/* Where a volume's voxels lie, along H, W and D; or an image's: along rows, columns and through the slice. The
 * affine gives the place of the voxel at an index along these, in mm to the right, to anterior, to superior. */
typedef struct source_grid {
  int64_t extent[3];
  int file_axis[3]; /* which of the file's axes each of them is */
  bool reversed[3]; /* whether it runs the other way than in the file */
  double affine[3][4];
} source_grid;

/* How each format arrives:
 *
 * NIfTI: one slice is an image, more are a volume or a series, and so are dimensions beyond the third. The
 * sform, else the qform, says where the axes point; they are brought to the nearest standard ones: in volumes H
 * runs from anterior to posterior, W from the patient's right to left, D from inferior to superior, so that
 * slices along axis 2 are axial pictures in radiological display. An image has superior or anterior at its top,
 * and the patient's right, or anterior, at its left. Without either form the file's axes count as right,
 * anterior, superior (NIfTI's method 1), in Analyze 7.5 pairs as left, anterior, superior, or as their field
 * `orient` has them, and `oriented` is false. Colours are u8, their alpha is dropped. Types stay as stored;
 * with scl_slope and scl_inter (rounded once from float64) 8- and 16-bit integers and f32 become f32, the
 * others f64.
 *
 * NRRD: the same by `space` and `space directions`. Without a patient's space the axes count as left,
 * posterior, superior, as in ITK. Axes that are not of space make a series, those of kind RGB-color colours.
 *
 * DICOM: the same by the positions and orientations of frames, or of the files of a directory, which are one
 * volume, a series where several lie at each position; without them in the order of frames, or of instance
 * numbers. Numbers are rescaled where the file says so; MONOCHROME1 is turned round, so that small is black.
 *
 * MetaImage: the same by TransformMatrix; without it the axes count as left, posterior, superior, as in ITK.
 * Channels are a series, three or four of bytes colours.
 *
 * MGH: the same by the directions that its header has if goodRASFlag says so; else as FreeSurfer, which takes
 * it for coronal. Frames are a series.
 *
 * NumPy: 2 dimensions are an image, 3 a volume, 4 a batch; u8 of [H, W, 3] or [H, W, 4] is a picture in colour,
 * a batch [1, 3, H, W]. Booleans are u8.
 *
 * PNG: grey is an image, colour a batch [1, 3, H, W]; u8 or u16. Alpha is dropped. Smaller depths become u8.
 * Texts, profiles and the like are skipped.
 *
 * TIFF: one grey page is an image; colour or several pages, which must agree, a batch [pages, 1 or 3, H, W].
 * Alpha is dropped.
 *
 * 64-bit integers become f64 if all of them fit exactly, and are refused otherwise. Any format may be
 * gzip-compressed. Memory is bounded: what a header claims is compared with what the file can hold before
 * anything is allocated, and neither a file nor its pixels may take more than a third of the machine's memory.
 * Of DICOM, MetaImage, MGH, NIfTI, NRRD and NumPy files nothing is read or unpacked that their headers do not
 * ask for.
 */
typedef struct source {
  source_kind kind;
  bv_tensor tensor; /* CPU; data points into `memory`, strides as the file has them; no extent is 0 */
  void *memory;     /* owned */
  size_t memory_bytes;
  bool colour;   /* SOURCE_VOLUME: its last axis but three has red, green and blue */
  bool oriented; /* the file says where its axes point, and they have been brought to the standard ones */
  int samples;   /* of a .npy picture in colour, perhaps meant as a volume: its last extent, 3 or 4; else 0 */
  source_grid grid; /* all 0 where a format has no axes in the patient */
  /* Distance of neighbours along the last two (image, batch) or three (volume) axes, in mm or any unit; all 1
   * when the file does not say. */
  double spacing[3];
  bool windowed;     /* the file says which window is meant for it: */
  double window[2];  /* its lowest and its highest number */
  char format[16];   /* "dicom", "metaimage", "mgh", "nifti", "npy", "nrrd", "png", "tiff" */
  char warning[160]; /* what is odd about the file and yet no reason to refuse it: one line, or "" */
} source;

/* Reads `path` ("-" for standard input), telling the format by its content. On failure writes one line
 * without a newline to `reason` (it names neither the program nor the file) and leaves `into` empty. */
cli_result source_read(const char *path, source *into, char *reason, size_t reason_bytes);

/* The same from memory, which is not kept: what every reader is fuzzed through. */
cli_result source_parse(const void *bytes, size_t size, source *into, char *reason, size_t reason_bytes);

/* Makes a volume [H, W, D] of a .npy array that was taken for a picture in colour; others stay as they are. */
void source_as_volume(source *into);

void source_free(source *into);

#endif
