// What goes wrong: processes that are killed or forked, files that cannot be written, directories that vanish,
// and queues that overflow.
#include <gtest/gtest.h>

#include <fstream>

#include "trouble.h"

namespace {

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

// In the middle of a record, for example: what is there reads up to its torn end, and has what was flushed.
TEST_F(LogTrouble, AWriterThatIsKilledAtAnyTimeLeavesWholeRecords) {
  size_t all = 0;
  for (int run = 0; run < 10; ++run) {
    SCOPED_TRACE(run);
    const std::filesystem::path place = directory_ / std::to_string(run);
    int flushed[2];
    ASSERT_EQ(pipe(flushed), 0);
    const pid_t child = fork();
    if (child == 0) {
      bv_tb_options options = BV_TB_OPTIONS_INIT;
      options.flush_seconds = 0;
      bv_tb_writer *writer = nullptr;
      bool going_on = bv_tb_open(place.c_str(), &options, &writer) == BV_OK;
      for (int64_t step = 0; going_on; ++step) {
        going_on = add_noise(writer, step, random_.between(1, 300)) == BV_OK;
        if (going_on && step % 8 == 0)
          going_on = bv_tb_flush(writer) == BV_OK && ::write(flushed[1], &step, sizeof step) == sizeof step;
      }
      _exit(1);
    }
    close(flushed[1]);
    int64_t last = -1, step;
    ASSERT_EQ(read(flushed[0], &step, sizeof step), ssize_t(sizeof step)) << "the child has ended";
    std::this_thread::sleep_for(std::chrono::microseconds(random_.below(30000)));
    EXPECT_EQ(kill(child, SIGKILL), 0);
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFSIGNALED(status));
    do
      last = step;
    while (read(flushed[0], &step, sizeof step) == ssize_t(sizeof step));
    close(flushed[0]);
    const Log log = read_log(place, End::MayBeTorn);
    EXPECT_GT(int64_t(log.events.size()), last);
    for (size_t i = 0; i < log.events.size(); ++i)
      EXPECT_EQ(log.events[i].step, int64_t(i));
    expect_in_order(log, int64_t(log.events.size()));
    all += log.events.size();
  }
  EXPECT_GT(all, 20u);
}

// Whatever its thread is doing.
TEST_F(LogTrouble, AWriterIsNotItsChildrens) {
  bv_tb_writer *writer = open();
  for (int64_t step = 0; step < 40; ++step)
    EXPECT_DONE(add_noise(writer, step, 200));
  EXPECT_EQ(in_child([&]() -> int {
              bv_tb_info info;
              EXPECT_REFUSED(bv_tb_add_scalar(writer, "loss", 1, 1), BV_ERROR_VALUE,
                             "writer is one of process");
              EXPECT_EQ(add_noise(writer, 1, 3), BV_ERROR_VALUE);
              EXPECT_EQ(bv_tb_flush(writer), BV_ERROR_VALUE);
              EXPECT_EQ(bv_tb_get_info(writer, &info), BV_ERROR_VALUE);
              EXPECT_EQ(bv_tb_close(writer), BV_ERROR_VALUE);
              return HasFailure();
            }),
            0);
  EXPECT_DONE(bv_tb_close(writer));
  expect_in_order(read_log(directory_), 40);
}

#if !defined(BATCHVIEW_SANITIZED) // the thread sanitizer takes a child's thread for one of the parent's
TEST_F(LogTrouble, AChildMayHaveAWriterOfItsOwn) {
  bv_tb_writer *writer = open();
  for (int64_t step = 0; step < 40; ++step)
    EXPECT_DONE(add_noise(writer, step, 200));
  EXPECT_EQ(in_child([&]() -> int {
              bv_tb_writer *own = open();
              for (int64_t step = 40; step < 80; ++step)
                EXPECT_DONE(add_noise(own, step, 200));
              EXPECT_DONE(bv_tb_close(own));
              return HasFailure();
            }),
            0);
  EXPECT_DONE(bv_tb_close(writer));
  const Log log = read_log(directory_);
  EXPECT_EQ(log.files.size(), 2u);
  EXPECT_EQ(log.events.size(), 80u);
}
#endif

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

  const Log log = read_log(directory_);
  expect_in_order(log, info.written);
  EXPECT_EQ(int64_t(log.files.size()), failures + 1);
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

// Also many a second.
TEST_F(LogTrouble, LaterFilesHaveLaterNames) {
  bv_tb_writer *writer = open();
  for (int64_t step = 0; step < 30; ++step) {
    EXPECT_DONE(bv_tb_add_scalar(writer, "loss", step, 1));
    if (step % 2 == 0) {
      EXPECT_DONE(bv_tb_flush(writer));
    } else {
      LimitedFiles limited(10);
      EXPECT_REFUSED(bv_tb_flush(writer), BV_TB_ERROR_FILE, "cannot be written");
    }
  }
  EXPECT_EQ(bv_tb_close(writer), BV_TB_ERROR_FILE);
  const Log log = read_log(directory_);
  EXPECT_EQ(log.files.size(), 15u);
  expect_in_order(log, 15);
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
  const std::filesystem::path deep =
      directory_ / std::string(200, 'a') / std::string(200, 'b') / std::string(200, 'c');
  std::filesystem::create_directories(deep);
  std::ofstream(deep / "file") << "x";
  EXPECT_REFUSED(bv_tb_open((deep / "file" / "log").c_str(), nullptr, &writer), BV_TB_ERROR_FILE,
                 "ccc/file/log cannot be made: Not a directory");
  EXPECT_REFUSED(bv_tb_open((directory_ / std::string(2000, 'd')).c_str(), nullptr, &writer), BV_TB_ERROR_FILE,
                 "ddd cannot be made: File name too long");
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

TEST_F(LogTrouble, TenThousandPicturesTakeNoMoreMemory) {
  bv_tb_options options = BV_TB_OPTIONS_INIT;
  options.queue_bytes = 1 << 20;
  bv_tb_writer *writer = open(&options);
  constexpr int64_t count = 10000;
  long early = 0;
  for (int64_t step = 0; step < count; ++step) {
    EXPECT_DONE(add_noise(writer, step, 64));
    EXPECT_DONE(bv_tb_add_scalar(writer, "loss", step, 1));
    if (step == count / 10)
      early = resident_kilobytes();
  }
  const long late = resident_kilobytes();
  printf("%ld KiB after a tenth, %ld KiB after all\n", early, late);
  EXPECT_LT(late, early + 1024) << "a tenth of a KiB a picture";
  EXPECT_DONE(bv_tb_close(writer));
  EXPECT_EQ(int64_t(read_log(directory_).events.size()), 2 * count);
}
#endif

} // namespace
