// DICOM files: forms, bits, scales, colours, places of frames, compressed frames, and what is refused.
#include "dicom_file.h"
#include "support.h"

#include <algorithm>
#include <array>

namespace {

std::string number(int64_t bits, int bytes, bool big_endian) {
  return bytes == 1   ? bytes_of((uint8_t)bits, big_endian)
         : bytes == 2 ? bytes_of((uint16_t)bits, big_endian)
                      : bytes_of((uint32_t)bits, big_endian);
}

// The functional groups of a frame: its place, and what else is given.
std::string frame_groups(const DicomFile &file, const std::vector<double> &position,
                         const std::string &more = "") {
  DicomFile place;
  place.elements.clear();
  place.numbers(0x00200032, position);
  place.implicit = file.implicit;
  return file.element(0x00209113, "SQ", file.sequence({place.set()})) + more;
}

// A column of pixel c at (h, w) of the frame at each depth of a multi-frame file, whose frames are 0, 1, 2, ...
std::vector<double> first_pixels(const Parsed &parsed) {
  std::vector<double> all;
  for (int64_t d = 0; d < parsed->tensor.shape[2]; ++d)
    all.push_back(parsed.at({0, 0, d}));
  return all;
}

// An enhanced file with one pixel a frame, of the frame's number.
DicomFile enhanced(const std::vector<std::vector<double>> &positions, bool undefined_lengths, bool implicit) {
  DicomFile file(1, 1);
  file.undefined_lengths = undefined_lengths;
  file.implicit = implicit;
  if (implicit)
    file.syntax = "1.2.840.10008.1.2";
  file.text(0x00280008, "IS", std::to_string(positions.size()));
  DicomFile plane, measures;
  plane.elements.clear();
  measures.elements.clear();
  plane.implicit = measures.implicit = implicit;
  plane.numbers(0x00200037, {1, 0, 0, 0, 1, 0});
  measures.numbers(0x00280030, {0.5, 0.25});
  file.elements[0x52009229] = {
      "SQ", file.sequence({file.element(0x00209116, "SQ", file.sequence({plane.set()})) +
                           file.element(0x00289110, "SQ", file.sequence({measures.set()}))})};
  std::vector<std::string> groups;
  std::string pixels;
  for (size_t frame = 0; frame < positions.size(); ++frame) {
    groups.push_back(frame_groups(file, positions[frame]));
    pixels += (char)frame;
  }
  file.elements[0x52009230] = {"SQ", file.sequence(groups)};
  file.pixels(pixels);
  return file;
}

// PackBits with literal runs alone, which is RLE of one segment: PS3.5, G.
std::string rle(const std::string &bytes) {
  std::string packed;
  for (size_t at = 0; at < bytes.size(); at += 128) {
    const std::string part = bytes.substr(at, 128);
    packed += std::string(1, (char)(part.size() - 1)) + part;
  }
  return packed + std::string(packed.size() % 2, '\0');
}

std::string rle_frame(const std::vector<std::string> &segments) {
  std::string header = bytes_of((uint32_t)segments.size(), false), body;
  for (size_t i = 0; i < 15; ++i) {
    header += bytes_of((uint32_t)(i < segments.size() ? 64 + body.size() : 0), false);
    body += i < segments.size() ? rle(segments[i]) : "";
  }
  return header + body;
}

} // namespace

TEST(Dicom, EveryFormAndWidthArrives) {
  for (int form = 0; form < 4; ++form) // little-endian, implicit, big-endian, implicit though it says explicit
    for (int bytes : {1, 2, 4})
      for (bool is_signed : {false, true}) {
        const int stored = 1 + random_below(8 * bytes),
                  high = stored - 1 + random_below(8 * bytes - stored + 1);
        SCOPED_TRACE("form " + std::to_string(form) + ", " + std::to_string(stored) + " bits up to " +
                     std::to_string(high) + " of " + std::to_string(8 * bytes) + (is_signed ? ", signed" : ""));
        const int columns = 1 + random_below(30), rows = 1 + random_below(30);
        DicomFile file(columns, rows, 8 * bytes);
        const char *const syntaxes[] = {"1.2.840.10008.1.2.1", "1.2.840.10008.1.2", "1.2.840.10008.1.2.2",
                                        "1.2.840.10008.1.2.1"};
        file.syntax = syntaxes[form];
        file.implicit = form & 1;
        file.big_endian = form == 2;
        file.words(0x00280101, stored);
        file.words(0x00280102, high);
        file.words(0x00280103, is_signed);
        std::string pixels;
        std::vector<double> expected;
        for (int i = 0; i < columns * rows; ++i) {
          const uint64_t bits = random_numbers()(),
                         value = bits >> (high + 1 - stored) & ((1ull << stored) - 1);
          pixels += number((int64_t)bits, bytes, file.big_endian);
          expected.push_back(is_signed && value >> (stored - 1) ? (double)value - std::ldexp(1, stored)
                                                                : (double)value);
        }
        file.pixels(pixels, bytes == 1 ? "OB" : "OW");
        Parsed parsed = Parsed::bytes(file.bytes());
        ASSERT_EQ(parsed.result(), CLI_OK) << parsed.reason();
        EXPECT_STREQ(parsed->format, "dicom");
        EXPECT_EQ(parsed->kind, SOURCE_IMAGE);
        EXPECT_EQ(parsed.dtype(), (is_signed ? "i" : "u") + std::to_string(8 * bytes));
        ASSERT_EQ(parsed.shape(), (std::vector<int64_t>{rows, columns}));
        for (int row = 0; row < rows; ++row)
          for (int column = 0; column < columns; ++column)
            ASSERT_EQ(parsed.at({row, column}), expected[(size_t)(row * columns + column)]);
      }
}

TEST(Dicom, BytesInBigEndianWordsAreSwapped) {
  DicomFile file(3, 1);
  file.syntax = "1.2.840.10008.1.2.2";
  file.big_endian = true;
  file.pixels(std::string("\2\1\0\3", 4)); // the words 0x0201 and 0x0003
  const Parsed parsed = Parsed::bytes(file.bytes());
  ASSERT_EQ(parsed.result(), CLI_OK) << parsed.reason();
  EXPECT_EQ(parsed.at({0, 0}), 1);
  EXPECT_EQ(parsed.at({0, 1}), 2);
  EXPECT_EQ(parsed.at({0, 2}), 3);
  const std::string whole =
      file.bytes(); // without the byte that fills the last word, no more than is there is read
  EXPECT_EQ(Parsed::bytes(whole.substr(0, whole.size() - 1)).result(), CLI_OK);
}

TEST(Dicom, FloatsArrive) {
  for (bool wide : {false, true}) {
    DicomFile file(2, 1, 32);
    file.elements.erase(0x7fe00010);
    const float f[] = {-1.5f, 2.25f};
    const double d[] = {-1.5, 2.25};
    file.elements[wide ? 0x7fe00009 : 0x7fe00008] = {
        wide ? "OD" : "OF", wide ? std::string((const char *)d, 16) : std::string((const char *)f, 8)};
    Parsed parsed = Parsed::bytes(file.bytes());
    ASSERT_EQ(parsed.result(), CLI_OK) << parsed.reason();
    EXPECT_EQ(parsed.dtype(), wide ? "f64" : "f32");
    EXPECT_EQ(parsed.at({0, 0}), -1.5);
    EXPECT_EQ(parsed.at({0, 1}), 2.25);
    file.text(0x00280004, "CS", "MONOCHROME1");
    EXPECT_EQ(Parsed::bytes(file.bytes()).at({0, 1}), -2.25);
  }
}

TEST(Dicom, NumbersAreRescaledAndInverted) {
  DicomFile file(2, 1, 16);
  file.words(0x00280101, 12);
  file.words(0x00280102, 11);
  file.pixels(number(100, 2, false) + number(0xf000 + 200, 2, false)); // above bit 11 lies something else
  file.numbers(0x00281053, {2});
  file.numbers(0x00281052, {-1024});
  Parsed scaled = Parsed::bytes(file.bytes());
  ASSERT_EQ(scaled.result(), CLI_OK) << scaled.reason();
  EXPECT_EQ(scaled.dtype(), "f32");
  EXPECT_EQ(scaled.at({0, 0}), -824);
  EXPECT_EQ(scaled.at({0, 1}), -624);
  file.text(0x00280004, "CS", "MONOCHROME1");
  EXPECT_EQ(Parsed::bytes(file.bytes()).at({0, 0}), 2 * (4095 - 100) - 1024);
  file.numbers(0x00281053, {1});
  file.numbers(0x00281052, {0});
  EXPECT_EQ(Parsed::bytes(file.bytes()).dtype(), "u16");
  EXPECT_EQ(Parsed::bytes(file.bytes()).at({0, 0}), 4095 - 100);
  file.words(0x00280103, 1);
  EXPECT_EQ(Parsed::bytes(file.bytes()).at({0, 0}), -1 - 100);
}

// PS3.3, C.11.2.1.2: a window of width w about c lies from c - 0.5 - (w - 1) / 2 to c - 0.5 + (w - 1) / 2.
TEST(Dicom, WindowsAreTheFiles) {
  DicomFile file(2, 1, 16);
  EXPECT_FALSE(Parsed::bytes(file.bytes())->windowed);
  file.numbers(0x00281050, {40, 1000});
  file.numbers(0x00281051, {400, 5});
  auto expect_window = [&](double lo, double hi) {
    const Parsed parsed = Parsed::bytes(file.bytes());
    ASSERT_TRUE(parsed->windowed);
    EXPECT_EQ(parsed->window[0], lo);
    EXPECT_EQ(parsed->window[1], hi);
  };
  expect_window(39.5 - 199.5, 39.5 + 199.5);
  file.text(0x00281056, "CS", "LINEAR_EXACT");
  expect_window(-160, 240);
  file.text(0x00280004, "CS", "MONOCHROME1"); // 65535 - x
  expect_window(65535 - 240, 65535 + 160);
  file.numbers(0x00281052, {-1000});
  file.numbers(0x00281053, {2}); // 2 (65535 - s) - 1000, where x is 2 s - 1000: 2 * 65535 - 2000 - x
  expect_window(131070 - 2000 - 240, 131070 - 2000 + 160);
  file.text(0x00281056, "CS", "SIGMOID");
  EXPECT_FALSE(Parsed::bytes(file.bytes())->windowed);
  file.text(0x00281056, "CS", "LINEAR");
  file.numbers(0x00281051, {0});
  EXPECT_FALSE(Parsed::bytes(file.bytes())->windowed);
}

TEST(Dicom, ColoursArriveBesideEachOtherOrPlaneByPlane) {
  for (int bytes : {1, 2})
    for (bool planar : {false, true}) {
      DicomFile file(4, 2, 8 * bytes);
      file.words(0x00280002, 3);
      file.text(0x00280004, "CS", "RGB");
      file.words(0x00280006, planar);
      std::string pixels;
      for (int i = 0; i < 24; ++i)
        pixels += number(i, bytes, false);
      file.pixels(pixels);
      Parsed parsed = Parsed::bytes(file.bytes());
      ASSERT_EQ(parsed.result(), CLI_OK) << parsed.reason();
      EXPECT_EQ(parsed->kind, SOURCE_BATCH);
      ASSERT_EQ(parsed.shape(), (std::vector<int64_t>{1, 3, 2, 4}));
      for (int64_t c = 0; c < 3; ++c)
        for (int64_t row = 0; row < 2; ++row)
          for (int64_t column = 0; column < 4; ++column) {
            const int64_t pixel = column + 4 * row;
            EXPECT_EQ(parsed.at({0, c, row, column}), (double)(planar ? pixel + 8 * c : c + 3 * pixel));
          }
    }
}

TEST(Dicom, IndicesOfAPaletteBecomeColours) {
  for (int variant = 0; variant < 16; ++variant) {
    const bool wide = variant & 1, words = variant & 2, is_signed = variant & 4, big_endian = variant & 8;
    SCOPED_TRACE(variant);
    if (wide && !words)
      continue;
    const int first = is_signed ? -3 : 7, count = 6;
    DicomFile file(10, 1, 16);
    file.big_endian = big_endian;
    file.syntax = big_endian ? "1.2.840.10008.1.2.2" : file.syntax;
    file.words(0x00280103, is_signed);
    file.text(0x00280004, "CS", "PALETTE COLOR");
    std::vector<double> tables[3];
    for (uint32_t channel = 0; channel < 3; ++channel) {
      file.elements[0x00281101 + channel] = {is_signed ? "SS" : "US",
                                             file.u16(count) + file.u16(first) + file.u16(wide ? 16 : 8)};
      if (big_endian && !is_signed) // which element() turns round again
        for (size_t i = 0; i < 6; i += 2)
          std::swap(file.elements[0x00281101 + channel].second[i],
                    file.elements[0x00281101 + channel].second[i + 1]);
      std::string numbers;
      for (int i = 0; i < count; ++i) {
        tables[channel].push_back(random_below(wide ? 65536 : 256));
        numbers += words ? file.u16((int)tables[channel].back()) : std::string(1, (char)tables[channel].back());
      }
      file.elements[0x00281201 + channel] = {"OW", numbers};
    }
    std::string pixels;
    for (int i = 0; i < 10; ++i) // two beyond each end
      pixels += number(first - 2 + i, 2, big_endian);
    file.pixels(pixels);
    const Parsed parsed = Parsed::bytes(file.bytes());
    ASSERT_EQ(parsed.result(), CLI_OK) << parsed.reason();
    EXPECT_EQ(parsed.dtype(), wide ? "u16" : "u8");
    ASSERT_EQ(parsed.shape(), (std::vector<int64_t>{1, 3, 1, 10}));
    for (int64_t c = 0; c < 3; ++c)
      for (int64_t i = 0; i < 10; ++i)
        EXPECT_EQ(parsed.at({0, c, 0, i}),
                  tables[c][(size_t)std::min<int64_t>(5, std::max<int64_t>(0, i - 2))]);
    file.elements[0x00281202].second.resize(4); // too short
    expect_refused(Parsed::bytes(file.bytes()), CLI_UNSUPPORTED, "its DICOM palette");
  }
}

// Against the formula with all its digits: Y = 0.299 R + 0.587 G + 0.114 B, Cb and Cr scaled to a byte.
TEST(Dicom, YbrBecomesRgb) {
  for (bool halves : {false, true}) { // two pixels of the same colour, of which the second has none of its own
    DicomFile file(200, 2);
    file.words(0x00280002, 3);
    file.text(0x00280004, "CS", halves ? "YBR_FULL_422" : "YBR_FULL");
    file.text(0x00280008, "IS", "2");
    std::string pixels;
    std::vector<double> expected;
    for (int i = 0; i < 800; ++i) {
      const double r = random_below(256), g = random_below(256), b = random_below(256);
      const double y = 0.299 * r + 0.587 * g + 0.114 * b;
      const char luma = (char)std::lround(y), blue = (char)std::min(255l, std::lround((b - y) / 1.772 + 128)),
                 red = (char)std::min(255l, std::lround((r - y) / 1.402 + 128));
      if (halves && i % 2 == 1) {
        for (int c = 0; c < 3; ++c)
          expected.push_back(expected[expected.size() - 3]);
        continue;
      }
      pixels += halves ? std::string{luma, luma, blue, red} : std::string{luma, blue, red};
      for (double sample : {r, g, b})
        expected.push_back(sample);
    }
    file.pixels(pixels);
    const Parsed parsed = Parsed::bytes(file.bytes());
    ASSERT_EQ(parsed.result(), CLI_OK) << parsed.reason();
    for (int64_t i = 0; i < 800; ++i)
      for (int64_t c = 0; c < 3; ++c) // each sample was rounded by half, and what is made of it again
        EXPECT_NEAR(parsed.at({c, i / 200 % 2, i % 200, i / 400}), expected[(size_t)(3 * i + c)], 2);
  }
}

TEST(Dicom, PicturesAreOrientedAndSpaced) {
  DicomFile file(3, 2);
  std::string pixels;
  for (int i = 0; i < 6; ++i)
    pixels += (char)i;
  file.pixels(pixels);
  file.numbers(0x00280030, {3, 2}); // of rows, of columns
  Parsed plain = Parsed::bytes(file.bytes());
  EXPECT_FALSE(plain->oriented);
  EXPECT_EQ(plain->spacing[0], 3);
  EXPECT_EQ(plain->spacing[1], 2);
  EXPECT_EQ(plain.at({1, 0}), 3);
  file.numbers(0x00200032, {1, 2, 3});
  file.numbers(0x00200037, {-1, 0, 0, 0, -1, 0}); // upside down: rows to the right, columns to the front
  Parsed turned = Parsed::bytes(file.bytes());
  EXPECT_TRUE(turned->oriented);
  EXPECT_EQ(turned.at({1, 0}), 2);
  EXPECT_EQ(turned.at({0, 2}), 3);
  file.elements.erase(0x00280030);
  file.numbers(0x00181164, {5, 4}); // at the detector
  EXPECT_EQ(Parsed::bytes(file.bytes())->spacing[0], 5);
}

TEST(Dicom, FramesAreOrderedByTheirPositions) {
  for (int variant = 0; variant < 4; ++variant) {
    const Parsed parsed = Parsed::bytes(
        enhanced({{0, 0, 4}, {0, 0, -2}, {0, 0, 6}, {0, 0, 0}, {0, 0, 2}}, variant & 1, variant & 2).bytes());
    ASSERT_EQ(parsed.result(), CLI_OK) << parsed.reason();
    EXPECT_EQ(parsed->kind, SOURCE_VOLUME);
    EXPECT_TRUE(parsed->oriented);
    EXPECT_EQ(first_pixels(parsed), (std::vector<double>{1, 3, 4, 0, 2}));
    EXPECT_EQ(parsed->spacing[0], 0.5);
    EXPECT_EQ(parsed->spacing[1], 0.25);
    EXPECT_EQ(parsed->spacing[2], 2);
    EXPECT_EQ(parsed.warning(), "");
  }
}

TEST(Dicom, SeveralFramesAtEachPositionAreASeries) {
  const Parsed parsed = Parsed::bytes(
      enhanced({{0, 0, 2}, {0, 0, 1}, {0, 0, 2}, {0, 0, 1}, {0, 0, 1}, {0, 0, 2}}, false, false).bytes());
  ASSERT_EQ(parsed.result(), CLI_OK) << parsed.reason();
  ASSERT_EQ(parsed.shape(), (std::vector<int64_t>{3, 1, 1, 2}));
  const double expected[3][2] = {{1, 0}, {3, 2}, {4, 5}};
  for (int64_t t = 0; t < 3; ++t)
    for (int64_t d = 0; d < 2; ++d)
      EXPECT_EQ(parsed.at({t, 0, 0, d}), expected[t][d]);
  expect_refused(Parsed::bytes(enhanced({{0, 0, 1}, {0, 0, 2}, {0, 0, 2}}, false, false).bytes()),
                 CLI_UNSUPPORTED, "3 DICOM slices lie at 2 places");
}

TEST(Dicom, DistancesThatDifferAreSaid) {
  const Parsed parsed = Parsed::bytes(enhanced({{0, 0, 0}, {0, 0, 1}, {0, 0, 3}}, false, false).bytes());
  ASSERT_EQ(parsed.result(), CLI_OK) << parsed.reason();
  EXPECT_EQ(parsed.warning(), "its slices are 1 to 2 mm from each other; they are shown as if all were 1.5 mm");
}

TEST(Dicom, FramesWithoutPositionsKeepTheirOrder) {
  DicomFile file(1, 1);
  file.text(0x00280008, "IS", "4");
  file.pixels(std::string("\3\1\2\0", 4));
  EXPECT_EQ(first_pixels(Parsed::bytes(file.bytes())), (std::vector<double>{3, 1, 2, 0}));
  file.numbers(0x00200032, {0, 0, 10}); // of one frame alone
  file.numbers(0x00200037, {1, 0, 0, 0, 1, 0});
  const Parsed loop = Parsed::bytes(file.bytes());
  EXPECT_EQ(first_pixels(loop), (std::vector<double>{3, 1, 2, 0}));
  EXPECT_FALSE(loop->oriented);
  file.numbers(0x3004000c, {0, -1.5, -3, -4.5}); // a grid of dose
  const Parsed dose = Parsed::bytes(file.bytes());
  EXPECT_TRUE(dose->oriented);
  EXPECT_EQ(dose->spacing[2], 1.5);
  EXPECT_EQ(first_pixels(dose), (std::vector<double>{0, 2, 1, 3}));
}

TEST(Dicom, RleFramesAreUnpacked) {
  DicomFile file(3, 2, 16);
  file.syntax = "1.2.840.10008.1.2.5";
  file.text(0x00280008, "IS", "2");
  const std::string high("\0\1\2\3\4\5", 6), low("abcdef", 6);
  const std::string one = rle_frame({high, low}), two = rle_frame({low, high});
  const std::string table = bytes_of((uint32_t)0, false) + bytes_of((uint32_t)(8 + one.size()), false);
  for (int variant = 0; variant < 2; ++variant) {
    file.fragments({one, two}, variant ? table : "");
    Parsed parsed = Parsed::bytes(file.bytes());
    ASSERT_EQ(parsed.result(), CLI_OK) << parsed.reason();
    ASSERT_EQ(parsed.shape(), (std::vector<int64_t>{2, 3, 2}));
    for (int64_t i = 0; i < 6; ++i) {
      EXPECT_EQ(parsed.at({i / 3, i % 3, 0}), (double)(i * 256 + 'a' + i));
      EXPECT_EQ(parsed.at({i / 3, i % 3, 1}), (double)(('a' + i) * 256 + i));
    }
  }
}
