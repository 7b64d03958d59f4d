// Who a process is, from what each launcher leaves in the environment.
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

extern "C" {
#include "environment.h"
}

namespace {

class Environment : public ::testing::Test {
protected:
  void SetUp() override { Clear(); }
  void TearDown() override { Clear(); }
  static void Clear() {
    for (const char *name : {"RANK",
                             "WORLD_SIZE",
                             "LOCAL_RANK",
                             "MASTER_ADDR",
                             "MASTER_PORT",
                             "TORCHELASTIC_RUN_ID",
                             "BATCHVIEW_JOB",
                             "BATCHVIEW_PORT",
                             "OMPI_COMM_WORLD_RANK",
                             "OMPI_COMM_WORLD_SIZE",
                             "OMPI_COMM_WORLD_LOCAL_RANK",
                             "OMPI_COMM_WORLD_LOCAL_SIZE",
                             "PMIX_NAMESPACE",
                             "SLURM_PROCID",
                             "SLURM_NTASKS",
                             "SLURM_LOCALID",
                             "SLURM_JOB_ID",
                             "SLURM_STEP_ID",
                             "SLURM_JOB_NODELIST",
                             "SLURM_STEP_NODELIST"})
      unsetenv(name);
  }

  using Variables = std::vector<std::pair<const char *, std::string>>;
  static void Set(const Variables &variables) {
    for (const auto &[name, value] : variables)
      ASSERT_EQ(setenv(name, value.c_str(), 1), 0);
  }
  static void SetTorchrun() {
    Set({{"RANK", "5"},
         {"WORLD_SIZE", "8"},
         {"LOCAL_RANK", "1"},
         {"MASTER_ADDR", "node7"},
         {"MASTER_PORT", "29500"},
         {"TORCHELASTIC_RUN_ID", "none"}});
  }

  bv_status Read(int rank = -1, int world_size = -1) {
    return ddp_read_launch(rank, world_size, &options, &launch);
  }

  void ExpectRefusal(bv_status status, const std::vector<std::string> &words, int rank = -1,
                     int world_size = -1) {
    EXPECT_EQ(Read(rank, world_size), status);
    std::string message = bv_last_error();
    for (const std::string &word : words)
      EXPECT_NE(message.find(word), std::string::npos) << "no \"" << word << "\" in: " << message;
  }

  bv_ddp_options options = BV_DDP_OPTIONS_INIT;
  ddp_launch launch = {};
};

TEST_F(Environment, OfTorchrun) {
  SetTorchrun();
  ASSERT_EQ(Read(), BV_OK) << bv_last_error();
  EXPECT_EQ(launch.rank, 5);
  EXPECT_EQ(launch.world_size, 8);
  EXPECT_EQ(launch.local_rank, 1);
  EXPECT_STREQ(launch.host, "node7");
  EXPECT_GE(launch.port, 20000);
  EXPECT_LT(launch.port, 30000) << "torchrun's store listens at 29500 of MASTER_PORT, we elsewhere";
}

TEST_F(Environment, OfSlurm) {
  Set({{"SLURM_PROCID", "9"},
       {"SLURM_NTASKS", "16"},
       {"SLURM_LOCALID", "1"},
       {"SLURM_JOB_ID", "4711"},
       {"SLURM_STEP_ID", "0"},
       {"SLURM_JOB_NODELIST", "login,gpu[007-010,12]"},
       {"SLURM_STEP_NODELIST", "gpu[007-010,12]"}});
  ASSERT_EQ(Read(), BV_OK) << bv_last_error();
  EXPECT_EQ(launch.rank, 9);
  EXPECT_EQ(launch.world_size, 16);
  EXPECT_EQ(launch.local_rank, 1);
  EXPECT_STREQ(launch.host, "gpu007");
  uint64_t job = launch.job;
  Set({{"SLURM_STEP_ID", "1"}});
  ASSERT_EQ(Read(), BV_OK);
  EXPECT_NE(launch.job, job) << "two steps of a job are two jobs here";
}

TEST_F(Environment, OfOpenMpiOnOneHost) {
  Set({{"OMPI_COMM_WORLD_RANK", "2"},
       {"OMPI_COMM_WORLD_SIZE", "4"},
       {"OMPI_COMM_WORLD_LOCAL_RANK", "2"},
       {"OMPI_COMM_WORLD_LOCAL_SIZE", "4"},
       {"PMIX_NAMESPACE", "12345"}});
  ASSERT_EQ(Read(), BV_OK) << bv_last_error();
  EXPECT_EQ(launch.rank, 2);
  EXPECT_EQ(launch.world_size, 4);
  EXPECT_EQ(launch.local_rank, 2);
  EXPECT_STREQ(launch.host, "127.0.0.1");
}

TEST_F(Environment, OfOpenMpiOnSeveralHostsSaysNoHost) {
  Set({{"OMPI_COMM_WORLD_RANK", "2"}, {"OMPI_COMM_WORLD_SIZE", "4"}, {"OMPI_COMM_WORLD_LOCAL_SIZE", "2"}});
  ASSERT_EQ(Read(), BV_OK) << bv_last_error();
  EXPECT_STREQ(launch.host, "");
  EXPECT_EQ(launch.local_rank, -1);
}

// mpirun inside of a SLURM job: the daemon that starts the ranks is a SLURM task itself, and leaves them its
// number.
TEST_F(Environment, OfOpenMpiGoesBeforeSlurm) {
  Set({{"SLURM_PROCID", "0"},
       {"SLURM_NTASKS", "1"},
       {"SLURM_LOCALID", "0"},
       {"OMPI_COMM_WORLD_RANK", "3"},
       {"OMPI_COMM_WORLD_SIZE", "4"},
       {"OMPI_COMM_WORLD_LOCAL_RANK", "3"}});
  ASSERT_EQ(Read(), BV_OK) << bv_last_error();
  EXPECT_EQ(launch.rank, 3);
  EXPECT_EQ(launch.world_size, 4);
  EXPECT_EQ(launch.local_rank, 3);
}

// torchrun inside of srun.
TEST_F(Environment, OfTorchrunGoesBeforeSlurm) {
  SetTorchrun();
  Set({{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "2"}, {"SLURM_LOCALID", "0"}});
  ASSERT_EQ(Read(), BV_OK) << bv_last_error();
  EXPECT_EQ(launch.rank, 5);
  EXPECT_EQ(launch.local_rank, 1);
}

TEST_F(Environment, WithoutALauncherIsRefused) {
  ExpectRefusal(BV_DDP_ERROR_ENVIRONMENT, {"RANK", "OMPI_COMM_WORLD_RANK", "SLURM_PROCID"});
}

TEST_F(Environment, MissingVariablesAreNamed) {
  const char *const pairs[][2] = {{"RANK", "WORLD_SIZE"},
                                  {"WORLD_SIZE", "RANK"},
                                  {"SLURM_PROCID", "SLURM_NTASKS"},
                                  {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"}};
  for (const auto &pair : pairs) {
    Clear();
    Set({{pair[0], "1"}});
    ExpectRefusal(BV_DDP_ERROR_ENVIRONMENT, {std::string(pair[1]) + " is not set"});
  }
}

TEST_F(Environment, MalformedNumbersAreNamedWithTheirValue) {
  for (const char *name : {"RANK", "WORLD_SIZE", "LOCAL_RANK", "BATCHVIEW_PORT"})
    for (const char *value :
         {"x", "-1", "+1", "1 ", " 1", "1x", "0x1", "1.0", "2147483648", "99999999999999999999"}) {
      SetTorchrun();
      Set({{name, value}});
      ExpectRefusal(BV_DDP_ERROR_ENVIRONMENT,
                    {std::string(name) + " is \"" + value + "\"", "it must be a number"});
      Clear();
    }
  for (const auto &[name, value] :
       Variables{{"WORLD_SIZE", "0"}, {"BATCHVIEW_PORT", "0"}, {"BATCHVIEW_PORT", "65536"}}) {
    SetTorchrun();
    Set({{name, value}});
    ExpectRefusal(BV_DDP_ERROR_ENVIRONMENT, {std::string(name) + " is \"" + value + "\""});
  }
}

TEST_F(Environment, RanksOutOfRangeAreRefused) {
  SetTorchrun();
  Set({{"RANK", "8"}});
  ExpectRefusal(BV_DDP_ERROR_RANK, {"RANK is 8", "0 to 7"});
  ExpectRefusal(BV_DDP_ERROR_RANK, {"rank is 4", "0 to 3"}, 4, 4);
  ExpectRefusal(BV_DDP_ERROR_RANK, {"rank is -1"}, -1, 4);
  ExpectRefusal(BV_DDP_ERROR_RANK, {"rank is -2"}, -2, 4);
  ExpectRefusal(BV_DDP_ERROR_RANK, {"world_size is 0"}, 0, 0);
  ExpectRefusal(BV_DDP_ERROR_RANK, {"world_size is -1"}, 0, -1);
}

TEST_F(Environment, GivenRanksGoBeforeIt) {
  SetTorchrun();
  ASSERT_EQ(Read(2, 3), BV_OK) << bv_last_error();
  EXPECT_EQ(launch.rank, 2);
  EXPECT_EQ(launch.world_size, 3);
  EXPECT_EQ(launch.local_rank, 1);
  EXPECT_STREQ(launch.host, "node7");
}

TEST_F(Environment, OptionsGoBeforeIt) {
  SetTorchrun();
  Set({{"BATCHVIEW_PORT", "1234"}});
  ASSERT_EQ(Read(), BV_OK);
  EXPECT_EQ(launch.port, 1234);
  uint64_t job = launch.job;
  options.address = "::1";
  options.port = 4321;
  options.job = "my job";
  ASSERT_EQ(Read(), BV_OK) << bv_last_error();
  EXPECT_STREQ(launch.host, "::1");
  EXPECT_EQ(launch.port, 4321);
  EXPECT_NE(launch.job, job);
}

TEST_F(Environment, JobsDifferWhereTheirStoresDo) {
  SetTorchrun();
  ASSERT_EQ(Read(), BV_OK);
  uint64_t job = launch.job;
  Set({{"RANK", "6"}, {"LOCAL_RANK", "2"}});
  ASSERT_EQ(Read(), BV_OK);
  EXPECT_EQ(launch.job, job) << "ranks of one job have one job id";
  Set({{"MASTER_PORT", "29501"}});
  ASSERT_EQ(Read(), BV_OK);
  EXPECT_NE(launch.job, job);
}

TEST_F(Environment, UnusableHostsAreRefused) {
  SetTorchrun();
  Set({{"MASTER_ADDR", std::string(256, 'a')}});
  ExpectRefusal(BV_DDP_ERROR_ENVIRONMENT, {"MASTER_ADDR has 256 characters"});
  options.address = "";
  ExpectRefusal(BV_ERROR_VALUE, {"options->address has 0 characters"});
  Clear();
  options.address = nullptr;
  Set({{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "2"}, {"SLURM_JOB_NODELIST", "gpu["}});
  ExpectRefusal(BV_DDP_ERROR_ENVIRONMENT, {"SLURM_JOB_NODELIST is \"gpu[\""});
}

TEST(NodeList, FirstHost) {
  const struct {
    const char *list, *host;
  } cases[] = {{"node1", "node1"},
               {"node1,node2", "node1"},
               {"node[1-4]", "node1"},
               {"node[001-004]", "node001"},
               {"node[7,9-12]", "node7"},
               {"gpu[01-02]-ib,login", "gpu01-ib"},
               {"a,b[1-2]", "a"},
               {"gpu-1.cluster.org,gpu-2", "gpu-1.cluster.org"},
               {"", nullptr},
               {",a", nullptr},
               {"a[", nullptr},
               {"a[1", nullptr},
               {"a[]", nullptr},
               {"a[x]", nullptr},
               {"a[1-2]b[3-4]", nullptr}};
  char host[DDP_HOST_BYTES];
  for (const auto &c : cases) {
    EXPECT_EQ(ddp_first_host(c.list, host), c.host != nullptr) << c.list;
    if (c.host) {
      EXPECT_STREQ(host, c.host) << c.list;
    }
  }
  EXPECT_TRUE(ddp_first_host(std::string(255, 'a').c_str(), host));
  EXPECT_FALSE(ddp_first_host(std::string(256, 'a').c_str(), host));
  EXPECT_FALSE(ddp_first_host((std::string(255, 'a') + "[1]").c_str(), host));
}

} // namespace
