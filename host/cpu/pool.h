/* The threads that help callers: one pool in a process, started when first needed, asleep while nobody calls.
 *
 * A call has seats, one a thread: the caller sits in seat 0, threads of the pool come to the others when they
 * can and leave again when other calls have less help. Nothing waits for one that has not come. Where no thread
 * can be started, in a forked child too, callers work alone or with fewer. */
#ifndef BV_POOL_H
#define BV_POOL_H

#include <stdint.h>

#define BV_MOST_THREADS 1024

/* What different threads write lies apart: a cache's line has 64 bytes, and processors fetch neighbours with
 * it. */
#define BV_LINE_BYTES 128

/* How many threads a call may have, the caller included. */
int bv_pool_size(void);

/* 1 .. BV_MOST_THREADS, or 0 for the default. Returns when threads beyond that number have ended. */
void bv_resize_pool(int threads);

typedef struct bv_call bv_call;

/* Opens a call of up to `seats` threads. Returns how many seats it has; if that is 1, *call is NULL: alone. */
int bv_open_call(int seats, bv_call **call);
void bv_close_call(bv_call *call);

/* Works on one item. No two threads are in one seat at once, and what one leaves there the next one sees. */
typedef void bv_item_body(const void *context, int seat, int64_t item);

/* Has all of 0 .. items - 1 worked on, each once, and returns when that is done. A seat begins with a part of
 * its own, the same one in every round of as many items, whose pixels are in its core's cache; then it takes
 * from the others'. Without a call the caller does all of it. */
void bv_share_items(bv_call *call, int64_t items, bv_item_body *body, const void *context);

#endif
