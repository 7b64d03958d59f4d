/* Ranks' calls compared on a device, where they arrive: without a copy to the host, and without a wait. */
#ifndef BV_DDP_COMPARE_H
#define BV_DDP_COMPARE_H

#include "call.h"

#ifdef __cplusplus
extern "C" {
#endif

/* In pinned memory of the host: the first difference that was found. */
typedef struct ddp_difference {
  ddp_call of_rank_0, of_other;
  int32_t other; /* its rank; 0 as long as there is none. Written last */
} ddp_difference;

/* Each returns a cudaError_t. */

/* Loads the kernels for the current device. Later, loading them could wait for work that waits for others. */
int ddp_load_kernels(void);

/* *to = *call, on the stream. The call is copied before this returns. */
int ddp_launch_write_call(ddp_call *to, const ddp_call *call, bv_stream stream);

/* Compares the ranks' calls, on the stream. */
int ddp_launch_compare_calls(const ddp_call *calls, int world_size, ddp_difference *difference,
                             bv_stream stream);

#ifdef __cplusplus
}
#endif

#endif
