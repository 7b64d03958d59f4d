/* Volumes [H, W, D] along an axis: the two other axes, in their order, are the rows and columns of slices. */
#ifndef BV_VOLUME_H
#define BV_VOLUME_H

#include "batchview/batchview.h"

/* A volume, and an axis that it has. */
bv_status bv_check_volume(const bv_tensor *volume, int axis);

/* There is a slice along the axis. */
bv_status bv_check_depth(const bv_tensor *volume, int axis);

static inline int bv_row_axis(int axis) { return axis == 0 ? 1 : 0; }
static inline int bv_column_axis(int axis) { return axis == 2 ? 1 : 2; }

#endif
