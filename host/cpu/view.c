/* Views of volumes on the CPU: rows of pixels are shared among threads. */
#include "view.h"

#include "backend.h"
#include "floating.h"
#include "pool.h"

/* Fewer pixels are not worth waking other threads. */
#define LEAST_SHARED_PIXELS 8192

static void draw_row(const void *context, int seat, int64_t row) {
  (void)seat;
  const bv_view *view = context;
  const bv_view_map map = bv_map_of_view(view);
  const bv_between y = bv_find_between(view->rows, view->out_rows, row);
  for (int64_t column = 0; column < view->out_columns; ++column)
    bv_draw_pixel(view, &map, y, row, column);
}

void bv_cpu_view(const bv_view *view) {
  bv_call *call = NULL;
  if (view->out_rows * view->out_columns >= LEAST_SHARED_PIXELS)
    bv_open_call(BV_MOST_THREADS, &call);
  fenv_t callers = bv_enter_arithmetic();
  bv_share_items(call, view->out_rows, draw_row, view);
  bv_leave_arithmetic(&callers);
  bv_close_call(call);
}

int64_t bv_stretched_extent(int64_t extent, double spacing, double finest) {
  return bv_stretch_extent(extent, spacing, finest);
}
