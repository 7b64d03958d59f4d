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
#include <fstream>
#include <future>
#include <mutex>

#include "trouble.h"

namespace {

// ---- A disk that hangs, or fails when data are to reach it --------------------------------------------------

std::mutex disk_mutex;
std::condition_variable disk_changed;
bool disk_hangs = false;
int hanging_writes = 0;

void let_disk_hang(bool hangs) {
  std::lock_guard<std::mutex> lock(disk_mutex);
  disk_hangs = hangs;
  disk_changed.notify_all();
}

std::atomic<int> sync_error{0}, synchronised_files{0}, synchronised_directories{0};

int synchronise(long call, int descriptor, std::atomic<int> &count) {
  ++count;
  errno = sync_error;
  return sync_error == 0 ? int(syscall(call, descriptor)) : -1;
}

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
  }
  return syscall(SYS_write, descriptor, bytes, count);
}
extern "C" int fdatasync(int descriptor) { return synchronise(SYS_fdatasync, descriptor, synchronised_files); }
extern "C" int fsync(int descriptor) { return synchronise(SYS_fsync, descriptor, synchronised_directories); }
#pragma GCC visibility pop

namespace {

class LogDisk : public LogTrouble {};

TEST_F(LogDisk, ThatHangsDoesNotHoldUpALoopThatDrops) {
  bv_tb_options options = BV_TB_OPTIONS_INIT;
  options.when_full = BV_TB_DROP;
  options.queue_entries = 8;
  options.flush_seconds = 0;
  bv_tb_writer *writer = open(&options);
  let_disk_hang(true);
  EXPECT_DONE(bv_tb_add_scalar(writer, "loss", 0, 0));
  {
    std::unique_lock<std::mutex> lock(disk_mutex);
    ASSERT_TRUE(disk_changed.wait_for(lock, std::chrono::seconds(30), [] { return hanging_writes == 1; }));
  }
  std::future<void> loop = std::async(std::launch::async, [&] {
    for (int64_t step = 1; step < 1000; ++step)
      EXPECT_DONE(step % 10 ? bv_tb_add_scalar(writer, "loss", step, 1) : add_noise(writer, step, 30));
  });
  EXPECT_EQ(loop.wait_for(std::chrono::seconds(30)), std::future_status::ready);
  const bv_tb_info hanging = info_of(writer);
  EXPECT_EQ(hanging.written, 0);
  EXPECT_EQ(hanging.waiting, 9); // the queue, and the one that is being written
  EXPECT_EQ(hanging.dropped, 991);
  let_disk_hang(false);
  loop.wait();
  EXPECT_DONE(bv_tb_flush(writer));
  EXPECT_DONE(bv_tb_add_scalar(writer, "loss", 1000, 1));
  EXPECT_DONE(bv_tb_close(writer));
  expect_in_order(read_log(directory_), 10);
}

// The file and its name reach the disk before a flush returns; the name once.
TEST_F(LogDisk, ThatCannotKeepIsTold) {
  bv_tb_writer *writer = open();
  for (int64_t step = 0; step < 3; ++step) {
    EXPECT_DONE(bv_tb_add_scalar(writer, "loss", step, 1));
    synchronised_files = synchronised_directories = 0;
    EXPECT_DONE(bv_tb_flush(writer));
    EXPECT_EQ(synchronised_files, 1);
    EXPECT_EQ(synchronised_directories, step == 0 ? 1 : 0);
  }
  sync_error = EIO;
  EXPECT_DONE(bv_tb_add_scalar(writer, "loss", 3, 1));
  EXPECT_REFUSED(bv_tb_flush(writer), BV_TB_ERROR_FILE, "cannot be brought to the disk: Input/output error");
  sync_error = 0;
  EXPECT_DONE(bv_tb_add_scalar(writer, "loss", 4, 1)); // begins a file, whose name is new
  synchronised_files = synchronised_directories = 0;
  EXPECT_REFUSED(bv_tb_close(writer), BV_TB_ERROR_FILE, "cannot be brought to the disk");
  EXPECT_EQ(synchronised_files, 1);
  EXPECT_EQ(synchronised_directories, 1);
  const Log log = read_log(directory_);
  EXPECT_EQ(log.files.size(), 2u);
  expect_in_order(log, 5);
}

// ---- File systems of their own ------------------------------------------------------------------------------

// Leaves this process's file systems to it alone, as root or as a user who is one here. False where that is not
// allowed.
bool leave_file_systems() {
  const uid_t user = geteuid();
  const gid_t group = getegid();
  if (unshare(CLONE_NEWNS) == 0)
    return true;
  if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
    return false;
  std::ofstream("/proc/self/setgroups") << "deny";
  std::ofstream("/proc/self/uid_map") << "0 " + std::to_string(user) + " 1";
  std::ofstream("/proc/self/gid_map") << "0 " + std::to_string(group) + " 1";
  return geteuid() == 0 && getegid() == 0;
}

// Makes `place` a file system of so many bytes in memory, for this process.
bool mount_small(const std::filesystem::path &place, int64_t bytes, unsigned long flags = 0) {
  if (!leave_file_systems())
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
      GTEST_SKIP() << "no file system may be mounted here";      \
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
