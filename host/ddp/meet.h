/* The meeting of all ranks at rank 0 over TCP, where they receive what rank 0 has for them. */
#ifndef BV_DDP_MEET_H
#define BV_DDP_MEET_H

#include "deadline.h"
#include "environment.h"
#include "place.h"
#include "seal.h"

typedef struct ddp_meeting {
  int rank, world_size;
  uint64_t job;
  unsigned char key[DDP_KEY_BYTES]; /* of the secret, or of the job's id */
  bool has_secret;                  /* for messages */
  ddp_place place;
  const char *host;
  int port;
  ddp_time deadline;
  double timeout_seconds; /* for messages */
} ddp_meeting;

/* Rank 0: waits for all ranks, then has make(gift) make what they are given, of at most 255 bytes. (Not before:
 * NCCL waits for the ranks of an id from then on.) Strangers are let go. Returns BV_OK; BV_ERROR_DEVICE if two
 * ranks are on one GPU, BV_ERROR_MEMORY; BV_DDP_ERROR_NETWORK, _TIMEOUT, _PEER; what `make` returns. */
bv_status ddp_meet_as_host(const ddp_meeting *meeting, bv_status (*make)(void *gift), void *gift,
                           size_t gift_bytes);

/* The others: receives the gift. What is at rank 0's address and cannot prove that it knows the key is visited
 * again until the deadline, and believed nothing.
 * Returns BV_OK; BV_ERROR_DEVICE, BV_ERROR_MEMORY; BV_DDP_ERROR_NETWORK, _REFUSED, _TIMEOUT, _PEER. */
bv_status ddp_meet_as_guest(const ddp_meeting *meeting, void *gift, size_t gift_bytes);

#endif
