/* Selection by digits on the CPU: one read of a group, or of a piece of one, counts the digit of all trackers
 * (digits.h). */
#include <string.h>

#include "floating.h"
#include "selection.h"
#include "status.h"
#include "team.h"

/* ---- A digit ----------------------------------------------------------------------------------------- */

/* What one thread counts with: the trackers that have counts of their own. */
typedef struct digit_counter {
  int digit, count;
  bool zero_is_background, maps_in_f64;
  int tracker[BV_TRACKERS];
  uint64_t prefix[BV_TRACKERS];
} digit_counter;

static digit_counter make_counter(const bv_job *job, const bv_selection_memory *memory, int digit) {
  digit_counter c = {.digit = digit,
                     .zero_is_background = job->zero_is_background,
                     .maps_in_f64 = bv_maps_in_f64(job->in_dtype)};
  for (int tracker = 0; tracker < BV_TRACKERS; ++tracker)
    if (bv_counts_of_tracker(memory->prefix, tracker) == tracker) {
      c.tracker[c.count] = tracker;
      c.prefix[c.count++] = memory->prefix[tracker];
    }
  return c;
}

static inline void count_key(const digit_counter *c, uint64_t key, uint64_t counts[][BV_DIGIT_BINS]) {
  for (int i = 0; i < c->count; ++i)
    if (bv_has_prefix(key, c->prefix[i], c->digit))
      ++counts[c->tracker[i]][(uint8_t)(key >> bv_selection_shift(c->digit))];
}

static void count_tile(const digit_counter *c, const void *tile, int64_t count,
                       uint64_t counts[][BV_DIGIT_BINS]) {
  if (c->maps_in_f64) {
    const double *x = tile;
    for (int64_t i = 0; i < count; ++i)
      if (bv_is_foreground_f64(x[i], c->zero_is_background))
        count_key(c, bv_key_of_f64(x[i]), counts);
  } else {
    const float *x = tile;
    for (int64_t i = 0; i < count; ++i)
      if (bv_is_foreground_f32(x[i], c->zero_is_background))
        count_key(c, (uint64_t)bv_key_of_f32(x[i]) << 32, counts);
  }
}

static void visit_digit(const bv_group *group, bv_worker *worker, int64_t first, int64_t count,
                        const void *context) {
  count_tile(context, bv_load_tile(group, first, count, worker->tile), count, worker->digit_counts);
}

/* Adds the foreground of a group to the counts of a digit. */
static void count_group(const bv_group *group, const bv_team *team, bv_selection_memory *memory, int digit) {
  digit_counter counter = make_counter(group->job, memory, digit);
  for (int i = 0; i < team->size; ++i)
    memset(team->workers[i].digit_counts, 0, sizeof memory->counts);
  bv_for_each_tile(group, team, group->count, visit_digit, &counter);
  for (int i = 0; i < team->size; ++i)
    for (int tracker = 0; tracker < BV_TRACKERS; ++tracker)
      for (int bin = 0; bin < BV_DIGIT_BINS; ++bin)
        memory->counts[tracker][bin] += team->workers[i].digit_counts[tracker][bin];
}

static void narrow(bv_selection_memory *memory, int digit, bv_percentiles percentiles) {
  bv_narrowed next[BV_TRACKERS];
  for (int tracker = 0; tracker < BV_TRACKERS; ++tracker)
    next[tracker] = bv_narrow_tracker(memory, tracker, digit, percentiles);
  for (int tracker = 0; tracker < BV_TRACKERS; ++tracker) {
    memory->prefix[tracker] = next[tracker].prefix;
    memory->index[tracker] = next[tracker].index;
  }
  memory->n = next[0].n;
  memset(memory->counts, 0, sizeof memory->counts);
}

/* ---- One group at once ------------------------------------------------------------------------------- */

bv_window bv_select_by_digits(const bv_group *group, const bv_team *team) {
  const bv_job *job = group->job;
  bv_percentiles percentiles = {job->low, job->high};
  bv_selection_memory memory = {0};
  for (int digit = 0; digit < bv_selection_digits(job->in_dtype); ++digit) {
    count_group(group, team, &memory, digit);
    narrow(&memory, digit, percentiles);
  }
  double window[2];
  bv_selected_window(&memory, bv_maps_in_f64(job->in_dtype), true, percentiles, window);
  return (bv_window){window[0], window[1], (int64_t)memory.n};
}

/* ---- In pieces --------------------------------------------------------------------------------------- */

bv_status bv_cpu_selection_begin(bv_selection_memory *memory) {
  memset(memory, 0, sizeof *memory);
  return BV_OK;
}

bv_status bv_cpu_selection_count(const bv_job *job, bv_selection_memory *memory, int digit) {
  bv_group group = {.job = job, .ops = bv_tile_ops_for(job->in_dtype), .count = bv_job_pixels(job)};
  bv_team team;
  BV_TRY(bv_open_team(&team, group.ops, bv_threads_for(group.count), true,
                      (bv_worker_needs){.digit_counts = BV_TRACKERS}));
  fenv_t callers = bv_enter_arithmetic();
  count_group(&group, &team, memory, digit);
  bv_leave_arithmetic(&callers);
  bv_close_team(&team);
  return BV_OK;
}

bv_status bv_cpu_selection_narrow(bv_selection_memory *memory, int digit, bv_percentiles percentiles) {
  narrow(memory, digit, percentiles);
  return BV_OK;
}

bv_status bv_cpu_selection_finish(const bv_job *job, const bv_selection_memory *memory,
                                  bv_percentiles percentiles) {
  double window[2] = {job->lo, job->hi};
  if (job->window != BV_WINDOW_FIXED)
    bv_selected_window(memory, bv_maps_in_f64(job->in_dtype), job->window == BV_WINDOW_PERCENTILE, percentiles,
                       window);
  job->windows[0] = window[0];
  job->windows[job->windows_stride[1]] = window[1];
  if (job->windows_count)
    job->windows[2 * job->windows_stride[1]] = (double)memory->n;
  return BV_OK;
}
