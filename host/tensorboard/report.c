/* Statuses of the tensorboard component in words, and its failures. */
#include "report.h"

#include <stdarg.h>
#include <stdio.h>

bv_status tb_fail(bv_status status, const char *format, ...) {
  char message[512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  return bv_set_last_error(status, message);
}

void tb_keep_failure(bv_status status, tb_failure *failure) {
  failure->status = status;
  snprintf(failure->message, sizeof failure->message, "%s", bv_last_error());
}

bv_status tb_restore_failure(const tb_failure *failure) {
  return bv_set_last_error(failure->status, failure->message);
}

const char *bv_tb_status_string(bv_status status) {
  return status == BV_TB_ERROR_FILE ? "log file error" : bv_status_string(status);
}
