// Groups of one rank, and what is wrong with the arguments of any: each with its status, and a message that
// names it.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <set>
#include <string>
#include <vector>

#include "batchview/ddp.h"

namespace {

class Group : public ::testing::Test {
protected:
  Group() {
    for (const char *name :
         {"RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "OMPI_COMM_WORLD_RANK", "SLURM_PROCID"})
      unsetenv(name);
    options.device = BV_CPU;
  }
  ~Group() override {
    if (group)
      bv_ddp_finish(group);
  }

  void expect(bv_status expected, bv_status status, const std::vector<std::string> &words) {
    EXPECT_EQ(status, expected) << bv_last_error();
    for (const std::string &word : words)
      EXPECT_NE(std::string(bv_last_error()).find(word), std::string::npos)
          << "no \"" << word << "\" in: " << bv_last_error();
  }

  void expect_no_setup(bv_status expected, int rank, int world_size, const std::vector<std::string> &words) {
    expect(expected, bv_setup_ddp(rank, world_size, &options, &group), words);
    EXPECT_EQ(group, nullptr);
  }

  void set_up() { ASSERT_EQ(bv_setup_ddp(0, 1, &options, &group), BV_OK) << bv_last_error(); }

  static bv_tensor pictures_of(std::vector<uint8_t> &bytes, int64_t count) {
    const int64_t shape[3] = {count, 2, 2};
    return bv_contiguous_tensor(bytes.data(), BV_U8, BV_CPU, 3, shape);
  }

  bv_ddp_options options = BV_DDP_OPTIONS_INIT;
  bv_ddp_group *group = nullptr;
};

TEST(DdpStatus, EveryStatusHasItsOwnWords) {
  std::set<std::string> words;
  for (bv_status status = BV_DDP_ERROR_RANK; status <= BV_DDP_ERROR_MISMATCH; ++status)
    words.insert(bv_ddp_status_string(status));
  for (bv_status status = BV_OK; status <= BV_ERROR_CUDA; ++status)
    words.insert(bv_ddp_status_string(status));
  EXPECT_EQ(words.size(), 22u);
  EXPECT_EQ(words.count("unknown status"), 0u);
  EXPECT_STREQ(bv_ddp_status_string(27), "unknown status");
}

TEST(DdpStatus, MessagesOfLibrariesOnTopAreCopied) {
  EXPECT_EQ(bv_set_last_error(99, "first"), 99);
  EXPECT_STREQ(bv_last_error(), "first");
  EXPECT_EQ(bv_set_last_error(98, bv_last_error()), 98);
  EXPECT_STREQ(bv_last_error(), "first");
  bv_set_last_error(97, std::string(600, 'x').c_str());
  EXPECT_EQ(std::string(bv_last_error()), std::string(511, 'x'));
  bv_set_last_error(96, nullptr);
  EXPECT_STREQ(bv_last_error(), "");
}

TEST_F(Group, OfOneRankNeedsNobody) {
  set_up();
  bv_ddp_info info;
  ASSERT_EQ(bv_ddp_get_info(group, &info), BV_OK);
  EXPECT_EQ(info.rank, 0);
  EXPECT_EQ(info.world_size, 1);
  EXPECT_EQ(info.backend, BV_DDP_BACKEND_NONE);
  EXPECT_EQ(info.device, BV_CPU);
  EXPECT_EQ(info.device_choice, BV_DDP_CHOICE_NONE);
  EXPECT_EQ(bv_ddp_barrier(group, nullptr), BV_OK);
  int64_t counts[1] = {-1};
  ASSERT_EQ(bv_ddp_exchange_counts(group, 3, counts), BV_OK);
  EXPECT_EQ(counts[0], 3);
  std::vector<uint8_t> in(12), out(12, 0xb7);
  for (size_t i = 0; i < in.size(); ++i)
    in[i] = static_cast<uint8_t>(i);
  bv_tensor pictures = pictures_of(in, 3), all = pictures_of(out, 3);
  ASSERT_EQ(bv_ddp_gather_pictures(group, &pictures, counts, &all, nullptr), BV_OK) << bv_last_error();
  EXPECT_EQ(out, in);
  EXPECT_EQ(bv_ddp_finish(group), BV_OK);
  group = nullptr;
}

TEST_F(Group, ImpossibleRanksAreRefused) {
  expect_no_setup(BV_DDP_ERROR_RANK, 1, 1, {"rank is 1", "0 to 0"});
  expect_no_setup(BV_DDP_ERROR_RANK, -1, 2, {"rank is -1"});
  expect_no_setup(BV_DDP_ERROR_RANK, 0, 0, {"world_size is 0"});
  expect_no_setup(BV_DDP_ERROR_RANK, 0, -1, {"world_size is -1"});
  expect_no_setup(BV_DDP_ERROR_ENVIRONMENT, -1, -1, {"no launcher"});
}

TEST_F(Group, UnusableOptionsAreRefused) {
  const bv_ddp_options good = options;
  options.struct_size = 1;
  expect_no_setup(BV_ERROR_VALUE, 0, 1, {"options->struct_size is 1"});
  for (double timeout : {0.0, -1.0, (double)NAN, (double)INFINITY}) {
    options = good;
    options.timeout_seconds = timeout;
    expect_no_setup(BV_ERROR_VALUE, 0, 1, {"options->timeout_seconds"});
  }
  options = good;
  options.backend = 4;
  expect_no_setup(BV_ERROR_VALUE, 0, 1, {"options->backend is 4"});
  options = good;
  options.meet = -1;
  expect_no_setup(BV_ERROR_VALUE, 0, 1, {"options->meet is -1"});
  options = good;
  options.meet = BV_DDP_MEET_ID;
  expect_no_setup(BV_ERROR_NULL, 0, 1, {"options->id is NULL"});
  options = good;
  options.port = 65536;
  expect_no_setup(BV_ERROR_VALUE, 0, 1, {"options->port is 65536"});
  options = good;
  options.device = -3;
  expect_no_setup(BV_ERROR_DEVICE, 0, 1, {"options->device is -3"});
  options.device = 1000;
  expect_no_setup(BV_ERROR_DEVICE, 0, 1, {"CUDA device"});
  options = good;
  options.backend = BV_DDP_BACKEND_NONE;
  expect_no_setup(BV_ERROR_VALUE, 0, 2, {"BV_DDP_BACKEND_NONE", "world_size is 2"});
  options.backend = BV_DDP_BACKEND_NCCL;
  expect_no_setup(BV_ERROR_DEVICE, 0, 2, {"BV_CPU", "NCCL"});
  options.backend = BV_DDP_BACKEND_MPI;
  options.device = 0;
  expect_no_setup(BV_ERROR_DEVICE, 0, 2, {"options->device is 0", "MPI"});
  EXPECT_EQ(bv_setup_ddp(0, 1, &good, nullptr), BV_ERROR_NULL);
  EXPECT_EQ(bv_ddp_make_id(nullptr), BV_ERROR_NULL);
}

// This program does not initialise MPI, or was built without it.
TEST_F(Group, OfCpuRanksNeedsMpi) {
  for (int32_t backend : {BV_DDP_BACKEND_AUTO, BV_DDP_BACKEND_MPI}) {
    options.backend = backend;
    expect_no_setup(BV_DDP_ERROR_BACKEND, 0, 2, {"MPI"});
  }
}

TEST_F(Group, AfterAnAbortOnlyEnds) {
  set_up();
  EXPECT_EQ(bv_ddp_abort(group), BV_OK);
  EXPECT_EQ(bv_ddp_abort(group), BV_OK);
  int64_t counts[1] = {0};
  std::vector<uint8_t> bytes(4);
  bv_tensor pictures = pictures_of(bytes, 1);
  expect(BV_DDP_ERROR_GROUP, bv_ddp_barrier(group, nullptr), {"was aborted"});
  expect(BV_DDP_ERROR_GROUP, bv_ddp_wait(group, nullptr), {"was aborted"});
  expect(BV_DDP_ERROR_GROUP, bv_ddp_exchange_counts(group, 0, counts), {"was aborted"});
  expect(BV_DDP_ERROR_GROUP, bv_ddp_gather_pictures(group, &pictures, counts, &pictures, nullptr),
         {"was aborted"});
  expect(BV_DDP_ERROR_GROUP, bv_ddp_measure_window(group, &pictures, nullptr, &pictures, nullptr),
         {"was aborted"});
  expect(BV_DDP_ERROR_GROUP, bv_ddp_normalize_batch_for_display(group, &pictures, &pictures, nullptr, nullptr),
         {"was aborted"});
  bv_ddp_info info;
  EXPECT_EQ(bv_ddp_get_info(group, &info), BV_OK);
  expect(BV_DDP_ERROR_GROUP, bv_ddp_finish(group), {"was aborted"});
  group = nullptr;
}

TEST_F(Group, MissingPointersAreNamed) {
  bv_ddp_info info;
  expect(BV_ERROR_NULL, bv_ddp_get_info(nullptr, &info), {"group is NULL"});
  expect(BV_ERROR_NULL, bv_ddp_barrier(nullptr, nullptr), {"group is NULL"});
  expect(BV_ERROR_NULL, bv_ddp_wait(nullptr, nullptr), {"group is NULL"});
  expect(BV_ERROR_NULL, bv_ddp_abort(nullptr), {"group is NULL"});
  expect(BV_ERROR_NULL, bv_ddp_finish(nullptr), {"group is NULL"});
  set_up();
  std::vector<uint8_t> bytes(4);
  const bv_tensor tensor = pictures_of(bytes, 1);
  const int64_t counts[1] = {1};
  expect(BV_ERROR_NULL, bv_ddp_get_info(group, nullptr), {"info is NULL"});
  expect(BV_ERROR_NULL, bv_ddp_exchange_counts(group, 0, nullptr), {"counts is NULL"});
  expect(BV_ERROR_NULL, bv_ddp_measure_window(group, nullptr, nullptr, &tensor, nullptr), {"batch is NULL"});
  expect(BV_ERROR_NULL, bv_ddp_measure_window(group, &tensor, nullptr, nullptr, nullptr), {"windows is NULL"});
  expect(BV_ERROR_NULL, bv_ddp_normalize_batch_for_display(group, &tensor, nullptr, nullptr, nullptr),
         {"out is NULL"});
  expect(BV_ERROR_NULL, bv_ddp_gather_pictures(group, nullptr, counts, &tensor, nullptr), {"pictures is NULL"});
  expect(BV_ERROR_NULL, bv_ddp_gather_pictures(group, &tensor, nullptr, &tensor, nullptr), {"counts is NULL"});
  expect(BV_ERROR_NULL, bv_ddp_gather_pictures(group, &tensor, counts, nullptr, nullptr), {"out is NULL"});
}

TEST_F(Group, UnusablePicturesAreNamedAndBreakNothing) {
  set_up();
  std::vector<uint8_t> in(16, 1), out(16, 0xb7);
  const bv_tensor pictures = pictures_of(in, 3), all = pictures_of(out, 3);
  int64_t counts[1] = {3};
  const auto gather = [&](const bv_tensor &from, const bv_tensor &to) {
    return bv_ddp_gather_pictures(group, &from, counts, &to, nullptr);
  };
  bv_tensor bad = pictures;
  bad.dtype = BV_F32;
  expect(BV_ERROR_TYPE, gather(bad, all), {"pictures.dtype is f32"});
  bad = pictures;
  bad.device = 0;
  expect(BV_ERROR_DEVICE, gather(bad, all), {"pictures.device is 0"});
  bad = pictures;
  bad.ndim = 0;
  expect(BV_ERROR_SHAPE, gather(bad, all), {"pictures.ndim is 0"});
  bad = pictures;
  bad.shape[0] = 2;
  expect(BV_ERROR_SHAPE, gather(bad, all), {"pictures.shape[0] is 2", "3"});
  bad = pictures;
  bad.stride[0] = 5;
  expect(BV_ERROR_SHAPE, gather(bad, all), {"pictures.stride[0] is 5", "must be 4"});
  bad = pictures;
  bad.shape[1] = -1;
  expect(BV_ERROR_SHAPE, gather(bad, all), {"pictures.shape[1] is -1"});
  bad = pictures;
  bad.data = nullptr;
  expect(BV_ERROR_NULL, gather(bad, all), {"pictures.data is NULL"});
  bad = all;
  bad.shape[0] = 4;
  expect(BV_ERROR_SHAPE, gather(pictures, bad), {"out.shape[0] is 4"});
  bad = all;
  bad.shape[2] = 1;
  bad.stride[1] = 1;
  bad.stride[0] = 2;
  expect(BV_ERROR_SHAPE, gather(pictures, bad), {"out have 2 bytes", "4"});
  bad = pictures;
  bad.data = in.data() + 4;
  expect(BV_ERROR_OVERLAP, gather(pictures, bad), {"overlaps"});
  counts[0] = -1;
  expect(BV_ERROR_VALUE, gather(pictures, all), {"counts[0] is -1"});
  expect(BV_ERROR_VALUE, bv_ddp_exchange_counts(group, -1, counts), {"count is -1"});
  EXPECT_EQ(out, std::vector<uint8_t>(16, 0xb7));
  EXPECT_EQ(bv_ddp_barrier(group, nullptr), BV_OK) << "a wrong argument breaks nothing";
}

TEST_F(Group, WrongWindowsBreakNothing) {
  set_up();
  float pixels[4] = {1, 2, 3, 4};
  double numbers[4] = {7, 7, 7, 7};
  const int64_t shape[4] = {1, 1, 2, 2}, windows_shape[2] = {2, 2};
  bv_tensor batch = bv_contiguous_tensor(pixels, BV_F32, BV_CPU, 4, shape);
  const bv_tensor windows = bv_contiguous_tensor(numbers, BV_F64, BV_CPU, 2, windows_shape);
  expect(BV_ERROR_SHAPE, bv_ddp_measure_window(group, &batch, nullptr, &windows, nullptr),
         {"windows has the shape [2, 2]"});
  expect(BV_ERROR_SHAPE, bv_ddp_normalize_batch_for_display(group, &batch, &windows, nullptr, nullptr),
         {"out"});
  batch.device = 0;
  expect(BV_ERROR_DEVICE, bv_ddp_measure_window(group, &batch, nullptr, &windows, nullptr),
         {"batch.device is 0"});
  EXPECT_EQ(numbers[0], 7);
  EXPECT_EQ(bv_ddp_barrier(group, nullptr), BV_OK);
}

} // namespace
