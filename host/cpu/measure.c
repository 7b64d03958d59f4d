/* The window of one group: exact selection in one read of the pixels.
 *
 * A sample says between which values each percentile must lie, up to an error of a few standard deviations. One
 * read then counts the pixels below these brackets and keeps those inside, among which the values are selected
 * exactly. Whether a bracket holds its indices is known after the read; if not, or if ties overfill the
 * candidates, they are found digit by digit (selection.c). */
#include <math.h>

#include "arithmetic.h"
#include "team.h"

/* Groups up to this size keep all their foreground as candidates if need be. */
#define SMALL_GROUP_PIXELS (1 << 20)
/* Groups up to this size are not sampled: all foreground is candidate. */
#define TINY_GROUP_PIXELS 2048
/* A bracket reaches this many standard deviations of a sample's index to both sides: 1 in 16000 misses. */
#define BRACKET_SIGMAS 4.0
/* Samples with less foreground say too little. */
#define LEAST_SAMPLE 256
#define MOST_SAMPLE 65536
/* Fewer candidates are not worth waking another thread. */
#define LEAST_SHARED_CANDIDATES 512

/* Most tiles have fewer candidates. */
#define EXPECTED_CANDIDATES (BV_TILE_PIXELS / 16)

/* One bracket that holds all foreground. */
static const bv_brackets everything = {-INFINITY, INFINITY, NAN, NAN};

int64_t bv_candidate_room(int64_t pixels) {
  return pixels <= SMALL_GROUP_PIXELS ? pixels : SMALL_GROUP_PIXELS + pixels / 16;
}

static bv_window window_without_foreground(void) { return (bv_window){bv_nan(), bv_nan(), 0}; }

/* ---- Range ------------------------------------------------------------------------------------------- */

static void visit_range(const bv_group *group, bv_worker *worker, int64_t first, int64_t count,
                        const void *context) {
  (void)context;
  const void *tile = bv_load_tile(group, first, count, worker->tile);
  group->ops->measure_range(tile, count, group->job->zero_is_background, &worker->range);
}

bv_window bv_measure_group_range(const bv_group *group, const bv_team *team) {
  for (int i = 0; i < team->size; ++i)
    team->workers[i].range = (bv_range){0, INFINITY, -INFINITY};
  bv_for_each_tile(group, team, group->count, visit_range, NULL);
  bv_range range = {0, INFINITY, -INFINITY};
  for (int i = 0; i < team->size; ++i) {
    range.n += team->workers[i].range.n;
    range.min = fmin(range.min, team->workers[i].range.min);
    range.max = fmax(range.max, team->workers[i].range.max);
  }
  return range.n ? (bv_window){range.min, range.max, range.n} : window_without_foreground();
}

/* ---- Counting ---------------------------------------------------------------------------------------- */

typedef struct counting {
  bv_brackets brackets;
  int64_t room;
  int64_t stratum; /* pixels of which a sample draws one */
} counting;

/* Has a line of the cache brought to this core as its own; where there is no memory, nothing happens. The
 * builtin function asks for a copy to read, unless the compiler is told of processors with this instruction;
 * those without it ignore it. */
static inline void prefetch_for_writing(uintptr_t address) {
#if defined(__x86_64__)
  __asm__ volatile("prefetchw (%0)" ::"r"(address));
#else
  __builtin_prefetch((const void *)address, 1); // NOLINT(performance-no-int-to-ptr)
#endif
}

/* Where the worker's candidates of a tile go. If they may be too many: counts on, keeps none.
 *
 * In the call before, another core may have read the lines in which the next ones will be. A write would wait
 * for each of them; asked for beforehand they come together. */
static void *make_room(const bv_group *group, bv_worker *worker, int64_t count, const counting *c) {
  const size_t bytes = group->ops->real_bytes, line_bytes = 64;
  if (worker->counts.candidates + count > c->room) {
    worker->overflowed = true;
    worker->counts.candidates = 0;
  }
  const uintptr_t next = (uintptr_t)worker->candidates + (size_t)worker->counts.candidates * bytes;
  for (size_t line = 0; line < EXPECTED_CANDIDATES * bytes / line_bytes; ++line)
    prefetch_for_writing(next + line * line_bytes);
  return worker->candidates;
}

static void visit_brackets(const bv_group *group, bv_worker *worker, int64_t first, int64_t count,
                           const void *context) {
  const counting *c = context;
  const void *tile = bv_load_tile(group, first, count, worker->tile);
  group->ops->count_brackets(tile, count, group->job->zero_is_background, &c->brackets, &worker->counts,
                             make_room(group, worker, count, c));
}

/* A sample has one pixel from each stratum of the group. */
static void visit_draws(const bv_group *group, bv_worker *worker, int64_t first, int64_t count,
                        const void *context) {
  const counting *c = context;
  const bv_tile_ops *ops = group->ops;
  if (group->pixels)
    ops->gather(group->pixels, c->stratum, first, count, worker->mapped);
  else
    for (int64_t i = 0; i < count; ++i) {
      const void *pixel = bv_load_tile(group, bv_sample_position(first + i, c->stratum), 1, worker->tile);
      memcpy((char *)worker->mapped + (size_t)i * ops->real_bytes, pixel, ops->real_bytes);
    }
  ops->count_brackets(worker->mapped, count, group->job->zero_is_background, &c->brackets, &worker->counts,
                      make_room(group, worker, count, c));
}

/* Counts `pixels` of the group, as `visit` chooses them; the candidates stay with who found them. False if they
 * were too many; the other counts are right even then. */
static bool count_pixels(const bv_group *group, const bv_team *team, int64_t pixels, bv_visit_tile *visit,
                         const counting *c, bv_bracket_counts *total) {
  for (int i = 0; i < team->size; ++i) {
    team->workers[i].counts = (bv_bracket_counts){0};
    team->workers[i].overflowed = false;
  }
  bv_for_each_tile(group, team, pixels, visit, c);
  bool complete = true;
  *total = (bv_bracket_counts){0};
  for (int i = 0; i < team->size; ++i) {
    const bv_worker *worker = &team->workers[i];
    total->n += worker->counts.n;
    total->below_a += worker->counts.below_a;
    total->below_b += worker->counts.below_b;
    total->candidates += worker->counts.candidates;
    complete = complete && !worker->overflowed;
  }
  return complete && total->candidates <= team->candidate_room;
}

/* ---- Selecting --------------------------------------------------------------------------------------- */

/* The keys of all candidates from `lo` to `hi`, in the scratch of the thread that wants them. */
static int64_t collect_candidates(const bv_group *group, const bv_team *team, int seat, double lo, double hi) {
  char *keys = team->workers[seat].scratch;
  int64_t count = 0;
  for (int i = 0; i < team->size; ++i) {
    const bv_worker *worker = &team->workers[i];
    count += group->ops->collect_keys(worker->candidates, worker->counts.candidates, lo, hi,
                                      keys + (size_t)count * group->ops->real_bytes);
  }
  return count;
}

/* ---- Sample ------------------------------------------------------------------------------------------ */

/* The indices in a sample of `n` between whose values the percentile's indices lie; beyond 0 and n - 1 if the
 * sample does not reach that far out. */
static void bracket_percentile(int64_t n, double percent, int64_t index[2]) {
  double p = percent / 100, middle = p * (double)(n - 1);
  double margin = BRACKET_SIGMAS * sqrt((double)n * p * (1 - p)) + 2;
  index[0] = (int64_t)floor(middle - margin);
  index[1] = (int64_t)ceil(middle + margin);
}

/* The values of four indices of the sample. */
typedef struct sample_values {
  const bv_group *group;
  const bv_team *team;
  const int64_t *indices;
  double *values;
} sample_values;

static void select_sample(const void *context, int seat, int64_t i) {
  const sample_values *s = context;
  int64_t count = collect_candidates(s->group, s->team, seat, -INFINITY, INFINITY);
  s->values[i] = s->group->ops->select_value(s->team->workers[seat].scratch, count, s->indices[i]);
}

static bv_brackets find_brackets(const bv_group *group, const bv_team *team) {
  if (group->count <= TINY_GROUP_PIXELS)
    return everything;
  int64_t draws = group->count / 64;
  draws = draws < 1024 ? 1024 : draws > MOST_SAMPLE ? MOST_SAMPLE : draws;
  counting c = {everything, team->candidate_room, group->count / draws};
  bv_bracket_counts sample;
  count_pixels(group, team, draws, visit_draws, &c, &sample);
  int64_t n = sample.candidates;
  if (n < LEAST_SAMPLE)
    return everything;
  int64_t indices[4], clamped[4];
  double value[4];
  bracket_percentile(n, group->job->low, indices);
  bracket_percentile(n, group->job->high, indices + 2);
  for (int i = 0; i < 4; ++i)
    clamped[i] = indices[i] < 0 ? 0 : indices[i] >= n ? n - 1 : indices[i];
  bv_share_items(n < LEAST_SHARED_CANDIDATES ? NULL : team->call, 4, select_sample,
                 &(sample_values){group, team, clamped, value});
  for (int i = 0; i < 4; ++i)
    value[i] = indices[i] < 0 ? -INFINITY : indices[i] >= n ? INFINITY : value[i];
  bv_brackets brackets = {value[0], value[1], value[2], value[3]};
  if (brackets.b0 <= brackets.a1) {
    brackets.a0 = fmin(brackets.a0, brackets.b0);
    brackets.a1 = fmax(brackets.a1, brackets.b1);
    brackets.b0 = brackets.b1 = NAN;
  }
  return brackets;
}

/* ---- Percentiles ------------------------------------------------------------------------------------- */

/* The values of two percentiles' indices among the candidates. */
typedef struct window_values {
  const bv_group *group;
  const bv_team *team;
  const bv_brackets *brackets;
  const bv_bracket_counts *total;
  const bv_index *index; /* two, of all foreground */
  double (*values)[2];
  bool *found; /* whether the percentile's bracket holds its indices */
} window_values;

static void select_percentile(const void *context, int seat, int64_t i) {
  const window_values *w = context;
  bool in_b = i == 1 && !isnan(w->brackets->b0);
  double lo = in_b ? w->brackets->b0 : w->brackets->a0, hi = in_b ? w->brackets->b1 : w->brackets->a1;
  int64_t count = collect_candidates(w->group, w->team, seat, lo, hi);
  int64_t below = w->index[i].below - (in_b ? w->total->below_b : w->total->below_a);
  bool has_next = w->index[i].above > w->index[i].below;
  w->found[i] = below >= 0 && below + has_next < count;
  if (!w->found[i])
    return;
  void *keys = w->team->workers[seat].scratch;
  if (has_next)
    w->group->ops->select_neighbours(keys, count, below, w->values[i]);
  else
    w->values[i][0] = w->values[i][1] = w->group->ops->select_value(keys, count, below);
}

static bv_window measure_percentiles(const bv_group *group, const bv_team *team) {
  bv_brackets brackets = find_brackets(group, team);
  counting c = {.brackets = brackets, .room = team->candidate_room};
  bv_bracket_counts total;
  bool complete = count_pixels(group, team, group->count, visit_brackets, &c, &total);
  if (total.n == 0)
    return window_without_foreground();
  const bv_index index[2] = {bv_index_of_percentile(total.n, group->job->low),
                             bv_index_of_percentile(total.n, group->job->high)};
  double values[2][2];
  bool found[2] = {false, false};
  if (complete)
    bv_share_items(total.candidates < LEAST_SHARED_CANDIDATES ? NULL : team->call, 2, select_percentile,
                   &(window_values){group, team, &brackets, &total, index, values, found});
  if (!found[0] || !found[1])
    return bv_select_by_digits(group, team);
  return (bv_window){bv_interpolate(values[0][0], values[0][1], index[0].t),
                     bv_interpolate(values[1][0], values[1][1], index[1].t), total.n};
}

bv_window bv_measure_group(const bv_group *group, const bv_team *team) {
  return group->job->window == BV_WINDOW_MINMAX ? bv_measure_group_range(group, team)
                                                : measure_percentiles(group, team);
}
