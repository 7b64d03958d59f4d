/* Where the pixels of a job lie, as kernels walk them: runs of pixels one after another, and lines of them.
 *
 * A line is one run: all pixels along one axis (a row, or a whole plane without gaps). The lines of a group
 * follow each other, and so do the groups: line = group * rows + row. Plain C: host code makes a lines of a
 * job, and kernels take it by value.
 */
#ifndef BV_LINES_H
#define BV_LINES_H

#include "job.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One axis: its extent, and the distance of neighbours along it in each tensor (in elements) and in windows. */
typedef struct bv_line_axis {
  int64_t extent;
  int64_t in, mask, out;
  int64_t window;
} bv_line_axis;

typedef struct bv_lines {
  bv_line_axis run;     /* a thread's pixels follow each other along this */
  bv_line_axis channel; /* extent 3 where a thread packs R, G and B of its pixels, else 1 */
  int32_t ndim;
  bv_line_axis axis[BV_MAX_NDIM]; /* the axes that number the lines, innermost first */
  int64_t rows;                   /* lines of one group */
  int64_t count;                  /* lines of all groups */
} bv_lines;

/* For reading pixels group by group: a channel axis is an axis like any other. */
bv_lines bv_lines_for_measuring(const bv_job *job);

/* For writing pictures: a channel axis becomes `channel`, and is no longer among the lines' axes. */
bv_lines bv_lines_for_applying(const bv_job *job);

#ifdef __cplusplus
}
#endif

#endif
