/* Teams: their memory, and how they go through a group's tiles. */
#include "team.h"

#include <stdlib.h>
#include <string.h>

#include "status.h"
#include "walk.h"

/* ---- Memory ------------------------------------------------------------------------------------------ */

/* Takes room for `bytes` from a worker's memory, of which `used` are taken. Called with no memory it only adds
 * up. NULL for none. */
static void *take(char *memory, size_t *used, size_t bytes) {
  size_t at = *used;
  *used += (bytes + BV_LINE_BYTES - 1) / BV_LINE_BYTES * BV_LINE_BYTES;
  return memory && bytes ? memory + at : NULL;
}

static size_t lay_out_worker(bv_worker *worker, char *memory, const bv_tile_ops *ops, bv_worker_needs needs) {
  size_t room = needs.candidates ? (size_t)(needs.candidates + BV_CANDIDATE_SLACK) * ops->real_bytes : 0;
  size_t used = 0;
  worker->tile = take(memory, &used, BV_TILE_PIXELS * ops->real_bytes);
  worker->mapped = take(memory, &used, BV_TILE_PIXELS * ops->real_bytes);
  worker->candidates = take(memory, &used, room);
  worker->scratch = take(memory, &used, room);
  worker->pixels = take(memory, &used, (size_t)needs.kept * ops->real_bytes);
  worker->digit_counts = take(memory, &used, (size_t)needs.digit_counts * sizeof *worker->digit_counts);
  return used;
}

static size_t lay_out_workers(bv_worker *workers, int count, bool share, char *memory, const bv_tile_ops *ops,
                              bv_worker_needs needs) {
  size_t used = (size_t)count * sizeof *workers;
  for (int i = 0; i < count; ++i) {
    bv_worker measured = {0};
    size_t bytes = lay_out_worker(memory ? &workers[i] : &measured, memory ? memory + used : NULL, ops, needs);
    if (__builtin_add_overflow(used, bytes, &used))
      return SIZE_MAX / BV_LINE_BYTES * BV_LINE_BYTES; /* which no allocator has */
    if (share)
      needs.kept = 0;
  }
  return used;
}

/* All workers in one piece of memory, which free() gives back whole: allocators keep one piece for the next
 * call, and several they would return to the system, page by page. NULL if there is not enough. */
static bv_worker *open_workers(const bv_tile_ops *ops, int count, bool share, bv_worker_needs needs) {
  size_t bytes = lay_out_workers(NULL, count, share, NULL, ops, needs);
  char *memory = aligned_alloc(BV_LINE_BYTES, bytes);
  if (!memory)
    return NULL;
  memset(memory, 0, (size_t)count * sizeof(bv_worker));
  bv_worker *workers = (bv_worker *)memory;
  lay_out_workers(workers, count, share, memory, ops, needs);
  return workers;
}

int bv_threads_for(int64_t pixels) {
  const int64_t least = 32768; /* fewer are not worth waking other threads */
  return pixels < least ? 1 : bv_pool_size();
}

/* The call first: helpers are on their way while memory is found. Where there is too little for all, fewer do.
 */
bv_status bv_open_team(bv_team *team, const bv_tile_ops *ops, int threads, bool share, bv_worker_needs needs) {
  for (;; threads = team->size / 2) {
    *team = (bv_team){.candidate_room = needs.candidates};
    team->size = bv_open_call(threads, &team->call);
    team->workers = open_workers(ops, team->size, share, needs);
    if (team->workers)
      return BV_OK;
    bv_close_team(team);
    if (team->size == 1)
      return bv_fail(BV_ERROR_MEMORY, "no memory for the scratch of a thread");
  }
}

void bv_close_team(bv_team *team) {
  bv_close_call(team->call);
  free(team->workers);
}

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

/* All that a thread needs to know to visit a tile. */
typedef struct tile_visits {
  const bv_group *group;
  bv_worker *workers;
  int64_t count;
  bv_visit_tile *visit;
  const void *context;
} tile_visits;

static void visit_number(const void *context, int seat, int64_t number) {
  const tile_visits *visits = context;
  int64_t first = number * BV_TILE_PIXELS, rest = visits->count - first;
  visits->visit(visits->group, &visits->workers[seat], first, rest < BV_TILE_PIXELS ? rest : BV_TILE_PIXELS,
                visits->context);
}

void bv_for_each_tile(const bv_group *group, const bv_team *team, int64_t count, bv_visit_tile *visit,
                      const void *context) {
  tile_visits visits = {group, team->workers, count, visit, context};
  bv_share_items(team->call, (count + BV_TILE_PIXELS - 1) / BV_TILE_PIXELS, visit_number, &visits);
}
