// TIFF files of kinds that not every reader knows: absent blocks, ImageJ's stacks, further samples, derived
// pages, foreign compressions; and directories made to cost far more than the file.
#include "support.h"
#include "tiff_numbers.h"

namespace {

// Pixels [planes, H, W] of one channel, whatever the shape of the source is.
void expect_planes(const Parsed &parsed, const TiffPage &page, const std::vector<double> &numbers) {
  const int64_t plane = (int64_t)page.width * page.height, planes = (int64_t)numbers.size() / plane;
  ASSERT_EQ(parsed.result(), CLI_OK) << parsed.reason();
  ASSERT_EQ(parsed->kind, planes > 1 ? SOURCE_BATCH : SOURCE_IMAGE);
  ASSERT_EQ(parsed.shape(), (planes > 1 ? std::vector<int64_t>{planes, 1, page.height, page.width}
                                        : std::vector<int64_t>{page.height, page.width}));
  for (int64_t i = 0; i < planes; ++i)
    for (int64_t y = 0; y < page.height; ++y)
      for (int64_t x = 0; x < page.width; ++x)
        ASSERT_EQ(parsed.at(planes > 1 ? std::vector<int64_t>{i, 0, y, x} : std::vector<int64_t>{y, x}),
                  numbers[(size_t)(i * plane + y * page.width + x)]);
}

// A stack as ImageJ writes it: `planes` of a page's random numbers, one directory.
TiffFile stack(int planes, const std::string &type, bool big_endian, std::vector<double> &numbers) {
  TiffFile file;
  file.big_endian = big_endian;
  TiffPage &page = file.pages[0];
  page.width = (uint32_t)(1 + random_below(20));
  page.height = (uint32_t)(1 + random_below(20));
  page.rows_per_strip = (uint32_t)(1 + random_below(25));
  page.texts[270] =
      "ImageJ=1.54f\nimages=" + std::to_string(planes) + "\nslices=" + std::to_string(planes) + "\n";
  numbers = fill(page, type, big_endian);
  TiffPage other = page;
  for (int i = 1; i < planes; ++i) {
    const std::vector<double> more = fill(other, type, big_endian);
    numbers.insert(numbers.end(), more.begin(), more.end());
    page.behind += other.pixels;
  }
  return file;
}

} // namespace

TEST(TiffKinds, AbsentBlocksAreZeros) {
  for (const char *type : {"u1", "u2", "f4"})
    for (int variant = 0; variant < 8; ++variant) {
      TiffFile file;
      file.big_tiff = variant & 4;
      TiffPage &page = file.pages[0];
      page.width = (uint32_t)(30 + random_below(40));
      page.height = (uint32_t)(30 + random_below(40));
      page.deflate = variant & 1;
      if (variant & 2)
        page.tile_width = page.tile_height = 16;
      else
        page.rows_per_strip = 7;
      std::vector<double> numbers = fill(page, type, false);
      const uint32_t width = variant & 2 ? 16 : page.width, height = variant & 2 ? 16 : 7;
      const uint32_t columns = (page.width - 1) / width + 1;
      for (size_t block = 0; block < page.blocks().size(); ++block)
        if (block == 0 || random_below(3) > 0) // two thirds: a file far shorter than its pixels
          page.absent.insert(block);
      for (uint32_t y = 0; y < page.height; ++y)
        for (uint32_t x = 0; x < page.width; ++x)
          if (page.absent.count(y / height * columns + x / width))
            numbers[y * page.width + x] = 0;
      SCOPED_TRACE(std::string(type) + " variant " + std::to_string(variant));
      expect_planes(Parsed::bytes(file.bytes()), page, numbers);
    }
}

// Either number of a block says that it is absent.
TEST(TiffKinds, BlocksWithoutPlaceOrWithoutBytesAreAbsent) {
  for (uint16_t tag : {273, 279}) {
    TiffFile file;
    TiffPage &page = file.pages[0];
    page.rows_per_strip = 1;
    const std::vector<uint64_t> whole = tag == 273 ? std::vector<uint64_t>{8, 11} : std::vector<uint64_t>{3, 3};
    page.more[tag] = {whole[0], 0};
    expect_planes(Parsed::bytes(file.bytes()), page, {'a', 'b', 'c', 0, 0, 0});
  }
}

TEST(TiffKinds, AbsentBlocksHaveABudget) {
  TiffFile file;
  TiffPage &page = file.pages[0];
  page.tile_width = page.tile_height = 16;
  page.absent = {0};
  page.more[322] = page.more[323] = {32768};
  expect_refused(Parsed::bytes(file.bytes()), CLI_UNREADABLE, "1073741824 bytes");
}

TEST(TiffKinds, StacksOfImageJHaveOneDirectory) {
  for (const char *type : {"u1", "u2", "f4", "i4", "f8"})
    for (bool big_endian : {false, true}) {
      std::vector<double> numbers;
      TiffFile file = stack(2 + (int)random_below(5), type, big_endian, numbers);
      SCOPED_TRACE(std::string(type) + (big_endian ? " big endian" : ""));
      expect_planes(Parsed::bytes(file.bytes()), file.pages[0], numbers);
    }
}

TEST(TiffKinds, StacksOfImageJAreWhole) {
  std::vector<double> numbers;
  TiffFile file = stack(3, "u2", false, numbers);
  TiffPage &page = file.pages[0];
  const std::string planes = page.behind;
  page.texts[270] = "ImageJ=1.54f\nimages=1000000\n";
  expect_refused(Parsed::bytes(file.bytes()), CLI_UNREADABLE, "names 1000000 images");
  page.texts[270] = "ImageJ=1.54f\nimages=9223372036854775807\n";
  expect_refused(Parsed::bytes(file.bytes()), CLI_UNREADABLE, "too short");
  page.texts[270] = "ImageJ=1.54f\nimages=3\n";
  page.deflate = true;
  expect_refused(Parsed::bytes(file.bytes()), CLI_UNSUPPORTED, "names 3 images");
}

TEST(TiffKinds, OtherDescriptionsSayNothingOfPlanes) {
  for (const char *text : {"images=3\n", "ImageJ=1.54f\nimages=1\n", "ImageJ=1.54f\nimages=-3\n",
                           "ImageJ=1.54f", "ImageJ=1.54f\nimages=\n", "SCANCO\nimages=3\n"}) {
    TiffFile file;
    file.pages[0].texts[270] = text;
    expect_planes(Parsed::bytes(file.bytes()), file.pages[0], {'a', 'b', 'c', 'd', 'e', 'f'});
  }
  TiffFile file; // whose pages have directories of their own
  file.pages[0].texts[270] = "ImageJ=1.54f\nimages=2\n";
  file.pages.push_back(file.pages[0]);
  file.pages[1].pixels = "ghijkl";
  expect_planes(Parsed::bytes(file.bytes()), file.pages[0],
                {'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l'});
}

// ExtraSamples: 0 is unspecified, 1 and 2 are alpha.
TEST(TiffKinds, FurtherSamplesAreChannelsUnlessTheyAreAlpha) {
  const struct {
    int photometric, samples, channels;
    std::vector<uint64_t> extra;
  } kinds[] = {{1, 2, 2, {0}},    {1, 2, 2, {}},  {1, 5, 5, {0, 0, 0, 0}}, {1, 3, 2, {0, 2}}, {2, 4, 4, {0}},
               {2, 5, 4, {0, 1}}, {2, 4, 3, {1}}, {1, 2, 1, {2}},          {2, 5, 3, {2, 1}}};
  for (const auto &kind : kinds)
    for (bool planar : {false, true}) {
      TiffFile file;
      TiffPage &page = file.pages[0];
      page.width = 5;
      page.height = 4;
      page.photometric = kind.photometric;
      page.samples = kind.samples;
      page.planar = planar;
      if (!kind.extra.empty())
        page.more[338] = kind.extra;
      const std::vector<double> numbers = fill(page, "u2", false);
      Parsed parsed = Parsed::bytes(file.bytes());
      ASSERT_EQ(parsed.result(), CLI_OK) << parsed.reason();
      ASSERT_EQ(parsed.shape(), (kind.channels > 1 ? std::vector<int64_t>{1, kind.channels, 4, 5}
                                                   : std::vector<int64_t>{4, 5}));
      for (int64_t y = 0; y < 4; ++y)
        for (int64_t x = 0; x < 5; ++x)
          for (int64_t c = 0; c < kind.channels; ++c)
            ASSERT_EQ(
                parsed.at(kind.channels > 1 ? std::vector<int64_t>{0, c, y, x} : std::vector<int64_t>{y, x}),
                numbers[(size_t)((y * 5 + x) * kind.samples + c)]);
    }
  TiffFile file;
  file.pages[0].samples = 3;
  file.pages[0].pixels = std::string(18, 'x');
  file.pages[0].more[338] = {2, 0};
  expect_refused(Parsed::bytes(file.bytes()), CLI_UNSUPPORTED, "alpha before its last sample");
  file.pages[0].samples = 1;
  file.pages[0].more[338] = {2};
  EXPECT_NE(Parsed::bytes(file.bytes()).result(), CLI_OK);
}

// NewSubfileType: 1 is a smaller copy, 4 a mask of another page.
TEST(TiffKinds, DerivedPagesAreNoImages) {
  TiffFile file;
  TiffPage copy;
  copy.width = 1;
  copy.height = 1;
  copy.pixels = "x";
  copy.photometric = 5; // of a kind that is not supported
  for (uint64_t kind : {1, 4, 5}) {
    copy.more[254] = {kind};
    file.pages.push_back(copy);
  }
  file.pages.insert(file.pages.begin(), copy);
  TiffPage second;
  second.pixels = "ghijkl";
  file.pages.push_back(second);
  expect_planes(Parsed::bytes(file.bytes()), second,
                {'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l'});
  file.pages = {copy, copy};
  expect_refused(Parsed::bytes(file.bytes()), CLI_UNSUPPORTED, "only reduced copies or masks");
  second.more[254] = {2}; // a page of several
  file.pages = {second};
  expect_planes(Parsed::bytes(file.bytes()), second, {'g', 'h', 'i', 'j', 'k', 'l'});
}

TEST(TiffKinds, ForeignCompressionsAreNamed) {
  const std::pair<uint64_t, const char *> kinds[] = {{34712, "34712 (JPEG 2000)"},
                                                     {33003, "33003 (JPEG 2000)"},
                                                     {34934, "JPEG XR"},
                                                     {50999, "50999 (an unknown one)"}};
  for (const auto &kind : kinds) {
    TiffFile file;
    file.pages[0].more[259] = {kind.first};
    expect_refused(Parsed::bytes(file.bytes()), CLI_UNSUPPORTED, kind.second);
  }
}

// PackBits does not know of it: the differences would be drawn.
TEST(TiffKinds, PredictedPixelsAreRefusedWhereTheCodecHasNoPredictor) {
  TiffFile file;
  file.pages[0].more[259] = {32773};
  file.pages[0].pixels = std::string("\5abcdef", 7).substr(0, 6);
  file.pages[0].more[317] = {2};
  expect_refused(Parsed::bytes(file.bytes()), CLI_UNSUPPORTED, "predicted");
  file.pages[0].more[317] = {2, 2};
  expect_refused(Parsed::bytes(file.bytes()), CLI_UNSUPPORTED, "predicted");
  TiffFile none;
  none.pages[0].more[317] = {1};
  expect_planes(Parsed::bytes(none.bytes()), none.pages[0], {'a', 'b', 'c', 'd', 'e', 'f'});
}

TEST(TiffKinds, RowsOfAStripDoNotOverflow) {
  TiffFile file;
  file.pages[0].rows_per_strip = 0xffffffff; // the standard's default: all in one
  expect_planes(Parsed::bytes(file.bytes()), file.pages[0], {'a', 'b', 'c', 'd', 'e', 'f'});
  file.pages[0].rows_per_strip = 0xfffffffe; // libtiff's number of strips becomes 0
  expect_refused(Parsed::bytes(file.bytes()), CLI_UNREADABLE, "damaged TIFF (");
}

// libtiff would keep a copy of the bytes for each tag.
TEST(TiffKinds, TagsThatShareTheirBytesHaveABudget) {
  for (bool big_tiff : {false, true})
    for (bool big_endian : {false, true}) {
      TiffFile file;
      file.big_tiff = big_tiff;
      file.big_endian = big_endian;
      TiffPage &page = file.pages[0];
      page.behind = std::string(100000, 'x');
      for (int i = 0; i < 30; ++i)
        page.texts[(uint16_t)(40000 + i)] = "seven..";
      std::string bytes = file.bytes();
      ASSERT_EQ(Parsed::bytes(bytes).result(), CLI_OK);
      for (size_t at = 8; at + 20 <= bytes.size(); at += 2) { // the entries of these texts
        const std::string head = bytes_of((uint16_t)40000, big_endian);
        if (bytes.compare(at, 2, head) != 0)
          continue;
        for (size_t i = 0; i < 30; ++i) {
          const size_t entry = at + i * (big_tiff ? 20 : 12);
          if (big_tiff)
            put(bytes, entry + 4, (uint64_t)90000, big_endian);
          else
            put(bytes, entry + 4, (uint32_t)90000, big_endian);
        }
      }
      expect_refused(Parsed::bytes(bytes), CLI_UNREADABLE, "its tags ask for");
    }
}

TEST(TiffKinds, DirectoriesThatOverlapAreRefused) {
  TiffFile file;
  std::string bytes = file.bytes();
  uint32_t first;
  memcpy(&first, bytes.data() + 4, 4);
  put(bytes, bytes.size() - 4, first, false); // the next one is the same
  expect_refused(Parsed::bytes(bytes), CLI_UNREADABLE, "do not end, or their directories overlap");
}
