/* What ranks tell each other of a call before they begin it, so that those who would do something else do
 * nothing. */
#ifndef BV_DDP_CALL_H
#define BV_DDP_CALL_H

#include <stdint.h>

#include "batchview/ddp.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { DDP_MEASURE = 1, DDP_NORMALIZE, DDP_EXCHANGE_COUNTS, DDP_GATHER, DDP_BARRIER, DDP_FINISH, DDP_SET_UP };

/* Travels between the ranks as it lies in memory, 21 words of 8 bytes. What an operation does
 * not look at is 0. */
typedef struct ddp_call {
  int32_t operation;
  int32_t is_failure; /* 1: this rank cannot do it, for `status`; all below is 0 */

  int32_t dtype; /* of the batch */
  int32_t foreground, window, rounding;
  double low, high, lo, hi, epsilon, floor;
  uint64_t colour_map; /* its hash, 0 without one */

  uint64_t counts; /* the hash of all ranks' numbers of pictures */
  int32_t ndim;    /* of the pictures */
  int32_t padding;
  int64_t extents[BV_MAX_NDIM - 1]; /* after N */

  /* From here on ranks may differ. */
  int64_t count; /* of pictures, for the others */
  int64_t status;
} ddp_call;

/* The words that all ranks have the same. */
#define DDP_CALL_COMMON_WORDS 19

/* The function's name. */
const char *ddp_operation_name(int32_t operation);

/* Two numbers of one value are one, zeros too. */
void ddp_describe_window(const bv_tensor *batch, const bv_display_options *options, ddp_call *call);

/* What drawing looks at too. */
void ddp_describe_drawing(const bv_display_options *options, ddp_call *call);

void ddp_describe_gather(const bv_tensor *pictures, const int64_t *counts, int world_size, ddp_call *call);

/* The first rank whose call is not rank 0's, or `world_size`. */
int ddp_find_difference(const ddp_call *calls, int world_size);

/* BV_DDP_ERROR_MISMATCH, with a message that says what is different. */
bv_status ddp_report_difference(const ddp_call *of_rank_0, const ddp_call *of_other, int other);

#ifdef __cplusplus
}
#endif

#endif
