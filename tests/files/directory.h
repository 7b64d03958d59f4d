// A test in a directory of its own, which it leaves empty.
#ifndef BATCHVIEW_FILES_DIRECTORY_H
#define BATCHVIEW_FILES_DIRECTORY_H

#include <gtest/gtest.h>

#include <dirent.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <set>
#include <string>

class Directory : public testing::Test {
protected:
  void SetUp() override { ASSERT_NE(mkdtemp(directory_), nullptr); }
  void TearDown() override {
    for (const std::string &name : names())
      unlink(file(name).c_str());
    EXPECT_EQ(rmdir(directory_), 0);
  }

  std::string file(const std::string &name) const { return std::string(directory_) + "/" + name; }

  std::set<std::string> names() const {
    std::set<std::string> all;
    DIR *directory = opendir(directory_);
    for (const dirent *entry; (entry = readdir(directory)) != nullptr;)
      if (entry->d_name != std::string(".") && entry->d_name != std::string(".."))
        all.insert(entry->d_name);
    closedir(directory);
    return all;
  }

  static std::string contents(const std::string &path) {
    FILE *stream = fopen(path.c_str(), "rb");
    if (stream == nullptr)
      return "cannot be opened";
    std::string bytes;
    for (int byte; (byte = getc(stream)) != EOF;)
      bytes += (char)byte;
    fclose(stream);
    return bytes;
  }

  void store(const std::string &name, const std::string &bytes) const {
    FILE *stream = fopen(file(name).c_str(), "wb");
    ASSERT_NE(stream, nullptr);
    ASSERT_EQ(fwrite(bytes.data(), 1, bytes.size(), stream), bytes.size());
    ASSERT_EQ(fclose(stream), 0);
  }

  char directory_[40] = "/tmp/batchview-files-XXXXXX";
};

#endif
