// What goes wrong: processes that are killed or forked, disks that are full, directories that cannot be written
// or vanish, and queues that overflow.
#include <gtest/gtest.h>

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <functional>
#include <thread>

#include "log_directory.h"
#include "random.h"

namespace {

class LogTrouble : public LogDirectory {
protected:
  // A picture that packing makes no smaller.
  bv_status add_noise(bv_tb_writer *writer, int64_t step, int64_t size) {
    pixels_.resize(size_t(size * size));
    for (uint8_t &pixel : pixels_)
      pixel = uint8_t(random_.bits() >> 32);
    const int64_t shape[2] = {size, size};
    const bv_tensor picture = bv_contiguous_tensor(pixels_.data(), BV_U8, BV_CPU, 2, shape);
    return bv_tb_add_image(writer, "noise", step, &picture, nullptr, nullptr);
  }

  // The exit status of `body` in a child, or minus the signal that ended it.
  static int in_child(const std::function<int()> &body) {
    fflush(nullptr);
    const pid_t child = fork();
    if (child == 0)
      _exit(body());
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

  static void wait_for_loss(bv_tb_writer *writer, int64_t lost) {
    for (int tries = 0; tries < 4000 && info_of(writer).lost < lost; ++tries)
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    EXPECT_EQ(info_of(writer).lost, lost);
  }

  Random random_;
  std::vector<uint8_t> pixels_;
};

// Files of this process may have no more bytes: a disk that is full, as far as write() can tell.
class LimitedFiles {
public:
  explicit LimitedFiles(rlim_t bytes) {
    getrlimit(RLIMIT_FSIZE, &before_);
    rlimit limit = before_;
    limit.rlim_cur = bytes;
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~LimitedFiles() { setrlimit(RLIMIT_FSIZE, &before_); }

private:
  rlimit before_;
};

TEST_F(LogTrouble, WhatIsFlushedSurvivesSigkill) {
  EXPECT_EQ(in_child([&] {
              bv_tb_writer *writer = open();
              for (int step = 0; step < 20; ++step)
                if (bv_tb_add_scalar(writer, "loss", step, step) != BV_OK ||
                    add_noise(writer, step, 40) != BV_OK)
                  return 1;
              if (bv_tb_flush(writer) != BV_OK)
                return 2;
              raise(SIGKILL);
              return 3;
            }),
            -SIGKILL);
  const Log log = read_log(directory_);
  EXPECT_EQ(log.tagged("loss").size(), 20u);
  EXPECT_EQ(log.tagged("noise").size(), 20u);
}

TEST_F(LogTrouble, AWriterIsNotItsChildrens) {
  bv_tb_writer *writer = open();
  EXPECT_DONE(bv_tb_add_scalar(writer, "loss", 0, 1));
  EXPECT_EQ(in_child([&] {
              bv_tb_info info;
              const bool refused =
                  bv_tb_add_scalar(writer, "loss", 1, 1) == BV_ERROR_VALUE &&
                  add_noise(writer, 1, 3) == BV_ERROR_VALUE && bv_tb_flush(writer) == BV_ERROR_VALUE &&
                  bv_tb_get_info(writer, &info) == BV_ERROR_VALUE && bv_tb_close(writer) == BV_ERROR_VALUE;
              return refused && std::string(bv_last_error()).find("process") != std::string::npos ? 0 : 1;
            }),
            0);
  EXPECT_DONE(bv_tb_close(writer));
  EXPECT_EQ(read_log(directory_).events.size(), 1u);
}

TEST_F(LogTrouble, AFullDiskLosesWhatItHasNoRoomFor) {
  bv_tb_options options = BV_TB_OPTIONS_INIT;
  options.flush_seconds = 0;
  bv_tb_writer *writer = open(&options);
  int64_t failures = 0;
  {
    LimitedFiles limited(100000);
    for (int64_t step = 0; step < 30; ++step) {
      EXPECT_DONE(add_noise(writer, step, 100));
      if (bv_tb_flush(writer) != BV_OK) {
        ++failures;
        EXPECT_NE(std::string(bv_last_error()).find("cannot be written"), std::string::npos) << bv_last_error();
      }
    }
  }
  EXPECT_DONE(bv_tb_add_scalar(writer, "after", 30, 1));
  EXPECT_DONE(bv_tb_flush(writer));
  const bv_tb_info info = info_of(writer);
  EXPECT_GE(failures, 2);
  EXPECT_EQ(info.lost, failures);
  EXPECT_EQ(info.written, 31 - failures);
  EXPECT_REFUSED(bv_tb_close(writer), BV_TB_ERROR_FILE, "cannot be written");

  // Each file reads to its end, and they follow each other in the order of their names.
  const Log log = read_log(directory_);
  EXPECT_EQ(int64_t(log.events.size()), info.written);
  EXPECT_EQ(int64_t(log.files.size()), failures + 1);
  for (size_t i = 1; i < log.events.size(); ++i)
    EXPECT_LT(log.events[i - 1].step, log.events[i].step);
  for (const Event &event : log.tagged("noise"))
    EXPECT_EQ(decode_png(event.png).pixels.size(), 10000u);
}

// Records that are written together, of which the first fit.
TEST_F(LogTrouble, WhatFitsBeforeIsKept) {
  bv_tb_options options = BV_TB_OPTIONS_INIT;
  options.flush_seconds = 1000;
  bv_tb_writer *writer = open(&options);
  const std::string tag(1000, 't');
  for (int64_t step = 0; step < 20; ++step)
    EXPECT_DONE(bv_tb_add_scalar(writer, tag.c_str(), step, 1));
  {
    LimitedFiles limited(10000);
    EXPECT_REFUSED(bv_tb_flush(writer), BV_TB_ERROR_FILE, "cannot be written");
  }
  const bv_tb_info info = info_of(writer);
  EXPECT_EQ(info.written, 9); // of a little more than 1000 bytes each
  EXPECT_EQ(info.lost, 11);
  const Log log = read_log(directory_);
  ASSERT_EQ(log.events.size(), 9u);
  EXPECT_EQ(log.events.back().step, 8);
  EXPECT_EQ(bv_tb_close(writer), BV_TB_ERROR_FILE);
}

TEST_F(LogTrouble, TheNextCallReturnsTheFailureOnce) {
  bv_tb_options options = BV_TB_OPTIONS_INIT;
  options.flush_seconds = 0;
  bv_tb_writer *writer = open(&options);
  {
    LimitedFiles limited(10); // less than a file begins with
    EXPECT_DONE(bv_tb_add_scalar(writer, "loss", 0, 1));
    wait_for_loss(writer, 1);
    EXPECT_REFUSED(bv_tb_add_scalar(writer, "", 1, 1), BV_ERROR_VALUE, "tag"); // takes no failure away
    EXPECT_REFUSED(bv_tb_add_scalar(writer, "loss", 1, 1), BV_TB_ERROR_FILE, "cannot be written");
    EXPECT_DONE(bv_tb_add_scalar(writer, "loss", 2, 1));
    wait_for_loss(writer, 2);
    EXPECT_REFUSED(add_noise(writer, 3, 3), BV_TB_ERROR_FILE, "cannot be written");
  }
  EXPECT_EQ(read_log(directory_).files.size(), 0u) << "files without events are left";
  EXPECT_DONE(bv_tb_add_scalar(writer, "loss", 4, 1));
  EXPECT_DONE(bv_tb_flush(writer));
  EXPECT_EQ(bv_tb_close(writer), BV_TB_ERROR_FILE);
  const Log log = read_log(directory_);
  ASSERT_EQ(log.events.size(), 1u);
  EXPECT_EQ(log.events[0].step, 4);
}

TEST_F(LogTrouble, NothingIsLeftOfAWriterThatCannotOpen) {
  bv_tb_writer *writer = nullptr;
  {
    LimitedFiles limited(10);
    EXPECT_REFUSED(bv_tb_open(directory_.c_str(), nullptr, &writer), BV_TB_ERROR_FILE, "cannot be written");
  }
  EXPECT_EQ(writer, nullptr);
  EXPECT_TRUE(std::filesystem::is_empty(directory_));
  std::ofstream(directory_ / "file") << "x";
  for (const std::filesystem::path &place :
       {std::filesystem::path("/proc/batchview/log"), directory_ / "file", directory_ / "file" / "log"})
    EXPECT_REFUSED(bv_tb_open(place.c_str(), nullptr, &writer), BV_TB_ERROR_FILE, "cannot be made");
  if (geteuid() != 0) { // who may write everywhere
    std::filesystem::permissions(directory_,
                                 std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec);
    EXPECT_REFUSED(bv_tb_open(directory_.c_str(), nullptr, &writer), BV_TB_ERROR_FILE, "Permission denied");
    std::filesystem::permissions(directory_, std::filesystem::perms::owner_all);
  }
}

TEST_F(LogTrouble, ADirectoryThatVanishesIsNoticed) {
  const std::filesystem::path place = directory_ / "run";
  bv_tb_writer *writer;
  ASSERT_DONE(bv_tb_open(place.c_str(), nullptr, &writer));
  EXPECT_DONE(bv_tb_add_scalar(writer, "loss", 0, 1));
  EXPECT_DONE(bv_tb_flush(writer));
  std::filesystem::remove_all(place);
  EXPECT_REFUSED(bv_tb_flush(writer), BV_TB_ERROR_FILE, "has been removed");
  EXPECT_DONE(bv_tb_add_scalar(writer, "loss", 1, 1));
  EXPECT_REFUSED(bv_tb_flush(writer), BV_TB_ERROR_FILE, "cannot be made");
  EXPECT_FALSE(std::filesystem::exists(place));
  std::filesystem::create_directory(place);
  EXPECT_DONE(bv_tb_add_scalar(writer, "loss", 2, 1));
  EXPECT_DONE(bv_tb_flush(writer));
  EXPECT_REFUSED(bv_tb_close(writer), BV_TB_ERROR_FILE, "has been removed");
  const Log log = read_log(place);
  ASSERT_EQ(log.events.size(), 1u);
  EXPECT_EQ(log.events[0].step, 2);
}

TEST_F(LogTrouble, AFullQueueDropsAndCounts) {
  bv_tb_options options = BV_TB_OPTIONS_INIT;
  options.when_full = BV_TB_DROP;
  options.queue_entries = 2;
  bv_tb_writer *writer = open(&options);
  constexpr int64_t count = 200;
  for (int64_t step = 0; step < count; ++step)
    EXPECT_DONE(add_noise(writer, step, 200)); // which is encoded more slowly than it is made
  EXPECT_DONE(bv_tb_flush(writer));
  const bv_tb_info info = info_of(writer);
  EXPECT_GT(info.dropped, 0);
  EXPECT_GT(info.written, 0);
  EXPECT_EQ(info.dropped + info.written, count);
  EXPECT_EQ(info.waiting + info.lost, 0);
  EXPECT_DONE(bv_tb_close(writer));
  EXPECT_EQ(int64_t(read_log(directory_).events.size()), info.written);
}

#if !defined(BATCHVIEW_SANITIZED) // sanitizers keep memory
long resident_kilobytes() {
  long pages = 0;
  std::ifstream("/proc/self/statm") >> pages >> pages;
  return pages * sysconf(_SC_PAGESIZE) / 1024;
}

TEST_F(LogTrouble, ManyPicturesTakeNoMoreMemory) {
  bv_tb_options options = BV_TB_OPTIONS_INIT;
  options.queue_bytes = 1 << 20;
  bv_tb_writer *writer = open(&options);
  long early = 0;
  for (int64_t step = 0; step < 2000; ++step) {
    EXPECT_DONE(add_noise(writer, step, 128));
    if (step == 300)
      early = resident_kilobytes();
  }
  EXPECT_LT(resident_kilobytes(), early + 4096) << "2000 pictures of 16 KiB";
  EXPECT_DONE(bv_tb_close(writer));
  EXPECT_EQ(read_log(directory_).events.size(), 2000u);
}
#endif

} // namespace
