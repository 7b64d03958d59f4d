/* Who this process is, as its launcher says in environment variables. */
#ifndef BV_DDP_ENVIRONMENT_H
#define BV_DDP_ENVIRONMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "batchview/ddp.h"

#define DDP_HOST_BYTES 256 /* a DNS name has at most 253 characters */

typedef struct ddp_launch {
  int rank, world_size;
  int local_rank;            /* -1 where nobody says */
  char host[DDP_HOST_BYTES]; /* where rank 0 is; "" where nobody says */
  uint64_t job;              /* the same in all ranks of a job, another in other jobs */
  int port;                  /* given, or made from `job` */
} ddp_launch;

/* rank and world_size both -1: from the environment. Else they are checked and taken, and the rest is read
 * where it is there. What `options` gives (address, job, port) goes before the environment. Returns BV_OK,
 * BV_ERROR_VALUE, BV_DDP_ERROR_RANK, BV_DDP_ERROR_ENVIRONMENT. */
bv_status ddp_read_launch(int rank, int world_size, const bv_ddp_options *options, ddp_launch *launch);

/* The first host of a SLURM node list such as "gpu[007-010,12],login1"; false if there is none, or it is longer
 * than DDP_HOST_BYTES allows. */
bool ddp_first_host(const char *node_list, char host[DDP_HOST_BYTES]);

#endif
