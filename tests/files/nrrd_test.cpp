// NRRD files: types, encodings, spaces, series, colours, data in other files, and what is refused.
#include "directory.h"
#include "nrrd_file.h"
#include "support.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>

namespace {

const std::vector<std::pair<std::string, std::string>> &types() { // their names, and NumPy's
  static const std::vector<std::pair<std::string, std::string>> all = {
      {"int8", "i1"},   {"signed char", "i1"}, {"unsigned char", "u1"},      {"short", "i2"},
      {"uint16", "u2"}, {"int", "i4"},         {"unsigned int", "u4"},       {"float", "f4"},
      {"double", "f8"}, {"long long", "i8"},   {"unsigned long long", "u8"}, {"int64_t", "i8"}};
  return all;
}

std::string arrival(const std::string &numpy) {
  for (const NumberType &type : number_types())
    if (numpy == type.numpy)
      return type.arrives;
  throw std::invalid_argument(numpy);
}

// Bytes 0, 1, 2, ... in the file's order.
std::string counted(size_t count) {
  std::string bytes;
  for (size_t i = 0; i < count; ++i)
    bytes += (char)i;
  return bytes;
}

NrrdFile numbered(const std::string &sizes, size_t count) {
  NrrdFile file;
  file.sizes = sizes;
  file.voxels = counted(count);
  return file;
}

// Rows, columns and slices as they lie in the file, the first axis fastest.
void expect_as_stored(const Parsed &parsed, int64_t nx, int64_t ny, int64_t nz,
                      const std::vector<double> &numbers) {
  ASSERT_EQ(parsed.result(), CLI_OK) << parsed.reason();
  ASSERT_EQ(parsed.shape(), (std::vector<int64_t>{ny, nx, nz}));
  for (int64_t k = 0; k < nz; ++k)
    for (int64_t j = 0; j < ny; ++j)
      for (int64_t i = 0; i < nx; ++i)
        ASSERT_EQ(parsed.at({j, i, k}), numbers[(size_t)(i + nx * (j + ny * k))]) << i << j << k;
}

std::vector<double> up_to(size_t count) {
  std::vector<double> numbers;
  for (size_t i = 0; i < count; ++i)
    numbers.push_back((double)i);
  return numbers;
}

class NrrdDetached : public Directory {
protected:
  NrrdFile file_ = numbered("2 3 4", 24);

  Parsed parse(const std::string &data_line) {
    file_.lines = {data_line};
    store("a.nhdr", file_.header());
    return Parsed::file(file("a.nhdr"));
  }
};

} // namespace

TEST(Nrrd, EveryTypeEncodingAndByteOrderArrives) {
  for (const auto &type : types())
    for (int variant = 0; variant < 4; ++variant) {
      SCOPED_TRACE(type.first + " variant " + std::to_string(variant));
      NrrdFile file;
      file.type = type.first;
      file.encoding = variant / 2 ? "gzip" : "raw";
      file.endian = variant & 1 ? "big" : "little";
      const int64_t nx = 2 + random_below(5), ny = 1 + random_below(40), nz = 2 + random_below(20);
      file.sizes = std::to_string(nx) + " " + std::to_string(ny) + " " + std::to_string(nz);
      file.voxels.clear();
      std::vector<double> numbers;
      for (int64_t i = 0; i < nx * ny * nz; ++i)
        numbers.push_back(append_random(file.voxels, type.second, variant & 1));
      Parsed parsed = Parsed::bytes(file.bytes());
      expect_as_stored(parsed, nx, ny, nz, numbers);
      EXPECT_STREQ(parsed->format, "nrrd");
      EXPECT_EQ(parsed->kind, SOURCE_VOLUME);
      EXPECT_EQ(parsed.dtype(), arrival(type.second));
      EXPECT_FALSE(parsed->oriented);
    }
}

TEST(Nrrd, LinesMayEndAsOnDosAndFieldsBeSpelledOtherwise) {
  const std::string header = "NRRD0005\r\nType: uint8\r\nDIMENSION: 3\r\nmy key:=and value\r\n"
                             "content: a: b\r\nsizes:  2 3\t4\r\nencoding: RAW\r\nByteSkip: 2\r\n\r\n";
  Parsed parsed = Parsed::bytes(header + "xx" + counted(24));
  expect_as_stored(parsed, 2, 3, 4, up_to(24));
}

// Where every voxel lies in the patient, for all 48 ways that axes can point and for each space.
TEST(Nrrd, SpacesAndDirectionsAreBroughtToTheStandardAxes) {
  const struct {
    const char *name;
    std::array<int, 3> signs; // of right, anterior, superior
  } spaces[] = {{"right-anterior-superior", {1, 1, 1}},   {"RAS", {1, 1, 1}},
                {"left-anterior-superior", {-1, 1, 1}},   {"LAS", {-1, 1, 1}},
                {"left-posterior-superior", {-1, -1, 1}}, {"lps", {-1, -1, 1}}};
  const int64_t extents[3] = {2, 3, 4};
  const double steps[3] = {1.5, 2.5, 3.5};
  for (const auto &space : spaces) {
    std::array<int, 3> row_of = {0, 1, 2};
    do
      for (int turns = 0; turns < 8; ++turns) {
        NrrdFile file = numbered("2 3 4", 24);
        std::string directions = "space directions:";
        double step_of[3][3] = {}; // of voxel axes, in right, anterior, superior
        for (size_t axis = 0; axis < 3; ++axis) {
          double vector[3] = {0.1, 0.1, 0.1}; // a little oblique
          vector[row_of[axis]] = (turns >> axis & 1 ? -1 : 1) * steps[axis];
          directions += " (" + std::to_string(vector[0]) + "," + std::to_string(vector[1]) + ", " +
                        std::to_string(vector[2]) + ")";
          for (size_t row = 0; row < 3; ++row)
            step_of[axis][row] = vector[row] * space.signs[row];
        }
        file.lines = {std::string("space: ") + space.name, directions, "space origin: (10, 20, 30)"};
        SCOPED_TRACE(std::string(space.name) + directions);
        Parsed parsed = Parsed::bytes(file.bytes());
        ASSERT_EQ(parsed.result(), CLI_OK) << parsed.reason();
        EXPECT_TRUE(parsed->oriented);
        const int anatomical[3] = {1, 0, 2}, senses[3] = {-1, -1, 1}; // H to the back, W to the left, D up
        for (int64_t h = 0; h < parsed->tensor.shape[0]; ++h)
          for (int64_t w = 0; w < parsed->tensor.shape[1]; ++w)
            for (int64_t d = 0; d < parsed->tensor.shape[2]; ++d) {
              const int64_t index[3] = {h, w, d};
              int64_t voxel[3] = {};
              for (size_t axis = 0; axis < 3; ++axis)
                for (size_t i = 0; i < 3; ++i)
                  if (anatomical[i] == row_of[axis]) {
                    const bool same = step_of[axis][anatomical[i]] * senses[i] > 0;
                    voxel[axis] = same ? index[i] : extents[axis] - 1 - index[i];
                    EXPECT_NEAR(parsed->spacing[i], std::sqrt(steps[axis] * steps[axis] + 0.02), 1e-6);
                  }
              ASSERT_EQ(parsed.at({h, w, d}), (double)(voxel[0] + 2 * (voxel[1] + 3 * voxel[2])));
              for (size_t row = 0; row < 3; ++row) { // and the affine says the same
                double place = 10.0 * (double)(row + 1) * space.signs[row], found = parsed->grid.affine[row][3];
                for (size_t i = 0; i < 3; ++i) {
                  place += step_of[i][row] * (double)voxel[i];
                  found += parsed->grid.affine[row][i] * (double)index[i];
                }
                EXPECT_NEAR(found, place, 1e-9);
              }
            }
      }
    while (std::next_permutation(row_of.begin(), row_of.end()));
  }
}

TEST(Nrrd, WithoutAPatientsSpaceTheRowsAreTheFiles) {
  const std::vector<std::vector<std::string>> headers = {
      {},
      {"spacings: 0.5 0.25 2"},
      {"space dimension: 3", "space directions: (0,0.25,0) (0.5,0,0) (0,0,-2)"},
      {"space: 3D-right-handed", "space directions: (-0.5,0,0) (0,0.25,0) (0,0,2)"},
      {"space: RAS", "space directions: (1,0,0) (1,0,0) (0,0,1)"}, // flat
      {"space: RAS", "space directions: (nan,0,0) (0,1,0) (0,0,1)"}};
  for (const auto &lines : headers) {
    NrrdFile file = numbered("2 3 4", 24);
    file.lines = lines;
    Parsed parsed = Parsed::bytes(file.bytes());
    expect_as_stored(parsed, 2, 3, 4, up_to(24));
    EXPECT_FALSE(parsed->oriented);
  }
  NrrdFile file = numbered("2 3 4", 24);
  file.lines = {"spacings: 0.5 0.25 2"};
  const Parsed parsed = Parsed::bytes(file.bytes());
  EXPECT_EQ(parsed->spacing[0], 0.25); // of the rows, the file's second axis
  EXPECT_EQ(parsed->spacing[1], 0.5);
  EXPECT_EQ(parsed->spacing[2], 2);
  file.lines = {"spacings: nan -3 0"};
  EXPECT_EQ(Parsed::bytes(file.bytes())->spacing[0], 3);
  EXPECT_EQ(Parsed::bytes(file.bytes())->spacing[1], 1);
  EXPECT_EQ(Parsed::bytes(file.bytes())->spacing[2], 1);
}

TEST(Nrrd, PicturesHaveTwoAxes) {
  NrrdFile file = numbered("3 2", 6);
  for (const std::vector<std::string> &lines :
       {std::vector<std::string>{"spacings: 2 3"},
        {"space: LPS", "space directions: (2,0,0) (0,3,0)", "space origin: (0,0,0)"},
        {"space: LPS", "space directions: (0,2,0) (0,0,-3)"}}) { // sagittal: anterior to the left
    file.lines = lines;
    Parsed parsed = Parsed::bytes(file.bytes());
    ASSERT_EQ(parsed.result(), CLI_OK) << parsed.reason();
    EXPECT_EQ(parsed->kind, SOURCE_IMAGE);
    ASSERT_EQ(parsed.shape(), (std::vector<int64_t>{2, 3}));
    for (int64_t row = 0; row < 2; ++row)
      for (int64_t column = 0; column < 3; ++column)
        EXPECT_EQ(parsed.at({row, column}), (double)(3 * row + column));
    EXPECT_EQ(parsed->spacing[0], 3);
    EXPECT_EQ(parsed->spacing[1], 2);
  }
}

TEST(Nrrd, SeriesMayBeTheLastOrTheFirstAxis) {
  NrrdFile last = numbered("2 3 4 5", 120);
  last.lines = {"space: LPS", "space directions: (1,0,0) (0,1,0) (0,0,1) none",
                "kinds: domain domain domain list"};
  NrrdFile first = numbered("5 2 3 4", 120);
  first.lines = {"space: LPS", "space directions: none (1,0,0) (0,1,0) (0,0,1)",
                 "kinds: vector space space space"};
  NrrdFile timed = numbered("2 3 4 5", 120);
  timed.lines = {"space: left-posterior-superior-time",
                 "space directions: (1,0,0,0) (0,1,0,0) (0,0,1,0) (0,0,0,2)"};
  NrrdFile plain = numbered("2 3 4 5", 120);
  NrrdFile both = numbered("2 3 4 5 1", 120);
  for (const NrrdFile &file : {last, first, timed, plain, both}) {
    Parsed parsed = Parsed::bytes(file.bytes());
    ASSERT_EQ(parsed.result(), CLI_OK) << parsed.reason();
    EXPECT_EQ(parsed->kind, SOURCE_VOLUME);
    ASSERT_EQ(parsed.shape(), (std::vector<int64_t>{5, 3, 2, 4}));
    for (int64_t t = 0; t < 5; ++t)
      for (int64_t j = 0; j < 3; ++j)
        for (int64_t i = 0; i < 2; ++i)
          for (int64_t k = 0; k < 4; ++k) {
            const int64_t voxel = i + 2 * (j + 3 * k);
            EXPECT_EQ(parsed.at({t, j, i, k}), (double)(file.sizes[0] == '5' ? t + 5 * voxel : voxel + 24 * t));
          }
  }
}

TEST(Nrrd, ColoursAreTheFirstAxis) {
  NrrdFile picture = numbered("3 4 2", 24);
  picture.lines = {"kinds: RGB-color domain domain"};
  Parsed parsed = Parsed::bytes(picture.bytes());
  ASSERT_EQ(parsed.result(), CLI_OK) << parsed.reason();
  EXPECT_EQ(parsed->kind, SOURCE_BATCH);
  ASSERT_EQ(parsed.shape(), (std::vector<int64_t>{1, 3, 2, 4}));
  for (int64_t c = 0; c < 3; ++c)
    for (int64_t row = 0; row < 2; ++row)
      for (int64_t column = 0; column < 4; ++column)
        EXPECT_EQ(parsed.at({0, c, row, column}), (double)(c + 3 * (column + 4 * row)));
  NrrdFile volume = numbered("3 2 2 2", 24);
  volume.lines = {"kinds: RGB-color space space space"};
  Parsed colours = Parsed::bytes(volume.bytes());
  ASSERT_EQ(colours.result(), CLI_OK) << colours.reason();
  EXPECT_EQ(colours->kind, SOURCE_VOLUME);
  ASSERT_EQ(colours.shape(), (std::vector<int64_t>{3, 2, 2, 2}));
  EXPECT_EQ(colours.at({2, 1, 0, 1}), (double)(2 + 3 * (0 + 2 * (1 + 2 * 1))));
}

TEST(Nrrd, LinesAndBytesAreSkipped) {
  NrrdFile file = numbered("2 3 4", 24);
  file.before = "one\ntwo\nxyz";
  file.lines = {"line skip: 2", "byte skip: 3"};
  expect_as_stored(Parsed::bytes(file.bytes()), 2, 3, 4, up_to(24));
  file.lines = {"byte skip: -1"};
  expect_as_stored(Parsed::bytes(file.bytes()), 2, 3, 4, up_to(24));
  file.encoding = "gzip"; // of packed voxels, bytes are skipped behind the unpacking
  file.before = "one\n";
  file.voxels = "xyz" + file.voxels;
  file.lines = {"lineskip: 1", "byteskip: 3"};
  expect_as_stored(Parsed::bytes(file.bytes()), 2, 3, 4, up_to(24));
}

TEST(Nrrd, WhatFollowsTheVoxelsIsNotLookedAt) {
  NrrdFile file = numbered("2 3 4", 24);
  file.voxels += std::string(100000, 'x');
  expect_as_stored(Parsed::bytes(file.bytes()), 2, 3, 4, up_to(24));
  expect_as_stored(Parsed::bytes(gzip(file.bytes())), 2, 3, 4, up_to(24));
  file.encoding = "gzip";
  file.voxels.resize(24);
  Parsed parsed = Parsed::bytes(file.bytes() + "rest");
  expect_as_stored(parsed, 2, 3, 4, up_to(24));
  EXPECT_EQ(parsed.warning(), "4 bytes that are not gzip follow its gzip data; they are ignored");
}

TEST(Nrrd, EveryCutIsRefused) {
  for (const char *encoding : {"raw", "gzip"}) {
    NrrdFile file = numbered("2 3 4", 24);
    file.encoding = encoding;
    file.lines = {"space: LPS", "space directions: (1,0,0) (0,1,0) (0,0,1)"};
    const std::string whole = file.bytes();
    for (size_t size = 4; size < whole.size(); ++size)
      expect_refused(Parsed::bytes(whole.substr(0, size)), CLI_UNREADABLE, "");
  }
}

TEST(Nrrd, AbsurdHeadersAreRefused) {
  auto with = [](const std::string &from, const std::string &to) {
    std::string text = numbered("2 3 4", 24).bytes();
    return text.replace(text.find(from), from.size(), to);
  };
  auto plus = [](const std::string &line) {
    NrrdFile file = numbered("2 3 4", 24);
    file.lines = {line};
    return file.bytes();
  };
  const struct {
    std::string bytes;
    cli_result result;
    std::string part;
  } cases[] = {
      {with("NRRD0004", "NRRD0009"), CLI_UNSUPPORTED, "version 9"},
      {with("NRRD0004", "NRRDx"), CLI_UNREADABLE, "first line"},
      {with("uchar", "block"), CLI_UNSUPPORTED, "block"},
      {with("uchar", "complex"), CLI_UNREADABLE, "'type' is 'complex'"},
      {with("type: uchar\n", ""), CLI_UNREADABLE, "no line 'type'"},
      {with("raw", "bzip2"), CLI_UNSUPPORTED, "'bzip2'"},
      {with("raw", "hex"), CLI_UNSUPPORTED, "'hex'"},
      {with("raw", "ascii"), CLI_UNSUPPORTED, "'ascii'"},
      {with("encoding: raw\n", ""), CLI_UNREADABLE, "no line 'encoding'"},
      {with("uchar", "short"), CLI_UNREADABLE, "no line 'endian'"},
      {with("dimension: 3\n", ""), CLI_UNREADABLE, "no line 'dimension'"},
      {with("dimension: 3", "dimension: 0"), CLI_UNREADABLE, "'dimension' is '0'"},
      {with("dimension: 3", "dimension: 17"), CLI_UNREADABLE, "'dimension' is '17'"},
      {with("dimension: 3", "dimension: 4"), CLI_UNREADABLE, "'sizes'"},
      {with("2 3 4", "2 3"), CLI_UNREADABLE, "'sizes'"},
      {with("2 3 4", "2 3 0"), CLI_UNREADABLE, "'sizes'"},
      {with("2 3 4", "2 3 -4"), CLI_UNREADABLE, "'sizes'"},
      {with("2 3 4", "2 3 4x"), CLI_UNREADABLE, "'sizes'"},
      {with("2 3 4", "2 3 99999999999999999999"), CLI_UNREADABLE, "'sizes'"},
      {with("2 3 4", "2 3 5"), CLI_UNREADABLE, "cut off: its sizes ask for 30 bytes, and it has only 24"},
      {with("2 3 4", "4294967296 4294967296 4"), CLI_UNREADABLE, "multiply"},
      {with("2 3 4", "1000000 1000000 1000"), CLI_UNREADABLE, "cut off"},
      {plus("type: uchar"), CLI_UNREADABLE, "two lines of 'type'"},
      {plus("no colon"), CLI_UNREADABLE, "without a colon"},
      {plus("byte skip: -2"), CLI_UNREADABLE, "'byte skip'"},
      {plus("byte skip: 9223372036854775807"), CLI_UNREADABLE, "cut off"},
      {plus("line skip: 9223372036854775807"), CLI_UNREADABLE, "fewer lines"},
      {plus("line skip: -1"), CLI_UNREADABLE, "'line skip'"},
      {plus("spacings: 1 1"), CLI_UNREADABLE, "'spacings'"},
      {plus("data file:"), CLI_UNSUPPORTED, "without the name of a file"},
      {plus("kinds:"), CLI_UNREADABLE, "'kinds'"},
      {plus("space directions:"), CLI_UNREADABLE, "'space directions'"},
      {plus("kinds: domain domain"), CLI_UNREADABLE, "'kinds'"},
      {plus("kinds: domain domain domain domain"), CLI_UNREADABLE, "'kinds'"},
      {plus("kinds: list list domain"), CLI_UNSUPPORTED, "1 dimension of space"},
      {plus("kinds: domain list domain"), CLI_UNSUPPORTED, "mixed"},
      {plus("kinds: RGB-color domain domain"), CLI_UNSUPPORTED, "2 elements"},
      {plus("kinds: domain domain RGBA-color"), CLI_UNSUPPORTED, "RGBA-color"},
      {plus("space directions: (1,0,0) (0,1,0)"), CLI_UNREADABLE, "'space directions'"},
      {plus("space directions: (1,0,0) (0,1,0) (0,0,1) none"), CLI_UNREADABLE, "'space directions'"},
      {plus("space directions: (1,0,0 (0,1,0) (0,0,1)"), CLI_UNREADABLE, "'space directions'"},
      {plus("space directions: (1,0,0) (0,1,0) (0,0,x)"), CLI_UNREADABLE, "'space directions'"},
      {plus("data file: LIST"), CLI_UNSUPPORTED, "list of files"},
      {plus("data file: x%03d.raw 1 9 1"), CLI_UNSUPPORTED, "only one data file"},
      {plus("data file: x.raw"), CLI_UNSUPPORTED, "without the name of a file"},
      {"NRRD0004\n" + std::string(2 << 20, '#'), CLI_UNREADABLE, "header has more than"},
  };
  for (const auto &one : cases) {
    SCOPED_TRACE(one.bytes.substr(0, 300));
    expect_refused(Parsed::bytes(one.bytes), one.result, one.part);
    expect_refused(Parsed::bytes(gzip(one.bytes)), one.result, one.part == "cut off" ? "" : one.part);
  }
  NrrdFile packed = numbered("2 3 4", 24);
  packed.encoding = "gzip";
  packed.lines = {"byte skip: -1"};
  expect_refused(Parsed::bytes(packed.bytes()), CLI_UNREADABLE, "'byte skip'");
}

// The sizes say what is unpacked, and a small file is believed only so much.
TEST(Nrrd, UnpackingEndsWithTheVoxels) {
  NrrdFile file = numbered("2 3 4", 24);
  file.encoding = "gzip";
  file.voxels += std::string(1 << 24, '\0');
  std::string damaged = file.bytes();
  damaged[damaged.size() - 5] = (char)~damaged[damaged.size() - 5]; // its checksum is far behind
  expect_as_stored(Parsed::bytes(damaged), 2, 3, 4, up_to(24));
  file.voxels.resize(24);
  file.sizes = "1000 1000 1000";
  expect_refused(Parsed::bytes(file.bytes()), CLI_UNREADABLE, "asks for 1000000000 bytes");
}

TEST_F(NrrdDetached, VoxelsMayBeInAnotherFile) {
  store("a.raw", "ab\ncd" + counted(24));
  expect_as_stored(parse("data file: a.raw\nline skip: 1\nbyte skip: 2"), 2, 3, 4, up_to(24));
  expect_as_stored(parse("datafile: ./a.raw\nbyteskip: 5\n\nwhat follows is not read"), 2, 3, 4, up_to(24));
  expect_as_stored(parse("data file: a.raw\nbyte skip: -1"), 2, 3, 4, up_to(24));
  ASSERT_EQ(mkdir(file("sub").c_str(), 0700), 0);
  store("sub/a b.raw", counted(24) + "rest");
  expect_as_stored(parse("data file: sub/a b.raw"), 2, 3, 4, up_to(24));
  unlink(file("sub/a b.raw").c_str());
  rmdir(file("sub").c_str());
  file_.encoding = "gzip";
  store("a.raw.gz", gzip(counted(24)));
  expect_as_stored(parse("data file: a.raw.gz"), 2, 3, 4, up_to(24));
}

TEST_F(NrrdDetached, OnlyFilesInItsFolderMayBeNamed) {
  store("a.raw", counted(23));
  ASSERT_EQ(mkfifo(file("fifo").c_str(), 0600), 0);
  expect_refused(parse("data file: " + file("a.raw")), CLI_UNSUPPORTED, "header's own folder");
  expect_refused(parse("data file: ../a.raw"), CLI_UNSUPPORTED, "header's own folder");
  expect_refused(parse("data file: x/../a.raw"), CLI_UNSUPPORTED, "header's own folder");
  expect_refused(parse("data file: .."), CLI_UNSUPPORTED, "header's own folder");
  expect_refused(parse("data file: "), CLI_UNSUPPORTED, "header's own folder");
  expect_refused(parse("data file: /dev/zero"), CLI_UNSUPPORTED, "header's own folder");
  expect_refused(parse("data file: ."), CLI_UNREADABLE, "no regular file");
  expect_refused(parse("data file: fifo"), CLI_UNREADABLE, "no regular file");
  expect_refused(parse("data file: b.raw"), CLI_UNREADABLE, "No such file");
  expect_refused(parse("data file: a.raw"), CLI_UNREADABLE, "it has only 23");
  expect_refused(parse("data file: a.raw\nbyte skip: 5"), CLI_UNREADABLE, "it has only 18");
  expect_refused(parse("data file: a.raw\nbyte skip: 50"), CLI_UNREADABLE, "it has only 0");
  file_.encoding = "gzip";
  expect_refused(parse("data file: a.raw"), CLI_UNREADABLE, "damaged gzip data");
}
