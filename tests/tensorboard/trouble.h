// What tests of trouble share: pictures that packing makes no smaller, children, and disks that are full.
#ifndef BATCHVIEW_TENSORBOARD_TROUBLE_H
#define BATCHVIEW_TENSORBOARD_TROUBLE_H

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <thread>

#include "log_directory.h"
#include "random.h"

// The exit status of `body` in a child, or minus the signal that ended it. What waits for ever there is ended.
inline int in_child(const std::function<int()> &body) {
  fflush(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    alarm(120);
    const int status = body();
    fflush(nullptr); // of expectations that failed
    _exit(status);
  }
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

class LogTrouble : public LogDirectory {
protected:
  bv_status add_noise(bv_tb_writer *writer, int64_t step, int64_t size) {
    pixels_.resize(size_t(size * size));
    for (uint8_t &pixel : pixels_)
      pixel = uint8_t(random_.bits() >> 32);
    const int64_t shape[2] = {size, size};
    const bv_tensor picture = bv_contiguous_tensor(pixels_.data(), BV_U8, BV_CPU, 2, shape);
    return bv_tb_add_image(writer, "noise", step, &picture, nullptr, nullptr);
  }

  static void wait_for_loss(bv_tb_writer *writer, int64_t lost) {
    for (int tries = 0; tries < 4000 && info_of(writer).lost < lost; ++tries)
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    EXPECT_EQ(info_of(writer).lost, lost);
  }

  // Each file reads to its end, and they follow each other in the order of their names.
  static void expect_in_order(const Log &log, int64_t events) {
    EXPECT_EQ(int64_t(log.events.size()), events);
    for (size_t i = 1; i < log.events.size(); ++i)
      EXPECT_LT(log.events[i - 1].step, log.events[i].step);
    for (const Event &event : log.tagged("noise"))
      EXPECT_EQ(int64_t(decode_png(event.png).pixels.size()), event.height * event.width);
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

#endif
