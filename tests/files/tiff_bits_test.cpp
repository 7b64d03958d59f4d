// TIFF files whose samples have other numbers of bits than types have, and palettes.
#include "support.h"
#include "tiff_file.h"

namespace {

// A page of random numbers in random strips or tiles.
TiffFile random_file(int bits, int format, int samples) {
  TiffFile file;
  file.big_endian = random_below(2);
  file.big_tiff = random_below(2);
  TiffPage &page = file.pages[0];
  page.width = (uint32_t)(1 + random_below(40));
  page.height = (uint32_t)(1 + random_below(40));
  page.bits = bits;
  page.format = format;
  page.samples = samples;
  page.photometric = samples >= 3 ? 2 : 1;
  page.planar = random_below(2);
  page.deflate = random_below(2);
  if (random_below(2))
    page.tile_width = page.tile_height = 16;
  else
    page.rows_per_strip = (uint32_t)(1 + random_below(45));
  while (page.numbers.size() < (size_t)page.width * page.height * (size_t)samples)
    page.numbers.push_back((uint32_t)(random_numbers()() & ((uint64_t{1} << bits) - 1)));
  return file;
}

// What a number of so many bits means.
double value(uint32_t number, int bits, bool is_signed) {
  const double most = std::ldexp(1, bits);
  return is_signed && number >= most / 2 ? number - most : number;
}

void expect_colours(const Parsed &parsed, const TiffPage &page, const std::vector<uint64_t> &map,
                    double scale) {
  ASSERT_EQ(parsed.result(), CLI_OK) << parsed.reason();
  ASSERT_EQ(parsed.dtype(), "u8");
  ASSERT_EQ(parsed.shape(), (std::vector<int64_t>{1, 3, page.height, page.width}));
  const size_t colours = map.size() / 3;
  for (int64_t k = 0; k < 3; ++k)
    for (int64_t y = 0; y < page.height; ++y)
      for (int64_t x = 0; x < page.width; ++x) {
        const uint32_t number = page.numbers[(size_t)(y * page.width + x) * (size_t)page.samples];
        ASSERT_EQ(parsed.at({0, k, y, x}), std::floor((double)map[(size_t)k * colours + number] / scale));
      }
}

} // namespace

TEST(TiffBits, IntegersOfAnyNumberOfBitsAreRead) {
  for (int bits = 1; bits <= 31; ++bits)
    for (int format : {1, 2})
      for (int samples : {1, 3}) {
        const TiffFile file = random_file(bits, format, samples);
        const TiffPage &page = file.pages[0];
        SCOPED_TRACE(std::to_string(bits) + " bits, format " + std::to_string(format) + ", " +
                     std::to_string(samples) + " samples");
        const Parsed parsed = Parsed::bytes(file.bytes());
        ASSERT_EQ(parsed.result(), CLI_OK) << parsed.reason();
        const std::string type = std::string(format == 1 ? "u" : "i") + std::to_string(bits <= 8    ? 8
                                                                                       : bits <= 16 ? 16
                                                                                                    : 32);
        ASSERT_EQ(parsed.dtype(), type);
        for (int64_t y = 0; y < page.height; ++y)
          for (int64_t x = 0; x < page.width; ++x)
            for (int64_t k = 0; k < samples; ++k)
              ASSERT_EQ(parsed.at(samples == 1 ? std::vector<int64_t>{y, x} : std::vector<int64_t>{0, k, y, x}),
                        value(page.numbers[(size_t)((y * page.width + x) * samples + k)], bits, format == 2));
      }
}

TEST(TiffBits, ZeroMayBeWhite) {
  for (int bits : {1, 2, 4, 7, 12, 24}) {
    TiffFile file = random_file(bits, 1, 1);
    TiffPage &page = file.pages[0];
    page.photometric = 0;
    const Parsed parsed = Parsed::bytes(file.bytes());
    ASSERT_EQ(parsed.result(), CLI_OK) << parsed.reason();
    for (int64_t y = 0; y < page.height; ++y)
      for (int64_t x = 0; x < page.width; ++x)
        ASSERT_EQ(parsed.at({y, x}), std::ldexp(1, bits) - 1 - page.numbers[(size_t)(y * page.width + x)]);
  }
}

TEST(TiffBits, PalettesAreColours) {
  for (int bits : {1, 2, 4, 5, 8, 12})
    for (bool of_bytes : {false, true}) {
      TiffFile file = random_file(bits, 1, 1);
      TiffPage &page = file.pages[0];
      page.photometric = 3;
      std::vector<uint64_t> map;
      for (int i = 0; i < 3 << bits; ++i)
        map.push_back((uint64_t)random_below(of_bytes ? 256 : 65536));
      if (!of_bytes)
        map[(size_t)random_below(3 << bits)] = 65535;
      page.more[320] = map;
      SCOPED_TRACE(std::to_string(bits) + " bits, colours of " + (of_bytes ? "8" : "16"));
      expect_colours(Parsed::bytes(file.bytes()), page, map, of_bytes ? 1 : 256);
    }
}

TEST(TiffBits, PalettesMayHaveAlpha) {
  TiffFile file = random_file(8, 1, 2);
  TiffPage &page = file.pages[0];
  page.photometric = 3;
  page.more[338] = {2}; // unassociated alpha
  std::vector<uint64_t> map;
  for (int i = 0; i < 768; ++i)
    map.push_back((uint64_t)(256 * i % 65536));
  page.more[320] = map;
  expect_colours(Parsed::bytes(file.bytes()), page, map, 256);
}

TEST(TiffBits, PalettesHaveTheirColours) {
  TiffFile file = random_file(4, 1, 1);
  file.pages[0].photometric = 3;
  expect_refused(Parsed::bytes(file.bytes()), CLI_UNREADABLE, "TIFF");
  file.pages[0].more[320] = std::vector<uint64_t>(3 * 15, 7); // one colour too few
  expect_refused(Parsed::bytes(file.bytes()), CLI_UNREADABLE, "TIFF");
}

TEST(TiffBits, PalettesHaveOneSample) {
  TiffFile file = random_file(8, 1, 2);
  file.pages[0].photometric = 3;
  file.pages[0].more[338] = {0}; // unspecified
  file.pages[0].more[320] = std::vector<uint64_t>(768, 7);
  expect_refused(Parsed::bytes(file.bytes()), CLI_UNSUPPORTED, "palette and 2 samples");
}

TEST(TiffBits, OddBitsArePredictedNowhere) {
  TiffFile file = random_file(12, 1, 1);
  file.pages[0].deflate = true;
  file.pages[0].more[317] = {2};
  expect_refused(Parsed::bytes(file.bytes()), CLI_UNSUPPORTED, "predicted pixels of 12 bits");
}

TEST(TiffBits, PagesAgreeInBits) {
  TiffFile file = random_file(3, 1, 1);
  file.pages.push_back(file.pages[0]);
  EXPECT_EQ(Parsed::bytes(file.bytes()).result(), CLI_OK);
  file.pages[1].bits = 4;
  expect_refused(Parsed::bytes(file.bytes()), CLI_UNSUPPORTED, "TIFF page 2 has another type");
}

// Each sample of one bit becomes a byte, and an absent strip has none in the file.
TEST(TiffBits, UnpackedPixelsHaveABudget) {
  TiffFile file;
  TiffPage &page = file.pages[0];
  page.bits = 1;
  page.width = page.height = 1;
  page.numbers = {1};
  page.absent = {0};
  page.more[256] = page.more[257] = page.more[278] = {40000};
  expect_refused(Parsed::bytes(file.bytes()), CLI_UNREADABLE, "1600000000 bytes");
}
