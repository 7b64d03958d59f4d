/* The threads of a job and what they work with: each worker has its own scratch memory and its own share of a
 * measurement.
 */
#ifndef BV_TEAM_H
#define BV_TEAM_H

#include "digits.h"
#include "job.h"
#include "pool.h"
#include "tile_ops.h"

typedef struct bv_worker {
  _Alignas(BV_LINE_BYTES) void *tile; /* pixels in the map type */
  void *mapped;                       /* 0 .. 1 */
  uint8_t grey[BV_TILE_PIXELS];
  void *candidates, *scratch;              /* candidate_room values and BV_CANDIDATE_SLACK more each */
  void *pixels;                            /* a whole group decoded, or NULL: see bv_group */
  uint64_t (*digit_counts)[BV_DIGIT_BINS]; /* BV_TRACKERS of them */
  bv_range range;
  bv_bracket_counts counts;
  bool overflowed; /* more candidates than there is room for */
} bv_worker;

/* The workers that share one group: one, or all of them. */
typedef struct bv_team {
  int size;
  bv_worker *workers;
  int64_t candidate_room; /* a worker's */
  bv_call *call;          /* NULL for one worker */
} bv_team;

/* What a job needs of each worker. */
typedef struct bv_worker_needs {
  int64_t candidates;   /* pixels */
  int64_t kept;         /* pixels; of the first worker alone if all share their groups */
  int64_t digit_counts; /* BV_TRACKERS, or 0 */
} bv_worker_needs;

/* How many threads should work on so many pixels. */
int bv_threads_for(int64_t pixels);

/* A team of up to `threads`, with their memory. Returns BV_OK or BV_ERROR_MEMORY. */
bv_status bv_open_team(bv_team *team, const bv_tile_ops *ops, int threads, bool share, bv_worker_needs needs);
void bv_close_team(bv_team *team);

/* One group of a job, on its way. */
typedef struct bv_group {
  const bv_job *job;
  const bv_tile_ops *ops;
  int64_t number;
  int64_t count;      /* pixels */
  const void *pixels; /* all of them, gap-free and in the map type, or NULL if tiles have to be decoded */
} bv_group;

/* The tile of `count` pixels from `first`: in place where they lie gap-free in the map type, else decoded to
 * `tile`. */
const void *bv_load_tile(const bv_group *group, int64_t first, int64_t count, void *tile);

/* Calls `visit` for `count` pixels of the group, or draws of a sample of it, a tile's number at a time, with
 * the worker that runs it. */
typedef void bv_visit_tile(const bv_group *group, bv_worker *worker, int64_t first, int64_t count,
                           const void *context);
void bv_for_each_tile(const bv_group *group, const bv_team *team, int64_t count, bv_visit_tile *visit,
                      const void *context);

/* Measures the window of a group that job->window asks for (not BV_WINDOW_FIXED). */
typedef struct bv_window {
  double lo, hi; /* NaN if n is 0 */
  int64_t n;
} bv_window;
bv_window bv_measure_group(const bv_group *group, const bv_team *team);

/* Smallest and largest foreground value; NaN if there is none. */
bv_window bv_measure_group_range(const bv_group *group, const bv_team *team);

/* The window between job->low and job->high at one read of the group a digit, whatever its pixels are. */
bv_window bv_select_by_digits(const bv_group *group, const bv_team *team);

/* How many candidates measuring a group of `pixels` may have to keep. */
int64_t bv_candidate_room(int64_t pixels);

/* Maps a group through its window to the output. */
void bv_apply_group(const bv_group *group, const bv_team *team, const bv_window *window);

#endif
