// Disks and directories: a file system that is full or read-only, a disk that hangs, other people's directories
// and files, links, and directories that are left.
#include <gtest/gtest.h>

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <fstream>
#include <future>
#include <mutex>

#include "trouble.h"

namespace {

// ---- A disk that hangs, or fails when data are to reach it --------------------------------------------------

std::mutex disk_mutex;
std::condition_variable disk_changed;
bool disk_hangs = false;
int hanging_writes = 0, writes = 0; // of writers' threads
std::deque<int> write_errors;       // of the next ones; 0: none

void let_disk_hang(bool hangs) {
  std::lock_guard<std::mutex> lock(disk_mutex);
  disk_hangs = hangs;
  disk_changed.notify_all();
}

struct Synchronising {
  std::atomic<int> error{0}, count{0};

  int operator()(long call, int descriptor) {
    ++count;
    errno = error;
    return error == 0 ? int(syscall(call, descriptor)) : -1;
  }
};
Synchronising of_files, of_directories;

bool is_writers_thread() {
  char name[16] = "";
  return prctl(PR_GET_NAME, name) == 0 && strcmp(name, "batchview log") == 0;
}

} // namespace

// In place of libc's, for all of this program:
#pragma GCC visibility push(default)
extern "C" ssize_t write(int descriptor, const void *bytes, size_t count) {
  if (is_writers_thread()) {
    std::unique_lock<std::mutex> lock(disk_mutex);
    ++hanging_writes;
    disk_changed.notify_all();
    disk_changed.wait(lock, [] { return !disk_hangs; });
    --hanging_writes;
    ++writes;
    errno = write_errors.empty() ? 0 : write_errors.front();
    if (!write_errors.empty())
      write_errors.pop_front();
    if (errno != 0)
      return -1;
  }
  return syscall(SYS_write, descriptor, bytes, count);
}
extern "C" int fdatasync(int descriptor) { return of_files(SYS_fdatasync, descriptor); }
extern "C" int fsync(int descriptor) { return of_directories(SYS_fsync, descriptor); }
#pragma GCC visibility pop

namespace {

class LogDisk : public LogTrouble {
protected:
  // Lets the disk hang, and adds a number, at which the thread hangs.
  void hang_at(bv_tb_writer *writer, int64_t step) {
    let_disk_hang(true);
    EXPECT_DONE(bv_tb_add_scalar(writer, "loss", step, 0));
    std::unique_lock<std::mutex> lock(disk_mutex);
    EXPECT_TRUE(disk_changed.wait_for(lock, std::chrono::seconds(30), [] { return hanging_writes == 1; }));
    writes = 0;
  }

  // A loop that logs pictures of 900 bytes while the disk hangs; so many fit the queue.
  void expect_no_hold_up(const bv_tb_options &options, int64_t fit) {
    bv_tb_writer *writer = open(&options);
    hang_at(writer, 0);
    std::future<void> loop = std::async(std::launch::async, [&] {
      for (int64_t step = 1; step < 1000; ++step)
        EXPECT_DONE(add_noise(writer, step, 30));
    });
    EXPECT_EQ(loop.wait_for(std::chrono::seconds(30)), std::future_status::ready);
    const bv_tb_info hanging = info_of(writer);
    EXPECT_EQ(hanging.written, 0);
    EXPECT_EQ(hanging.waiting, 1 + fit);
    EXPECT_EQ(hanging.dropped, 999 - fit);
    let_disk_hang(false);
    loop.wait();
    EXPECT_DONE(bv_tb_flush(writer));
    EXPECT_EQ(writes, 1 + fit) << "with flush_seconds 0, one each";
    EXPECT_DONE(bv_tb_add_scalar(writer, "loss", 1000, 1));
    EXPECT_DONE(bv_tb_close(writer));
  }
};

TEST_F(LogDisk, ThatHangsDoesNotHoldUpALoopThatDrops) {
  bv_tb_options options = BV_TB_OPTIONS_INIT;
  options.when_full = BV_TB_DROP;
  options.queue_entries = 8;
  options.flush_seconds = 0;
  expect_no_hold_up(options, 8);
  options.queue_entries = 1000;
  options.queue_bytes = 10000;
  expect_no_hold_up(options, 10000 / (900 + sizeof "noise"));
  EXPECT_EQ(read_log(directory_).events.size(), size_t(2 + 8 + 2 + 11));
}

// Of two failures that nobody was told of yet, the first.
TEST_F(LogDisk, ThatFailsTwiceIsToldOnceOfTheFirst) {
  bv_tb_options options = BV_TB_OPTIONS_INIT;
  options.flush_seconds = 0;
  bv_tb_writer *writer = open(&options);
  hang_at(writer, 0);
  EXPECT_DONE(bv_tb_add_scalar(writer, "loss", 1, 0));
  write_errors = {ENOSPC, 0, EIO}; // between them the new file's first record
  let_disk_hang(false);
  wait_for_loss(writer, 2);
  EXPECT_REFUSED(bv_tb_flush(writer), BV_TB_ERROR_FILE, "No space left on device");
  EXPECT_DONE(bv_tb_add_scalar(writer, "loss", 2, 0));
  EXPECT_REFUSED(bv_tb_close(writer), BV_TB_ERROR_FILE, "No space left on device");
  expect_in_order(read_log(directory_), 1);
}

// The file and its name reach the disk before a flush returns; the name once.
TEST_F(LogDisk, ThatCannotKeepIsTold) {
  bv_tb_writer *writer = open();
  for (int64_t step = 0; step < 3; ++step) {
    EXPECT_DONE(bv_tb_add_scalar(writer, "loss", step, 1));
    of_files.count = of_directories.count = 0;
    EXPECT_DONE(bv_tb_flush(writer));
    EXPECT_EQ(of_files.count, 1);
    EXPECT_EQ(of_directories.count, step == 0 ? 1 : 0);
  }
  of_files.error = EIO;
  EXPECT_DONE(bv_tb_add_scalar(writer, "loss", 3, 1));
  EXPECT_REFUSED(bv_tb_flush(writer), BV_TB_ERROR_FILE, "cannot be brought to the disk: Input/output error");
  of_files.error = 0;
  of_directories.error = EIO; // of the new file's name
  EXPECT_DONE(bv_tb_add_scalar(writer, "loss", 4, 1));
  EXPECT_REFUSED(bv_tb_flush(writer), BV_TB_ERROR_FILE, "cannot be brought to the disk: Input/output error");
  of_directories.error = EINVAL; // as of file systems that keep names by themselves
  EXPECT_DONE(bv_tb_add_scalar(writer, "loss", 5, 1));
  EXPECT_DONE(bv_tb_flush(writer));
  of_directories.error = 0;
  EXPECT_REFUSED(bv_tb_close(writer), BV_TB_ERROR_FILE, "cannot be brought to the disk");
  const Log log = read_log(directory_);
  EXPECT_EQ(log.files.size(), 3u);
  expect_in_order(log, 6);
}

// ---- File systems of their own ------------------------------------------------------------------------------

// Gives this process file systems and a host name of its own, as root or as a user who is one there. False
// where that is not allowed.
bool leave_host() {
  const uid_t user = geteuid();
  const gid_t group = getegid();
  if (unshare(CLONE_NEWNS | CLONE_NEWUTS) == 0)
    return true;
  if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWUTS) != 0)
    return false;
  std::ofstream("/proc/self/setgroups") << "deny";
  std::ofstream("/proc/self/uid_map") << "0 " + std::to_string(user) + " 1";
  std::ofstream("/proc/self/gid_map") << "0 " + std::to_string(group) + " 1";
  return geteuid() == 0 && getegid() == 0;
}

// Makes `place` a file system of so many bytes in memory, for this process.
bool mount_small(const std::filesystem::path &place, int64_t bytes, unsigned long flags = 0) {
  if (!leave_host())
    return false;
  const std::string size = "size=" + std::to_string(bytes);
  return mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         mount("none", place.c_str(), "tmpfs", flags, size.c_str()) == 0;
}

constexpr int not_allowed = 77;
#define EXPECT_IN_CHILD(result)                                  \
  do {                                                           \
    const int result_ = (result);                                \
    if (result_ == not_allowed)                                  \
      GTEST_SKIP() << "no namespace may be made here";           \
    EXPECT_EQ(result_, 0) << "what went wrong is printed above"; \
  } while (0)

TEST_F(LogDisk, ThatIsFullLosesWhatItHasNoRoomFor) {
  EXPECT_IN_CHILD(in_child([&]() -> int {
    if (!mount_small(directory_, 256 << 10))
      return not_allowed;
    const std::filesystem::path ballast = directory_ / "ballast", log = directory_ / "log";
    std::ofstream(ballast) << std::string(100000, 'b');
    bv_tb_options options = BV_TB_OPTIONS_INIT;
    options.flush_seconds = 0;
    bv_tb_writer *writer = nullptr;
    EXPECT_DONE(bv_tb_open(log.c_str(), &options, &writer));
    int64_t step = 0, failures = 0;
    const auto add = [&](int64_t size) {
      EXPECT_DONE(add_noise(writer, step++, size));
      if (bv_tb_flush(writer) == BV_OK)
        return;
      ++failures;
      EXPECT_NE(std::string(bv_last_error()).find("No space left on device"), std::string::npos)
          << bv_last_error();
    };
    while (failures < 4 && step < 1000)
      add(random_.between(60, 120));
    EXPECT_EQ(failures, 4);
    expect_in_order(read_log(log), step - failures);
    std::filesystem::remove(ballast);
    for (int more = 0; more < 3; ++more)
      add(80);
    EXPECT_EQ(failures, 4);
    const bv_tb_info info = info_of(writer);
    EXPECT_EQ(info.lost, failures);
    EXPECT_EQ(info.written, step - failures);
    EXPECT_REFUSED(bv_tb_close(writer), BV_TB_ERROR_FILE, "No space left on device");
    expect_in_order(read_log(log), step - failures);
    return HasFailure();
  }));
}

TEST_F(LogDisk, ThatIsReadOnlyIsRefused) {
  EXPECT_IN_CHILD(in_child([&]() -> int {
    if (!mount_small(directory_, 256 << 10, MS_RDONLY))
      return not_allowed;
    bv_tb_writer *writer = nullptr;
    for (const std::filesystem::path &place : {directory_, directory_ / "log"})
      EXPECT_REFUSED(bv_tb_open(place.c_str(), nullptr, &writer), BV_TB_ERROR_FILE,
                     "cannot be made: Read-only file system");
    EXPECT_EQ(writer, nullptr);
    return HasFailure();
  }));
}

// ---- Directories --------------------------------------------------------------------------------------------

TEST_F(LogDisk, DirectoriesOfOthersAreRefused) {
  std::filesystem::permissions(directory_, std::filesystem::perms(0555));
  EXPECT_EQ(in_child([&]() -> int {
              constexpr uid_t nobody = 65534; // root may write everywhere
              if (geteuid() == 0 && setresuid(nobody, nobody, nobody) != 0)
                return 1;
              bv_tb_writer *writer = nullptr;
              for (const std::filesystem::path &place : {directory_, directory_ / "log"})
                EXPECT_REFUSED(bv_tb_open(place.c_str(), nullptr, &writer), BV_TB_ERROR_FILE,
                               "cannot be made: Permission denied");
              EXPECT_EQ(writer, nullptr);
              return HasFailure();
            }),
            0);
  std::filesystem::permissions(directory_, std::filesystem::perms(0755));
  EXPECT_TRUE(std::filesystem::is_empty(directory_));
}

// The process goes elsewhere, and a file that is begun later still belongs where the first is.
TEST_F(LogDisk, ARelativeDirectoryStaysWhereItWas) {
  EXPECT_EQ(in_child([&]() -> int {
              if (chdir(directory_.c_str()) != 0)
                return 1;
              bv_tb_writer *writer = nullptr;
              EXPECT_DONE(bv_tb_open("runs/../runs/first", nullptr, &writer));
              if (chdir("/") != 0)
                return 1;
              EXPECT_DONE(bv_tb_add_scalar(writer, "loss", 0, 1));
              EXPECT_DONE(bv_tb_flush(writer));
              {
                LimitedFiles limited(10);
                EXPECT_DONE(bv_tb_add_scalar(writer, "loss", 1, 1));
                EXPECT_REFUSED(bv_tb_flush(writer), BV_TB_ERROR_FILE, "cannot be written");
              }
              EXPECT_DONE(bv_tb_add_scalar(writer, "loss", 2, 1));
              EXPECT_REFUSED(bv_tb_close(writer), BV_TB_ERROR_FILE, "cannot be written");
              return HasFailure();
            }),
            0);
  const Log log = read_log(directory_ / "runs" / "first");
  EXPECT_EQ(log.files.size(), 2u);
  expect_in_order(log, 2);
}

TEST_F(LogDisk, LinksAreFollowedWhereTheyLead) {
  std::filesystem::create_directory(directory_ / "real");
  std::filesystem::create_directory_symlink("real", directory_ / "link");
  std::filesystem::create_directory_symlink("nowhere", directory_ / "dangling");
  std::filesystem::create_directory_symlink("circle", directory_ / "circle");
  bv_tb_writer *writer = nullptr;
  for (const char *name : {"link", "link/run"}) {
    EXPECT_DONE(bv_tb_open((directory_ / name).c_str(), nullptr, &writer));
    EXPECT_DONE(bv_tb_add_scalar(writer, "loss", 0, 1));
    EXPECT_DONE(bv_tb_close(writer));
  }
  expect_in_order(read_log(directory_ / "real" / "run"), 1);
  EXPECT_REFUSED(bv_tb_open((directory_ / "dangling").c_str(), nullptr, &writer), BV_TB_ERROR_FILE,
                 "dangling cannot be found: No such file");
  EXPECT_REFUSED(bv_tb_open((directory_ / "circle" / "run").c_str(), nullptr, &writer), BV_TB_ERROR_FILE,
                 "Too many levels of symbolic links");
  EXPECT_EQ(writer, nullptr);
}

TEST_F(LogDisk, HostsWithoutAFilesName) {
  EXPECT_IN_CHILD(in_child([&]() -> int {
    const std::string name = "../a b\n\xc3\xa4/";
    if (!leave_host() || sethostname(name.data(), name.size()) != 0)
      return not_allowed;
    EXPECT_DONE(bv_tb_close(open()));
    return HasFailure();
  }));
  const std::string name = std::filesystem::directory_iterator(directory_)->path().filename();
  EXPECT_NE(name.find("...-a-b-\xc3\xa4-."), std::string::npos) << name;
}

// Another process that thinks it is this one, in a container with the same host name, was here before.
TEST_F(LogDisk, FilesOfOthersAreLeftAlone) {
  bv_tb_writer *writer = open();
  EXPECT_DONE(bv_tb_close(writer));
  const std::string first = std::filesystem::directory_iterator(directory_)->path().filename();
  const size_t seconds = strlen("events.out.tfevents."), number = first.rfind('.') + 1;
  const int64_t now = std::stoll(first.substr(seconds, 10)), files = std::stoll(first.substr(number));
  std::filesystem::remove(directory_ / first);
  std::vector<std::filesystem::path> others;
  for (int64_t second = now; second < now + 60; ++second)
    for (int64_t file = files + 1; file < files + 4; ++file)
      others.push_back(directory_ / (first.substr(0, seconds) + std::to_string(second) +
                                     first.substr(seconds + 10, number - seconds - 10) + std::to_string(file)));
  for (const std::filesystem::path &other : others)
    std::ofstream(other) << "another's";
  writer = open();
  EXPECT_DONE(bv_tb_add_scalar(writer, "loss", 0, 1));
  EXPECT_DONE(bv_tb_close(writer));
  for (const std::filesystem::path &other : others) {
    std::string contents;
    std::getline(std::ifstream(other), contents);
    EXPECT_EQ(contents, "another's") << other;
    std::filesystem::remove(other);
  }
  expect_in_order(read_log(directory_), 1);
}

} // namespace
