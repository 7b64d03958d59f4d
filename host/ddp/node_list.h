/* SLURM's short form for many hosts. */
#ifndef BV_DDP_NODE_LIST_H
#define BV_DDP_NODE_LIST_H

#include <stdbool.h>
#include <stddef.h>

/* The first host of a list such as "gpu[007-010,12]-ib,x1000c[0-1]s[2-3]b0n0"; false if there is none, or it
 * has `bytes` characters or more. */
bool ddp_first_host(const char *node_list, char *host, size_t bytes);

#endif
