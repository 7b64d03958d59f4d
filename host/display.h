/* From the arguments of a display function to a checked job. */
#ifndef BV_DISPLAY_H
#define BV_DISPLAY_H

#include "job.h"

/* What the caller calls the arguments. */
typedef struct bv_names {
  const char *batch, *windows;
} bv_names;

/* Checks everything. `out` or `windows` are NULL where the operation has none. */
bv_status bv_make_display_job(bv_operation operation, const bv_names *names, const bv_tensor *batch,
                              const bv_tensor *windows, const bv_tensor *out, const bv_display_options *options,
                              bv_job *job);

/* The uint8 conversion of one image of any rank: `out` has its shape, or with `rgb` a last extent of 3 after
 * it. */
bv_status bv_make_stretch_job(const char *name, const bv_tensor *image, const bv_tensor *out, bool rgb,
                              bv_job *job);

#endif
