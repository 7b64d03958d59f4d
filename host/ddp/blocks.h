/* Device memory for calls of a group. It comes from the device's memory pool, in the order of the stream. Where
 * there is none (fractional vGPUs), the group keeps blocks: one is lent again when the stream that had it last
 * has done its work, so that nothing is waited for, or freed, in a call. */
#ifndef BV_DDP_BLOCKS_H
#define BV_DDP_BLOCKS_H

#include <stddef.h>

#include "batchview/ddp.h"

typedef struct ddp_block ddp_block;

/* Of a group: none at first. */
typedef struct ddp_blocks {
  ddp_block *first;
} ddp_blocks;

/* `bytes` of the current device, for work on `stream` until ddp_release. */
bv_status ddp_allocate(ddp_blocks *blocks, void **memory, size_t bytes, bv_stream stream);
void ddp_release(ddp_blocks *blocks, void *memory, bv_stream stream);

/* What was kept; waits for the device. */
void ddp_free_blocks(ddp_blocks *blocks);

#endif
