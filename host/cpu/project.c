/* Projections of volumes on the CPU: rows are shared among threads, and stretches of a row are added up along
 * the axis. */
#include "projection.h"

#include "backend.h"
#include "floating.h"
#include "pool.h"
#include "tile_ops.h"

/* Their lines stay in the first-level cache, also where the axis is the innermost. */
#define STRETCH_PIXELS 256
/* Fewer voxels are not worth waking other threads. */
#define LEAST_SHARED_VOXELS 65536

static void project_stretch(const bv_projection *p, const bv_tile_ops *ops, int64_t row, int64_t first,
                            int64_t count) {
  double tile[STRETCH_PIXELS]; /* in the map type */
  bv_projected to[STRETCH_PIXELS] = {{0, 0}};
  const int64_t bytes = (int64_t)bv_dtype_size(p->in_dtype);
  const char *from = (const char *)p->in + (row * p->row_stride + first * p->column_stride) * bytes;
  const bool is_float = ops->real_bytes == sizeof(float);
  for (int64_t depth = 0; depth < p->depth; ++depth) {
    ops->decode(tile, from + depth * p->depth_stride * bytes, p->in_dtype, p->column_stride, count);
    for (int64_t i = 0; i < count; ++i)
      bv_add_value(&to[i], is_float ? (double)((const float *)tile)[i] : tile[i], p->kind);
  }
  for (int64_t i = 0; i < count; ++i) {
    const double value = bv_end_projection(to[i], p->kind);
    const int64_t at = row * p->out_row_stride + (first + i) * p->out_column_stride;
    if (is_float)
      ((float *)p->out)[at] = bv_f32_of_projected(value);
    else
      ((double *)p->out)[at] = value;
  }
}

static void project_row(const void *context, int seat, int64_t row) {
  (void)seat;
  const bv_projection *p = context;
  const bv_tile_ops *ops = bv_tile_ops_for(p->in_dtype);
  for (int64_t first = 0; first < p->columns; first += STRETCH_PIXELS) {
    const int64_t left = p->columns - first;
    project_stretch(p, ops, row, first, left < STRETCH_PIXELS ? left : STRETCH_PIXELS);
  }
}

void bv_cpu_project(const bv_projection *p) {
  bv_call *call = NULL;
  if (p->rows * p->columns * p->depth >= LEAST_SHARED_VOXELS)
    bv_open_call(BV_MOST_THREADS, &call);
  fenv_t callers = bv_enter_arithmetic();
  bv_share_items(call, p->rows, project_row, p);
  bv_leave_arithmetic(&callers);
  bv_close_call(call);
}
