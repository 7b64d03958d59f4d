// TIFF files of every kind, made without libtiff where that is possible, and damaged ones.
#include "support.h"
#include "tiff_numbers.h"

#include <tiffio.h>
#include <unistd.h>

namespace {

void randomize_layout(TiffPage &page, int variant) {
  page.width = (uint32_t)(1 + random_below(40));
  page.height = (uint32_t)(1 + random_below(40));
  page.deflate = variant & 1;
  if (variant & 2) {
    page.tile_width = 16u * (uint32_t)(1 + random_below(3));
    page.tile_height = 16u * (uint32_t)(1 + random_below(3));
  } else {
    page.rows_per_strip = (uint32_t)(1 + random_below(50));
  }
}

std::vector<int64_t> index_of(const Parsed &parsed, int64_t page, int64_t channel, int64_t y, int64_t x) {
  if (parsed->kind == SOURCE_IMAGE)
    return {y, x};
  return {page, channel, y, x};
}

} // namespace

TEST(Tiff, EveryTypeOrderAndLayoutArrives) {
  for (const NumberType &type : number_types())
    for (int variant = 0; variant < 16; ++variant) {
      TiffFile file;
      file.big_endian = variant & 4;
      file.big_tiff = variant & 8;
      TiffPage &page = file.pages[0];
      randomize_layout(page, variant);
      SCOPED_TRACE(std::string(type.numpy) + " variant " + std::to_string(variant) + " size " +
                   std::to_string(page.width) + " x " + std::to_string(page.height));
      std::vector<double> numbers = fill(page, type.numpy, file.big_endian);
      Parsed parsed = Parsed::bytes(file.bytes());
      ASSERT_EQ(parsed.result(), CLI_OK) << parsed.reason();
      EXPECT_STREQ(parsed->format, "tiff");
      EXPECT_EQ(parsed->kind, SOURCE_IMAGE);
      EXPECT_EQ(parsed.dtype(), type.arrives);
      ASSERT_EQ(parsed.shape(), (std::vector<int64_t>{page.height, page.width}));
      for (uint32_t y = 0; y < page.height; ++y)
        for (uint32_t x = 0; x < page.width; ++x)
          ASSERT_EQ(parsed.at({y, x}), numbers[y * page.width + x]);
    }
}

TEST(Tiff, ColoursAndAlphaArriveInterleavedOrPlanar) {
  for (int photometric : {1, 2})
    for (int alpha : {0, 1})
      for (bool planar : {false, true})
        for (int variant = 0; variant < 4; ++variant) {
          TiffFile file;
          TiffPage &page = file.pages[0];
          randomize_layout(page, variant);
          const int channels = photometric == 2 ? 3 : 1;
          page.photometric = photometric;
          page.samples = channels + alpha;
          page.planar = planar;
          if (alpha != 0)
            page.more[338] = {2};
          std::vector<double> numbers = fill(page, "u2", false);
          SCOPED_TRACE("photometric " + std::to_string(photometric) + " samples " +
                       std::to_string(page.samples) + " planar " + std::to_string(planar) + " variant " +
                       std::to_string(variant));
          Parsed parsed = Parsed::bytes(file.bytes());
          ASSERT_EQ(parsed.result(), CLI_OK) << parsed.reason();
          ASSERT_EQ(parsed->kind, channels == 3 ? SOURCE_BATCH : SOURCE_IMAGE);
          for (uint32_t y = 0; y < page.height; ++y)
            for (uint32_t x = 0; x < page.width; ++x)
              for (int c = 0; c < channels; ++c)
                ASSERT_EQ(parsed.at(index_of(parsed, 0, c, y, x)),
                          numbers[(y * page.width + x) * (uint32_t)page.samples + (uint32_t)c]);
        }
}

TEST(Tiff, PagesAreABatch) {
  for (int channels : {1, 3}) {
    TiffFile file;
    std::vector<std::vector<double>> numbers;
    TiffPage page;
    page.width = 5;
    page.height = 4;
    page.samples = channels;
    page.photometric = channels == 3 ? 2 : 1;
    file.pages.clear();
    for (int i = 0; i < 7; ++i) {
      page.deflate = i & 1; // pages may be stored differently
      page.rows_per_strip = (uint32_t)(1 + i);
      numbers.push_back(fill(page, "f4", false));
      file.pages.push_back(page);
    }
    Parsed parsed = Parsed::bytes(file.bytes());
    ASSERT_EQ(parsed.result(), CLI_OK) << parsed.reason();
    EXPECT_EQ(parsed->kind, SOURCE_BATCH);
    ASSERT_EQ(parsed.shape(), (std::vector<int64_t>{7, channels, 4, 5}));
    for (int64_t i = 0; i < 7; ++i)
      for (int64_t c = 0; c < channels; ++c)
        for (int64_t y = 0; y < 4; ++y)
          for (int64_t x = 0; x < 5; ++x)
            ASSERT_EQ(parsed.at({i, c, y, x}), numbers[(size_t)i][(size_t)((y * 5 + x) * channels + c)]);
  }
}

TEST(Tiff, ZeroMayBeWhite) {
  const double largest[] = {255, 65535, 4294967295.0};
  const char *types[] = {"u1", "u2", "u4"};
  for (size_t i = 0; i < 3; ++i) {
    TiffFile file;
    file.pages[0].photometric = 0;
    std::vector<double> numbers = fill(file.pages[0], types[i], false);
    Parsed parsed = Parsed::bytes(file.bytes());
    ASSERT_EQ(parsed.result(), CLI_OK) << parsed.reason();
    EXPECT_EQ(parsed.at({1, 2}), largest[i] - numbers[5]);
  }
  TiffFile floats;
  floats.pages[0].photometric = 0;
  fill(floats.pages[0], "f4", false);
  expect_refused(Parsed::bytes(floats.bytes()), CLI_UNSUPPORTED, "0 is white");
}

TEST(Tiff, OrientationIsApplied) {
  // The stored pixels abc/def as they are seen for orientations 1 to 8.
  const char *seen[] = {"abc|def",  "cba|fed",  "fed|cba",  "def|abc",
                        "ad|be|cf", "da|eb|fc", "fc|eb|da", "cf|be|ad"};
  for (uint64_t orientation = 1; orientation <= 8; ++orientation) {
    TiffFile file;
    file.pages[0].more[274] = {orientation};
    file.pages[0].ratios[282] = {10, 1}; // per cm across the stored columns
    file.pages[0].ratios[283] = {5, 1};
    file.pages[0].more[296] = {3};
    Parsed parsed = Parsed::bytes(file.bytes());
    ASSERT_EQ(parsed.result(), CLI_OK) << parsed.reason();
    std::string text;
    for (int64_t y = 0; y < parsed.shape()[0]; ++y) {
      text += y > 0 ? "|" : "";
      for (int64_t x = 0; x < parsed.shape()[1]; ++x)
        text += (char)parsed.at({y, x});
    }
    EXPECT_EQ(text, seen[orientation - 1]) << orientation;
    EXPECT_EQ(parsed->spacing[0], orientation < 5 ? 2 : 1);
    EXPECT_EQ(parsed->spacing[1], orientation < 5 ? 1 : 2);
  }
}

TEST(Tiff, SpacingComesFromTheResolution) {
  const struct {
    uint32_t x, y;
    uint64_t unit;
    double rows, columns;
  } cases[] = {{254, 508, 2, 0.05, 0.1}, {10, 5, 3, 2, 1}, {4, 2, 1, 1, 0.5}, {0, 2, 2, 1, 1}};
  for (const auto &spacing : cases) {
    TiffFile file;
    file.pages[0].ratios[282] = {spacing.x, 1};
    file.pages[0].ratios[283] = {spacing.y, 1};
    file.pages[0].more[296] = {spacing.unit};
    Parsed parsed = Parsed::bytes(file.bytes());
    ASSERT_EQ(parsed.result(), CLI_OK) << parsed.reason();
    EXPECT_DOUBLE_EQ(parsed->spacing[0], spacing.rows);
    EXPECT_DOUBLE_EQ(parsed->spacing[1], spacing.columns);
  }
}

// The compressions that zlib alone does not make: written by libtiff itself.
TEST(Tiff, CompressionsOfLibtiffArrive) {
  int tried = 0;
  for (uint16_t compression :
       {COMPRESSION_LZW, COMPRESSION_PACKBITS, COMPRESSION_ADOBE_DEFLATE, COMPRESSION_LZMA, COMPRESSION_ZSTD})
    for (uint16_t predictor : {PREDICTOR_NONE, PREDICTOR_HORIZONTAL}) {
      if (!TIFFIsCODECConfigured(compression) || (compression == COMPRESSION_PACKBITS && predictor != 1))
        continue;
      char path[] = "/tmp/batchview-tiff-XXXXXX";
      const int descriptor = mkstemp(path);
      ASSERT_GE(descriptor, 0);
      close(descriptor);
      TIFF *tiff = TIFFOpen(path, "w");
      ASSERT_NE(tiff, nullptr);
      TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, 31);
      TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, 17);
      TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, 16);
      TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, 1);
      TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISBLACK);
      TIFFSetField(tiff, TIFFTAG_ROWSPERSTRIP, 5);
      TIFFSetField(tiff, TIFFTAG_COMPRESSION, compression);
      if (predictor != PREDICTOR_NONE)
        TIFFSetField(tiff, TIFFTAG_PREDICTOR, predictor);
      uint16_t pixels[17][31];
      for (auto &row : pixels) {
        uint16_t copy[31]; // the predictor works in place
        for (int x = 0; x < 31; ++x)
          row[x] = copy[x] = (uint16_t)random_below(300);
        ASSERT_EQ(TIFFWriteScanline(tiff, copy, (uint32_t)(&row - pixels), 0), 1);
      }
      TIFFClose(tiff);
      Parsed parsed = Parsed::file(path);
      unlink(path);
      ASSERT_EQ(parsed.result(), CLI_OK) << compression << ": " << parsed.reason();
      for (int y = 0; y < 17; ++y)
        for (int x = 0; x < 31; ++x)
          ASSERT_EQ(parsed.at({y, x}), pixels[y][x]) << compression;
      ++tried;
    }
  EXPECT_GE(tried, 3);
}

TEST(Tiff, PagesMustAgree) {
  TiffFile file;
  file.pages.push_back(file.pages[0]);
  file.pages[1].width = 2;
  file.pages[1].pixels = "abcd";
  expect_refused(Parsed::bytes(file.bytes()), CLI_UNSUPPORTED, "page 2 is 2 x 2, and the first one 3 x 2");
  file.pages[1] = file.pages[0];
  file.pages[1].format = 2;
  expect_refused(Parsed::bytes(file.bytes()), CLI_UNSUPPORTED, "page 2 has another type");
  file.pages[1] = file.pages[0];
  file.pages[1].more[274] = {3};
  expect_refused(Parsed::bytes(file.bytes()), CLI_UNSUPPORTED, "page 2 has another type");
  file.pages[1] = file.pages[0];
  file.pages[1].photometric = 0;
  expect_refused(Parsed::bytes(file.bytes()), CLI_UNSUPPORTED, "page 2 has another type");
}

TEST(Tiff, OtherKindsAreRefusedByName) {
  TiffFile lab;
  lab.pages[0].photometric = 8;
  expect_refused(Parsed::bytes(lab.bytes()), CLI_UNSUPPORTED, "photometric interpretation 8");
  TiffFile cmyk;
  cmyk.pages[0].photometric = 5;
  cmyk.pages[0].samples = 4;
  cmyk.pages[0].pixels = std::string(24, 'x');
  expect_refused(Parsed::bytes(cmyk.bytes()), CLI_UNSUPPORTED, "photometric interpretation 5");
  TiffFile complex;
  complex.pages[0].bits = 64;
  complex.pages[0].format = 6;
  complex.pages[0].pixels = std::string(48, 'x');
  expect_refused(Parsed::bytes(complex.bytes()), CLI_UNSUPPORTED, "64 bits in format 6");
  TiffFile bits;
  bits.pages[0].more[258] = {48};
  expect_refused(Parsed::bytes(bits.bytes()), CLI_UNSUPPORTED, "48 bits in format 1");
  bits.pages[0].more[258] = {0};
  EXPECT_NE(Parsed::bytes(bits.bytes()).result(), CLI_OK);
  TiffFile floats;
  floats.pages[0].more[258] = {24};
  floats.pages[0].format = 3;
  expect_refused(Parsed::bytes(floats.bytes()), CLI_UNSUPPORTED, "24 bits in format 3");
  TiffFile old_jpeg;
  old_jpeg.pages[0].more[259] = {6};
  EXPECT_NE(Parsed::bytes(old_jpeg.bytes()).result(), CLI_OK);
}

TEST(Tiff, SixtyFourBitIntegersMustBeExact) {
  TiffFile file;
  file.pages[0].bits = 64;
  file.pages[0].pixels = std::string(48, '\xff');
  expect_refused(Parsed::bytes(file.bytes()), CLI_UNSUPPORTED, "18446744073709551615");
}

TEST(Tiff, EveryCutIsRefused) {
  for (bool deflate : {false, true})
    for (bool big_tiff : {false, true}) {
      TiffFile file;
      file.big_tiff = big_tiff;
      file.pages[0].deflate = deflate;
      const std::string whole = file.bytes();
      // The last bytes are the offset of the next page, whose end libtiff takes for granted.
      ASSERT_EQ(Parsed::bytes(whole).result(), CLI_OK);
      for (size_t size = 4; size < whole.size() - (big_tiff ? 8 : 4); ++size)
        expect_refused(Parsed::bytes(whole.substr(0, size)), CLI_UNREADABLE, "");
    }
}

TEST(Tiff, PixelsOutsideTheFileAreRefused) {
  TiffFile file;
  file.pages[0].more[273] = {60000};
  expect_refused(Parsed::bytes(file.bytes()), CLI_UNREADABLE, "damaged TIFF (");
}

TEST(Tiff, DamagedCompressionIsRefused) {
  TiffFile file;
  file.pages[0].deflate = true;
  std::string bytes = file.bytes();
  bytes[8] = (char)~bytes[8]; // the first byte of the strip
  expect_refused(Parsed::bytes(bytes), CLI_UNREADABLE, "damaged TIFF (");
}

TEST(Tiff, PagesInACircleAreRefused) {
  TiffFile file;
  file.pages.push_back(file.pages[0]);
  std::string bytes = file.bytes();
  uint32_t first;
  memcpy(&first, bytes.data() + 4, 4);
  put(bytes, bytes.size() - 4, first, false);
  expect_refused(Parsed::bytes(bytes), CLI_UNREADABLE, "its pages do not end");
}

TEST(Tiff, AbsurdSizesAreRefusedBeforeAnythingIsAllocated) {
  const uint32_t sizes[][2] = {{0xffffffff, 0xffffffff}, {0x7fffffff, 1}, {1, 0x7fffffff}, {100000, 100000}};
  for (const auto &size : sizes)
    for (bool deflate : {false, true})
      for (bool tiled : {false, true}) {
        TiffFile file;
        file.pages[0].deflate = deflate;
        if (tiled)
          file.pages[0].tile_width = file.pages[0].tile_height = 16;
        std::string bytes = file.bytes();
        for (size_t at = 0; at + 12 <= bytes.size(); at += 2) { // the entries of width and height
          uint16_t tag, type;
          memcpy(&tag, bytes.data() + at, 2);
          memcpy(&type, bytes.data() + at + 2, 2);
          if ((tag == 256 || tag == 257) && type == 4)
            put(bytes, at + 8, size[tag - 256], false);
        }
        expect_refused(Parsed::bytes(bytes), CLI_UNREADABLE, "");
      }
}

// Tiles far wider than the picture cost as much to decode as a picture of their width.
TEST(Tiff, PaddingCountsAsPixels) {
  TiffFile file;
  file.pages[0].deflate = true;
  file.pages[0].width = 1;
  file.pages[0].pixels = "ab";
  file.pages[0].tile_width = file.pages[0].tile_height = 16;
  file.pages[0].more[257] = {60000}; // the height
  file.pages[0].more[322] = {16384}; // the width of a tile
  expect_refused(Parsed::bytes(file.bytes()), CLI_UNREADABLE, "ask for 983040000 bytes");
}

TEST(Tiff, BlocksMustNotShareTheirBytes) {
  TiffFile file;
  TiffPage &page = file.pages[0];
  page.width = 1;
  page.height = 64;
  page.pixels = std::string(64, 'x');
  page.tile_width = page.tile_height = 16;
  page.deflate = true;
  ASSERT_EQ(Parsed::bytes(file.bytes()).result(), CLI_OK);
  page.more[324] = {8, 8, 8, 8};
  page.more[325] = {100, 100, 100, 100};
  expect_refused(Parsed::bytes(file.bytes()), CLI_UNREADABLE, "more bytes than the file has");
}
