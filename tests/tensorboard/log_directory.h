// A test with a directory of its own for logs.
#ifndef BATCHVIEW_TENSORBOARD_LOG_DIRECTORY_H
#define BATCHVIEW_TENSORBOARD_LOG_DIRECTORY_H

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "batchview/tensorboard.h"
#include "log_reader.h"

// A call that must succeed, and one that must not.
#define EXPECT_DONE(call) EXPECT_EQ(call, BV_OK) << bv_last_error()
#define ASSERT_DONE(call) ASSERT_EQ(call, BV_OK) << bv_last_error()
#define EXPECT_REFUSED(call, status, words)                                                    \
  do {                                                                                         \
    EXPECT_EQ(call, status) << #call;                                                          \
    EXPECT_NE(std::string(bv_last_error()).find(words), std::string::npos) << bv_last_error(); \
  } while (0)

template <typename Kind> class LogDirectoryOf : public Kind {
protected:
  LogDirectoryOf() {
    char name[] = "/tmp/batchview-log-XXXXXX";
    if (mkdtemp(name) == nullptr)
      ADD_FAILURE() << name;
    directory_ = name;
  }
  ~LogDirectoryOf() override { std::filesystem::remove_all(directory_); }

  bv_tb_writer *open(const bv_tb_options *options = nullptr) const {
    bv_tb_writer *writer = nullptr;
    EXPECT_EQ(bv_tb_open(directory_.c_str(), options, &writer), BV_OK) << bv_last_error();
    return writer;
  }

  std::filesystem::path directory_;
};
using LogDirectory = LogDirectoryOf<testing::Test>;

inline bv_tb_info info_of(bv_tb_writer *writer) {
  bv_tb_info info;
  EXPECT_EQ(bv_tb_get_info(writer, &info), BV_OK) << bv_last_error();
  return info;
}

#endif
