/* Failures of the ddp component: formatted here, kept by libbatchview's bv_last_error(). */
#ifndef BV_DDP_REPORT_H
#define BV_DDP_REPORT_H

#include "batchview/ddp.h"

/* Stores the message for bv_last_error() of this thread and returns `status`. */
bv_status ddp_fail(bv_status status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same failure again, with `more` at the end of its message. */
bv_status ddp_fail_again(bv_status status, const char *more);

/* A failure with its message, kept while something else may fail. */
typedef struct ddp_failure {
  bv_status status;
  char message[512];
} ddp_failure;

void ddp_keep_failure(bv_status status, ddp_failure *failure);
bv_status ddp_restore_failure(const ddp_failure *failure);

/* Returns from the calling function unless `call` succeeds. */
#define DDP_TRY(call)                   \
  do {                                  \
    bv_status ddp_try_status_ = (call); \
    if (ddp_try_status_ != BV_OK)       \
      return ddp_try_status_;           \
  } while (0)

#endif
