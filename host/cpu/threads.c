/* How many threads there can be. OpenMP's runtime does not say: it ends the process when it cannot start a
 * thread, and in the child of a fork it waits for ever for threads that only the parent has. */
#include "threads.h"

#ifdef _OPENMP

#include <omp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

/* Fewer pixels are not worth waking other threads. */
#define LEAST_PARALLEL_PIXELS 32768

/* The process whose threads OpenMP knows; 0 before the first region. */
static atomic_int process_of_threads;

int bv_threads_for(int64_t pixels) {
  bool nested = omp_get_active_level() >= omp_get_max_active_levels();
  return nested || pixels < LEAST_PARALLEL_PIXELS ? 1 : omp_get_max_threads();
}

static void *wait_at(void *gate) {
  pthread_mutex_lock(gate);
  pthread_mutex_unlock(gate);
  return NULL;
}

/* Starts as many threads, at once, and lets them go. */
static int try_threads(int wanted) {
  pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
  pthread_t *threads = malloc((size_t)wanted * sizeof *threads);
  int started = 0;
  if (!threads)
    return 1;
  pthread_mutex_lock(&gate);
  while (started < wanted - 1 && pthread_create(&threads[started], NULL, wait_at, &gate) == 0)
    ++started;
  pthread_mutex_unlock(&gate);
  for (int i = 0; i < started; ++i)
    pthread_join(threads[i], NULL);
  free(threads);
  return started + 1;
}

int bv_startable_threads(int wanted) {
  static _Thread_local int kept = 1; /* by OpenMP, since this thread's last region */
  if (wanted == 1)
    return 1;
  int process = (int)getpid(), known = 0;
  if (!atomic_compare_exchange_strong(&process_of_threads, &known, process) && known != process)
    return 1;
  if (wanted > kept)
    wanted = try_threads(wanted);
  kept = wanted;
  return wanted;
}

int bv_this_thread(void) { return omp_get_thread_num(); }

#else

int bv_threads_for(int64_t pixels) {
  (void)pixels;
  return 1;
}
int bv_startable_threads(int wanted) { return wanted; }
int bv_this_thread(void) { return 0; }

#endif
