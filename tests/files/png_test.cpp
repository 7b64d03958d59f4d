// PNG files of every kind, made without libpng, and damaged ones.
#include "png_file.h"
#include "support.h"

#include <sys/resource.h>

namespace {

PngFile random_file(int colour, int depth, bool interlaced) {
  PngFile file;
  file.colour = colour;
  file.depth = depth;
  file.interlaced = interlaced;
  file.width = (uint32_t)(1 + random_below(21));
  file.height = (uint32_t)(1 + random_below(21));
  file.samples.clear();
  for (uint32_t i = 0; i < file.width * file.height * (uint32_t)file.samples_per_pixel(); ++i)
    file.samples.push_back(random_below(1 << depth));
  return file;
}

// What one stored number looks like: depths below 8 spread over 0 .. 255.
int shown(const PngFile &file, int sample) {
  return file.depth < 8 ? sample * 255 / ((1 << file.depth) - 1) : sample;
}

// Of this process since it began.
long most_resident_kibibytes() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

} // namespace

TEST(Png, EveryColourTypeAndDepthArrives) {
  const int kinds[][2] = {{0, 1},  {0, 2}, {0, 4},  {0, 8}, {0, 16}, {2, 8},
                          {2, 16}, {4, 8}, {4, 16}, {6, 8}, {6, 16}};
  for (const auto &kind : kinds)
    for (int round = 0; round < 20; ++round) {
      const PngFile file = random_file(kind[0], kind[1], round & 1);
      SCOPED_TRACE("colour " + std::to_string(file.colour) + " depth " + std::to_string(file.depth) + " size " +
                   std::to_string(file.width) + " x " + std::to_string(file.height));
      const bool colour = file.colour & 2;
      const int stored = file.samples_per_pixel(); // alpha, the last one, is dropped
      Parsed parsed = Parsed::bytes(file.bytes());
      ASSERT_EQ(parsed.result(), CLI_OK) << parsed.reason();
      EXPECT_STREQ(parsed->format, "png");
      EXPECT_EQ(parsed.dtype(), file.depth == 16 ? "u16" : "u8");
      EXPECT_EQ(parsed->kind, colour ? SOURCE_BATCH : SOURCE_IMAGE);
      EXPECT_EQ(parsed.shape(), colour ? (std::vector<int64_t>{1, 3, file.height, file.width})
                                       : (std::vector<int64_t>{file.height, file.width}));
      for (uint32_t y = 0; y < file.height; ++y)
        for (uint32_t x = 0; x < file.width; ++x)
          for (int c = 0; c < (colour ? 3 : 1); ++c) {
            const int sample = file.samples[(y * file.width + x) * (uint32_t)stored + (uint32_t)c];
            ASSERT_EQ(parsed.at(colour ? std::vector<int64_t>{0, c, y, x} : std::vector<int64_t>{y, x}),
                      shown(file, sample));
          }
    }
}

TEST(Png, PalettesBecomeColours) {
  for (int depth : {1, 2, 4, 8}) {
    PngFile file = random_file(3, depth, depth == 2);
    std::string palette;
    for (int i = 0; i < 3 << depth; ++i)
      palette += (char)random_below(256);
    file.extra = PngFile::chunk("PLTE", palette) + PngFile::chunk("tRNS", std::string(1, '\x7f'));
    Parsed parsed = Parsed::bytes(file.bytes());
    ASSERT_EQ(parsed.result(), CLI_OK) << parsed.reason();
    EXPECT_EQ(parsed.dtype(), "u8");
    ASSERT_EQ(parsed.shape(), (std::vector<int64_t>{1, 3, file.height, file.width}));
    for (uint32_t y = 0; y < file.height; ++y)
      for (uint32_t x = 0; x < file.width; ++x)
        for (int c = 0; c < 3; ++c)
          ASSERT_EQ(parsed.at({0, c, y, x}),
                    (uint8_t)palette[(size_t)(3 * file.samples[y * file.width + x] + c)]);
  }
}

TEST(Png, ATransparentGreyStaysGrey) {
  PngFile file;
  file.extra = PngFile::chunk("tRNS", std::string("\0\1", 2));
  Parsed parsed = Parsed::bytes(file.bytes());
  ASSERT_EQ(parsed.result(), CLI_OK) << parsed.reason();
  EXPECT_EQ(parsed.shape(), (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(parsed.at({0, 0}), 1);
}

TEST(Png, SpacingComesFromPhys) {
  const struct {
    uint32_t x, y;
    char unit;
    double rows, columns;
  } cases[] = {{1000, 500, 1, 2, 1}, {2, 1, 0, 1, 0.5}, {3, 3, 0, 1, 1}, {0, 5, 1, 1, 1}};
  for (const auto &spacing : cases) {
    PngFile file;
    file.extra = PngFile::chunk("pHYs", bytes_of(spacing.x, true) + bytes_of(spacing.y, true) + spacing.unit);
    Parsed parsed = Parsed::bytes(file.bytes());
    ASSERT_EQ(parsed.result(), CLI_OK) << parsed.reason();
    EXPECT_EQ(parsed->spacing[0], spacing.rows);
    EXPECT_EQ(parsed->spacing[1], spacing.columns);
    EXPECT_EQ(parsed->spacing[2], 1);
  }
}

TEST(Png, EveryCutIsRefused) {
  for (bool interlaced : {false, true}) {
    PngFile file;
    file.interlaced = interlaced;
    const std::string whole = file.bytes();
    ASSERT_EQ(Parsed::bytes(whole).result(), CLI_OK);
    for (size_t size = 8; size < whole.size(); ++size)
      expect_refused(Parsed::bytes(whole.substr(0, size)), CLI_UNREADABLE, "damaged PNG (");
  }
}

TEST(Png, DamagedPixelsAreRefused) {
  const std::string whole = PngFile().bytes();
  for (size_t at = whole.find("IDAT") + 4; at < whole.find("IEND") - 4; ++at) {
    std::string damaged = whole;
    damaged[at] = (char)~damaged[at];
    expect_refused(Parsed::bytes(damaged), CLI_UNREADABLE, "damaged PNG (");
  }
}

TEST(Png, TooFewRowsAreRefused) {
  PngFile file;
  const std::string bytes = PngFile::signature() + PngFile::chunk("IHDR", file.header()) +
                            PngFile::chunk("IDAT", deflated(file.rows().substr(0, 4))) +
                            PngFile::chunk("IEND", "");
  expect_refused(Parsed::bytes(bytes), CLI_UNREADABLE, "damaged PNG (");
}

TEST(Png, WrongHeadersAreRefused) {
  PngFile file;
  file.depth = 3;
  expect_refused(Parsed::bytes(file.bytes()), CLI_UNREADABLE, "damaged PNG (");
  file.depth = 8;
  file.colour = 5;
  expect_refused(Parsed::bytes(file.bytes()), CLI_UNREADABLE, "damaged PNG (");
  file.colour = 3; // without its palette
  expect_refused(Parsed::bytes(file.bytes()), CLI_UNREADABLE, "damaged PNG (");
}

TEST(Png, AbsurdSizesAreRefusedBeforeAnythingIsAllocated) {
  const uint32_t sizes[][2] = {
      {0, 1}, {1, 0}, {0x7fffffff, 0x7fffffff}, {0xffffffff, 1}, {1000000, 1000000}, {1000000, 1000}};
  for (const auto &size : sizes) {
    PngFile file;
    std::string header = bytes_of(size[0], true) + bytes_of(size[1], true) + file.header().substr(8);
    const std::string bytes = PngFile::signature() + PngFile::chunk("IHDR", header) +
                              PngFile::chunk("IDAT", deflated(file.rows())) + PngFile::chunk("IEND", "");
    expect_refused(Parsed::bytes(bytes), CLI_UNREADABLE,
                   size[0] == 1000000 ? "can hold only" : "damaged PNG (");
  }
}

// Until now libpng allocated and cleared what such a chunk claims: 2 GiB for 59 bytes.
TEST(Png, ChunksLongerThanTheFileAreRefusedWithoutTheirMemory) {
  for (const char *type : {"tEXt", "zTXt", "iTXt", "iCCP", "sPLT", "eXIf", "hIST", "pCAL", "sCAL", "tIME",
                           "pHYs", "tRNS", "PLTE", "IDAT", "prIv"})
    for (uint32_t claimed : {100u, 1u << 20, 0x7ffffffeu, 0x7fffffffu})
      for (bool behind : {false, true}) {
        SCOPED_TRACE(type + (" of " + std::to_string(claimed)) + (behind ? " behind the pixels" : ""));
        const PngFile file;
        std::string bytes = PngFile::signature() + PngFile::chunk("IHDR", file.header());
        if (behind)
          bytes += PngFile::chunk("IDAT", deflated(file.rows()));
        bytes += bytes_of(claimed, true) + type + std::string("a\0b", 3) + std::string(15, '\0');
        expect_refused(Parsed::bytes(bytes), CLI_UNREADABLE, "damaged PNG (");
      }
  EXPECT_LT(most_resident_kibibytes(), 256 << 10);
}

// A megabyte of text in a kilobyte, many times over.
TEST(Png, TextsAreNotUnpacked) {
  PngFile file;
  const std::string text =
      PngFile::chunk("zTXt", std::string("key\0\0", 5) + deflated(std::string(2 << 20, 'x')));
  for (int i = 0; i < 1000; ++i)
    file.extra += text;
  Parsed parsed = Parsed::bytes(file.bytes());
  EXPECT_EQ(parsed.result(), CLI_OK) << parsed.reason();
  EXPECT_LT(most_resident_kibibytes(), 256 << 10); // all of them would be 2 GiB
}

TEST(Png, LongTextsAndProfilesAreSkipped) {
  for (const char *type : {"tEXt", "iCCP", "eXIf", "prIv"}) {
    PngFile file;
    file.extra = PngFile::chunk(type, "key" + std::string(3 << 20, '\0')) +
                 PngFile::chunk("pHYs", bytes_of(2u, true) + bytes_of(1u, true) + '\0');
    Parsed parsed = Parsed::bytes(file.bytes());
    ASSERT_EQ(parsed.result(), CLI_OK) << type << ": " << parsed.reason();
    EXPECT_EQ(parsed.at({1, 2}), 6);
    EXPECT_EQ(parsed->spacing[1], 0.5);
  }
}
