// Plans: which kernels, which shapes, how much workspace; pure functions, so that no device is needed.
#include <gtest/gtest.h>

#include <cstdint>

extern "C" {
#include "plan.h"
}

namespace {

const bv_limits h100 = {90, 132, 232448, 233472, 1024, 50 << 20, 16};
const bv_limits t4 = {75, 40, 65536, 65536, 0, 4 << 20, 1};

// A gap-free f32 batch of `groups` groups.
bv_job job_of(int64_t groups, int64_t pixels, bv_operation operation = BV_DISPLAY) {
  bv_job job = {};
  job.operation = operation;
  job.ndim = 2;
  job.group_ndim = 1;
  job.extent[0] = groups;
  job.extent[1] = pixels;
  job.in_dtype = BV_F32;
  job.in_stride[0] = job.out_stride[0] = pixels;
  job.in_stride[1] = job.out_stride[1] = 1;
  job.components = 1;
  job.channel_axis = -1;
  job.low = 2;
  job.high = 98;
  return job;
}

bv_plan plan_of(const bv_job &job, const bv_limits &limits = h100) {
  bv_plan plan;
  EXPECT_EQ(bv_make_plan(&job, &limits, &plan), BV_OK) << bv_last_error();
  return plan;
}

bv_job sort_job(int64_t groups, int64_t pixels, bv_operation operation = BV_DISPLAY) {
  bv_job job = job_of(groups, pixels, operation);
  job.algorithm = BV_ALGORITHM_SORT;
  return job;
}

size_t rounded_up(size_t bytes) { return (bytes + 255) / 256 * 256; }

} // namespace

TEST(Plan, GivenAndFixedWindowsNeedNoWorkspace) {
  bv_plan plan = plan_of(job_of(8, 1000, BV_APPLY));
  EXPECT_EQ(plan.method, BV_METHOD_GIVEN);
  EXPECT_EQ(plan.workspace_bytes, 0u);

  bv_job fixed = job_of(8, 1000);
  fixed.window = BV_WINDOW_FIXED;
  EXPECT_EQ(plan_of(fixed).method, BV_METHOD_GIVEN);
  EXPECT_EQ(plan_of(fixed).workspace_bytes, 0u);
  fixed.operation = BV_MEASURE;
  EXPECT_EQ(plan_of(fixed).method, BV_METHOD_FIXED);
  EXPECT_EQ(plan_of(fixed).workspace_bytes, 0u);
}

TEST(Plan, RangesOfManySmallGroupsNeedOnlyWindows) {
  bv_job job = job_of(1000, 256);
  job.algorithm = BV_ALGORITHM_SELECT; // so that they are not measured on chip
  job.window = BV_WINDOW_MINMAX;
  bv_plan plan = plan_of(job);
  EXPECT_EQ(plan.method, BV_METHOD_RANGE);
  EXPECT_TRUE(plan.windows_in_workspace);
  EXPECT_EQ(plan.range.parts_of_group, 1);
  EXPECT_EQ(plan.workspace_bytes, rounded_up(1000 * 16));

  job.operation = BV_MEASURE;
  EXPECT_FALSE(plan_of(job).windows_in_workspace);
  EXPECT_EQ(plan_of(job).workspace_bytes, 0u);
}

TEST(Plan, RangesOfOneLargeGroupUseTheWholeDevice) {
  bv_job job = job_of(1, int64_t(1) << 40);
  job.window = BV_WINDOW_MINMAX;
  for (const bv_limits &limits : {h100, t4}) {
    bv_plan plan = plan_of(job, limits);
    EXPECT_GE(plan.range.parts_of_group, limits.multiprocessors);
    EXPECT_LE(plan.range.parts_of_group, 16 * limits.multiprocessors);
    EXPECT_EQ(plan.family_at, 256u);
    EXPECT_EQ(plan.workspace_bytes, 256 + rounded_up(24 * size_t(plan.range.parts_of_group)));
  }
}

TEST(Plan, StretchMeasuresTheRangeWhateverTheWindowOption) {
  bv_job job = job_of(1, 100, BV_STRETCH);
  bv_plan plan = plan_of(job);
  EXPECT_EQ(plan.method, BV_METHOD_RANGE);
  EXPECT_EQ(plan.range.parts_of_group, 1);
  EXPECT_EQ(plan.workspace_bytes, 256u);
}

TEST(Plan, SortHoldsTheKeysTwice) {
  bv_plan plan = plan_of(sort_job(7, 1001));
  EXPECT_EQ(plan.method, BV_METHOD_SORT);
  EXPECT_EQ(plan.sort.keys_bytes, rounded_up(7 * 1001 * 4));
  EXPECT_EQ(plan.workspace_bytes, 256 + 2 * plan.sort.keys_bytes);

  bv_job wide = sort_job(7, 1001, BV_MEASURE);
  wide.in_dtype = BV_I32; // its map type is float64
  EXPECT_EQ(plan_of(wide).workspace_bytes, 2 * rounded_up(7 * 1001 * 8));
}

TEST(Plan, SortTakesGroupsTogetherWhereThatFillsTheDevice) {
  EXPECT_TRUE(plan_of(sort_job(8, 65536)).sort.segmented);
  EXPECT_FALSE(plan_of(sort_job(8, 65537)).sort.segmented);
  EXPECT_TRUE(plan_of(sort_job(132, 65537)).sort.segmented);
  EXPECT_FALSE(plan_of(sort_job(131, 65537)).sort.segmented);
  EXPECT_FALSE(plan_of(sort_job(1, 100)).sort.segmented);
  EXPECT_FALSE(plan_of(sort_job(200, int64_t(INT32_MAX) + 1)).sort.segmented);
}

TEST(Plan, OneSegmentedSortNeverHasMoreItemsThanAnInt) {
  for (int64_t pixels : {int64_t(1), int64_t(3), int64_t(65536), int64_t(1) << 30, int64_t(INT32_MAX)}) {
    bv_plan plan = plan_of(sort_job(int64_t(1) << 26, pixels));
    ASSERT_TRUE(plan.sort.segmented);
    EXPECT_GE(plan.sort.groups_of_call, 1);
    EXPECT_LE(plan.sort.groups_of_call * pixels, INT32_MAX);
    EXPECT_GT((plan.sort.groups_of_call + 1) * pixels, plan.sort.groups_of_call < 1 << 26 ? INT32_MAX : 0);
  }
}

TEST(Plan, WorkspaceBeyondAllMemoryIsAnError) {
  bv_plan plan;
  for (int64_t pixels : {INT64_MAX, INT64_MAX / 4, INT64_MAX / 8}) {
    bv_job job = sort_job(1, pixels);
    EXPECT_EQ(bv_make_plan(&job, &h100, &plan), BV_ERROR_MEMORY) << pixels;
  }
  bv_job groups = job_of(INT64_MAX / 8, 1);
  groups.window = BV_WINDOW_MINMAX;
  EXPECT_EQ(bv_make_plan(&groups, &h100, &plan), BV_ERROR_MEMORY);

  ASSERT_EQ(plan_of(job_of(1, 1)).method, plan_of(job_of(1, 1)).method);
  plan = plan_of(sort_job(1, 1000));
  EXPECT_EQ(bv_plan_scratch(&plan, SIZE_MAX), BV_ERROR_MEMORY);
}

TEST(Plan, ScratchIsAddedInWholeAlignments) {
  bv_plan plan = plan_of(sort_job(1, 1000));
  size_t before = plan.workspace_bytes;
  ASSERT_EQ(bv_plan_scratch(&plan, 1), BV_OK);
  EXPECT_EQ(plan.workspace_bytes, before + 256);
  ASSERT_EQ(bv_plan_scratch(&plan, 256), BV_OK);
  EXPECT_EQ(plan.workspace_bytes, before + 512);
}

TEST(Plan, DependsOnShapesAloneNotOnPointers) {
  bv_job job = sort_job(3, 777), other = job;
  double windows[2];
  other.in = &other;
  other.out = &job;
  other.windows = windows;
  bv_plan a = plan_of(job), b = plan_of(other);
  EXPECT_EQ(a.method, b.method);
  EXPECT_EQ(a.workspace_bytes, b.workspace_bytes);
  EXPECT_EQ(a.family_at, b.family_at);
}
