/* Plans of jobs. */
#include "plan.h"

#include "arithmetic.h"
#include "status.h"

/* Blocks of the range kernel: enough for a few on each multiprocessor, none with less work than this. */
#define RANGE_BLOCKS_OF_MULTIPROCESSOR 4
#define RANGE_PIXELS_OF_BLOCK 16384

/* Pixels of one at most, so that any of its threads may count those that it sees in 32 bits. */
#define RANGE_MOST_PIXELS_OF_BLOCK ((int64_t)1 << 31)

/* Groups larger than this are sorted one after another by the whole device, unless there are enough to keep it
 * busy with a block each. */
#define SORT_PIXELS_OF_SMALL_GROUP 65536

/* The numbers of items and of segments are ints in CUB's segmented sort. */
#define SORT_SEGMENTED_ITEMS INT32_MAX

static int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }

static bv_status fail_too_large(void) {
  return bv_fail(BV_ERROR_MEMORY, "the workspace would have more bytes than can be addressed");
}

bv_status bv_plan_scratch(bv_plan *plan, size_t bytes) {
  size_t rounded;
  if (!bv_multiply_aligned(bytes, 1, &rounded) || rounded > INT64_MAX - plan->workspace_bytes)
    return fail_too_large();
  plan->workspace_bytes += rounded;
  return BV_OK;
}

/* ---- Families ------------------------------------------------------------------------------------------ */

static bv_status plan_range(const bv_job *job, const bv_limits *limits, bv_plan *plan) {
  int64_t groups = bv_job_groups(job), pixels = bv_job_pixels(job);
  int64_t blocks = (int64_t)limits->multiprocessors * RANGE_BLOCKS_OF_MULTIPROCESSOR;
  int64_t good = bv_smaller(bv_divide_up(blocks, groups), bv_divide_up(pixels, RANGE_PIXELS_OF_BLOCK));
  int64_t least = bv_smaller(bv_divide_up(pixels, RANGE_MOST_PIXELS_OF_BLOCK), INT32_MAX);
  int64_t parts = larger(good, least);
  plan->range.parts_of_group = (int32_t)parts;
  plan->range.workspace_bytes = 0;
  if (parts > 1 &&
      !bv_multiply_aligned((size_t)(groups * parts), BV_RANGE_PARTIAL_BYTES, &plan->range.workspace_bytes))
    return fail_too_large();
  return bv_plan_scratch(plan, plan->range.workspace_bytes);
}

static bv_status plan_sort(const bv_job *job, const bv_limits *limits, bv_plan *plan) {
  size_t groups = (size_t)bv_job_groups(job), pixels = (size_t)bv_job_pixels(job), keys;
  if (__builtin_mul_overflow(groups, pixels, &keys) ||
      !bv_multiply_aligned(keys, bv_maps_in_f64(job->in_dtype) ? 8 : 4, &plan->sort.keys_bytes))
    return fail_too_large();
  bool small = pixels <= SORT_PIXELS_OF_SMALL_GROUP ||
               (groups >= (size_t)limits->multiprocessors && pixels <= SORT_SEGMENTED_ITEMS);
  plan->sort.segmented = small && groups > 1;
  plan->sort.groups_of_call =
      plan->sort.segmented ? bv_smaller((int64_t)groups, larger(SORT_SEGMENTED_ITEMS / (int64_t)pixels, 1)) : 1;
  BV_TRY(bv_plan_scratch(plan, plan->sort.keys_bytes));
  return bv_plan_scratch(plan, plan->sort.keys_bytes);
}

static bv_status plan_percentiles(const bv_job *job, const bv_limits *limits, bv_plan *plan) {
  if (job->algorithm != BV_ALGORITHM_SORT) {
    plan->method = BV_METHOD_SELECT;
    if (!bv_plan_select(job, limits, &plan->select))
      return fail_too_large();
    BV_TRY(bv_plan_scratch(plan, plan->select.states_bytes));
    return bv_plan_scratch(plan, plan->select.lists_bytes);
  }
  plan->method = BV_METHOD_SORT;
  return plan_sort(job, limits, plan);
}

static bool may_be_resident(const bv_job *job) {
  return job->algorithm == BV_ALGORITHM_AUTO || job->algorithm == BV_ALGORITHM_RESIDENT;
}

static bv_status fail_not_resident(const bv_job *job) {
  return bv_fail(
      BV_ERROR_VALUE,
      "options.algorithm is BV_ALGORITHM_RESIDENT, but groups of %lld pixels of type %s do not fit on "
      "chip; BV_ALGORITHM_SELECT takes any",
      (long long)bv_job_pixels(job), bv_dtype_name(job->in_dtype));
}

/* ---- The plan ------------------------------------------------------------------------------------------ */

static bv_status plan_windows_in_workspace(const bv_job *job, bv_plan *plan) {
  size_t bytes;
  if (!bv_multiply_aligned((size_t)bv_job_groups(job), 2 * sizeof(double), &bytes))
    return fail_too_large();
  plan->windows_in_workspace = true;
  plan->family_at = bytes;
  return bv_plan_scratch(plan, bytes);
}

bv_status bv_make_plan(const bv_job *job, const bv_limits *limits, bv_plan *plan) {
  *plan = (bv_plan){.method = BV_METHOD_GIVEN};
  if (job->operation == BV_APPLY)
    return BV_OK;
  if (job->operation != BV_STRETCH && job->window == BV_WINDOW_FIXED) {
    plan->method = job->operation == BV_MEASURE ? BV_METHOD_FIXED : BV_METHOD_GIVEN;
    return BV_OK;
  }
  if (may_be_resident(job)) {
    if (bv_plan_resident(job, limits, &plan->resident)) {
      plan->method = BV_METHOD_RESIDENT;
      return BV_OK;
    }
    if (job->algorithm == BV_ALGORITHM_RESIDENT && job->window == BV_WINDOW_PERCENTILE)
      return fail_not_resident(job);
  }
  if (job->operation != BV_MEASURE)
    BV_TRY(plan_windows_in_workspace(job, plan));
  if (job->operation == BV_STRETCH || job->window == BV_WINDOW_MINMAX) {
    plan->method = BV_METHOD_RANGE;
    return plan_range(job, limits, plan);
  }
  return plan_percentiles(job, limits, plan);
}
