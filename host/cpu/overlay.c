/* Labels over pictures on the CPU: parts of lines are shared among threads. */
#include "overlay.h"

#include "backend.h"
#include "pool.h"

/* Fewer pixels are not worth waking other threads. */
#define LEAST_SHARED_PIXELS 65536

static void overlay_part(const void *context, int seat, int64_t part) {
  (void)seat;
  const bv_overlay *o = context;
  const int64_t parts = bv_overlay_parts_of_line(o), line = part / parts;
  const int64_t begin = part % parts * BV_OVERLAY_PART, left = o->lines.run.extent - begin;
  bv_overlay_run(o, line, begin, begin + (left < BV_OVERLAY_PART ? left : BV_OVERLAY_PART), 1);
}

void bv_cpu_overlay(const bv_overlay *overlay) {
  bv_call *call = NULL;
  if (overlay->lines.count * overlay->lines.run.extent >= LEAST_SHARED_PIXELS)
    bv_open_call(BV_MOST_THREADS, &call);
  bv_share_items(call, overlay->lines.count * bv_overlay_parts_of_line(overlay), overlay_part, overlay);
  bv_close_call(call);
}
