/* Threads that live as long as the work. */
#include "parallel.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include "batchview/batchview.h"

#define MOST_HELPERS 255
#define STACK_BYTES (1 << 18) /* far more than packing a row needs */

typedef struct shared_work {
  item_body *body;
  void *context;
  int items;
  atomic_int next;
} shared_work;

static void *work(void *argument) {
  shared_work *shared = argument;
  for (int item; (item = atomic_fetch_add(&shared->next, 1)) < shared->items;)
    shared->body(shared->context, item);
  return NULL;
}

/* Signals are for the thread that handles them: helpers start with all of them blocked. Returns how many there
 * are. */
static int start_helpers(pthread_t *helpers, int wanted, shared_work *shared) {
  pthread_attr_t attributes;
  sigset_t all, callers;
  int started = 0;
  if (wanted < 1 || pthread_attr_init(&attributes) != 0)
    return 0;
  sigfillset(&all);
  if (pthread_attr_setstacksize(&attributes, STACK_BYTES) == 0 &&
      pthread_sigmask(SIG_SETMASK, &all, &callers) == 0) {
    while (started < wanted && pthread_create(&helpers[started], &attributes, work, shared) == 0)
      ++started;
    pthread_sigmask(SIG_SETMASK, &callers, NULL);
  }
  pthread_attr_destroy(&attributes);
  return started;
}

void for_each_item(int items, item_body *body, void *context) {
  shared_work shared = {.body = body, .context = context, .items = items};
  pthread_t helpers[MOST_HELPERS];
  int threads = bv_get_threads(), wanted = (threads < items ? threads : items) - 1;
  int started = start_helpers(helpers, wanted < MOST_HELPERS ? wanted : MOST_HELPERS, &shared);
  work(&shared);
  while (started > 0)
    pthread_join(helpers[--started], NULL);
}
