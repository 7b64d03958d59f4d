/* Display options: the caller's struct, of whatever version, completed with defaults and checked. */
#ifndef BV_OPTIONS_H
#define BV_OPTIONS_H

#include "batchview/batchview.h"

/* `given` NULL gives the defaults. Checks every field by itself; the mask tensor and the colour map are checked
 * where the batch and the output are known. */
bv_status bv_read_options(const bv_display_options *given, bv_display_options *options);

#endif
