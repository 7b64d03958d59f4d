/* Time limits, see deadline.h. */
#include "deadline.h"

#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#define NANOSECONDS_PER_SECOND INT64_C(1000000000)

ddp_time ddp_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail: the clock exists */
  return (int64_t)now.tv_sec * NANOSECONDS_PER_SECOND + now.tv_nsec;
}

ddp_time ddp_deadline_after(double seconds) {
  const double most = 1e9;
  return ddp_now() + (int64_t)((seconds < most ? seconds : most) * (double)NANOSECONDS_PER_SECOND);
}

int ddp_milliseconds_until(ddp_time deadline) {
  int64_t left = deadline - ddp_now();
  if (left <= 0)
    return 0;
  int64_t milliseconds = (left + 999999) / 1000000;
  return milliseconds < INT_MAX ? (int)milliseconds : INT_MAX;
}

void ddp_sleep(ddp_pause *pause) {
  const int64_t first = 20000;
  int64_t nanoseconds = pause->next == 0 ? first : pause->next;
  struct timespec duration = {0, (long)nanoseconds};
  nanosleep(&duration, NULL); /* a signal only ends the pause early */
  pause->next = nanoseconds + nanoseconds / 2;
  if (pause->next > pause->longest)
    pause->next = pause->longest;
}

/* ---- Calls on a thread of their own ------------------------------------------------------------------ */

/* Shared by the thread and the one who waits; whoever lets go of it last frees it. */
typedef struct errand {
  pthread_mutex_t mutex;
  pthread_cond_t done_or_given_up;
  bool done, given_up;
  void (*work)(void *);
  void (*drop)(void *);
  void *argument;
} errand;

static void free_errand(errand *e) {
  pthread_cond_destroy(&e->done_or_given_up);
  pthread_mutex_destroy(&e->mutex);
  free(e);
}

static void *run_errand(void *argument) {
  errand *e = argument;
  e->work(e->argument);
  pthread_mutex_lock(&e->mutex);
  e->done = true;
  bool given_up = e->given_up;
  pthread_cond_signal(&e->done_or_given_up);
  pthread_mutex_unlock(&e->mutex);
  if (given_up) {
    e->drop(e->argument);
    free_errand(e);
  }
  return NULL;
}

static errand *new_errand(void (*work)(void *), void (*drop)(void *), void *argument) {
  errand *e = calloc(1, sizeof *e);
  pthread_condattr_t attributes;
  if (!e || pthread_condattr_init(&attributes) != 0) {
    free(e);
    return NULL;
  }
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
  bool has_condition = pthread_cond_init(&e->done_or_given_up, &attributes) == 0;
  pthread_condattr_destroy(&attributes);
  if (!has_condition || pthread_mutex_init(&e->mutex, NULL) != 0) {
    if (has_condition)
      pthread_cond_destroy(&e->done_or_given_up);
    free(e);
    return NULL;
  }
  e->work = work;
  e->drop = drop;
  e->argument = argument;
  return e;
}

bool ddp_run_until(ddp_time deadline, void (*work)(void *), void (*drop)(void *), void *argument,
                   bool *started) {
  errand *e = new_errand(work, drop, argument);
  pthread_t thread;
  *started = e && pthread_create(&thread, NULL, run_errand, e) == 0;
  if (!*started) {
    if (e)
      free_errand(e);
    return false;
  }
  struct timespec until = {deadline / NANOSECONDS_PER_SECOND, deadline % NANOSECONDS_PER_SECOND};
  pthread_mutex_lock(&e->mutex);
  while (!e->done && pthread_cond_timedwait(&e->done_or_given_up, &e->mutex, &until) == 0)
    ;
  bool done = e->done;
  e->given_up = !done;
  pthread_mutex_unlock(&e->mutex);
  if (done) {
    pthread_join(thread, NULL); /* it has nothing left to do */
    free_errand(e);
  } else {
    pthread_detach(thread);
  }
  return done;
}
