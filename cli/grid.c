/* Comparing and turning grids. */
#include "grid.h"

#include <inttypes.h>
#include <math.h>

#define MOST_VOXELS 0.01 /* between voxels at the same place: rounding in headers stays far below it */

static bool has_grid(const source *file) { return file->grid.extent[0] > 0; }

/* The largest distance in mm of the same corner in both grids. */
static double corner_distance(const source_grid *a, const source_grid *b) {
  double largest = 0;
  for (int corner = 0; corner < 8; ++corner) {
    double squares = 0;
    for (int row = 0; row < 3; ++row) {
      double apart = a->affine[row][3] - b->affine[row][3];
      for (int axis = 0; axis < 3; ++axis)
        if (corner >> axis & 1)
          apart += (a->affine[row][axis] - b->affine[row][axis]) * (double)(a->extent[axis] - 1);
      squares += apart * apart;
    }
    if (!(sqrt(squares) <= largest))
      largest = sqrt(squares);
  }
  return largest;
}

static double finest_spacing(const source *file) {
  return fmin(file->spacing[0],
              file->kind == SOURCE_VOLUME ? fmin(file->spacing[1], file->spacing[2]) : file->spacing[1]);
}

#define WAY_OUT "; --mask-grid ignore takes the %s's voxels for the input's"

cli_result grid_fits(const source *other, const char *role, const source *input, reason why) {
  const source_grid *a = &other->grid, *b = &input->grid;
  if (!has_grid(other) && !has_grid(input))
    return CLI_OK;
  if (other->oriented != input->oriented)
    return refuse(why, CLI_USAGE, "the %s does not say where its axes point, and the %s does" WAY_OUT,
                  input->oriented ? role : "input", input->oriented ? "input" : role, role);
  if (has_grid(other) != has_grid(input))
    return refuse(why, CLI_USAGE, "only the %s has axes in the patient" WAY_OUT,
                  has_grid(other) ? role : "input", role);
  for (int axis = 0; axis < 3; ++axis)
    if (a->extent[axis] != b->extent[axis])
      return refuse(why, CLI_USAGE,
                    "the %s's grid is %" PRId64 " x %" PRId64 " x %" PRId64 ", the input's %" PRId64
                    " x %" PRId64 " x %" PRId64 WAY_OUT,
                    role, a->extent[0], a->extent[1], a->extent[2], b->extent[0], b->extent[1], b->extent[2],
                    role);
  const double distance = corner_distance(a, b);
  if (!(distance <= MOST_VOXELS * finest_spacing(input)))
    return refuse(why, CLI_USAGE,
                  "the %s lies elsewhere: its voxels are up to %.3g mm from the input's" WAY_OUT, role,
                  distance, role);
  return CLI_OK;
}

static void reverse(bv_tensor *tensor, int axis) {
  tensor->data = (char *)tensor->data +
                 (tensor->shape[axis] - 1) * tensor->stride[axis] * (int64_t)bv_dtype_size(tensor->dtype);
  tensor->stride[axis] = -tensor->stride[axis];
}

static void turn_axes(source *other, const source *input) {
  const source_grid *from = &other->grid, *to = &input->grid;
  const int axes = other->kind == SOURCE_VOLUME ? 3 : 2, leading = other->tensor.ndim - axes;
  int axis_of_file[3] = {0, 1, 2};
  for (int axis = 0; axis < axes; ++axis) {
    if (from->reversed[axis])
      reverse(&other->tensor, leading + axis);
    axis_of_file[from->file_axis[axis]] = axis;
  }
  const bv_tensor stored = other->tensor;
  for (int axis = 0; axis < axes; ++axis) {
    const int source_axis = leading + axis_of_file[to->file_axis[axis]];
    other->tensor.shape[leading + axis] = stored.shape[source_axis];
    other->tensor.stride[leading + axis] = stored.stride[source_axis];
    if (to->reversed[axis])
      reverse(&other->tensor, leading + axis);
  }
}

void grid_by_index(source *other, const source *input) {
  if ((other->kind == SOURCE_VOLUME) != (input->kind == SOURCE_VOLUME))
    return;
  if (has_grid(other) && has_grid(input))
    turn_axes(other, input);
  other->grid = input->grid; /* sliced like it, too */
}
