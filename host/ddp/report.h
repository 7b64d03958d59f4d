/* Failures of the ddp component: formatted here, kept by libbatchview's bv_last_error(). */
#ifndef BV_DDP_REPORT_H
#define BV_DDP_REPORT_H

#include "batchview/ddp.h"

/* Stores the message for bv_last_error() of this thread and returns `status`. */
bv_status ddp_fail(bv_status status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Returns from the calling function unless `call` succeeds. */
#define DDP_TRY(call)                   \
  do {                                  \
    bv_status ddp_try_status_ = (call); \
    if (ddp_try_status_ != BV_OK)       \
      return ddp_try_status_;           \
  } while (0)

#endif
