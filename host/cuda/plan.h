/* Plans: which kernels a job takes on a device, in which launch shapes, and how much workspace.
 *
 * A pure function of the job's shapes, strides and types, of whether its data begins at multiples of 16 bytes,
 * and of the device's limits, so that it can be tested without a device. No memory is read. Only the scratch of
 * CUB's sort has to be asked for on the device itself.
 */
#ifndef BV_PLAN_H
#define BV_PLAN_H

#include "launch.h"

/* What plans depend on of a device. */
typedef struct bv_limits {
  int32_t compute_capability; /* 10 * major + minor */
  int32_t multiprocessors;
  int64_t shared_bytes_of_block; /* the most that a block can ask for */
  int64_t shared_bytes_of_multiprocessor;
  int64_t shared_bytes_reserved; /* of each block, by the system */
  int64_t l2_bytes;
  int32_t resident_most_blocks; /* of a cluster of the resident kernel; 1 where there are no clusters */
} bv_limits;

/* How a job's windows come about. */
typedef enum bv_method {
  BV_METHOD_GIVEN,    /* by the caller, in memory or as two numbers */
  BV_METHOD_FIXED,    /* two numbers to be written */
  BV_METHOD_RESIDENT, /* writes pictures as well */
  BV_METHOD_RANGE,
  BV_METHOD_SELECT,
  BV_METHOD_SORT
} bv_method;

typedef struct bv_plan {
  bv_method method;
  bool windows_in_workspace; /* at its beginning, lo and hi of each group */
  size_t family_at;          /* where the workspace of the measuring family begins */
  size_t workspace_bytes;    /* of all */
  union {
    bv_resident_plan resident;
    bv_range_plan range;
    bv_select_plan select;
    bv_sort_plan sort;
  };
} bv_plan;

/* Fails with BV_ERROR_VALUE if the algorithm asked for cannot do the job, and with BV_ERROR_MEMORY if no memory
 * is large enough. With BV_METHOD_SORT, the sort's scratch is still to be added by bv_plan_scratch. */
bv_status bv_make_plan(const bv_job *job, const bv_limits *limits, bv_plan *plan);

/* The resident kernel's part of it; false if the groups do not fit on chip. */
bool bv_plan_resident(const bv_job *job, const bv_limits *limits, bv_resident_plan *plan);

/* The selecting kernels' part; false if that needs more memory than can be addressed. */
bool bv_plan_select(const bv_job *job, const bv_limits *limits, bv_select_plan *plan);

/* `bytes` more at the end of the workspace. */
bv_status bv_plan_scratch(bv_plan *plan, size_t bytes);

/* ---- Amounts: what the plans of all families count with ------------------------------------------------- */

static inline int64_t bv_smaller(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t bv_divide_up(int64_t n, int64_t d) { return n / d + (n % d != 0); }

/* *product = a * b rounded up to the workspace's alignment; false if that is not addressable. */
static inline bool bv_multiply_aligned(size_t a, size_t b, size_t *product) {
  size_t bytes;
  if (__builtin_mul_overflow(a, b, &bytes) || bytes > INT64_MAX - BV_WORKSPACE_ALIGNMENT)
    return false;
  *product = (bytes + BV_WORKSPACE_ALIGNMENT - 1) / BV_WORKSPACE_ALIGNMENT * BV_WORKSPACE_ALIGNMENT;
  return true;
}

#endif
