/* From a file's own axes to the standard ones. */
#include "volume.h"

#include <math.h>
#include <string.h>

/* The voxel axis (0, 1, 2) that runs most nearly along each anatomical axis, patient's left to right, posterior
 * to anterior, inferior to superior, and whether it runs the other way. */
typedef struct voxel_axes {
  int voxel_axis[3];
  bool reversed[3];
} voxel_axes;

static double length_of(const double vector[3]) {
  double largest = 0; /* divided out first, so that no square overflows */
  for (int row = 0; row < 3; ++row)
    largest = fmax(largest, fabs(vector[row]));
  if (!(largest > 0) || !isfinite(largest))
    return largest;
  double squares = 0;
  for (int row = 0; row < 3; ++row)
    squares += vector[row] / largest * (vector[row] / largest);
  return largest * sqrt(squares);
}

double affine_spacing(const voxel_affine affine, int voxel_axis) {
  const double direction[3] = {affine[0][voxel_axis], affine[1][voxel_axis], affine[2][voxel_axis]};
  return length_of(direction);
}

/* The directions of the voxel axes, as columns of length 1. */
static bool find_directions(const voxel_affine affine, double matrix[3][3]) {
  for (int column = 0; column < 3; ++column) {
    const double length = affine_spacing(affine, column);
    if (!(length > 0) || !isfinite(length))
      return false;
    for (int row = 0; row < 3; ++row) {
      if (!isfinite(affine[row][column]) || !isfinite(affine[row][3]))
        return false;
      matrix[row][column] = affine[row][column] / length;
    }
  }
  return true;
}

bool affine_is_usable(const voxel_affine affine) {
  double matrix[3][3];
  if (!find_directions(affine, matrix))
    return false;
  const double determinant = matrix[0][0] * (matrix[1][1] * matrix[2][2] - matrix[1][2] * matrix[2][1]) -
                             matrix[0][1] * (matrix[1][0] * matrix[2][2] - matrix[1][2] * matrix[2][0]) +
                             matrix[0][2] * (matrix[1][0] * matrix[2][1] - matrix[1][1] * matrix[2][0]);
  return fabs(determinant) >= 1e-6; /* else two axes point the same way */
}

/* The permutation whose axes agree best in total, so that oblique volumes get three different axes too. */
static voxel_axes nearest_axes(const voxel_affine affine) {
  static const int permutations[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
  voxel_axes axes = {{0, 1, 2}, {false, false, false}};
  double matrix[3][3], best = 0;
  find_directions(affine, matrix);
  for (int i = 0; i < 6; ++i) {
    const int *voxel_axis = permutations[i];
    double agreement = 0;
    for (int row = 0; row < 3; ++row)
      agreement += fabs(matrix[row][voxel_axis[row]]);
    if (agreement <= best + 1e-9) /* of equals the one nearer to the file's order */
      continue;
    best = agreement;
    for (int row = 0; row < 3; ++row) {
      axes.voxel_axis[row] = voxel_axis[row];
      axes.reversed[row] = matrix[row][voxel_axis[row]] < 0;
    }
  }
  return axes;
}

void affine_from_lps(voxel_affine affine) {
  for (int row = 0; row < 2; ++row)
    for (int column = 0; column < 4; ++column)
      affine[row][column] = -affine[row][column];
}

void assume_lps(stored_volume *volume) {
  memset(volume->affine, 0, sizeof volume->affine);
  for (int axis = 0; axis < 3; ++axis)
    volume->affine[axis][axis] = volume->spacing[axis];
  affine_from_lps(volume->affine);
  volume->oriented = false;
}

static void add_axis(bv_tensor *tensor, int64_t extent, int64_t stride, bool reversed) {
  if (reversed) {
    tensor->data = (char *)tensor->data + (extent - 1) * stride * (int64_t)bv_dtype_size(tensor->dtype);
    stride = -stride;
  }
  tensor->shape[tensor->ndim] = extent;
  tensor->stride[tensor->ndim] = stride;
  ++tensor->ndim;
}

/* The next axis of the grid: a voxel axis and its sense. */
static void add_to_grid(source *into, int axis, const stored_volume *volume, int voxel_axis, bool reversed) {
  source_grid *grid = &into->grid;
  grid->file_axis[axis] = voxel_axis;
  grid->reversed[axis] = reversed;
  grid->extent[axis] = volume->extent[voxel_axis];
  for (int row = 0; row < 3; ++row) {
    const double step = volume->affine[row][voxel_axis];
    grid->affine[row][axis] = reversed ? -step : step;
    grid->affine[row][3] += reversed ? step * (double)(volume->extent[voxel_axis] - 1) : 0;
  }
  into->spacing[axis] = volume->spacing[voxel_axis];
}

void set_volume(source *into, const stored_volume *volume) {
  /* Anatomical axes 0 to the right, 1 to anterior, 2 to superior, in the order and sense of source.h. */
  static const int volume_order[3] = {1, 0, 2};
  static const bool backwards[3] = {true, true, false};
  const voxel_axes axes = nearest_axes(volume->affine);
  const bool image = volume->extent[2] == 1 && volume->count == 1;
  const int64_t samples = !volume->colour ? 1 : volume->alpha ? 4 : 3;
  const int64_t *extent = volume->extent, step = volume->mixed ? volume->count : samples;
  const int64_t stride[4] = {step, step * extent[0], step * extent[0] * extent[1],
                             volume->mixed ? 1 : step * extent[0] * extent[1] * extent[2]};
  int order[3], count = 0;
  if (image) {
    for (int anatomical = 2; anatomical >= 0; --anatomical)
      if (axes.voxel_axis[anatomical] != 2)
        order[count++] = anatomical;
  } else {
    memcpy(order, volume_order, sizeof order);
    count = 3;
  }

  bv_tensor *tensor = &into->tensor;
  tensor->data = into->memory;
  tensor->ndim = 0;
  into->oriented = volume->oriented;
  into->colour = volume->colour;
  into->kind = !image ? SOURCE_VOLUME : volume->colour ? SOURCE_BATCH : SOURCE_IMAGE;
  if (volume->count > 1 || into->kind == SOURCE_BATCH)
    add_axis(tensor, volume->count, stride[3], false);
  if (volume->colour)
    add_axis(tensor, 3, 1, false);
  for (int row = 0; row < 3; ++row)
    into->grid.affine[row][3] = volume->affine[row][3];
  for (int i = 0; i < count; ++i) {
    const int voxel_axis = axes.voxel_axis[order[i]];
    const bool reversed = axes.reversed[order[i]] != backwards[i];
    add_axis(tensor, extent[voxel_axis], stride[voxel_axis], reversed);
    add_to_grid(into, i, volume, voxel_axis, reversed);
  }
  if (image) {
    add_to_grid(into, 2, volume, 2, false);
    into->spacing[2] = 1;
  }
}
