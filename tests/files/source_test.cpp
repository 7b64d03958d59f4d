// Finding the format, unpacking gzip, and reading from paths and streams.
#include "dicom_file.h"
#include "metaimage_file.h"
#include "mgh_file.h"
#include "nifti_file.h"
#include "nrrd_file.h"
#include "png_file.h"
#include "support.h"
#include "tiff_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <thread>

namespace {

std::string npy_file() {
  const std::string header = "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3), }\n";
  return std::string("\x93NUMPY\x01\0", 8) + bytes_of((uint16_t)header.size(), false) + header + "abcdef";
}

const std::vector<std::pair<std::string, std::string>> &sound_files() {
  static const std::vector<std::pair<std::string, std::string>> files = {{"dicom", DicomFile().bytes()},
                                                                         {"metaimage", MetaImageFile().bytes()},
                                                                         {"mgh", MghFile().bytes()},
                                                                         {"nifti", NiftiFile().bytes()},
                                                                         {"npy", npy_file()},
                                                                         {"nrrd", NrrdFile().bytes()},
                                                                         {"png", PngFile().bytes()},
                                                                         {"tiff", TiffFile().bytes()}};
  return files;
}

class Directory {
public:
  Directory() {
    if (mkdtemp(path_) == nullptr)
      throw std::runtime_error("mkdtemp");
  }
  ~Directory() {
    if (system(("rm -r " + std::string(path_)).c_str()) != 0)
      ADD_FAILURE() << path_ << " is left";
  }
  std::string file(const std::string &name) const { return std::string(path_) + "/" + name; }
  std::string with(const std::string &name, const std::string &bytes) const {
    FILE *stream = fopen(file(name).c_str(), "wb");
    if (stream == nullptr || fwrite(bytes.data(), 1, bytes.size(), stream) != bytes.size() ||
        fclose(stream) != 0)
      throw std::runtime_error("cannot write " + name);
    return file(name);
  }

private:
  char path_[40] = "/tmp/batchview-source-XXXXXX";
};

// Standard input from a descriptor while it lives.
class StandardInput {
public:
  explicit StandardInput(int descriptor) : saved_(dup(STDIN_FILENO)) { dup2(descriptor, STDIN_FILENO); }
  ~StandardInput() {
    dup2(saved_, STDIN_FILENO);
    close(saved_);
  }

private:
  int saved_;
};

} // namespace

TEST(Source, EveryFormatIsToldByItsContent) {
  for (const auto &file : sound_files()) {
    Parsed parsed = Parsed::bytes(file.second);
    ASSERT_EQ(parsed.result(), CLI_OK) << file.first << ": " << parsed.reason();
    EXPECT_EQ(parsed->format, file.first);
    EXPECT_EQ(parsed->tensor.device, BV_CPU);
  }
}

TEST(Source, EveryFormatMayBeGzip) {
  for (const auto &file : sound_files()) {
    Parsed parsed = Parsed::bytes(gzip(file.second));
    ASSERT_EQ(parsed.result(), CLI_OK) << file.first << ": " << parsed.reason();
    EXPECT_EQ(parsed->format, file.first);
  }
}

TEST(Source, GzipMayHaveSeveralMembersAndZerosAfterThem) {
  const std::string file = NiftiFile().bytes();
  for (size_t cut : {(size_t)0, (size_t)1, (size_t)100, file.size()}) {
    Parsed parsed = Parsed::bytes(gzip(file.substr(0, cut)) + gzip(file.substr(cut)) + std::string(1000, '\0'));
    EXPECT_EQ(parsed.result(), CLI_OK) << cut << ": " << parsed.reason();
  }
}

// gzip(1) warns too, and goes on.
TEST(Source, BytesAfterTheGzipDataAreSaidAndIgnored) {
  for (const auto &file : sound_files()) {
    Parsed parsed = Parsed::bytes(gzip(file.second) + "rest");
    ASSERT_EQ(parsed.result(), CLI_OK) << parsed.reason();
    EXPECT_EQ(parsed.warning(), "4 bytes that are not gzip follow its gzip data; they are ignored");
    EXPECT_EQ(Parsed::bytes(gzip(file.second) + std::string(4, '\0')).warning(), "");
  }
  expect_refused(Parsed::bytes(gzip(NiftiFile().bytes().substr(0, 370)) + "rest"), CLI_UNREADABLE, "cut off");
}

TEST(Source, UnpackingEndsWithTheVolume) {
  NiftiFile file;
  file.dim = {3, 64, 64, 64}; // more than is unpacked at once
  file.voxels = std::string(64 * 64 * 64, 'v');
  const std::string whole = gzip(file.bytes());
  ASSERT_EQ(Parsed::bytes(whole).result(), CLI_OK);
  // A little that follows is looked at: the checksum is behind it. What is far behind the volume is not.
  std::string damaged = gzip(file.bytes() + std::string(1000, 't'));
  damaged[damaged.size() - 5] = (char)~damaged[damaged.size() - 5];
  expect_refused(Parsed::bytes(damaged), CLI_UNREADABLE, "damaged gzip data");
  damaged = whole + gzip(std::string(1 << 20, 't')) + gzip("end");
  damaged[damaged.size() - 5] = (char)~damaged[damaged.size() - 5];
  Parsed parsed = Parsed::bytes(damaged);
  ASSERT_EQ(parsed.result(), CLI_OK) << parsed.reason();
  EXPECT_EQ(parsed.at({63, 63, 63}), 'v');
}

TEST(Source, RefusedHeadersAreRefusedBeforeTheRestIsUnpacked) {
  NiftiFile file;
  file.datatype = 32;
  file.voxels = std::string(1 << 20, '\0');
  std::string damaged = gzip(file.bytes());
  damaged[damaged.size() - 5] = (char)~damaged[damaged.size() - 5];
  expect_refused(Parsed::bytes(damaged), CLI_UNSUPPORTED, "complex64");
  file.datatype = 2;
  file.dim = {3, 1000, 1000, 1000}; // no gzip data of a kilobyte hold as much
  damaged = gzip(file.bytes());
  damaged[damaged.size() - 5] = (char)~damaged[damaged.size() - 5];
  expect_refused(Parsed::bytes(damaged), CLI_UNREADABLE, "asks for 1000000352 bytes");
}

TEST(Source, LargeGzipFilesArrive) {
  NiftiFile file;
  file.dim = {3, 300, 200, 30}; // 1.8 MB: the buffer grows
  file.voxels.resize(300 * 200 * 30);
  for (char &voxel : file.voxels)
    voxel = (char)random_below(4);
  Parsed parsed = Parsed::bytes(gzip(file.bytes()));
  ASSERT_EQ(parsed.result(), CLI_OK) << parsed.reason();
  for (int i = 0; i < 1000; ++i) {
    const int x = random_below(300), y = random_below(200), z = random_below(30);
    ASSERT_EQ(parsed.at({199 - y, 299 - x, z}), file.voxels[(size_t)(x + 300 * (y + 200 * z))]);
  }
}

TEST(Source, EveryCutOfGzipIsRefused) {
  NiftiFile file;
  for (char &voxel : file.voxels)
    voxel = (char)random_below(256);
  const std::string packed = gzip(file.bytes());
  for (size_t size = 2; size < packed.size(); ++size)
    expect_refused(Parsed::bytes(packed.substr(0, size)), CLI_UNREADABLE, "cut off: its gzip data ends early");
}

TEST(Source, DamagedGzipIsRefused) {
  std::string packed = gzip(NiftiFile().bytes());
  std::string checksum = packed;
  checksum[packed.size() - 5] = (char)~checksum[packed.size() - 5];
  expect_refused(Parsed::bytes(checksum), CLI_UNREADABLE, "damaged gzip data");
  packed[10] = (char)~packed[10]; // the first byte after the header
  expect_refused(Parsed::bytes(packed), CLI_UNREADABLE, "damaged gzip data");
}

TEST(Source, OtherFilesAreRefusedByName) {
  const struct {
    std::string bytes, name;
  } files[] = {
      {gzip(NiftiFile().bytes()), "gzip-compressed gzip"},
      {"\xff\xd8\xff\xe0..JFIF", "JPEG"},
      {"\x89HDF\r\n\x1a\n", "HDF5"},
      {"PK\x03\x04", "zip or .npz"},
      {std::string("\0\0\0\x02", 4) + std::string(300, '\1'), "not a NIfTI, "}, // MGH of another version
      {"some text", "not a NIfTI, "},
      {"I", "not a NIfTI, "}};
  for (const auto &file : files) {
    if (file.name != "gzip-compressed gzip")
      expect_refused(Parsed::bytes(file.bytes), CLI_UNSUPPORTED, file.name);
    expect_refused(Parsed::bytes(gzip(file.bytes)), CLI_UNSUPPORTED, file.name);
  }
  expect_refused(Parsed::bytes(""), CLI_UNREADABLE, "the file is empty");
  expect_refused(Parsed::bytes(gzip("")), CLI_UNREADABLE, "the file is empty");
}

// A hundred megabytes of zeros are told from an image by their beginning.
TEST(Source, WhatNoReaderTakesIsNotUnpacked) {
  const std::string once = gzip(std::string(1 << 20, '\0'));
  std::string bomb;
  for (int i = 0; i < 100000; ++i) // 100 GB
    bomb += once;
  expect_refused(Parsed::bytes(bomb), CLI_UNSUPPORTED, "not a NIfTI, ");
}

TEST(Source, FilesAreReadFromPathsAndPipes) {
  const Directory directory;
  for (const auto &file : sound_files()) {
    for (const std::string &bytes : {file.second, gzip(file.second)}) {
      const std::string path = directory.with(file.first, bytes);
      EXPECT_EQ(Parsed::file(path).result(), CLI_OK) << Parsed::file(path).reason();

      const int descriptor = open(path.c_str(), O_RDONLY);
      {
        StandardInput input(descriptor);
        EXPECT_EQ(Parsed::file("-").result(), CLI_OK) << file.first;
      }
      close(descriptor);

      int ends[2];
      ASSERT_EQ(pipe(ends), 0);
      std::thread writer([&] { // in small pieces
        for (char byte : bytes)
          EXPECT_EQ(write(ends[1], &byte, 1), 1);
        close(ends[1]);
      });
      {
        StandardInput input(ends[0]);
        EXPECT_EQ(Parsed::file("-").result(), CLI_OK) << file.first;
      }
      writer.join();
      close(ends[0]);

      const std::string fifo = directory.file("fifo");
      ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
      std::thread feeder([&] { directory.with("fifo", bytes); });
      EXPECT_EQ(Parsed::file(fifo).result(), CLI_OK) << file.first;
      feeder.join();
      unlink(fifo.c_str());
    }
  }
}

TEST(Source, WhatCannotBeReadSaysWhy) {
  const Directory directory;
  expect_refused(Parsed::file(directory.file("missing.nii")), CLI_UNREADABLE, "No such file or directory");
  expect_refused(Parsed::file(directory.file("")), CLI_UNREADABLE, "a directory without DICOM pictures");
  expect_refused(Parsed::file(directory.with("empty", "")), CLI_UNREADABLE, "the file is empty");
  expect_refused(Parsed::file(directory.with("file", "x") + "/inside"), CLI_UNREADABLE, "Not a directory");
  expect_refused(Parsed::file("/dev/null"), CLI_UNREADABLE, "the file is empty");
  expect_refused(Parsed::file("/dev/zero"), CLI_UNSUPPORTED, "not a NIfTI");
  const int closed = dup(STDIN_FILENO);
  close(STDIN_FILENO);
  expect_refused(Parsed::file("-"), CLI_UNREADABLE, "Bad file descriptor");
  dup2(closed, STDIN_FILENO);
  close(closed);
}

TEST(Source, ReadingLeavesNoDescriptorOpen) {
  const Directory directory;
  const std::string sound = directory.with("sound", npy_file()), bad = directory.with("bad", "x");
  const int before = dup(STDIN_FILENO);
  for (int i = 0; i < 10; ++i) {
    Parsed::file(sound);
    Parsed::file(bad);
    Parsed::file(directory.file(""));
  }
  const int after = dup(STDIN_FILENO);
  EXPECT_EQ(after, before + 1);
  close(before);
  close(after);
}

TEST(Source, ReasonsKeepToTheirBuffer) {
  char reason[8] = {'x', 'x', 'x', 'x', 'x', 'x', 'x', 'x'};
  source parsed;
  EXPECT_EQ(source_parse("nothing known", 13, &parsed, reason, 5), CLI_UNSUPPORTED);
  EXPECT_EQ(std::string(reason, 8), std::string("not \0xxx", 8));
  EXPECT_EQ(source_parse("nothing known", 13, &parsed, nullptr, 0), CLI_UNSUPPORTED);
  source_free(&parsed);
  source_free(&parsed);
}

TEST(Source, WhatAFileSaysCannotBreakTheLine) {
  std::string file = npy_file();
  file.replace(file.find("|u1"), 3, "|~\x7f");
  EXPECT_EQ(Parsed::bytes(file).reason().find('\x7f'), std::string::npos);
}
