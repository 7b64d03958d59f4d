// Writing: what the files hold, and that they appear whole or not at all.
#include "directory.h"
#include "support.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

extern "C" {
#include "write.h"
}

namespace {

class Write : public Directory {
protected:
  // Both writers on `path`; what they answer and say must agree.
  cli_result write_both(const std::string &path) {
    const cli_result npy = write_npy(path.c_str(), &tensor_, reason_, sizeof reason_);
    const std::string said = reason_;
    const cli_result png = write_png(path.c_str(), &picture_, reason_, sizeof reason_);
    EXPECT_EQ(npy, png);
    EXPECT_EQ(said, reason_);
    return png;
  }

  char reason_[256] = "";
  std::vector<uint8_t> bytes_ = std::vector<uint8_t>(200000, 7);
  const int64_t shape_[2] = {400, 500};
  bv_tensor tensor_ = bv_contiguous_tensor(bytes_.data(), BV_U8, BV_CPU, 2, shape_);
  picture picture_ = {bytes_.data(), 500, 400, 1, 0, 0};
};

} // namespace

TEST_F(Write, NpyHasNumPysHeader) {
  float numbers[6] = {1, 2, 3, 4, 5, 6};
  const int64_t shape[3] = {1, 2, 3};
  const bv_tensor tensor = bv_contiguous_tensor(numbers, BV_F32, BV_CPU, 3, shape);
  ASSERT_EQ(write_npy(file("a.npy").c_str(), &tensor, reason_, sizeof reason_), CLI_OK) << reason_;
  const std::string bytes = contents(file("a.npy"));
  EXPECT_EQ(bytes.substr(0, 8), std::string("\x93NUMPY\x01\0", 8));
  const size_t header = (uint8_t)bytes[8] + 256u * (uint8_t)bytes[9];
  EXPECT_EQ((10 + header) % 64, 0u);
  EXPECT_EQ(bytes.substr(10, 61), "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2, 3), ");
  EXPECT_EQ(bytes.substr(10 + header - 2, 2), " \n");
  EXPECT_EQ(bytes.substr(10 + header), std::string((const char *)numbers, sizeof numbers));
}

TEST_F(Write, NpyOfEveryTypeAndRankComesBack) {
  const bv_dtype dtypes[] = {BV_F32, BV_F16, BV_F64, BV_U8, BV_I8, BV_U16, BV_I16, BV_I32, BV_U32};
  for (bv_dtype dtype : dtypes)
    for (int ndim = 2; ndim <= 4; ++ndim) {
      int64_t shape[4], count = 1;
      for (int axis = 0; axis < ndim; ++axis)
        count *= shape[axis] = 5 + random_below(9); // not 3 or 4, which may be the colours of a picture
      std::vector<uint64_t> memory((size_t)count);  // enough for the widest type
      for (uint64_t &bits : memory)
        bits = random_numbers()();
      const bv_tensor tensor = bv_contiguous_tensor(memory.data(), dtype, BV_CPU, ndim, shape);
      ASSERT_EQ(write_npy(file("b.npy").c_str(), &tensor, reason_, sizeof reason_), CLI_OK) << reason_;
      Parsed parsed = Parsed::file(file("b.npy"));
      ASSERT_EQ(parsed.result(), CLI_OK) << parsed.reason();
      EXPECT_EQ(parsed.dtype(), bv_dtype_name(dtype));
      EXPECT_EQ(parsed.shape(), std::vector<int64_t>(shape, shape + ndim));
      ASSERT_EQ(parsed->memory_bytes, (size_t)count * bv_dtype_size(dtype));
      EXPECT_EQ(memcmp(parsed->memory, memory.data(), parsed->memory_bytes), 0);
    }
}

TEST_F(Write, NpyTuplesOfOneAndOfTheLongestShape) {
  uint8_t byte = 0;
  const int64_t one[1] = {1};
  bv_tensor tensor = bv_contiguous_tensor(&byte, BV_U8, BV_CPU, 1, one);
  ASSERT_EQ(write_npy(file("c.npy").c_str(), &tensor, reason_, sizeof reason_), CLI_OK);
  EXPECT_NE(contents(file("c.npy")).find("'shape': (1,), }"), std::string::npos);
  // No bytes, but all digits: the header must have room for them.
  const int64_t longest[8] = {0, INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX};
  tensor = bv_contiguous_tensor(nullptr, BV_F64, BV_CPU, 8, longest);
  ASSERT_EQ(write_npy(file("c.npy").c_str(), &tensor, reason_, sizeof reason_), CLI_OK);
  const std::string bytes = contents(file("c.npy"));
  EXPECT_NE(bytes.find("'shape': (0, 9223372036854775807, "), std::string::npos);
  EXPECT_NE(bytes.find("9223372036854775807), }"), std::string::npos);
  EXPECT_EQ(bytes.back(), '\n');
}

TEST_F(Write, NpyHasNoBfloat16) {
  tensor_.dtype = BV_BF16;
  EXPECT_EQ(write_npy(file("d.npy").c_str(), &tensor_, reason_, sizeof reason_), CLI_UNSUPPORTED);
  EXPECT_STREQ(reason_, ".npy has no type for bf16");
  EXPECT_TRUE(names().empty());
}

TEST_F(Write, PngOfEveryColourTypeComesBack) {
  for (int channels : {1, 3, 4})
    for (int round = 0; round < 10; ++round) {
      const uint32_t width = (uint32_t)(1 + random_below(70)), height = (uint32_t)(1 + random_below(70));
      std::vector<uint8_t> pixels(width * height * (uint32_t)channels);
      for (uint8_t &pixel : pixels)
        pixel = (uint8_t)random_below(256);
      const picture shown = {pixels.data(), width, height, channels, 0, 0};
      ASSERT_EQ(write_png(file("e.png").c_str(), &shown, reason_, sizeof reason_), CLI_OK) << reason_;
      const std::string bytes = contents(file("e.png"));
      EXPECT_EQ(bytes[24], 8);                                         // bits
      EXPECT_EQ(bytes[25], channels == 1 ? 0 : channels == 3 ? 2 : 6); // colour type
      EXPECT_EQ(bytes.find("pHYs"), std::string::npos);
      Parsed parsed = Parsed::file(file("e.png"));
      ASSERT_EQ(parsed.result(), CLI_OK) << parsed.reason();
      for (uint32_t y = 0; y < height; ++y)
        for (uint32_t x = 0; x < width; ++x)
          for (int c = 0; c < (channels == 1 ? 1 : 3); ++c)
            ASSERT_EQ(parsed.at(channels == 1 ? std::vector<int64_t>{y, x} : std::vector<int64_t>{0, c, y, x}),
                      pixels[(y * width + x) * (uint32_t)channels + (uint32_t)c]);
    }
}

// Several megabytes: pieces that are packed apart, and more of them than are packed at a time.
TEST_F(Write, LargePngIsTheSameForAnyNumberOfThreads) {
  for (int channels : {1, 3}) {
    const uint32_t width = 1501, height = (uint32_t)(12000 / channels + random_below(100));
    std::vector<uint8_t> pixels(width * height * (uint32_t)channels);
    for (size_t i = 0; i < pixels.size(); ++i) // slopes, flat parts and noise
      pixels[i] = (uint8_t)(i / 7 % 4096 < 1000 ? 0 : i / 300 + (size_t)random_below(1 + (int)(i >> 17)));
    const picture shown = {pixels.data(), width, height, channels, 0, 0};
    std::string first;
    for (int threads : {1, 2, 3, 7}) {
      ASSERT_EQ(bv_set_threads(threads), BV_OK);
      ASSERT_EQ(write_png(file("t.png").c_str(), &shown, reason_, sizeof reason_), CLI_OK) << reason_;
      const std::string bytes = contents(file("t.png"));
      EXPECT_TRUE(first.empty() || bytes == first) << threads;
      first = bytes;
    }
    ASSERT_EQ(bv_set_threads(0), BV_OK);
    Parsed parsed = Parsed::file(file("t.png")); // by libpng, which checks every sum
    ASSERT_EQ(parsed.result(), CLI_OK) << parsed.reason();
    ASSERT_EQ(parsed->memory_bytes, pixels.size());
    EXPECT_EQ(memcmp(parsed->memory, pixels.data(), pixels.size()), 0);
  }
}

TEST_F(Write, PngRowsOfAnyLengthComeBack) {
  for (uint32_t width : {1u, 2u, 10922u, 10923u, 32768u, 32769u, 400000u}) // around what is filtered at a time
    for (int channels : {1, 3, 4}) {
      std::vector<uint8_t> pixels(width * 3 * (uint32_t)channels);
      for (uint8_t &pixel : pixels)
        pixel = (uint8_t)random_below(256);
      const picture shown = {pixels.data(), width, 3, channels, 0, 0};
      ASSERT_EQ(write_png(file("u.png").c_str(), &shown, reason_, sizeof reason_), CLI_OK) << reason_;
      Parsed parsed = Parsed::file(file("u.png"));
      ASSERT_EQ(parsed.result(), CLI_OK) << parsed.reason();
      const auto *read = (const uint8_t *)parsed->memory;
      const size_t kept = channels == 1 ? 1 : 3; // alpha is dropped
      for (size_t i = 0; i < (size_t)width * 3; ++i)
        ASSERT_EQ(memcmp(read + i * kept, pixels.data() + i * (size_t)channels, kept), 0);
    }
}

TEST_F(Write, PngSaysUnequalDistances) {
  const struct {
    double rows, columns, row_result, column_result;
  } cases[] = {{3, 1.5, 1, 0.5}, {0.5, 2, 0.25, 1}, {2, 2, 1, 1},
               {0, 1, 1, 1},     {1, NAN, 1, 1},    {1, 1e300, 1, 1}};
  for (const auto &distances : cases) {
    picture_.row_spacing = distances.rows;
    picture_.column_spacing = distances.columns;
    ASSERT_EQ(write_png(file("f.png").c_str(), &picture_, reason_, sizeof reason_), CLI_OK) << reason_;
    Parsed parsed = Parsed::file(file("f.png"));
    EXPECT_DOUBLE_EQ(parsed->spacing[0], distances.row_result);
    EXPECT_DOUBLE_EQ(parsed->spacing[1], distances.column_result);
  }
}

TEST_F(Write, PngOfNothingIsRefused) {
  for (bool wide : {false, true}) {
    picture_.width = wide ? 500 : 0;
    picture_.height = wide ? 0 : 400;
    EXPECT_EQ(write_png(file("g.png").c_str(), &picture_, reason_, sizeof reason_), CLI_UNSUPPORTED);
  }
  picture_.height = 1;
  picture_.width = 1u << 31;
  EXPECT_EQ(write_png(file("g.png").c_str(), &picture_, reason_, sizeof reason_), CLI_UNSUPPORTED);
  picture_.width = (1u << 28) + 1;
  picture_.channels = 4;
  EXPECT_EQ(write_png(file("g.png").c_str(), &picture_, reason_, sizeof reason_), CLI_UNSUPPORTED);
  picture_.width = 1;
  picture_.height = 1u << 31;
  EXPECT_EQ(write_png(file("g.png").c_str(), &picture_, reason_, sizeof reason_), CLI_UNSUPPORTED);
  EXPECT_TRUE(names().empty());
}

TEST_F(Write, NewFilesHaveThePermissionsThatTheUmaskLeaves) {
  const mode_t before = umask(027);
  EXPECT_EQ(write_both(file("h")), CLI_OK) << reason_;
  umask(before);
  struct stat status;
  ASSERT_EQ(stat(file("h").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0640u);
  EXPECT_EQ(names(), std::set<std::string>{"h"});
}

TEST_F(Write, AFileIsReplacedInOneStep) {
  store("i", "old");
  const int old = open(file("i").c_str(), O_RDONLY); // somebody is still reading it
  ASSERT_EQ(write_npy(file("i").c_str(), &tensor_, reason_, sizeof reason_), CLI_OK) << reason_;
  char byte[4] = "";
  EXPECT_EQ(read(old, byte, 3), 3);
  EXPECT_STREQ(byte, "old");
  close(old);
  EXPECT_EQ(contents(file("i")).size(), 200320u);
}

TEST_F(Write, SymbolicLinksStay) {
  store("target", "old");
  ASSERT_EQ(symlink("target", file("link").c_str()), 0);
  EXPECT_EQ(write_both(file("link")), CLI_OK) << reason_;
  struct stat status;
  ASSERT_EQ(lstat(file("link").c_str(), &status), 0);
  EXPECT_TRUE(S_ISLNK(status.st_mode));
  EXPECT_EQ(contents(file("target")).substr(0, 4), "\x89PNG");
  EXPECT_EQ(names(), (std::set<std::string>{"link", "target"}));
}

TEST_F(Write, StandardOutputAndPipesAreWrittenDirectly) {
  for (const char *path : {"-", "/dev/stdout"}) {
    fflush(stdout);
    const int saved = dup(STDOUT_FILENO), out = open(file("j").c_str(), O_RDWR | O_CREAT | O_TRUNC, 0600);
    dup2(out, STDOUT_FILENO);
    const cli_result result = write_npy(path, &tensor_, reason_, sizeof reason_);
    dup2(saved, STDOUT_FILENO);
    close(saved);
    close(out);
    EXPECT_EQ(result, CLI_OK) << reason_;
    EXPECT_EQ(contents(file("j")).size(), 200320u) << path;
  }
  ASSERT_EQ(mkfifo(file("fifo").c_str(), 0600), 0);
  const pid_t child = fork();
  if (child == 0)
    _exit(contents(file("fifo")).size() == 200320 ? 0 : 1);
  EXPECT_EQ(write_npy(file("fifo").c_str(), &tensor_, reason_, sizeof reason_), CLI_OK) << reason_;
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  struct stat kind;
  ASSERT_EQ(stat(file("fifo").c_str(), &kind), 0);
  EXPECT_TRUE(S_ISFIFO(kind.st_mode));
}

TEST_F(Write, WhatCannotBeWrittenSaysWhy) {
  EXPECT_EQ(write_both(file("missing/k")), CLI_WRITE);
  EXPECT_STREQ(reason_, "No such file or directory");
  EXPECT_EQ(write_both(directory_), CLI_WRITE);
  EXPECT_STREQ(reason_, "Is a directory");
  EXPECT_EQ(write_both("/dev/full"), CLI_WRITE);
  EXPECT_STREQ(reason_, "No space left on device");
  EXPECT_EQ(write_both(""), CLI_WRITE);
  EXPECT_EQ(write_both(file(std::string(300, 'k'))), CLI_WRITE);
  EXPECT_STREQ(reason_, "File name too long");
  EXPECT_TRUE(names().empty());
}

TEST_F(Write, ADirectoryWithoutPermissionSaysSo) {
  ASSERT_EQ(chmod(directory_, 0555), 0);
  const bool root = geteuid() == 0;
  if (root) { // root may write anywhere
    ASSERT_EQ(seteuid(65534), 0);
  }
  const cli_result result = write_both(file("l"));
  if (root) {
    ASSERT_EQ(seteuid(0), 0);
  }
  EXPECT_EQ(result, CLI_WRITE);
  EXPECT_STREQ(reason_, "Permission denied");
  ASSERT_EQ(chmod(directory_, 0755), 0);
  EXPECT_TRUE(names().empty());
}

// A full disk, as a limit on the size of files: the old file stays, and nothing else.
TEST_F(Write, AFullDiskLeavesTheOldFile) {
  store("m", "old");
  for (uint8_t &byte : bytes_) // so that the PNG is long too
    byte = (uint8_t)random_below(256);
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  signal(SIGXFSZ, SIG_IGN);
  for (rlim_t limit : {(rlim_t)0, (rlim_t)1000, (rlim_t)150000}) {
    const rlimit small = {limit, before.rlim_max};
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
    const cli_result result = write_both(file("m"));
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
    EXPECT_EQ(result, CLI_WRITE);
    EXPECT_STREQ(reason_, "File too large");
    EXPECT_EQ(contents(file("m")), "old");
    EXPECT_EQ(names(), std::set<std::string>{"m"});
  }
  signal(SIGXFSZ, SIG_DFL);
}

TEST_F(Write, WritingLeavesNoDescriptorOpen) {
  const int before = dup(STDIN_FILENO);
  for (int i = 0; i < 10; ++i) {
    write_both(file("n"));
    write_both(file("missing/n"));
    write_both("/dev/full");
  }
  const int after = dup(STDIN_FILENO);
  EXPECT_EQ(after, before + 1);
  close(before);
  close(after);
}
