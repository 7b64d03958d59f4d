/* Statuses of the ddp component in words, and its failures. */
#include "report.h"

#include <stdarg.h>
#include <stdio.h>

bv_status ddp_fail(bv_status status, const char *format, ...) {
  char message[512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  return bv_set_last_error(status, message);
}

bv_status ddp_fail_again(bv_status status, const char *more) {
  ddp_failure failure;
  ddp_keep_failure(status, &failure);
  return ddp_fail(status, "%s%s", failure.message, more);
}

void ddp_keep_failure(bv_status status, ddp_failure *failure) {
  failure->status = status;
  snprintf(failure->message, sizeof failure->message, "%s", bv_last_error());
}

bv_status ddp_restore_failure(const ddp_failure *failure) {
  return bv_set_last_error(failure->status, failure->message);
}

const char *bv_ddp_status_string(bv_status status) {
  switch (status) {
  case BV_DDP_ERROR_RANK: return "impossible rank or world size";
  case BV_DDP_ERROR_ENVIRONMENT: return "unusable launcher environment";
  case BV_DDP_ERROR_NETWORK: return "network error";
  case BV_DDP_ERROR_REFUSED: return "refused by rank 0";
  case BV_DDP_ERROR_TIMEOUT: return "deadline passed";
  case BV_DDP_ERROR_PEER: return "another rank is lost";
  case BV_DDP_ERROR_GROUP: return "broken group";
  case BV_DDP_ERROR_BACKEND: return "backend not available";
  case BV_DDP_ERROR_MPI: return "MPI error";
  case BV_DDP_ERROR_NCCL: return "NCCL error";
  case BV_DDP_ERROR_MISMATCH: return "ranks disagree about a call";
  default: return bv_status_string(status);
  }
}
