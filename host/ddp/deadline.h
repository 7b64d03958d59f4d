/* Time limits: a moment to be done by, and calls that are given up on when it comes. */
#ifndef BV_DDP_DEADLINE_H
#define BV_DDP_DEADLINE_H

#include <stdbool.h>
#include <stdint.h>

typedef int64_t ddp_time; /* nanoseconds of the monotonic clock */

ddp_time ddp_now(void);

/* `seconds` from now; at most some decades, whatever `seconds` is. */
ddp_time ddp_deadline_after(double seconds);

/* Milliseconds until `deadline`, rounded up, for poll(); 0 if it has passed. */
int ddp_milliseconds_until(ddp_time deadline);

static inline bool ddp_has_passed(ddp_time deadline) { return ddp_now() >= deadline; }

/* A wait that polls: pauses that are short at first, for what comes at once, and grow up to `longest`. */
typedef struct ddp_pause {
  int64_t longest; /* nanoseconds */
  int64_t next;    /* 0 to begin with */
} ddp_pause;

#define DDP_PAUSE_LOCAL ((ddp_pause){2000000, 0})     /* for memory and devices */
#define DDP_PAUSE_NETWORK ((ddp_pause){300000000, 0}) /* for hosts that may not be there yet */

void ddp_sleep(ddp_pause *pause);

/* Runs work(argument) on a thread of its own and waits for it until `deadline`. True if it is done: then its
 * results in `argument` may be read, and the caller calls drop(argument). False if not, or if there was no
 * thread for it
 * (*started is false then, and `argument` the caller's): a started thread is left to itself and drops the
 * argument when it ends. For calls that know no time limit themselves. */
bool ddp_run_until(ddp_time deadline, void (*work)(void *), void (*drop)(void *), void *argument,
                   bool *started);

#endif
