/* Where a rank is: on which host, and on which of its GPUs. Ranks exchange it when they meet, so that two on
 * one GPU are noticed and named before NCCL refuses them. */
#ifndef BV_DDP_PLACE_H
#define BV_DDP_PLACE_H

#include <stdbool.h>
#include <stddef.h>

#include "batchview/ddp.h"

#define DDP_IDENTITY_BYTES 16

typedef struct ddp_place {
  unsigned char host[DDP_IDENTITY_BYTES]; /* a hash of what NCCL too tells hosts apart by */
  unsigned char gpu[DDP_IDENTITY_BYTES];  /* its UUID */
  unsigned char name[DDP_IDENTITY_BYTES]; /* a hash of its name in CUDA_VISIBLE_DEVICES, or of its ordinal */
} ddp_place;

/* Returns BV_OK, BV_ERROR_CUDA. */
bv_status ddp_find_place(int device, ddp_place *place);

/* Whether both are on one GPU, as far as can be told here. NCCL itself refuses what this does not see. */
bool ddp_is_same_gpu(const ddp_place *a, const ddp_place *b);

/* "rank 2 and rank 0 share GPU-... : ..." */
void ddp_say_shared(int rank, int other, const ddp_place *place, char *text, size_t text_bytes);

#endif
