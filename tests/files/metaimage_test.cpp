// MetaImage files: types, compression, axes, channels, data in other files, and what is refused.
#include "directory.h"
#include "metaimage_file.h"
#include "support.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>

namespace {

const std::vector<std::pair<std::string, std::string>> &types() { // their names, and NumPy's
  static const std::vector<std::pair<std::string, std::string>> all = {
      {"MET_CHAR", "i1"},      {"MET_ASCII_CHAR", "i1"}, {"MET_UCHAR", "u1"},       {"MET_SHORT", "i2"},
      {"MET_USHORT", "u2"},    {"MET_INT", "i4"},        {"MET_UINT", "u4"},        {"MET_LONG", "i4"},
      {"MET_ULONG", "u4"},     {"MET_LONG_LONG", "i8"},  {"MET_ULONG_LONG", "u8"},  {"MET_FLOAT", "f4"},
      {"MET_DOUBLE", "f8"},    {"MET_CHAR_ARRAY", "i1"}, {"MET_UCHAR_ARRAY", "u1"}, {"MET_SHORT_ARRAY", "i2"},
      {"MET_INT_ARRAY", "i4"}, {"MET_FLOAT_ARRAY", "f4"}};
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

MetaImageFile numbered(const std::string &sizes, size_t count, const std::vector<std::string> &lines = {}) {
  MetaImageFile file;
  file.dimensions = std::to_string(1 + std::count(sizes.begin(), sizes.end(), ' '));
  file.sizes = sizes;
  file.voxels = counted(count);
  file.lines = lines;
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

void expect_counted(const Parsed &parsed) {
  std::vector<double> numbers;
  for (int i = 0; i < 24; ++i)
    numbers.push_back(i);
  expect_as_stored(parsed, 2, 3, 4, numbers);
}

class MetaImageDetached : public Directory {
protected:
  MetaImageFile file_ = numbered("2 3 4", 24);

  Parsed parse(const std::string &data_file, const std::vector<std::string> &lines = {}) {
    file_.data_file = data_file;
    file_.lines = lines;
    store("a.mhd", file_.header());
    return Parsed::file(file("a.mhd"));
  }
};

} // namespace

TEST(MetaImage, EveryTypeCompressionAndByteOrderArrives) {
  for (const auto &type : types())
    for (int variant = 0; variant < 8; ++variant) {
      SCOPED_TRACE(type.first + " variant " + std::to_string(variant));
      const bool big_endian = variant & 1;
      MetaImageFile file;
      file.type = type.first;
      file.packed = variant & 2;
      if (big_endian)
        file.lines.push_back(variant & 4 ? "BinaryDataByteOrderMSB = True" : "ElementByteOrderMSB = 1");
      else if (variant & 4)
        file.lines.push_back("BinaryDataByteOrderMSB = False");
      const int64_t nx = 2 + random_below(5), ny = 1 + random_below(40), nz = 2 + random_below(20);
      file.sizes = std::to_string(nx) + " " + std::to_string(ny) + " " + std::to_string(nz);
      file.voxels.clear();
      std::vector<double> numbers;
      for (int64_t i = 0; i < nx * ny * nz; ++i)
        numbers.push_back(append_random(file.voxels, type.second, big_endian));
      Parsed parsed = Parsed::bytes(file.bytes());
      expect_as_stored(parsed, nx, ny, nz, numbers);
      EXPECT_STREQ(parsed->format, "metaimage");
      EXPECT_EQ(parsed->kind, SOURCE_VOLUME);
      EXPECT_EQ(parsed.dtype(), arrival(type.second));
      EXPECT_FALSE(parsed->oriented);
    }
}

TEST(MetaImage, HeadersMayBeginAndBeSpelledOtherwise) {
  const std::string end =
      "DimSize =  2 3\t4\r\nMy key = any\r\n\r\nelementtype: MET_UCHAR\r\nElementDataFile = local\r\n";
  for (const char *begin : {"NDims = 3\r\n", "Comment = ObjectType = x\r\nNDims = 3\r\n",
                            "ObjectType = Image\r\nObjectSubType = None\r\nNDims=3\r\n"})
    expect_counted(Parsed::bytes(begin + end + counted(24)));
}

// Where every voxel lies in the patient, for all 48 ways that axes can point.
TEST(MetaImage, DirectionsAreBroughtToTheStandardAxes) {
  const int64_t extents[3] = {2, 3, 4};
  const double steps[3] = {1.5, 2.5, 3.5};
  const char *const names[][3] = {{"TransformMatrix", "Offset", "ElementSpacing"},
                                  {"Rotation", "Position", "ElementSize"},
                                  {"Orientation", "Origin", "ElementSpacing"}};
  std::array<int, 3> row_of = {0, 1, 2};
  do
    for (int turns = 0; turns < 16; ++turns) {
      const auto &name = names[random_below(3)];
      std::string matrix = std::string(name[0]) + " =", spacing = std::string(name[2]) + " =";
      double step_of[3][3] = {}; // of voxel axes, in right, anterior, superior
      for (size_t axis = 0; axis < 3; ++axis) {
        double vector[3] = {0.1, 0.1, 0.1}; // a little oblique; in left, posterior, superior
        vector[row_of[axis]] = turns >> axis & 1 ? -1 : 1;
        const double sense = turns & 8 ? -1 : 1; // ITK turns axes of negative spacing round
        for (size_t row = 0; row < 3; ++row) {
          matrix += " " + std::to_string(vector[row]);
          step_of[axis][row] = sense * vector[row] * steps[axis] * (row < 2 ? -1 : 1);
        }
        spacing += " " + std::to_string(sense * steps[axis]);
      }
      const MetaImageFile file = numbered("2 3 4", 24, {spacing, matrix, std::string(name[1]) + " = 10 20 30"});
      SCOPED_TRACE(file.header());
      Parsed parsed = Parsed::bytes(file.bytes());
      ASSERT_EQ(parsed.result(), CLI_OK) << parsed.reason();
      EXPECT_TRUE(parsed->oriented);
      const int anatomical[3] = {1, 0, 2}, senses[3] = {-1, -1, 1}; // H to the back, W to the left, D up
      const double origin[3] = {-10, -20, 30};
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
                  EXPECT_EQ(parsed->spacing[i], steps[axis]);
                }
            ASSERT_EQ(parsed.at({h, w, d}), (double)(voxel[0] + 2 * (voxel[1] + 3 * voxel[2])));
            for (size_t row = 0; row < 3; ++row) { // and the affine says the same
              double place = origin[row], found = parsed->grid.affine[row][3];
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

TEST(MetaImage, WithoutAMatrixTheRowsAreTheFiles) {
  const std::vector<std::vector<std::string>> headers = {
      {},
      {"ElementSpacing = 0.5 0.25 2"},
      {"AnatomicalOrientation = ASL", "Offset = 1 2 nan"},
      {"ElementToIntensityFunctionSlope = 2", "ElementToIntensityFunctionOffset = 7"},
      {"TransformMatrix = 1 0 0 1 0 0 0 0 1"}, // flat
      {"TransformMatrix = nan 0 0 0 1 0 0 0 1"}};
  for (const auto &lines : headers) {
    const Parsed parsed = Parsed::bytes(numbered("2 3 4", 24, lines).bytes());
    expect_counted(parsed);
    EXPECT_FALSE(parsed->oriented);
  }
  const Parsed parsed =
      Parsed::bytes(numbered("2 3 4", 24, {"ElementSize = 9 9 9", "ElementSpacing = 0.5 0.25 2"}).bytes());
  EXPECT_EQ(parsed->spacing[0], 0.25); // of the rows, the file's second axis
  EXPECT_EQ(parsed->spacing[1], 0.5);
  EXPECT_EQ(parsed->spacing[2], 2);
  EXPECT_EQ(Parsed::bytes(numbered("2 3 4", 24, {"ElementSpacing = nan 0 inf"}).bytes())->spacing[1], 1);
}

TEST(MetaImage, PicturesHaveTwoAxes) {
  const Parsed parsed = Parsed::bytes(
      numbered("3 2", 6, {"TransformMatrix = 0 -1 1 0", "Offset = 4 5", "ElementSpacing = -2 3"}).bytes());
  ASSERT_EQ(parsed.result(), CLI_OK) << parsed.reason();
  EXPECT_EQ(parsed->kind, SOURCE_IMAGE);
  EXPECT_FALSE(parsed->oriented);
  ASSERT_EQ(parsed.shape(), (std::vector<int64_t>{2, 3}));
  for (int64_t row = 0; row < 2; ++row)
    for (int64_t column = 0; column < 3; ++column)
      EXPECT_EQ(parsed.at({row, column}), (double)(3 * row + column));
  EXPECT_EQ(parsed->spacing[0], 3);
  EXPECT_EQ(parsed->spacing[1], 2);
}

TEST(MetaImage, SeriesAreTheFourthAxisOrChannels) {
  for (const bool channels : {false, true}) {
    MetaImageFile file = channels
                             ? numbered("2 3 4", 120, {"ElementNumberOfChannels = 5"})
                             : numbered("2 3 4 5", 120, {"TransformMatrix = 1 0 0 0 0 1 0 0 0 0 1 0 0 0 0 1"});
    Parsed parsed = Parsed::bytes(file.bytes());
    ASSERT_EQ(parsed.result(), CLI_OK) << parsed.reason();
    EXPECT_EQ(parsed->kind, SOURCE_VOLUME);
    EXPECT_EQ(parsed->oriented, !channels);
    ASSERT_EQ(parsed.shape(), (std::vector<int64_t>{5, 3, 2, 4}));
    for (int64_t t = 0; t < 5; ++t)
      for (int64_t j = 0; j < 3; ++j)
        for (int64_t i = 0; i < 2; ++i)
          for (int64_t k = 0; k < 4; ++k) {
            const int64_t voxel = i + 2 * (j + 3 * k);
            EXPECT_EQ(parsed.at({t, j, i, k}), (double)(channels ? t + 5 * voxel : voxel + 24 * t));
          }
  }
}

TEST(MetaImage, ThreeOrFourChannelsOfBytesAreColours) {
  for (int64_t samples : {3, 4}) {
    const std::string line = "ElementNumberOfChannels = " + std::to_string(samples);
    Parsed picture = Parsed::bytes(numbered("4 2", (size_t)(8 * samples), {line}).bytes());
    ASSERT_EQ(picture.result(), CLI_OK) << picture.reason();
    EXPECT_EQ(picture->kind, SOURCE_BATCH);
    ASSERT_EQ(picture.shape(), (std::vector<int64_t>{1, 3, 2, 4}));
    Parsed series = Parsed::bytes(numbered("2 2 2 2", (size_t)(16 * samples), {line}).bytes());
    ASSERT_EQ(series.result(), CLI_OK) << series.reason();
    EXPECT_TRUE(series->colour);
    ASSERT_EQ(series.shape(), (std::vector<int64_t>{2, 3, 2, 2, 2}));
    for (int64_t c = 0; c < 3; ++c) {
      for (int64_t row = 0; row < 2; ++row)
        for (int64_t column = 0; column < 4; ++column)
          EXPECT_EQ(picture.at({0, c, row, column}), (double)(c + samples * (column + 4 * row)));
      EXPECT_EQ(series.at({1, c, 1, 0, 1}), (double)(c + samples * (0 + 2 * (1 + 2 * (1 + 2 * 1)))));
    }
  }
  MetaImageFile words = numbered("2 3 4", 144, {"ElementNumberOfChannels = 3"});
  words.type = "MET_SHORT";
  EXPECT_EQ(Parsed::bytes(words.bytes()).shape(), (std::vector<int64_t>{3, 3, 2, 4}));
}

TEST(MetaImage, HeaderSizeCountsFromTheFilesBeginning) {
  MetaImageFile file = numbered("2 3 4", 24, {"HeaderSize = 100000"});
  file.before = std::string(100000 - file.header().size(), 'x');
  expect_counted(Parsed::bytes(file.bytes()));
  expect_counted(Parsed::bytes(gzip(file.bytes() + std::string(100000, 'y'))));
  file.lines = {"HeaderSize = -1"};
  expect_counted(Parsed::bytes(file.bytes()));
  file.lines = {"HeaderSize = 20"}; // inside the header
  expect_refused(Parsed::bytes(file.bytes()), CLI_UNREADABLE, "HeaderSize is '20'");
}

TEST(MetaImage, WhatFollowsTheVoxelsIsNotLookedAt) {
  MetaImageFile file = numbered("2 3 4", 24);
  file.voxels += std::string(100000, 'x');
  expect_counted(Parsed::bytes(file.bytes()));
  expect_counted(Parsed::bytes(gzip(file.bytes())));
  file.voxels.resize(24);
  file.packed = true;
  file.lines = {"CompressedDataSize = " + std::to_string(deflated(file.voxels).size())};
  Parsed parsed = Parsed::bytes(file.bytes() + "rest");
  expect_counted(parsed);
  EXPECT_EQ(parsed.warning(), "");
}

TEST(MetaImage, EveryCutIsRefused) {
  for (bool packed : {false, true}) {
    MetaImageFile file = numbered("2 3 4", 24, {"TransformMatrix = 1 0 0 0 1 0 0 0 1"});
    file.packed = packed;
    const std::string whole = file.bytes();
    const size_t name = whole.find("= LOCAL");
    for (size_t size = 10; size < whole.size(); ++size) {
      const bool another = size > name && size < name + 7; // a data file of another name
      expect_refused(Parsed::bytes(whole.substr(0, size)), another ? CLI_UNSUPPORTED : CLI_UNREADABLE, "");
    }
  }
}

TEST(MetaImage, AbsurdHeadersAreRefused) {
  auto with = [](const std::string &from, const std::string &to) {
    std::string text = numbered("2 3 4", 24).bytes();
    return text.replace(text.find(from), from.size(), to);
  };
  auto plus = [](const std::string &line) { return numbered("2 3 4", 24, {line}).bytes(); };
  MetaImageFile packed = numbered("2 3 4", 24, {"HeaderSize = -1"});
  packed.packed = true;
  MetaImageFile mixed = numbered("2 3 2 2", 48, {"ElementNumberOfChannels = 2"});
  const struct {
    std::string bytes;
    cli_result result;
    std::string part;
  } cases[] = {
      {with("= Image", "= Tube"), CLI_UNSUPPORTED, "type 'Tube'"},
      {with("NDims = 3\n", ""), CLI_UNREADABLE, "no line 'NDims'"},
      {with("NDims = 3", "NDims = 0"), CLI_UNREADABLE, "NDims is '0'"},
      {with("NDims = 3", "NDims = 1"), CLI_UNSUPPORTED, "1 dimensions"},
      {with("NDims = 3", "NDims = 5"), CLI_UNSUPPORTED, "5 dimensions"},
      {with("NDims = 3", "NDims = 2"), CLI_UNREADABLE, "DimSize is '2 3 4'"},
      {with("DimSize = 2 3 4\n", ""), CLI_UNREADABLE, "no line 'DimSize'"},
      {with("2 3 4", "2 3"), CLI_UNREADABLE, "DimSize"},
      {with("2 3 4", "2 3 0"), CLI_UNREADABLE, "DimSize"},
      {with("2 3 4", "2 3 -4"), CLI_UNREADABLE, "DimSize"},
      {with("2 3 4", "2 3 99999999999999999999"), CLI_UNREADABLE, "DimSize"},
      {with("2 3 4", "2 3 5"), CLI_UNREADABLE, "cut off: its sizes ask for 30 bytes, and it has only 24"},
      {with("2 3 4", "4294967296 4294967296 4"), CLI_UNREADABLE, "multiply"},
      {with("2 3 4", "1000000 1000000 1000"), CLI_UNREADABLE, "cut off"},
      {with("ElementType = MET_UCHAR\n", ""), CLI_UNREADABLE, "no line 'ElementType'"},
      {with("MET_UCHAR", "MET_STRING"), CLI_UNREADABLE, "ElementType is 'MET_STRING'"},
      {with("BinaryData = True", "BinaryData = False"), CLI_UNSUPPORTED, "as text"},
      {with("BinaryData = True", "BinaryData = yes"), CLI_UNREADABLE,
       "BinaryData is 'yes'; allowed is True or False"},
      {with("LOCAL", "LIST"), CLI_UNSUPPORTED, "list of files"},
      {with("LOCAL", "x%03d.raw 1 9 1"), CLI_UNSUPPORTED, "only one data file"},
      {with("LOCAL", "x.raw"), CLI_UNSUPPORTED, "without the name of a file"},
      {with("LOCAL", ""), CLI_UNSUPPORTED, "without the name of a file"},
      {plus("NDims = 3"), CLI_UNREADABLE, "two lines of 'NDims'"},
      {plus("nothing of the kind"), CLI_UNREADABLE, "without an equals sign"},
      {plus("ElementNumberOfChannels = 0"), CLI_UNREADABLE, "ElementNumberOfChannels is '0'"},
      {plus("ElementNumberOfChannels = 9223372036854775807"), CLI_UNREADABLE, "multiply"},
      {plus("ElementNumberOfChannels = 2"), CLI_UNREADABLE, "cut off"},
      {plus("ElementSpacing = 1 1"), CLI_UNREADABLE, "ElementSpacing is '1 1'; allowed is 3 numbers"},
      {plus("Offset = 1 1 x"), CLI_UNREADABLE, "Offset"},
      {plus("Rotation = 1 0 0 0 1 0 0 0"), CLI_UNREADABLE, "allowed is 9 numbers"},
      {plus("CompressedData = maybe"), CLI_UNREADABLE, "CompressedData"},
      {plus("CompressedData = True"), CLI_UNREADABLE, "damaged"},
      {plus("CompressedDataSize = -1"), CLI_UNREADABLE, "CompressedDataSize"},
      {plus("ElementByteOrderMSB = 2"), CLI_UNREADABLE, "ElementByteOrderMSB"},
      {plus("HeaderSize = -2"), CLI_UNREADABLE, "HeaderSize"},
      {plus("HeaderSize = 9223372036854775807"), CLI_UNREADABLE, "cut off"},
      {packed.bytes(), CLI_UNSUPPORTED, "compressed MetaImage voxels with a HeaderSize"},
      {mixed.bytes(), CLI_UNSUPPORTED, "2 volumes with 2 channels"},
      {"NDims = 3\n" + std::string(2 << 20, '\n'), CLI_UNREADABLE, "header has more than"},
      {"NDims = 3\nDimSize = 2 3 4\n", CLI_UNREADABLE, "no line ElementDataFile ends it"},
  };
  for (const auto &one : cases) {
    SCOPED_TRACE(one.bytes.substr(0, 300));
    expect_refused(Parsed::bytes(one.bytes), one.result, one.part);
    expect_refused(Parsed::bytes(gzip(one.bytes)), one.result, one.part == "cut off" ? "" : one.part);
  }
}

// The sizes say what is unpacked, and a small file is believed only so much.
TEST(MetaImage, UnpackingEndsWithTheVoxels) {
  MetaImageFile file = numbered("2 3 4", 24);
  file.packed = true;
  file.voxels += std::string(1 << 24, '\0');
  std::string damaged = file.bytes();
  damaged[damaged.size() - 1] = (char)~damaged[damaged.size() - 1]; // its checksum is far behind
  expect_counted(Parsed::bytes(damaged));
  file.voxels.resize(24);
  file.sizes = "1000 1000 1000";
  expect_refused(Parsed::bytes(file.bytes()), CLI_UNREADABLE, "asks for 1000000000 bytes");
}

TEST_F(MetaImageDetached, VoxelsMayBeInAnotherFile) {
  store("a.raw", "ab\ncd" + counted(24));
  expect_counted(parse("a.raw", {"HeaderSize = 5"}));
  expect_counted(parse("./a.raw", {"HeaderSize = -1"}));
  ASSERT_EQ(mkdir(file("sub").c_str(), 0700), 0);
  store("sub/a b.raw", counted(24) + "rest");
  expect_counted(parse("sub/a b.raw"));
  unlink(file("sub/a b.raw").c_str());
  rmdir(file("sub").c_str());
  store("a.zraw", deflated(counted(24)));
  file_.packed = true;
  expect_counted(parse("a.zraw"));
}

TEST_F(MetaImageDetached, OnlyFilesInItsFolderMayBeNamed) {
  store("a.raw", counted(23));
  ASSERT_EQ(mkfifo(file("fifo").c_str(), 0600), 0);
  for (const std::string &name : {file("a.raw"), std::string("../a.raw"), std::string("x/../a.raw"),
                                  std::string(".."), std::string(""), std::string("/dev/zero")})
    expect_refused(parse(name), CLI_UNSUPPORTED, "header's own folder");
  expect_refused(parse("."), CLI_UNREADABLE, "no regular file");
  expect_refused(parse("fifo"), CLI_UNREADABLE, "no regular file");
  expect_refused(parse("b.raw"), CLI_UNREADABLE, "No such file");
  expect_refused(parse("a.raw"), CLI_UNREADABLE, "it has only 23");
  expect_refused(parse("a.raw", {"HeaderSize = 50"}), CLI_UNREADABLE, "it has only 0");
  file_.packed = true;
  expect_refused(parse("a.raw"), CLI_UNREADABLE, "damaged gzip data");
}
