// Plans: which kernels, which shapes, how much workspace; pure functions, so that no device is needed.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstring>

#include "random.h"

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

bv_job select_job(int64_t groups, int64_t pixels) {
  bv_job job = job_of(groups, pixels);
  job.algorithm = BV_ALGORITHM_SELECT;
  return job;
}

bv_job typed_job(int64_t groups, int64_t pixels, bv_dtype dtype) {
  bv_job job = job_of(groups, pixels);
  job.in_dtype = dtype;
  return job;
}

void expect_resident(const bv_plan &plan, int32_t blocks, int32_t threads) {
  ASSERT_EQ(plan.method, BV_METHOD_RESIDENT);
  EXPECT_EQ(plan.resident.blocks, blocks);
  EXPECT_EQ(plan.resident.threads, threads);
  EXPECT_EQ(plan.workspace_bytes, 0u);
}

// All but padding.
bool same_plan(const bv_plan &a, const bv_plan &b) {
  if (a.method != b.method || a.windows_in_workspace != b.windows_in_workspace || a.family_at != b.family_at ||
      a.workspace_bytes != b.workspace_bytes)
    return false;
  switch (a.method) {
  case BV_METHOD_RESIDENT:
    return a.resident.blocks == b.resident.blocks && a.resident.threads == b.resident.threads &&
           a.resident.shared_bytes == b.resident.shared_bytes &&
           a.resident.pixels_of_block == b.resident.pixels_of_block;
  case BV_METHOD_SELECT:
    return a.select.parts_of_group == b.select.parts_of_group && a.select.candidates == b.select.candidates;
  default: return a.sort.segmented == b.sort.segmented && a.sort.groups_of_call == b.sort.groups_of_call;
  }
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

// Counts of a thread must not overflow, whichever pixels of a block it has.
TEST(Plan, RangesGiveNoBlockMorePixelsThanAThreadCanCount) {
  for (int64_t pixels : {(int64_t(1) << 31) + 1, int64_t(1) << 45}) {
    bv_job job = job_of(5000, pixels);
    job.window = BV_WINDOW_MINMAX;
    const bv_plan plan = plan_of(job);
    ASSERT_EQ(plan.method, BV_METHOD_RANGE);
    EXPECT_LE((pixels - 1) / plan.range.parts_of_group, int64_t(1) << 31) << pixels;
    EXPECT_GE(plan.range.workspace_bytes, size_t(5000) * size_t(plan.range.parts_of_group) * 24);
  }
}

TEST(Plan, ImagesAreConvertedOnChipWhereTheyFit) {
  const bv_plan small = plan_of(job_of(1, 100, BV_STRETCH));
  EXPECT_EQ(small.method, BV_METHOD_RESIDENT);
  EXPECT_EQ(small.workspace_bytes, 0u);

  const bv_plan large = plan_of(job_of(1, 4096 * 4096, BV_STRETCH));
  EXPECT_EQ(large.method, BV_METHOD_RANGE);
  EXPECT_TRUE(large.windows_in_workspace);
  EXPECT_EQ(large.workspace_bytes, 256 + rounded_up(24 * size_t(large.range.parts_of_group)));
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
  bv_job candidates = select_job(int64_t(1) << 41, int64_t(1) << 26);
  EXPECT_EQ(bv_make_plan(&candidates, &h100, &plan), BV_ERROR_MEMORY);

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

// ---- RESIDENT ------------------------------------------------------------------------------------------

TEST(Plan, AutoIsResidentWhereAGroupFitsInABlock) {
  // As many pixels as a block has room for, in whole tiles of 128
  expect_resident(plan_of(typed_job(1000, 13568, BV_F32), t4), 1, 768);
  EXPECT_EQ(plan_of(typed_job(1000, 13569, BV_F32), t4).method, BV_METHOD_SELECT);
  expect_resident(plan_of(typed_job(1000, 6528, BV_F64), t4), 1, 640);
  EXPECT_EQ(plan_of(typed_job(1000, 6529, BV_F64), t4).method, BV_METHOD_SELECT);
  expect_resident(plan_of(typed_job(1000, 54400, BV_U8), t4), 1, 768);
  EXPECT_EQ(plan_of(typed_job(1000, 54401, BV_U8), t4).method, BV_METHOD_SELECT);
}

TEST(Plan, AutoIsResidentWhereAGroupFitsInACluster) {
  expect_resident(plan_of(typed_job(1, 884736, BV_F32)), 16, 768);
  EXPECT_EQ(plan_of(typed_job(1, 884737, BV_F32)).method, BV_METHOD_SELECT);
  bv_limits portable = h100;
  portable.resident_most_blocks = 8;
  expect_resident(plan_of(typed_job(1, 442368, BV_F32), portable), 8, 768);
  EXPECT_EQ(plan_of(typed_job(1, 442369, BV_F32), portable).method, BV_METHOD_SELECT);
}

TEST(Plan, ResidentBlocksShareTheRegistersOfAMultiprocessor) {
  // A multiprocessor holds three blocks, two, one of them
  expect_resident(plan_of(typed_job(1000, 2048, BV_F32), t4), 1, 256);
  expect_resident(plan_of(typed_job(1000, 4096, BV_F32), t4), 1, 384);
  expect_resident(plan_of(typed_job(1000, 12000, BV_F32), t4), 1, 768);
  expect_resident(plan_of(typed_job(1, 16 * 16384, BV_F32)), 16, 256);
  expect_resident(plan_of(typed_job(1, 16 * 20480, BV_F32)), 16, 384);
  expect_resident(plan_of(typed_job(1, 16 * 40960, BV_F32)), 16, 768);
  // The same where pixels are mapped in float64
  expect_resident(plan_of(typed_job(1000, 1024, BV_F64), t4), 1, 192);
  expect_resident(plan_of(typed_job(1000, 2048, BV_F64), t4), 1, 320);
  expect_resident(plan_of(typed_job(1000, 6000, BV_F64), t4), 1, 640);
  expect_resident(plan_of(typed_job(1, 16 * 16384, BV_I32)), 16, 192);
  expect_resident(plan_of(typed_job(1, 16 * 20480, BV_I32)), 16, 320);
  expect_resident(plan_of(typed_job(1, 16 * 40960, BV_U32)), 16, 640);
  // No more than have a few pixels each
  expect_resident(plan_of(typed_job(1000, 100, BV_F32)), 1, 192);
}

TEST(Plan, ResidentGroupsAreCutFinerUntilTheDeviceIsBusy) {
  expect_resident(plan_of(typed_job(132, 16384, BV_F32)), 1, 256);
  expect_resident(plan_of(typed_job(131, 16384, BV_F32)), 2, 256);
  expect_resident(plan_of(typed_job(1, 16384, BV_F32)), 4, 256); // pieces of 4096: small enough
  expect_resident(plan_of(typed_job(1, 4096, BV_F32)), 1, 256);
  expect_resident(plan_of(typed_job(1000, 20480, BV_F32)), 2, 256); // for three blocks a multiprocessor
}

TEST(Plan, ResidentPlansHoldTheirGroups) {
  Random random;
  int residents = 0, clusters = 0, lines = 0;
  for (int i = 0; i < 20000; ++i) {
    bv_job job = typed_job(random.between(1, 300), int64_t(1) << random.between(0, 20),
                           random.pick({BV_U8, BV_I16, BV_F32, BV_I32, BV_F64}));
    job.extent[1] = random.between((job.extent[1] + 1) / 2, job.extent[1]);
    job.operation = random.pick({BV_DISPLAY, BV_MEASURE});
    job.window = random.pick({BV_WINDOW_PERCENTILE, BV_WINDOW_MINMAX});
    int64_t rows = 1, columns = job.extent[1], channels = 1;
    if (columns >= 32 && random.one_in(3)) { // lines with gaps
      rows = random.between(2, 64);
      job.ndim = 3;
      job.extent[2] = columns;
      job.in_stride[2] = 1;
      job.extent[1] = rows;
      job.in_stride[1] = columns + 7;
    } else if (random.one_in(3)) { // three channels of one pixel
      channels = 3;
      job.ndim = 3;
      job.extent[1] = channels;
      job.in_stride[1] = columns;
      job.extent[2] = columns;
      job.in_stride[2] = 1;
      job.channel_axis = 1;
    }
    const bv_limits &limits = random.pick({h100, t4});
    const bv_plan plan = plan_of(job, limits);
    if (plan.method != BV_METHOD_RESIDENT)
      continue;
    const bv_resident_plan &cut = plan.resident;
    SCOPED_TRACE(testing::Message() << job.extent[0] << " groups, " << channels << " channels, " << rows
                                    << " rows of " << columns << " pixels of type "
                                    << bv_dtype_name(job.in_dtype));
    const bool wide = job.in_dtype == BV_F64 || job.in_dtype == BV_I32;
    ASSERT_EQ(plan.workspace_bytes, 0u);
    ASSERT_FALSE(plan.windows_in_workspace);
    ASSERT_TRUE(cut.blocks >= 1 && cut.blocks <= limits.resident_most_blocks);
    ASSERT_EQ(cut.blocks & (cut.blocks - 1), 0);
    ASSERT_TRUE(cut.threads >= 128 && cut.threads % 32 == 0 && cut.threads <= (wide ? 640 : 768));
    ASSERT_LE(cut.shared_bytes, limits.shared_bytes_of_block);
    ASSERT_EQ(cut.plane_bytes % 16, 0);
    const int64_t size = int64_t(bv_dtype_size(cut.held));
    const int64_t piece = rows > 1 ? cut.rows_of_block * columns : cut.pixels_of_block;
    ASSERT_GE(cut.blocks * (rows > 1 ? cut.rows_of_block : piece), rows > 1 ? rows : columns);
    ASSERT_GE(cut.plane_bytes, piece * size);
    ASSERT_LE(cut.plane_bytes, 8 * 64 * cut.threads) << "more chunks than there are barriers for";
    ASSERT_GE(cut.shared_bytes, channels * cut.plane_bytes + 768 + 2048 * 4 + 512 * (size == 8 ? 8 : 4));
    ++residents;
    clusters += cut.blocks > 1;
    lines += rows > 1;
  }
  EXPECT_GT(residents, 5000);
  EXPECT_GT(clusters, 500);
  EXPECT_GT(lines, 500);
}

TEST(Plan, ResidentIsRefusedWhereAGroupDoesNotFit) {
  bv_job job = typed_job(1, 884737, BV_F32);
  job.algorithm = BV_ALGORITHM_RESIDENT;
  bv_plan plan;
  ASSERT_EQ(bv_make_plan(&job, &h100, &plan), BV_ERROR_VALUE);
  for (const char *words : {"options.algorithm is BV_ALGORITHM_RESIDENT", "groups of 884737 pixels of type f32",
                            "do not fit on chip", "BV_ALGORITHM_SELECT takes any"})
    EXPECT_NE(std::strstr(bv_last_error(), words), nullptr) << bv_last_error();

  job.extent[1] = 884736;
  expect_resident(plan_of(job), 16, 768);
  job.extent[1] = 884737; // the algorithm is that of percentiles: ranges are found in whichever way there is
  job.window = BV_WINDOW_MINMAX;
  EXPECT_EQ(plan_of(job).method, BV_METHOD_RANGE);
}

// ---- SELECT --------------------------------------------------------------------------------------------

TEST(Plan, SelectTakesABlockForEachGroupThatACacheHolds) {
  for (const bv_job &job : {select_job(1, 65536), select_job(3, 100), select_job(264, 1048576)}) {
    const bv_plan plan = plan_of(job);
    EXPECT_EQ(plan.method, BV_METHOD_SELECT);
    EXPECT_TRUE(plan.select.block_for_group);
    EXPECT_EQ(plan.workspace_bytes, rounded_up(size_t(job.extent[0]) * 16)); // windows alone
  }
  for (const bv_job &job : {select_job(1, 65537), select_job(263, 1048576), select_job(264, 1048577)})
    EXPECT_FALSE(plan_of(job).select.block_for_group) << job.extent[0] << " of " << job.extent[1];
}

TEST(Plan, SelectSharesLargeGroupsAmongManyBlocks) {
  EXPECT_EQ(plan_of(select_job(1, 65537)).select.parts_of_group, 5); // with 16384 pixels each
  EXPECT_EQ(plan_of(select_job(2, 78260)).select.parts_of_group, 5);
  EXPECT_EQ(plan_of(select_job(1, int64_t(1) << 31)).select.parts_of_group,
            4 * 132); // or four a multiprocessor
  EXPECT_EQ(plan_of(select_job(3, int64_t(1) << 31)).select.parts_of_group, 4 * 132 / 3);
  EXPECT_EQ(plan_of(select_job(5000, int64_t(1) << 28)).select.parts_of_group, 1);
  EXPECT_EQ(plan_of(select_job(1, int64_t(1) << 31), t4).select.parts_of_group, 4 * 40);
}

// Counts of a block must not overflow, also where there are enough groups to keep the device busy.
TEST(Plan, SelectGivesNoBlockMorePixelsThanItCanCount) {
  for (bv_dtype dtype : {BV_U8, BV_F32, BV_F64})
    for (int64_t pixels : {(int64_t(1) << 28) + 1, int64_t(1) << 33, int64_t(1) << 45}) {
      bv_job job = typed_job(5000, pixels, dtype);
      job.algorithm = BV_ALGORITHM_SELECT;
      EXPECT_LE((pixels - 1) / plan_of(job).select.parts_of_group, int64_t(1) << 28) << pixels;
    }
}

TEST(Plan, SelectFinishesWithAsManyBlocksAsRunAtOnce) {
  for (int64_t pixels : {int64_t(65537), int64_t(1) << 24, int64_t(1) << 40})
    for (const bv_limits &limits : {h100, t4}) {
      const bv_select_plan plan = plan_of(select_job(1, pixels), limits).select;
      EXPECT_EQ(plan.blocks_at_once, 2 * limits.multiprocessors);
      EXPECT_LE(plan.parts_of_finish, plan.blocks_at_once);
      EXPECT_LE(plan.parts_of_finish, plan.parts_of_group);
      EXPECT_GE(plan.parts_of_finish, 1);
    }
}

// A bin for each value, and nothing else.
TEST(Plan, SelectOfBytesNeedsNoCandidates) {
  bv_job job = typed_job(3, int64_t(1) << 26, BV_I8);
  job.algorithm = BV_ALGORITHM_SELECT;
  const bv_plan plan = plan_of(job);
  EXPECT_EQ(plan.select.states_bytes, rounded_up(3 * 2056));
  EXPECT_EQ(plan.workspace_bytes, 256 + plan.select.states_bytes);
}

// A bracket reaches from 3.25 standard deviations of the percentile's place in the sample, and one index, below
// it to as many above it; candidates have room for half as many again.
TEST(Plan, SelectHasRoomForTheCandidatesThatBracketsHold) {
  for (bv_dtype dtype : {BV_U16, BV_F32, BV_F64, BV_I32}) {
    const bool wide = dtype == BV_F64 || dtype == BV_I32;
    const double sample = wide ? 4096 : 9216;
    for (double low : {0.0, 2.0, 50.0}) {
      for (int64_t groups : {1, 3}) {
        bv_job job = select_job(groups, int64_t(1) << 26);
        job.in_dtype = dtype;
        job.low = low;
        job.high = 100 - low;
        const bv_plan plan = plan_of(job);
        const double indices = 2 * 2 * (3.25 * std::sqrt(sample * low / 100 * (1 - low / 100)) + 1);
        EXPECT_GT(double(plan.select.candidates), 1.5 * indices / sample * 0x1p26);
        EXPECT_LT(double(plan.select.candidates), 1.5 * (indices + 8) / sample * 0x1p26 + 8192);
        EXPECT_EQ(plan.family_at, 256u);
        EXPECT_EQ(plan.select.states_bytes, rounded_up(size_t(groups) * 21504));
        EXPECT_EQ(plan.select.lists_bytes,
                  rounded_up(size_t(groups * plan.select.candidates) * (wide ? 8 : 4)));
        EXPECT_EQ(plan.workspace_bytes, 256 + plan.select.states_bytes + plan.select.lists_bytes);
        EXPECT_EQ(plan.workspace_bytes % 256, 0u);
      }
    }
  }
}

// ---- Pointers ------------------------------------------------------------------------------------------

TEST(Plan, DependsOnPointersOnlyThroughTheirAlignment) {
  alignas(16) static uint8_t memory[64];
  for (int32_t algorithm : {BV_ALGORITHM_SORT, BV_ALGORITHM_SELECT, BV_ALGORITHM_AUTO}) {
    bv_job job = typed_job(1, 884736, BV_F32), other = job;
    double windows[2];
    job.algorithm = other.algorithm = algorithm;
    job.out_dtype = other.out_dtype = BV_F32;
    job.in = memory;
    job.out = memory + 16;
    other.in = memory + 48;
    other.out = memory + 32;
    other.windows = windows;
    EXPECT_TRUE(same_plan(plan_of(job), plan_of(other)));
  }
}

// Data that does not begin at a multiple of 16 bytes takes some pixels more on chip, which the largest groups
// do not have: these need a workspace.
TEST(Plan, MisalignedDataNeedsRoomOnChip) {
  alignas(16) static uint8_t memory[64];
  for (size_t in : {size_t(0), size_t(4), size_t(16)}) {
    for (size_t out : {size_t(0), size_t(1), size_t(8), size_t(32)}) {
      bv_job job = typed_job(1, 884736, BV_F32);
      job.out_dtype = BV_U8;
      job.in = memory + in;
      job.out = memory + out;
      const bv_plan plan = plan_of(job);
      const bool aligned = in % 16 == 0 && out % 16 == 0;
      EXPECT_EQ(plan.method, aligned ? BV_METHOD_RESIDENT : BV_METHOD_SELECT) << in << " and " << out;
      EXPECT_EQ(plan.workspace_bytes == 0, aligned) << in << " and " << out;
      job.extent[1] -= 15;
      EXPECT_EQ(plan_of(job).method, BV_METHOD_RESIDENT) << in << " and " << out;
    }
  }
}
