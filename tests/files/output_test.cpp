// Outputs while they are written: what a signal leaves behind, and what a file has of the one that it replaces;
// with files that have no name until they are complete, and where the file system does not have such files.
#include "directory.h"

#include <fcntl.h>
#include <grp.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cerrno>
#include <csignal>
#include <cstdarg>
#include <functional>

extern "C" {
#include "output.h"
}

namespace {
bool has_nameless_files = true;
}

// Of this program and of what it is linked with: a file system without O_TMPFILE on request.
extern "C" int open(const char *path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t permissions = va_arg(arguments, mode_t); // rubbish, and not looked at, where there is none
  va_end(arguments);
  if ((flags & O_TMPFILE) == O_TMPFILE && !has_nameless_files) {
    errno = EOPNOTSUPP;
    return -1;
  }
  return openat(AT_FDCWD, path, flags, permissions);
}

namespace {

class Output : public Directory, public testing::WithParamInterface<bool> {
protected:
  void SetUp() override {
    Directory::SetUp();
    has_nameless_files = GetParam();
    if (!GetParam())
      return;
    const int descriptor = open(directory_, O_WRONLY | O_TMPFILE, 0600);
    if (descriptor < 0)
      GTEST_SKIP() << "the file system of " << directory_ << " has no files without names";
    close(descriptor);
  }

  cli_result begin(const std::string &name) {
    const cli_result result = output_open(file(name).c_str(), &output_, why_);
    if (result == CLI_OK && (fputs("new", output_.stream) < 0 || fflush(output_.stream) != 0))
      return CLI_FAILED;
    return result;
  }
  cli_result end(cli_result result = CLI_OK) { return output_close(&output_, result, why_); }

  // Runs `body` in a child; the status that waitpid() gives.
  static int in_child(const std::function<int()> &body) {
    const pid_t child = fork();
    if (child == 0) {
      const rlimit none = {0, 0};
      setrlimit(RLIMIT_CORE, &none);
      _exit(body());
    }
    int status = -1;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    return status;
  }

  struct stat facts(const std::string &name) const {
    struct stat status = {};
    EXPECT_EQ(stat(file(name).c_str(), &status), 0) << name;
    return status;
  }

  output output_ = {};
  char text_[256] = "";
  const reason why_ = {text_, sizeof text_};
};

INSTANTIATE_TEST_SUITE_P(Files, Output, testing::Bool(), [](const auto &nameless) {
  return nameless.param ? std::string("WithoutNames") : std::string("WithTemporaryNames");
});

bool ends_by_default(int number) {
  struct sigaction now = {};
  for (int other : {SIGCHLD, SIGCONT, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU, SIGURG, SIGWINCH})
    if (number == other)
      return false;
  return sigaction(number, nullptr, &now) == 0 && now.sa_handler == SIG_DFL; // a sanitizer has some
}

} // namespace

TEST_P(Output, EverySignalThatEndsTheProcessLeavesNothing) {
  int tried = 0;
  for (int number = 1; number <= SIGRTMAX; ++number) {
    if (!ends_by_default(number) || (number == SIGKILL && !GetParam()))
      continue;
    ++tried;
    const int status = in_child([&] {
      if (begin("a") != CLI_OK || names().size() != (GetParam() ? 0 : 1))
        return 1;
      raise(number);
      return 2;
    });
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == number) << number << ": " << std::hex << status;
    EXPECT_TRUE(names().empty()) << number;
    for (const std::string &left : names())
      unlink(file(left).c_str());
  }
  EXPECT_GT(tried, 40);
}

TEST_P(Output, SignalsThatAreIgnoredStayIgnored) {
  const int status = in_child([&] {
    signal(SIGHUP, SIG_IGN);
    if (begin("a") != CLI_OK)
      return 1;
    raise(SIGHUP);
    raise(SIGCHLD);
    raise(SIGWINCH);
    return end() == CLI_OK ? 0 : 2;
  });
  EXPECT_EQ(status, 0);
  EXPECT_EQ(contents(file("a")), "new");
}

TEST_P(Output, ASignalAfterTheEndTakesNothingAway) {
  const int status = in_child([&] {
    if (begin("a") != CLI_OK || end() != CLI_OK || begin("a") != CLI_OK || end() != CLI_OK)
      return 1;
    raise(SIGTERM);
    return 2;
  });
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
  EXPECT_EQ(names(), std::set<std::string>{"a"});
}

TEST_P(Output, AFileAppearsWithItsLastByte) {
  ASSERT_EQ(begin("a"), CLI_OK) << text_;
  EXPECT_EQ(names().count("a"), 0u);
  ASSERT_EQ(end(), CLI_OK) << text_;
  EXPECT_EQ(contents(file("a")), "new");
  ASSERT_EQ(begin("b"), CLI_OK) << text_;
  EXPECT_EQ(end(CLI_UNSUPPORTED), CLI_UNSUPPORTED);
  EXPECT_EQ(names(), std::set<std::string>{"a"});
}

TEST_P(Output, WhatAppearsMeanwhileIsReplaced) {
  ASSERT_EQ(begin("a"), CLI_OK) << text_;
  store("a", "somebody else's");
  ASSERT_EQ(end(), CLI_OK) << text_;
  EXPECT_EQ(contents(file("a")), "new");
  EXPECT_EQ(names(), std::set<std::string>{"a"});
}

TEST_P(Output, WhatCannotBeReplacedStays) {
  ASSERT_EQ(begin("a"), CLI_OK) << text_;
  ASSERT_EQ(mkdir(file("a").c_str(), 0700), 0);
  EXPECT_EQ(end(), CLI_WRITE);
  EXPECT_STREQ(text_, "Is a directory");
  EXPECT_EQ(names(), std::set<std::string>{"a"});
  ASSERT_EQ(rmdir(file("a").c_str()), 0);
}

TEST_P(Output, TemporaryNamesThatAreTakenStay) {
  const std::string taken = ".batchview-" + std::to_string(getpid()) + "-0.tmp";
  store(taken, "left by another machine");
  store("a", "old");
  ASSERT_EQ(begin("a"), CLI_OK) << text_;
  ASSERT_EQ(end(), CLI_OK) << text_;
  EXPECT_EQ(contents(file("a")), "new");
  EXPECT_EQ(contents(file(taken)), "left by another machine");
  EXPECT_EQ(names().size(), 2u);
}

TEST_P(Output, OwnerGroupAndPermissionsStay) {
  if (geteuid() != 0)
    GTEST_SKIP() << "only root may give files away";
  for (mode_t permissions : {0640, 0604, 0444, 0777}) {
    store("a", "old");
    ASSERT_EQ(chown(file("a").c_str(), 12345, 23456), 0);
    ASSERT_EQ(chmod(file("a").c_str(), permissions), 0);
    ASSERT_EQ(begin("a"), CLI_OK) << text_;
    ASSERT_EQ(end(), CLI_OK) << text_;
    EXPECT_EQ(contents(file("a")), "new");
    EXPECT_EQ(facts("a").st_uid, 12345u);
    EXPECT_EQ(facts("a").st_gid, 23456u);
    EXPECT_EQ(facts("a").st_mode & 07777, permissions);
  }
}

// Somebody else's file in a directory that may be written to: a new owner, and the old group if he belongs to
// it.
TEST_P(Output, AGroupThatCannotBeKeptGetsNoPermissions) {
  if (geteuid() != 0)
    GTEST_SKIP() << "only root may be somebody else";
  ASSERT_EQ(chmod(directory_, 0777), 0);
  const struct {
    mode_t before, after;
    bool member;
  } cases[] = {{0660, 0660, true}, {0660, 0600, false}, {0664, 0644, false}, {0606, 0606, false}};
  for (const auto &one : cases) {
    store("a", "old");
    ASSERT_EQ(chown(file("a").c_str(), 12345, 23456), 0);
    ASSERT_EQ(chmod(file("a").c_str(), one.before), 0);
    const int status = in_child([&] {
      const gid_t group = one.member ? 23456 : 34567;
      if (setgroups(1, &group) != 0 || setegid(65534) != 0 || seteuid(65534) != 0)
        return 1;
      return begin("a") == CLI_OK && end() == CLI_OK ? 0 : 2;
    });
    ASSERT_EQ(status, 0);
    EXPECT_EQ(contents(file("a")), "new");
    EXPECT_EQ(facts("a").st_uid, 65534u);
    EXPECT_EQ(facts("a").st_gid, one.member ? 23456u : 65534u);
    EXPECT_EQ(facts("a").st_mode & 07777, one.after) << std::oct << facts("a").st_mode;
  }
}
