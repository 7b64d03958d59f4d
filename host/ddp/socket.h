/* TCP sockets that never block: names to addresses, listening, connecting, sending, receiving, by a deadline.
 */
#ifndef BV_DDP_SOCKET_H
#define BV_DDP_SOCKET_H

#include <netdb.h>

#include "deadline.h"
#include "batchview/ddp.h"

/* The TCP addresses of `host`, or for NULL those to listen at on all interfaces. Freed by freeaddrinfo(). */
bv_status ddp_resolve(const char *host, int port, ddp_time deadline, struct addrinfo **addresses);

/* A listening socket, or -1 with errno. */
int ddp_listen(const struct addrinfo *address);

/* A new connection of a listening socket, or -1 with errno. */
int ddp_accept(int listener);

/* A connected socket, or -1 with errno; ETIMEDOUT at the deadline. */
int ddp_connect(const struct addrinfo *address, ddp_time deadline);

/* All bytes, or -1 with errno; ETIMEDOUT at the deadline. */
int ddp_send_all(int fd, const void *bytes, size_t count, ddp_time deadline);

/* At least one byte; returns how many, 0 if the other end is closed, -1 with errno; ETIMEDOUT at the deadline.
 */
ptrdiff_t ddp_receive_some(int fd, void *bytes, size_t most, ddp_time deadline);

#endif
