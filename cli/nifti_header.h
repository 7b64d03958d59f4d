/* Headers of NIfTI-1, NIfTI-2 and Analyze 7.5 files. */
#ifndef BV_CLI_NIFTI_HEADER_H
#define BV_CLI_NIFTI_HEADER_H

#include "reader.h"
#include "volume.h"

#define NIFTI1_BYTES 348 /* Analyze 7.5 too */
#define NIFTI2_BYTES 540

/* The fields of a header that say where its voxels lie. */
typedef struct nifti_placement {
  int qform_code, sform_code;
  double qfac;        /* pixdim[0] */
  double quatern[3];  /* b, c, d */
  double qoffset[3];  /* x, y, z */
  voxel_affine sform; /* rows x, y, z */
  double pixdim[3];
  int analyze_orient; /* -1: the header is NIfTI's */
} nifti_placement;

typedef struct nifti_header {
  bool big_endian;
  bool pair;      /* the voxels lie in a file of their own */
  int bytes;      /* of the header */
  int64_t dim[8]; /* all positive; those that are not used are 1 */
  int datatype;
  double vox_offset;
  double slope, inter; /* value = slope * number + inter; slope is 0 without scaling */
  nifti_placement placement;
} nifti_header;

/* Reads the header and checks all of it but `placement`, which nothing depends on that could go wrong. */
cli_result nifti_decode(file_bytes file, nifti_header *header, reason why);

/* The affine of the sform, else of the qform. Without a usable one of either it is made of the spacing, for
 * axes to the right, anterior, superior, or as Analyze has them, and the result is false. */
bool nifti_affine(const nifti_placement *placement, voxel_affine affine);

#endif
