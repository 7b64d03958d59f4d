/* Whether two files lie on the same grid in the patient, and what to make of them if that does not count. */
#ifndef BV_CLI_GRID_H
#define BV_CLI_GRID_H

#include "reason.h"

/* CLI_OK if neither file has axes in the patient, or if all voxels of the other one, whose role is named in
 * messages, lie where the input's do, by the files or because neither of them says it; else CLI_USAGE and one
 * line in `why`. */
cli_result grid_fits(const source *other, const char *role, const source *input, reason why);

/* Puts the other one on the input's grid: voxel (i, j, k) of its file meets voxel (i, j, k) of the input's. If
 * only one of them has axes in the patient, it is as [H, W, D] that they meet. Images for volumes are laid upon
 * the slices. */
void grid_by_index(source *other, const source *input);

#endif
