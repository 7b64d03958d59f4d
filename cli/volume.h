/* Arrays of voxels as files store them, with the first axis fastest, as the volumes and images of source.h. */
#ifndef BV_CLI_VOLUME_H
#define BV_CLI_VOLUME_H

#include "source.h"

/* Where a file's voxels lie in the patient: voxel (i, j, k) at columns 0 to 2 times i, j, k, plus column 3, in
 * mm; the rows count to the right, to anterior, to superior. */
typedef double voxel_affine[3][4];

typedef struct stored_volume {
  int64_t extent[3];
  int64_t count; /* of volumes, one after the other */
  bool colour;   /* three numbers a voxel, one beside the other: red, green, blue */
  bool alpha;    /* in colour: a fourth beside them, which is dropped */
  bool mixed;    /* the numbers of all volumes lie beside each other, voxel after voxel; not in colour */
  bool oriented; /* the file has the affine; else it is an assumption */
  voxel_affine affine;
  double spacing[3]; /* positive */
} stored_volume;

/* Whether an affine is finite and spans three dimensions. */
bool affine_is_usable(const voxel_affine affine);

/* The distance of neighbours along a voxel axis. */
double affine_spacing(const voxel_affine affine, int voxel_axis);

/* An affine whose rows count to the left, to posterior, to superior (ITK's and DICOM's LPS), in ours. */
void affine_from_lps(voxel_affine affine);

/* Orients a volume whose file does not: as ITK does, with the axes to the left, to posterior and to superior,
 * so that the rows of slices are the file's rows. */
void assume_lps(stored_volume *volume);

/* Describes the numbers in into->memory, of type into->tensor.dtype, by the nearest standard axes. The affine
 * is usable. */
void set_volume(source *into, const stored_volume *volume);

#endif
