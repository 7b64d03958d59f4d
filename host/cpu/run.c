/* The CPU backend: how a job's groups are spread over threads. */
#include <stdlib.h>
#include <string.h>

#include "arithmetic.h"
#include "backend.h"
#include "floating.h"
#include "status.h"
#include "team.h"
#include "threads.h"
#include "walk.h"

/* Groups at least this large are shared by all threads if there are few of them. */
#define LEAST_SHARED_PIXELS (1 << 18)
/* Decoded groups up to this size are kept: they stay in the second-level cache between the reads. */
#define MOST_KEPT_BYTES (1 << 21)

/* ---- Tiles ------------------------------------------------------------------------------------------- */

const void *bv_load_tile(const bv_group *group, int64_t first, int64_t count, void *tile) {
  const bv_job *job = group->job;
  const bv_tile_ops *ops = group->ops;
  if (group->pixels)
    return (const char *)group->pixels + (size_t)first * ops->real_bytes;
  int last = job->ndim - 1;
  int64_t in_bytes = (int64_t)bv_dtype_size(job->in_dtype);
  for (int64_t done = 0; done < count;) {
    bv_run run = bv_run_at(job, group->number, first + done, count - done);
    const char *in = (const char *)job->in + run.in * in_bytes;
    if (run.length == count && job->in_stride[last] == 1 && job->in_dtype == ops->real_dtype && !job->mask)
      return in;
    char *to = (char *)tile + (size_t)done * ops->real_bytes;
    ops->decode(to, in, job->in_dtype, job->in_stride[last], run.length);
    if (job->mask)
      ops->apply_mask(to, job->mask + run.mask, job->mask_stride[last], run.length);
    done += run.length;
  }
  return tile;
}

static void visit_number(const bv_group *group, bv_worker *worker, int64_t count, int64_t tile,
                         bv_visit_tile *visit, const void *context) {
  int64_t first = tile * BV_TILE_PIXELS, rest = count - first;
  visit(group, worker, first, rest < BV_TILE_PIXELS ? rest : BV_TILE_PIXELS, context);
}

void bv_for_each_tile(const bv_group *group, const bv_team *team, int64_t count, bv_visit_tile *visit,
                      const void *context) {
  int64_t tiles = (count + BV_TILE_PIXELS - 1) / BV_TILE_PIXELS;
  if (team->size == 1) {
    for (int64_t tile = 0; tile < tiles; ++tile)
      visit_number(group, team->workers, count, tile, visit, context);
    return;
  }
#pragma omp parallel num_threads(team->size)
  {
    fenv_t callers = bv_enter_arithmetic();
/* Static: a thread maps the pixels that it has measured, which are in its core's cache. */
#pragma omp for schedule(static)
    for (int64_t tile = 0; tile < tiles; ++tile)
      visit_number(group, &team->workers[bv_this_thread()], count, tile, visit, context);
    bv_leave_arithmetic(&callers);
  }
}

/* ---- Groups ------------------------------------------------------------------------------------------ */

/* Whether groups lie in memory as tiles do: gap-free and in the map type. */
static bool lies_in_place(const bv_job *job, const bv_tile_ops *ops) {
  return job->ndim - job->group_ndim == 1 && job->in_stride[job->ndim - 1] == 1 &&
         job->in_dtype == ops->real_dtype && !job->mask;
}

static void keep_tile(const bv_group *group, bv_worker *worker, int64_t first, int64_t count,
                      const void *context) {
  (void)worker;
  void *pixels = *(void *const *)context;
  char *to = (char *)pixels + (size_t)first * group->ops->real_bytes;
  const void *tile = bv_load_tile(group, first, count, to);
  if (tile != to)
    memcpy(to, tile, (size_t)count * group->ops->real_bytes);
}

/* The group, and all its pixels if they already lie as tiles do or there is room to keep them. */
static bv_group open_group(const bv_job *job, const bv_tile_ops *ops, int64_t number, const bv_team *team) {
  bv_group group = {.job = job, .ops = ops, .number = number, .count = bv_job_pixels(job)};
  void *room = team->workers[0].pixels;
  if (lies_in_place(job, ops)) {
    group.pixels = bv_load_tile(&group, 0, group.count, NULL);
  } else if (room) {
    bv_for_each_tile(&group, team, group.count, keep_tile, &room);
    group.pixels = room;
  }
  return group;
}

static bv_window find_window(const bv_group *group, const bv_team *team) {
  const bv_job *job = group->job;
  if (job->operation == BV_APPLY) {
    const double *from = job->windows + group->number * job->windows_stride[0];
    return (bv_window){from[0], from[job->windows_stride[1]], 0};
  }
  if (job->operation == BV_STRETCH)
    return bv_measure_group_range(group, team);
  if (job->window == BV_WINDOW_FIXED)
    return (bv_window){job->lo, job->hi, 0};
  return bv_measure_group(group, team);
}

static void run_group(const bv_job *job, const bv_tile_ops *ops, int64_t number, const bv_team *team) {
  bv_group group = open_group(job, ops, number, team);
  bv_window window = find_window(&group, team);
  if (job->operation != BV_MEASURE) {
    bv_paint_group(&group, team, &window);
    return;
  }
  double *to = job->windows + number * job->windows_stride[0];
  to[0] = window.lo;
  to[job->windows_stride[1]] = window.hi;
  if (job->windows_count)
    to[2 * job->windows_stride[1]] = (double)window.n;
}

/* ---- Memory ------------------------------------------------------------------------------------------ */

/* What a job needs of a worker, in pixels. */
typedef struct worker_needs {
  int64_t candidates;
  int64_t kept; /* of each worker, or of the first one alone if they share a group */
} worker_needs;

static worker_needs needs_of(const bv_job *job, const bv_tile_ops *ops) {
  int64_t pixels = bv_job_pixels(job);
  bool measures = job->operation == BV_DISPLAY || job->operation == BV_MEASURE;
  bool selects = measures && job->window == BV_WINDOW_PERCENTILE;
  bool reads_twice = selects || job->operation == BV_STRETCH ||
                     (job->operation == BV_DISPLAY && job->window == BV_WINDOW_MINMAX);
  bool keeps = reads_twice && !lies_in_place(job, ops) && pixels <= MOST_KEPT_BYTES / (int64_t)ops->real_bytes;
  return (worker_needs){.candidates = selects ? bv_candidate_room(pixels) : 0, .kept = keeps ? pixels : 0};
}

/* Takes room for `count` numbers from a worker's memory, of which `used` bytes are taken. Called with no memory
 * it only adds up. NULL for none. */
static void *take(char *memory, size_t *used, int64_t count, const bv_tile_ops *ops) {
  size_t at = *used;
  *used += ((size_t)count * ops->real_bytes + 63) / 64 * 64;
  return memory && count ? memory + at : NULL;
}

static size_t lay_out_worker(bv_worker *worker, char *memory, const bv_tile_ops *ops, worker_needs needs) {
  int64_t room = needs.candidates ? needs.candidates + BV_CANDIDATE_SLACK : 0;
  size_t used = 0;
  worker->tile = take(memory, &used, BV_TILE_PIXELS, ops);
  worker->mapped = take(memory, &used, BV_TILE_PIXELS, ops);
  worker->candidates = take(memory, &used, room, ops);
  worker->scratch = take(memory, &used, room, ops);
  worker->pixels = take(memory, &used, needs.kept, ops);
  return used;
}

static size_t lay_out_workers(bv_worker *workers, int count, bool share, char *memory, const bv_tile_ops *ops,
                              worker_needs needs) {
  size_t used = ((size_t)count * sizeof *workers + 63) / 64 * 64;
  for (int i = 0; i < count; ++i) {
    bv_worker measured = {0};
    size_t bytes = lay_out_worker(memory ? &workers[i] : &measured, memory ? memory + used : NULL, ops, needs);
    if (__builtin_add_overflow(used, bytes, &used))
      return SIZE_MAX; /* which malloc() does not have either */
    if (share)
      needs.kept = 0;
  }
  return used;
}

/* All workers in one piece of memory, which free() gives back whole: allocators keep one piece for the next
 * call, and several they would return to the system, page by page. NULL if there is not enough. */
static bv_worker *open_workers(const bv_tile_ops *ops, int count, bool share, worker_needs needs) {
  size_t bytes = lay_out_workers(NULL, count, share, NULL, ops, needs);
  char *memory = malloc(bytes);
  if (!memory)
    return NULL;
  memset(memory, 0, (size_t)count * sizeof(bv_worker));
  bv_worker *workers = (bv_worker *)memory;
  lay_out_workers(workers, count, share, memory, ops, needs);
  return workers;
}

/* ---- The job ----------------------------------------------------------------------------------------- */

/* Each group by one worker. */
static void run_groups(const bv_job *job, const bv_tile_ops *ops, int64_t groups, const bv_team *team) {
#pragma omp parallel num_threads(team->size)
  {
    fenv_t callers = bv_enter_arithmetic();
    bv_team alone = {1, &team->workers[bv_this_thread()], team->candidate_room};
#pragma omp for schedule(dynamic)
    for (int64_t group = 0; group < groups; ++group)
      run_group(job, ops, group, &alone);
    bv_leave_arithmetic(&callers);
  }
}

bv_status bv_cpu_run(const bv_job *job) {
  const bv_tile_ops *ops = bv_tile_ops_for(job->in_dtype);
  int64_t groups = bv_job_groups(job), pixels = bv_job_pixels(job);
  int threads = bv_threads_for(groups * pixels);
  bool share = pixels >= LEAST_SHARED_PIXELS && groups < 4 * (int64_t)threads;
  if (!share && threads > groups)
    threads = (int)groups;

  bv_worker *workers = open_workers(ops, threads, share, needs_of(job, ops));
  if (!workers)
    return bv_fail(BV_ERROR_MEMORY, "no memory for the scratch of %d threads", threads);
  bv_team team = {bv_startable_threads(threads), workers, bv_candidate_room(pixels)};
  fenv_t callers = bv_enter_arithmetic();
  if (share || team.size == 1)
    for (int64_t group = 0; group < groups; ++group)
      run_group(job, ops, group, &team);
  else
    run_groups(job, ops, groups, &team);
  bv_leave_arithmetic(&callers);
  free(workers);
  return BV_OK;
}
