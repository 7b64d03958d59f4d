/* Who this process is, as its launcher says in environment variables. */
#ifndef BV_DDP_ENVIRONMENT_H
#define BV_DDP_ENVIRONMENT_H

#include <stdint.h>

#include "batchview/ddp.h"
#include "seal.h"

#define DDP_HOST_BYTES 256 /* a DNS name has at most 253 characters */

typedef struct ddp_launch {
  int rank, world_size;
  int local_rank; /* -1 where nobody says */
  uint64_t job;   /* the same in all ranks of a job, another in other jobs */
  int port;       /* given, or made from `job` */
} ddp_launch;

/* rank and world_size both -1: from the environment. Else they are checked and taken, and the rest is read
 * where it is there. What `options` gives (job, port) goes before the environment. Returns BV_OK,
 * BV_DDP_ERROR_RANK, BV_DDP_ERROR_ENVIRONMENT. */
bv_status ddp_read_launch(int rank, int world_size, const bv_ddp_options *options, ddp_launch *launch);

/* That the launcher, where one has set variables, means the same as MPI.
 * Returns BV_OK; BV_DDP_ERROR_ENVIRONMENT, whose message names the variable, its value and MPI's. */
bv_status ddp_check_launcher_agrees(int mpi_rank, int mpi_world_size);

/* Where rank 0 is: options->address, else what the environment says; "" where nobody does. Returns BV_OK,
 * BV_ERROR_VALUE, BV_DDP_ERROR_ENVIRONMENT. */
bv_status ddp_find_host(const bv_ddp_options *options, char host[DDP_HOST_BYTES]);

/* What may have kept the other ranks from being started, as the end of a message about a timeout; "" if
 * nothing is known. */
const char *ddp_doubt_of_launcher(void);

/* The key by which ranks know each other when they meet over TCP: of the secret that `options` or
 * BATCHVIEW_SECRET gives, else of what the job's id is made of. *has_secret: which. Returns BV_OK;
 * BV_ERROR_VALUE or BV_DDP_ERROR_ENVIRONMENT for an empty secret. */
bv_status ddp_read_key(const bv_ddp_options *options, unsigned char key[DDP_KEY_BYTES], bool *has_secret);

#endif
