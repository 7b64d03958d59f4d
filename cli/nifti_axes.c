/* Which way the axes of a NIfTI file point in the patient. */
#include "nifti_axes.h"

#include <math.h>

/* The rotation of a unit quaternion (a, b, c, d), as nifti1.h gives it under METHOD 2. */
static void rotation_of_quaternion(const double quatern[3], double qfac, double matrix[3][3]) {
  double b = quatern[0], c = quatern[1], d = quatern[2];
  double a = 0, length = sqrt(b * b + c * c + d * d);
  if (length < 1)
    a = sqrt(1 - length * length);
  else
    b /= length, c /= length, d /= length; /* a is 0: half a turn, stored with some rounding */
  const double rotation[3][3] = {{a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)},
                                 {2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)},
                                 {2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - c * c - b * b}};
  for (int row = 0; row < 3; ++row)
    for (int column = 0; column < 3; ++column)
      matrix[row][column] = column == 2 && qfac < 0 ? -rotation[row][column] : rotation[row][column];
}

/* Makes the columns, the directions of the voxel axes, of length 1. */
static bool normalize_columns(double matrix[3][3]) {
  for (int column = 0; column < 3; ++column) {
    double largest = 0; /* divided out first, so that no square overflows */
    for (int row = 0; row < 3; ++row)
      largest = fmax(largest, fabs(matrix[row][column]));
    if (!(largest > 0) || !isfinite(largest))
      return false;
    double squares = 0;
    for (int row = 0; row < 3; ++row) {
      if (!isfinite(matrix[row][column]))
        return false;
      matrix[row][column] /= largest;
      squares += matrix[row][column] * matrix[row][column];
    }
    for (int row = 0; row < 3; ++row)
      matrix[row][column] /= sqrt(squares);
  }
  return true;
}

/* The permutation whose axes agree best in total, so that oblique volumes get three different axes too. */
static bool axes_of_matrix(const double directions[3][3], nifti_axes *axes) {
  static const int permutations[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
  double matrix[3][3], best = 0;
  for (int row = 0; row < 3; ++row)
    for (int column = 0; column < 3; ++column)
      matrix[row][column] = directions[row][column];
  if (!normalize_columns(matrix))
    return false;
  const double determinant = matrix[0][0] * (matrix[1][1] * matrix[2][2] - matrix[1][2] * matrix[2][1]) -
                             matrix[0][1] * (matrix[1][0] * matrix[2][2] - matrix[1][2] * matrix[2][0]) +
                             matrix[0][2] * (matrix[1][0] * matrix[2][1] - matrix[1][1] * matrix[2][0]);
  if (fabs(determinant) < 1e-6) /* flat: two axes point the same way */
    return false;
  for (int i = 0; i < 6; ++i) {
    const int *voxel_axis = permutations[i];
    double agreement = 0;
    for (int row = 0; row < 3; ++row)
      agreement += fabs(matrix[row][voxel_axis[row]]);
    if (agreement <= best + 1e-9) /* of equals the one nearer to the file's order */
      continue;
    best = agreement;
    for (int row = 0; row < 3; ++row) {
      axes->voxel_axis[row] = voxel_axis[row];
      axes->reversed[row] = matrix[row][voxel_axis[row]] < 0;
    }
  }
  return true;
}

bool nifti_find_axes(const nifti_placement *placement, nifti_axes *axes) {
  if (placement->sform_code > 0 && axes_of_matrix(placement->sform, axes))
    return true;
  if (placement->qform_code > 0) {
    double matrix[3][3];
    rotation_of_quaternion(placement->quatern, placement->qfac, matrix);
    if (axes_of_matrix((const double(*)[3])matrix, axes))
      return true;
  }
  *axes = (nifti_axes){{0, 1, 2}, {false, false, false}};
  return false;
}
