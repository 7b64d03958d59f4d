/* Threads of the CPU backend: how many a parallel region may have. */
#ifndef BV_THREADS_H
#define BV_THREADS_H

#include <stdint.h>

/* How many threads should work on so many pixels. */
int bv_threads_for(int64_t pixels);

/* How many of `wanted` threads can run, the calling one included: to be asked right before the first region,
 * when all memory has been allocated. */
int bv_startable_threads(int wanted);

/* The calling thread's number in its region. */
int bv_this_thread(void);

#endif
