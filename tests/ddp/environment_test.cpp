// Who a process is, from what each launcher leaves in the environment.
#include <gtest/gtest.h>

#include <cstdlib>
#include <set>
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
                             "BATCHVIEW_SECRET",
                             "BATCHVIEW_PORT",
                             "OMPI_COMM_WORLD_RANK",
                             "OMPI_COMM_WORLD_SIZE",
                             "OMPI_COMM_WORLD_LOCAL_RANK",
                             "OMPI_COMM_WORLD_LOCAL_SIZE",
                             "PMIX_NAMESPACE",
                             "PMI_RANK",
                             "PMI_SIZE",
                             "MPI_LOCALRANKID",
                             "OMPI_MCA_orte_precondition_transports",
                             "SLURM_PROCID",
                             "SLURM_NTASKS",
                             "SLURM_LOCALID",
                             "SLURM_JOB_ID",
                             "SLURM_STEP_ID",
                             "SLURM_JOB_NODELIST",
                             "SLURM_STEP_NODELIST",
                             "SLURM_STEP_NUM_TASKS",
                             "SLURM_DISTRIBUTION",
                             "SLURM_PTY_PORT"})
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
    ExpectWords(words);
  }

  std::string Host() {
    char host[DDP_HOST_BYTES];
    EXPECT_EQ(ddp_find_host(&options, host), BV_OK) << bv_last_error();
    return host;
  }

  void ExpectNoHost(bv_status status, const std::vector<std::string> &words) {
    char host[DDP_HOST_BYTES];
    EXPECT_EQ(ddp_find_host(&options, host), status);
    ExpectWords(words);
  }

  static void ExpectWords(const std::vector<std::string> &words) {
    const std::string message = bv_last_error();
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
  EXPECT_EQ(Host(), "node7");
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
  EXPECT_EQ(Host(), "gpu007");
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
  EXPECT_EQ(Host(), "127.0.0.1");
}

TEST_F(Environment, OfOpenMpiOnSeveralHostsSaysNoHost) {
  Set({{"OMPI_COMM_WORLD_RANK", "2"}, {"OMPI_COMM_WORLD_SIZE", "4"}, {"OMPI_COMM_WORLD_LOCAL_SIZE", "2"}});
  ASSERT_EQ(Read(), BV_OK) << bv_last_error();
  EXPECT_EQ(Host(), "");
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
  EXPECT_EQ(Host(), "node7");
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
  EXPECT_EQ(Host(), "::1");
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

// ---- The key by which ranks know each other

class Key : public Environment {
protected:
  std::string Read(bool expected_secret) {
    unsigned char key[DDP_KEY_BYTES] = {};
    bool has_secret = !expected_secret;
    EXPECT_EQ(ddp_read_key(&options, key, &has_secret), BV_OK) << bv_last_error();
    EXPECT_EQ(has_secret, expected_secret);
    return std::string(key, key + sizeof key);
  }
};

TEST_F(Key, OfTheSecretIsTheSameForAllJobs) {
  Set({{"BATCHVIEW_SECRET", "s"}, {"BATCHVIEW_JOB", "1"}});
  const std::string key = Read(true);
  Set({{"BATCHVIEW_JOB", "2"}});
  EXPECT_EQ(Read(true), key);
  Set({{"BATCHVIEW_SECRET", "t"}});
  EXPECT_NE(Read(true), key);
  options.secret = "s"; // goes before the environment
  EXPECT_EQ(Read(true), key);
}

TEST_F(Key, OfTheJobIsAnotherForEachJob) {
  std::set<std::string> keys;
  SetTorchrun();
  keys.insert(Read(false));
  for (const char *name : {"TORCHELASTIC_RUN_ID", "MASTER_ADDR", "MASTER_PORT", "PMIX_NAMESPACE",
                           "OMPI_MCA_orte_precondition_transports", "SLURM_JOB_ID", "SLURM_STEP_ID"}) {
    Set({{name, "another"}});
    EXPECT_TRUE(keys.insert(Read(false)).second) << name;
  }
  Set({{"RANK", "6"}, {"LOCAL_RANK", "2"}});
  EXPECT_FALSE(keys.insert(Read(false)).second) << "the same for all ranks of a job";
  Set({{"BATCHVIEW_JOB", "given"}});
  EXPECT_TRUE(keys.insert(Read(false)).second);
  options.job = "given too";
  EXPECT_TRUE(keys.insert(Read(false)).second);
}

TEST_F(Key, OfAnEmptySecretIsRefused) {
  unsigned char key[DDP_KEY_BYTES];
  bool has_secret;
  Set({{"BATCHVIEW_SECRET", ""}});
  EXPECT_EQ(ddp_read_key(&options, key, &has_secret), BV_DDP_ERROR_ENVIRONMENT);
  EXPECT_NE(std::string(bv_last_error()).find("BATCHVIEW_SECRET is empty"), std::string::npos);
  options.secret = "";
  EXPECT_EQ(ddp_read_key(&options, key, &has_secret), BV_ERROR_VALUE);
  EXPECT_NE(std::string(bv_last_error()).find("options->secret is empty"), std::string::npos);
}

TEST_F(Environment, UnusableHostsAreRefused) {
  SetTorchrun();
  Set({{"MASTER_ADDR", std::string(256, 'a')}});
  ExpectNoHost(BV_DDP_ERROR_ENVIRONMENT, {"MASTER_ADDR has 256 characters"});
  options.address = "";
  ExpectNoHost(BV_ERROR_VALUE, {"options->address has 0 characters"});
  Clear();
  options.address = nullptr;
  Set({{"SLURM_JOB_NODELIST", "gpu["}});
  ExpectNoHost(BV_DDP_ERROR_ENVIRONMENT, {"SLURM_JOB_NODELIST is \"gpu[\""});
  Set({{"SLURM_JOB_NODELIST", "gpu[1-2]"}, {"SLURM_DISTRIBUTION", "arbitrary"}});
  ExpectNoHost(BV_DDP_ERROR_ENVIRONMENT, {"SLURM_DISTRIBUTION is \"arbitrary\"", "MASTER_ADDR"});
  Set({{"SLURM_DISTRIBUTION", "cyclic"}});
  EXPECT_EQ(Host(), "gpu1");
}

// Who this is does not depend on where rank 0 is: MPI's ranks, or one alone, need no host.
TEST_F(Environment, HostsAreReadWhereTheyAreUsedOnly) {
  Set({{"SLURM_PROCID", "1"}, {"SLURM_NTASKS", "2"}, {"SLURM_JOB_NODELIST", "gpu["}});
  ASSERT_EQ(Read(), BV_OK) << bv_last_error();
  EXPECT_EQ(launch.rank, 1);
}

// ---- Processes that a launcher's variables have reached, but that it has not started as ranks

void SetSlurm() {
  for (const auto &[name, value] :
       {std::pair{"SLURM_JOB_ID", "4711"}, {"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "4"}})
    setenv(name, value, 1);
}

TEST_F(Environment, OfABatchScriptIsRefused) {
  SetSlurm();
  ExpectRefusal(BV_DDP_ERROR_ENVIRONMENT,
                {"SLURM_NTASKS is 4", "SLURM_STEP_ID is not set", "job 4711's batch script", "srun"});
  EXPECT_EQ(Read(0, 1), BV_OK) << "it may say so itself";
  Set({{"SLURM_NTASKS", "1"}});
  EXPECT_EQ(Read(), BV_OK) << bv_last_error();
}

TEST_F(Environment, OfAnInteractiveShellIsRefused) {
  SetSlurm();
  Set({{"SLURM_STEP_ID", "4294967290"}});
  ExpectRefusal(BV_DDP_ERROR_ENVIRONMENT, {"SLURM_NTASKS is 4", "SLURM_STEP_ID is 4294967290", "interactive"});
  Set({{"SLURM_STEP_ID", "0"}, {"SLURM_STEP_NUM_TASKS", "1"}});
  ExpectRefusal(BV_DDP_ERROR_ENVIRONMENT, {"SLURM_NTASKS is 4", "SLURM_STEP_NUM_TASKS is 1", "started alone"});
}

TEST_F(Environment, OfAStepWithFewerTasksThanTheJobCountsTheStep) {
  SetSlurm();
  Set({{"SLURM_STEP_ID", "0"}, {"SLURM_STEP_NUM_TASKS", "2"}, {"SLURM_PROCID", "1"}});
  ASSERT_EQ(Read(), BV_OK) << bv_last_error();
  EXPECT_EQ(launch.rank, 1);
  EXPECT_EQ(launch.world_size, 2);
}

TEST_F(Environment, OfATerminalOfSrunIsDoubted) {
  SetSlurm();
  Set({{"SLURM_STEP_ID", "0"}, {"SLURM_STEP_NUM_TASKS", "4"}});
  EXPECT_STREQ(ddp_doubt_of_launcher(), "");
  Set({{"SLURM_PTY_PORT", "40119"}});
  EXPECT_EQ(Read(), BV_OK) << "four tasks may well have been started";
  EXPECT_NE(std::string(ddp_doubt_of_launcher()).find("srun --pty"), std::string::npos);
}

TEST_F(Environment, OfMpichsLauncher) {
  Set({{"PMI_RANK", "1"},
       {"PMI_SIZE", "2"},
       {"MPI_LOCALRANKID", "0"},
       {"SLURM_PROCID", "0"},
       {"SLURM_LOCALID", "3"}});
  ASSERT_EQ(Read(), BV_OK) << bv_last_error();
  EXPECT_EQ(launch.rank, 1);
  EXPECT_EQ(launch.world_size, 2);
  EXPECT_EQ(launch.local_rank, 0);
}

// ---- What MPI says, and what the launcher

TEST_F(Environment, WithoutALauncherDoesNotContradictMpi) { EXPECT_EQ(ddp_check_launcher_agrees(1, 2), BV_OK); }

TEST_F(Environment, ThatContradictsMpiIsRefused) {
  const struct {
    const char *rank, *size;
  } launchers[] = {{"RANK", "WORLD_SIZE"},
                   {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"},
                   {"PMI_RANK", "PMI_SIZE"},
                   {"SLURM_PROCID", "SLURM_NTASKS"}};
  for (const auto &launcher : launchers) {
    SCOPED_TRACE(launcher.rank);
    Clear();
    Set({{launcher.rank, "1"}, {launcher.size, "2"}});
    EXPECT_EQ(ddp_check_launcher_agrees(1, 2), BV_OK) << bv_last_error();
    EXPECT_EQ(ddp_check_launcher_agrees(0, 1), BV_DDP_ERROR_ENVIRONMENT) << "each process alone in MPI";
    ExpectWords({std::string(launcher.size) + " is \"2\"", "in MPI this is rank 0 of 1", "mpi_comm"});
    if (std::string(launcher.rank) == "SLURM_PROCID")
      continue;
    EXPECT_EQ(ddp_check_launcher_agrees(0, 2), BV_DDP_ERROR_ENVIRONMENT);
    ExpectWords({std::string(launcher.rank) + " is \"1\"", "in MPI this is rank 0 of 2"});
  }
}

// A rank of MPI inside of a SLURM job may see the variables of the daemon that started it.
TEST_F(Environment, OfSlurmDoesNotContradictRanksThatHaveMet) {
  SetSlurm();
  EXPECT_EQ(ddp_check_launcher_agrees(1, 2), BV_OK);
  EXPECT_EQ(ddp_check_launcher_agrees(0, 1), BV_DDP_ERROR_ENVIRONMENT);
  ExpectWords({"not a task of srun"});
}

} // namespace
