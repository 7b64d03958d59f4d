/* Statuses in words, and the last error of each thread. */
#include "status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MESSAGE_BYTES 512

static _Thread_local char last_error[MESSAGE_BYTES];

bv_status bv_fail(bv_status status, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(last_error, sizeof last_error, format, arguments);
  va_end(arguments);
  return status;
}

bv_status bv_set_last_error(bv_status status, const char *message) {
  size_t length = message ? strnlen(message, MESSAGE_BYTES - 1) : 0;
  memmove(last_error, message ? message : "", length); /* the message may be bv_last_error() itself */
  last_error[length] = '\0';
  return status;
}

const char *bv_last_error(void) { return last_error; }

const char *bv_status_string(bv_status status) {
  switch (status) {
  case BV_OK: return "success";
  case BV_ERROR_NULL: return "null pointer";
  case BV_ERROR_SHAPE: return "unsupported shape";
  case BV_ERROR_TYPE: return "unsupported element type";
  case BV_ERROR_OVERLAP: return "overlapping memory";
  case BV_ERROR_VALUE: return "value out of range";
  case BV_ERROR_DEVICE: return "wrong device";
  case BV_ERROR_NO_CUDA: return "not built with CUDA";
  case BV_ERROR_WORKSPACE: return "unusable workspace";
  case BV_ERROR_MEMORY: return "out of memory";
  case BV_ERROR_CUDA: return "CUDA error";
  default: return "unknown status";
  }
}
