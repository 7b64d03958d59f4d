/* Errors: one place that formats, stores and returns them. */
#ifndef BV_STATUS_H
#define BV_STATUS_H

#include "batchview/batchview.h"

/* Stores the message for bv_last_error() of this thread and returns `status`. */
bv_status bv_fail(bv_status status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Returns from the calling function unless `call` succeeds. */
#define BV_TRY(call)                   \
  do {                                 \
    bv_status bv_try_status_ = (call); \
    if (bv_try_status_ != BV_OK)       \
      return bv_try_status_;           \
  } while (0)

#endif
