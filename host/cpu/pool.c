/* The pool, see pool.h.
 *
 * Not OpenMP's: its runtimes end the process when they cannot start a thread, hang in forked children, and wait
 * at barriers for threads that hold nothing. Here a thread claims one item after another, and what others wait
 * for is only an item that somebody has claimed. A thread that sits in a call without having claimed anything
 * may be stopped for as long as the system likes: a call is freed by whoever leaves it last. */
#define _GNU_SOURCE /* names of threads. NOLINT(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
#include "pool.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "floating.h"
#include "processors.h"

/* How long a thread looks for more to come before it sleeps: about what waking it would take. */
#define PATIENCE_NANOSECONDS 50000
/* Far more than any loop needs: their memory is the workers'. */
#define STACK_BYTES (1 << 20)

/* Items are claimed in pieces of equal size, so that two numbers of pieces fit one word: a seat's are those
 * from `begin` up to `end`, the lower and the upper half. Until it runs out of them, a thread writes to no line
 * of the cache that others write to. */
typedef struct seat {
  _Alignas(BV_LINE_BYTES) _Atomic uint64_t pieces;
  _Atomic uint64_t finished; /* pieces since the call was opened, by whoever sat here */
  bool taken;                /* guarded by the pool's mutex */
} seat;

struct bv_call {
  bv_call *next;
  int seats, helpers;   /* the caller is none */
  int references;       /* the caller and its helpers; these four are guarded by the pool's mutex */
  atomic_int processor; /* where the caller was last seen */
  atomic_bool begun;    /* before the first round helpers come early, to be there in time */

  /* The round: written by the caller when all pieces of the last one are finished, read by who has claimed one.
   */
  bv_item_body *body;
  const void *context;
  int64_t items, piece_items;
  uint64_t pieces; /* since the call was opened, up to this round's last; only the caller looks at it */
  atomic_bool caller_sleeps;

  seat seat[];
};

static struct {
  pthread_mutex_t mutex;
  pthread_cond_t help_wanted, round_finished;
  bv_call *calls;
  pthread_t threads[BV_MOST_THREADS];
  int started;
  atomic_int process; /* whose threads these are */
  atomic_int sleeping;
  atomic_int most_threads; /* callers included; 0 until somebody asks */
  atomic_uint changes;     /* calls that came or went, and sizes of the pool: reasons to choose again */
} pool = {.mutex = PTHREAD_MUTEX_INITIALIZER,
          .help_wanted = PTHREAD_COND_INITIALIZER,
          .round_finished = PTHREAD_COND_INITIALIZER};

/* One at a time changes the pool's size. */
static pthread_mutex_t resizing = PTHREAD_MUTEX_INITIALIZER;

/* Neither fails: the mutex is a plain one, locked by who unlocks it. */
static void lock(void) { pthread_mutex_lock(&pool.mutex); }
static void unlock(void) { pthread_mutex_unlock(&pool.mutex); }

/* A thread that is cancelled while it waits would leave with what it has locked. */
static int forbid_cancellation(void) {
  int before = PTHREAD_CANCEL_ENABLE;
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before); /* cannot fail: the state exists */
  return before;
}

/* ---- Waiting for a moment ------------------------------------------------------------------------------ */

typedef struct patience {
  int looks;
  int64_t until; /* nanoseconds */
} patience;

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time); /* cannot fail: the clock exists */
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static void relax(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

/* Lets a moment pass, longer ones later, in which whoever shares the core may run. False when it was enough. */
static bool look_again(patience *p) {
  const int busy_looks = 32;
  if (p->looks++ < busy_looks) {
    for (int i = 0; i < 8; ++i)
      relax();
    return true;
  }
  if (p->until == 0)
    p->until = now() + PATIENCE_NANOSECONDS;
  sched_yield();
  return now() < p->until;
}

/* ---- Pieces -------------------------------------------------------------------------------------------- */

static uint64_t pieces_between(uint64_t begin, uint64_t end) { return end << 32 | begin; }
static uint32_t begin_of(uint64_t pieces) { return (uint32_t)pieces; }
static uint32_t end_of(uint64_t pieces) { return (uint32_t)(pieces >> 32); }

/* Claims a seat's first or last piece. Words that look alike mean the same, whatever happened in between: a
 * piece of the round that the call is in, which cannot end before that piece is finished. */
static bool claim(seat *from, bool first, uint32_t *piece) {
  uint64_t pieces = atomic_load(&from->pieces), rest;
  do {
    if (begin_of(pieces) == end_of(pieces))
      return false;
    rest = first ? pieces + 1 : pieces - (UINT64_C(1) << 32);
  } while (!atomic_compare_exchange_weak(&from->pieces, &pieces, rest));
  *piece = first ? begin_of(pieces) : end_of(rest);
  return true;
}

/* The seat's own first, then what is left at the ends of the others'. */
static bool claim_any(bv_call *call, int own, uint32_t *piece) {
  if (claim(&call->seat[own], true, piece))
    return true;
  for (int i = 1; i < call->seats; ++i)
    if (claim(&call->seat[(own + i) % call->seats], false, piece))
      return true;
  return false;
}

static bool has_pieces(bv_call *call) {
  for (int i = 0; i < call->seats; ++i) {
    uint64_t pieces = atomic_load(&call->seat[i].pieces);
    if (begin_of(pieces) != end_of(pieces))
      return true;
  }
  return false;
}

static void work_on(bv_call *call, int own, uint32_t piece) {
  int64_t first = piece * call->piece_items, left = call->items - first;
  int64_t count = left < call->piece_items ? left : call->piece_items;
  for (int64_t i = 0; i < count; ++i)
    call->body(call->context, own, first + i);
  atomic_fetch_add(&call->seat[own].finished, 1);
  if (atomic_load(&call->caller_sleeps)) {
    lock();
    pthread_cond_broadcast(&pool.round_finished);
    unlock();
  }
}

/* ---- Helpers ------------------------------------------------------------------------------------------- */

/* Of the calls that have something to do and a free seat, one with the fewest helpers; NULL if there is none.
 */
static bv_call *choose_call(void) {
  bv_call *chosen = NULL;
  for (bv_call *call = pool.calls; call; call = call->next)
    if (call->helpers < call->seats - 1 && (!chosen || call->helpers < chosen->helpers) &&
        (!atomic_load(&call->begun) || has_pieces(call)))
      chosen = call;
  return chosen;
}

static int sit_down(bv_call *call) {
  int own = 1;
  while (call->seat[own].taken)
    ++own;
  call->seat[own].taken = true;
  ++call->helpers;
  ++call->references;
  return own;
}

static void release(bv_call *call) {
  if (--call->references == 0)
    free(call);
}

static void stand_up(bv_call *call, int own) {
  call->seat[own].taken = false;
  --call->helpers;
  release(call);
}

/* The processors of the process, not those that the caller may have been pinned to. */
static bool get_processors(cpu_set_t *processors) {
  return sched_getaffinity(getpid(), sizeof *processors, processors) == 0;
}

/* Unless it is the only one. */
static void leave_out(int processor, cpu_set_t *processors) {
  if (CPU_COUNT(processors) > 1)
    CPU_CLR(processor, processors);
}

/* A helper on the caller's own processor helps nobody, and Linux may leave it there for seconds while another
 * is idle: where few share a cache and one is busy, it does not look for an idle one when it wakes a thread.
 * Looks at the processors each time, they are the administrator's; where this is forbidden, nothing changes. */
static void leave_processor(int processor) {
  cpu_set_t allowed, others;
  if (sched_getcpu() != processor || sched_getaffinity(0, sizeof allowed, &allowed) != 0)
    return;
  others = allowed;
  leave_out(processor, &others);
  if (!CPU_EQUAL(&others, &allowed) && sched_setaffinity(0, sizeof others, &others) == 0)
    (void)sched_setaffinity(0, sizeof allowed, &allowed);
}

/* Until it has nothing to do for a while, or another call may need help more. */
static void help(bv_call *call, int own) {
  unsigned seen = atomic_load(&pool.changes);
  patience p = {0};
  do {
    uint32_t piece;
    leave_processor(atomic_load_explicit(&call->processor, memory_order_relaxed));
    while (atomic_load(&pool.changes) == seen && claim_any(call, own, &piece)) {
      work_on(call, own, piece);
      p = (patience){0};
    }
  } while (atomic_load(&pool.changes) == seen && look_again(&p));
}

/* The next call may follow at once. */
static void await_change(void) {
  unsigned seen = atomic_load(&pool.changes);
  patience p = {0};
  unlock();
  while (atomic_load(&pool.changes) == seen && look_again(&p))
    ;
  lock();
}

/* Until a call needs help; NULL now and then. */
static bv_call *await_call(void) {
  /* Counted before it looks: a caller that then has something to do sees that somebody may be asleep. */
  atomic_fetch_add(&pool.sleeping, 1);
  bv_call *call = choose_call();
  if (!call)
    pthread_cond_wait(&pool.help_wanted, &pool.mutex);
  atomic_fetch_sub(&pool.sleeping, 1);
  return call;
}

static void *run_helper(void *number) {
  pthread_setname_np(pthread_self(), "batchview"); /* only for those who look */
  bv_enter_arithmetic();
  cpu_set_t processors;
  if (get_processors(&processors))
    (void)sched_setaffinity(0, sizeof processors, &processors);
  lock();
  while ((intptr_t)number < atomic_load(&pool.most_threads) - 1) {
    bv_call *call = await_call();
    if (!call)
      continue;
    int own = sit_down(call);
    unlock();
    help(call, own);
    lock();
    stand_up(call, own);
    if (!choose_call())
      await_change();
  }
  unlock();
  return NULL;
}

/* ---- The pool ------------------------------------------------------------------------------------------ */

/* A forked child has none of the threads, and what they guarded may be half done. */
static void begin_anew(void) {
  atomic_store(&pool.process, (int)getpid());
  pthread_mutex_init(&pool.mutex, NULL);
  pthread_cond_init(&pool.help_wanted, NULL);
  pthread_cond_init(&pool.round_finished, NULL);
  pthread_mutex_init(&resizing, NULL);
  pool.calls = NULL;
  pool.started = 0;
  atomic_store(&pool.sleeping, 0);
}

static bool works_in_children;
__attribute__((constructor)) static void watch_forks(void) {
  atomic_store(&pool.process, (int)getpid());
  works_in_children = pthread_atfork(NULL, NULL, begin_anew) == 0;
}

/* Children made by clone() or _Fork() are not told. */
static void notice_fork(void) {
  if (atomic_load(&pool.process) != (int)getpid())
    begin_anew();
}

int bv_pool_size(void) {
  int most = atomic_load(&pool.most_threads), unknown = 0;
  if (most > 0 || !works_in_children)
    return most > 0 ? most : 1;
  most = bv_default_threads(BV_MOST_THREADS);
  return atomic_compare_exchange_strong(&pool.most_threads, &unknown, most) ? most : unknown;
}

/* A new thread does not start on the processor of who starts it, where it would wait for a slice of time,
 * milliseconds, while the calls that it is for come and go. */
static void set_first_processors(pthread_attr_t *attributes) {
  cpu_set_t processors;
  if (!get_processors(&processors))
    return;
  leave_out(sched_getcpu(), &processors);
  pthread_attr_setaffinity_np(attributes, sizeof processors, &processors);
}

/* Signals are for the program's own threads: ours start with all of them blocked. */
static bool start_helper(void) {
  pthread_attr_t attributes;
  sigset_t all, callers;
  if (pthread_attr_init(&attributes) != 0)
    return false;
  set_first_processors(&attributes);
  sigfillset(&all);
  bool started = pthread_attr_setstacksize(&attributes, STACK_BYTES) == 0 &&
                 pthread_sigmask(SIG_SETMASK, &all, &callers) == 0;
  if (started) {
    started = pthread_create(&pool.threads[pool.started], &attributes, run_helper,
                             (void *)(intptr_t)pool.started) == 0; // NOLINT(performance-no-int-to-ptr)
    pthread_sigmask(SIG_SETMASK, &callers, NULL);
  }
  pthread_attr_destroy(&attributes);
  pool.started += started;
  return started;
}

static void wake_helpers(int count) {
  int sleeping = atomic_load(&pool.sleeping);
  if (count >= sleeping) {
    pthread_cond_broadcast(&pool.help_wanted);
    return;
  }
  while (count-- > 0)
    pthread_cond_signal(&pool.help_wanted);
}

void bv_resize_pool(int threads) {
  if (threads == 0)
    threads = bv_default_threads(BV_MOST_THREADS);
  if (!works_in_children)
    threads = 1;
  notice_fork();
  int cancellation = forbid_cancellation();
  pthread_mutex_lock(&resizing);
  lock();
  atomic_store(&pool.most_threads, threads);
  atomic_fetch_add(&pool.changes, 1);
  pthread_cond_broadcast(&pool.help_wanted);
  while (pool.started > threads - 1) {
    pthread_t surplus = pool.threads[pool.started - 1];
    unlock();
    pthread_join(surplus, NULL);
    lock();
    --pool.started;
  }
  unlock();
  pthread_mutex_unlock(&resizing);
  pthread_setcancelstate(cancellation, NULL);
}

/* ---- Calls --------------------------------------------------------------------------------------------- */

static bv_call *new_call(int seats) {
  bv_call *call = aligned_alloc(BV_LINE_BYTES, sizeof *call + (size_t)seats * sizeof(seat));
  if (!call)
    return NULL;
  call->seats = seats;
  call->helpers = 0;
  call->references = 1;
  atomic_init(&call->processor, sched_getcpu());
  atomic_init(&call->begun, false);
  call->pieces = 0;
  atomic_init(&call->caller_sleeps, false);
  for (int i = 0; i < seats; ++i) {
    atomic_init(&call->seat[i].pieces, 0);
    atomic_init(&call->seat[i].finished, 0);
    call->seat[i].taken = false;
  }
  return call;
}

int bv_open_call(int seats, bv_call **call) {
  *call = NULL;
  int most = bv_pool_size();
  if (seats > most)
    seats = most;
  if (seats <= 1)
    return 1;
  notice_fork();
  lock();
  /* As many as the pool's size allows by now. */
  while (pool.started < seats - 1 && pool.started < atomic_load(&pool.most_threads) - 1 && start_helper())
    ;
  if (seats > pool.started + 1)
    seats = pool.started + 1;
  *call = seats > 1 ? new_call(seats) : NULL;
  if (*call) {
    (*call)->next = pool.calls;
    pool.calls = *call;
    atomic_fetch_add(&pool.changes, 1);
    wake_helpers(seats - 1);
  }
  unlock();
  return *call ? seats : 1;
}

void bv_close_call(bv_call *call) {
  if (!call)
    return;
  lock();
  bv_call **link = &pool.calls;
  while (*link != call)
    link = &(*link)->next;
  *link = call->next;
  atomic_fetch_add(&pool.changes, 1);
  release(call);
  unlock();
}

static void begin_round(bv_call *call, int64_t items, bv_item_body *body, const void *context) {
  call->body = body;
  call->context = context;
  call->items = items;
  atomic_store_explicit(&call->processor, sched_getcpu(), memory_order_relaxed);
  call->piece_items = items / UINT32_MAX + 1;
  uint64_t pieces = (uint64_t)((items - 1) / call->piece_items + 1), seats = (uint64_t)call->seats;
  call->pieces += pieces;
  for (uint64_t i = 0; i < seats; ++i)
    atomic_store(&call->seat[i].pieces, pieces_between(pieces * i / seats, pieces * (i + 1) / seats));
  atomic_store(&call->begun, true);
  if (atomic_load(&pool.sleeping) > 0) {
    lock();
    wake_helpers(call->seats - 1 - call->helpers);
    unlock();
  }
}

static bool is_finished(bv_call *call) {
  uint64_t finished = 0;
  for (int i = 0; i < call->seats; ++i)
    finished += atomic_load(&call->seat[i].finished);
  return finished == call->pieces;
}

static void end_round(bv_call *call) {
  patience p = {0};
  while (!is_finished(call) && look_again(&p))
    ;
  if (is_finished(call))
    return;
  int cancellation = forbid_cancellation();
  lock();
  atomic_store(&call->caller_sleeps, true);
  while (!is_finished(call))
    pthread_cond_wait(&pool.round_finished, &pool.mutex);
  atomic_store(&call->caller_sleeps, false);
  unlock();
  pthread_setcancelstate(cancellation, NULL);
}

void bv_share_items(bv_call *call, int64_t items, bv_item_body *body, const void *context) {
  if (!call || items <= 1) {
    for (int64_t item = 0; item < items; ++item)
      body(context, 0, item);
    return;
  }
  uint32_t piece;
  begin_round(call, items, body, context);
  while (claim_any(call, 0, &piece))
    work_on(call, 0, piece);
  end_round(call);
}
