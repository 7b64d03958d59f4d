/* Plans of selection: a block for each group or all of the device, and how much room candidates need. */
#include "plan.h"

#include <math.h>

#include "arithmetic.h"

/* Groups up to this size are read again from the cache by a block each, and so are those up to the larger size
 * where there are enough of them to keep all multiprocessors busy. */
#define PIXELS_OF_SMALL_GROUP 65536
#define PIXELS_OF_BLOCKS_GROUP 1048576
#define GOOD_GROUPS_OF_MULTIPROCESSOR 2

/* Blocks that share a large group: enough for a few on each multiprocessor, none with less work than this. */
#define BLOCKS_OF_MULTIPROCESSOR 4
#define PIXELS_OF_BLOCK 16384

/* Pixels of a block at most, so that each of its 256 threads counts fewer than 2^24 of them, also where lines
 * are so short that only a few lanes of a warp have any. */
#define MOST_PIXELS_OF_BLOCK ((int64_t)1 << 28)

/* Room for candidates beyond the expected number, for brackets that came out wide: a factor, and some keys. */
#define SPARE_FACTOR 1.5
#define SPARE_KEYS 4096

/* The share of the foreground that falls into a percentile's bracket, as select.cuh makes it. */
static double share_of_bracket(double percent, double sample) {
  double p = percent / 100.0;
  return 2.0 * (BV_SELECT_DEVIATIONS * sqrt(p * (1.0 - p) / sample) + 2.0 / sample);
}

bool bv_plan_select(const bv_job *job, const bv_limits *limits, bv_select_plan *plan) {
  const int64_t groups = bv_job_groups(job), pixels = bv_job_pixels(job);
  *plan = (bv_select_plan){.parts_of_group = 1};
  plan->block_for_group = pixels <= PIXELS_OF_SMALL_GROUP ||
                          (pixels <= PIXELS_OF_BLOCKS_GROUP &&
                           groups >= (int64_t)limits->multiprocessors * GOOD_GROUPS_OF_MULTIPROCESSOR);
  if (plan->block_for_group)
    return true;

  const int64_t blocks = (int64_t)limits->multiprocessors * BLOCKS_OF_MULTIPROCESSOR;
  const int64_t good = bv_smaller(bv_divide_up(blocks, groups), bv_divide_up(pixels, PIXELS_OF_BLOCK));
  const int64_t least = bv_smaller(bv_divide_up(pixels, MOST_PIXELS_OF_BLOCK), INT32_MAX);
  plan->parts_of_group = (int32_t)(good > least ? good : least);
  if (bv_dtype_size(job->in_dtype) == 1)
    return bv_multiply_aligned((size_t)groups, BV_SELECT_BYTE_STATE_BYTES, &plan->states_bytes);

  plan->blocks_at_once = limits->multiprocessors * BV_SELECT_FINISH_BLOCKS;
  plan->parts_of_finish = (int32_t)bv_smaller(plan->parts_of_group, plan->blocks_at_once);
  const bool wide = bv_maps_in_f64(job->in_dtype);
  const double sample = wide ? BV_SELECT_SAMPLE_WIDE_KEYS : BV_SELECT_SAMPLE_KEYS;
  const double share = share_of_bracket(job->low, sample) + share_of_bracket(job->high, sample);
  const double candidates = (double)pixels * share * SPARE_FACTOR + SPARE_KEYS;
  plan->candidates = candidates < (double)pixels ? (int64_t)candidates : pixels;
  int64_t keys;
  return bv_multiply_aligned((size_t)groups, BV_SELECT_STATE_BYTES, &plan->states_bytes) &&
         !__builtin_mul_overflow(groups, plan->candidates, &keys) &&
         bv_multiply_aligned((size_t)keys, wide ? 8 : 4, &plan->lists_bytes);
}
