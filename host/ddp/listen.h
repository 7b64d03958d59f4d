/* Where rank 0 listens for the others. */
#ifndef BV_DDP_LISTEN_H
#define BV_DDP_LISTEN_H

#include "deadline.h"
#include "batchview/ddp.h"

#define DDP_MOST_LISTENERS 8

typedef struct ddp_listeners {
  int sockets[DDP_MOST_LISTENERS], count;
} ddp_listeners;

/* Listens at those addresses of `host`, the name that the others are told, that are this machine's. Where it
 * cannot tell which these are, on all interfaces: nobody has told it the name within some seconds, or the name
 * leads elsewhere (a service, or a router that translates addresses), or it leads to a loopback address but is
 * no name of one: the others, on other machines, mean another. A name of a loopback address is listened for
 * there only. What was opened is the caller's to close, also on failure.
 * Returns BV_OK; BV_ERROR_MEMORY; BV_DDP_ERROR_NETWORK. */
bv_status ddp_open_listeners(const char *host, int port, ddp_time deadline, ddp_listeners *listeners);

#endif
