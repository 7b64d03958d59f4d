/* Failures of the tensorboard component: formatted here, kept by libbatchview's bv_last_error(). */
#ifndef BV_TB_REPORT_H
#define BV_TB_REPORT_H

#include "batchview/tensorboard.h"

/* Stores the message for bv_last_error() of this thread and returns `status`. */
bv_status tb_fail(bv_status status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A failure with its message, brought from one thread to another. */
typedef struct tb_failure {
  bv_status status; /* BV_OK: none */
  char message[512];
} tb_failure;

/* This thread's last one, which had `status`. */
void tb_keep_failure(bv_status status, tb_failure *failure);
bv_status tb_restore_failure(const tb_failure *failure);

/* Returns from the calling function unless `call` succeeds. */
#define TB_TRY(call)                   \
  do {                                 \
    bv_status tb_try_status_ = (call); \
    if (tb_try_status_ != BV_OK)       \
      return tb_try_status_;           \
  } while (0)

#endif
