/* The CPU backend: how a job's groups are spread over threads. */
#include <string.h>

#include "arithmetic.h"
#include "backend.h"
#include "floating.h"
#include "status.h"
#include "team.h"

/* Groups at least this large are shared by all threads if there are few of them. */
#define LEAST_SHARED_PIXELS (1 << 18)
/* Decoded groups up to this size are kept: they stay in the second-level cache between the reads. */
#define MOST_KEPT_BYTES (1 << 21)

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
    bv_apply_group(&group, team, &window);
    return;
  }
  double *to = job->windows + number * job->windows_stride[0];
  to[0] = window.lo;
  to[job->windows_stride[1]] = window.hi;
  if (job->windows_count)
    to[2 * job->windows_stride[1]] = (double)window.n;
}

/* ---- The job ----------------------------------------------------------------------------------------- */

static bv_worker_needs needs_of(const bv_job *job, const bv_tile_ops *ops) {
  int64_t pixels = bv_job_pixels(job);
  bool measures = job->operation == BV_DISPLAY || job->operation == BV_MEASURE;
  bool selects = measures && job->window == BV_WINDOW_PERCENTILE;
  bool reads_twice = selects || job->operation == BV_STRETCH ||
                     (job->operation == BV_DISPLAY && job->window == BV_WINDOW_MINMAX);
  bool keeps = reads_twice && !lies_in_place(job, ops) && pixels <= MOST_KEPT_BYTES / (int64_t)ops->real_bytes;
  return (bv_worker_needs){.candidates = selects ? bv_candidate_room(pixels) : 0,
                           .kept = keeps ? pixels : 0,
                           .digit_counts = selects ? BV_TRACKERS : 0};
}

typedef struct whole_groups {
  const bv_job *job;
  const bv_tile_ops *ops;
  const bv_team *team;
} whole_groups;

/* By one worker, who shares it with nobody. */
static void run_whole_group(const void *context, int seat, int64_t number) {
  const whole_groups *groups = context;
  bv_team alone = {1, &groups->team->workers[seat], groups->team->candidate_room, NULL};
  run_group(groups->job, groups->ops, number, &alone);
}

bv_status bv_cpu_run(const bv_job *job) {
  const bv_tile_ops *ops = bv_tile_ops_for(job->in_dtype);
  int64_t groups = bv_job_groups(job), pixels = bv_job_pixels(job);
  int threads = bv_threads_for(groups * pixels);
  bool share = pixels >= LEAST_SHARED_PIXELS && groups < 4 * (int64_t)threads;
  if (!share && threads > groups)
    threads = (int)groups;

  bv_team team;
  BV_TRY(bv_open_team(&team, ops, threads, share, needs_of(job, ops)));
  fenv_t callers = bv_enter_arithmetic();
  if (share)
    for (int64_t group = 0; group < groups; ++group)
      run_group(job, ops, group, &team);
  else
    bv_share_items(team.call, groups, run_whole_group, &(whole_groups){job, ops, &team});
  bv_leave_arithmetic(&callers);
  bv_close_team(&team);
  return BV_OK;
}
