/* Which way the axes of a NIfTI file point in the patient. */
#ifndef BV_CLI_NIFTI_AXES_H
#define BV_CLI_NIFTI_AXES_H

#include <stdbool.h>

/* The fields of a NIfTI header that say where its voxels lie. */
typedef struct nifti_placement {
  int qform_code, sform_code;
  double qfac;        /* pixdim[0] */
  double quatern[3];  /* b, c, d */
  double sform[3][3]; /* x, y, z rows of the affine, without the offsets */
  double pixdim[3];
} nifti_placement;

/* The voxel axis (0, 1, 2) that runs most nearly along each anatomical axis, patient's left to right, posterior
 * to anterior, inferior to superior, and whether it runs the other way. */
typedef struct nifti_axes {
  int voxel_axis[3];
  bool reversed[3];
} nifti_axes;

/* The axes from the sform, else the qform; false if the file has neither, or none that is finite and spans
 * three dimensions: then the axes are the file's own. */
bool nifti_find_axes(const nifti_placement *placement, nifti_axes *axes);

#endif
