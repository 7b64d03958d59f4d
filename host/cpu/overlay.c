/* Labels and images over pictures on the CPU: parts of lines are shared among threads. */
#include "overlay.h"

#include "backend.h"
#include "floating.h"
#include "pool.h"

/* Fewer pixels are not worth waking other threads. */
#define LEAST_SHARED_PIXELS 65536

static void overlay_part(const void *context, int seat, int64_t part) {
  (void)seat;
  bv_overlay_part(context, part, 0, 1);
}

void bv_cpu_overlay(const bv_overlay *overlay) {
  bv_call *call = NULL;
  if (overlay->lines.count * overlay->lines.run.extent >= LEAST_SHARED_PIXELS)
    bv_open_call(BV_MOST_THREADS, &call);
  fenv_t callers = bv_enter_arithmetic();
  bv_share_items(call, bv_overlay_parts(overlay), overlay_part, overlay);
  bv_leave_arithmetic(&callers);
  bv_close_call(call);
}
