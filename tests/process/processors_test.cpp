// How many threads there are by default: environment, affinity, control groups.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include <sched.h>

extern "C" {
#include "processors.h"
}

namespace {

constexpr int most = 1024;

class Processors : public testing::Test {
protected:
  void SetUp() override {
    unsetenv("BATCHVIEW_THREADS");
    unsetenv("OMP_NUM_THREADS");
    std::string name = testing::TempDir() + "batchview-cgroups-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    root = name;
  }
  void TearDown() override { std::filesystem::remove_all(root); }

  void put(const std::string &name, const std::string &text) const {
    const std::filesystem::path path = root / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }
  int quota(const std::string &membership) const {
    put("membership", membership);
    return bv_quota_processors((root / "membership").c_str(), root.c_str());
  }

  std::filesystem::path root;
};

TEST_F(Processors, TheEnvironmentSaysHowManyThreads) {
  const int usual = bv_default_threads(most);
  EXPECT_GE(usual, 1);
  setenv("OMP_NUM_THREADS", "7", 1);
  EXPECT_EQ(bv_default_threads(most), 7);
  setenv("OMP_NUM_THREADS", "5,2", 1);
  EXPECT_EQ(bv_default_threads(most), 5);
  setenv("BATCHVIEW_THREADS", "3", 1);
  EXPECT_EQ(bv_default_threads(most), 3);
  for (const char *wrong : {"", "0", "-1", "many", "3x", " 3", "2.5"}) {
    setenv("BATCHVIEW_THREADS", wrong, 1);
    EXPECT_EQ(bv_default_threads(most), 5) << wrong;
    setenv("OMP_NUM_THREADS", wrong, 1);
    EXPECT_EQ(bv_default_threads(most), usual) << wrong;
    setenv("OMP_NUM_THREADS", "5", 1);
  }
  for (const char *large : {"1025", "99999999999999999999"}) {
    setenv("BATCHVIEW_THREADS", large, 1);
    EXPECT_EQ(bv_default_threads(most), most) << large;
  }
}

TEST_F(Processors, AffinitySaysHowMany) {
  cpu_set_t before, one;
  ASSERT_EQ(sched_getaffinity(0, sizeof before, &before), 0);
  CPU_ZERO(&one);
  for (int processor = 0; CPU_COUNT(&one) == 0; ++processor)
    if (CPU_ISSET(processor, &before))
      CPU_SET(processor, &one);
  ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
  EXPECT_EQ(bv_default_threads(most), 1);
  ASSERT_EQ(sched_setaffinity(0, sizeof before, &before), 0);
  EXPECT_LE(bv_default_threads(most), CPU_COUNT(&before));
}

TEST_F(Processors, NoControlGroupIsNoLimit) {
  EXPECT_EQ(bv_quota_processors("/nowhere/cgroup", root.c_str()), 0);
  EXPECT_EQ(quota(""), 0);
  EXPECT_EQ(quota("rubbish\nmore:rubbish\n::\n"), 0);
  EXPECT_EQ(quota("0::/a/b\n"), 0) << "no files";
}

TEST_F(Processors, QuotasOfVersion2AreTheLeastOfAllAncestors) {
  put("a/b/cpu.max", "max 100000\n");
  EXPECT_EQ(quota("0::/a/b\n"), 0);
  put("a/b/cpu.max", "250000 100000\n");
  EXPECT_EQ(quota("0::/a/b\n"), 3) << "rounded up";
  put("a/cpu.max", "200000 100000\n");
  EXPECT_EQ(quota("0::/a/b\n"), 2);
  put("cpu.max", "50000 100000\n");
  EXPECT_EQ(quota("0::/a/b\n"), 1);
  EXPECT_EQ(quota("0::/not/seen/here\n"), 1) << "a container sees its own group as the root";
}

TEST_F(Processors, QuotasOfVersion1) {
  put("cpu/job/cpu.cfs_quota_us", "-1\n");
  put("cpu/job/cpu.cfs_period_us", "100000\n");
  const std::string membership = "5:memory:/job\n4:cpu,cpuacct:/job\n3:cpuset:/other\n";
  EXPECT_EQ(quota(membership), 0);
  put("cpu/job/cpu.cfs_quota_us", "400000\n");
  EXPECT_EQ(quota(membership), 4);
  EXPECT_EQ(quota("4:cpuacct,cpu:/job\n"), 4);
  EXPECT_EQ(quota("4:cpuset:/job\n"), 0) << "another controller";
}

TEST_F(Processors, WrongFilesAreNoLimit) {
  for (const char *text : {"", "max", "100000", "0 100000", "-5 100000", "100000 0", "x y"}) {
    put("cpu.max", text);
    EXPECT_EQ(quota("0::/\n"), 0) << text;
  }
}

} // namespace
