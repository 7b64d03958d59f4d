// Directories of DICOM files: one series is a volume, and what is none is refused.
#include "dicom_file.h"
#include "directory.h"
#include "support.h"

#include <sys/stat.h>

#include <algorithm>

namespace {

// A slice of 3 x 2 pixels at a height, all of the value `number`.
DicomFile slice(double height, int number) {
  DicomFile file(3, 2);
  file.numbers(0x00200032, {10, 20, height});
  file.numbers(0x00200037, {1, 0, 0, 0, 1, 0});
  file.numbers(0x00280030, {0.5, 0.25});
  file.pixels(std::string(6, (char)number));
  return file;
}

class DicomDirectory : public Directory {
protected:
  void store_file(const std::string &name, const DicomFile &one) { store(name, one.bytes()); }
  Parsed parse() { return Parsed::file(directory_); }

  static std::vector<double> slices_of(const Parsed &parsed) {
    std::vector<double> all;
    for (int64_t d = 0; d < parsed->tensor.shape[2]; ++d)
      all.push_back(parsed.at({1, 2, d}));
    return all;
  }
};

} // namespace

TEST_F(DicomDirectory, SlicesAreOrderedByPosition) {
  std::vector<int> numbers(20);
  for (int i = 0; i < 20; ++i)
    numbers[(size_t)i] = i;
  std::shuffle(numbers.begin(), numbers.end(), random_numbers());
  for (int i = 0; i < 20; ++i) { // named and numbered in one order, lying in another
    DicomFile file = slice(-5 + 1.5 * numbers[(size_t)i], numbers[(size_t)i]);
    file.text(0x00200013, "IS", std::to_string(100 - i));
    store_file("IM" + std::to_string(i), file);
  }
  const Parsed parsed = parse();
  ASSERT_EQ(parsed.result(), CLI_OK) << parsed.reason();
  EXPECT_STREQ(parsed->format, "dicom");
  EXPECT_EQ(parsed->kind, SOURCE_VOLUME);
  EXPECT_TRUE(parsed->oriented);
  ASSERT_EQ(parsed.shape(), (std::vector<int64_t>{2, 3, 20}));
  for (int64_t d = 0; d < 20; ++d)
    EXPECT_EQ(parsed.at({0, 0, d}), (double)d);
  EXPECT_EQ(parsed->spacing[0], 0.5);
  EXPECT_EQ(parsed->spacing[1], 0.25);
  EXPECT_NEAR(parsed->spacing[2], 1.5, 1e-9);
  EXPECT_EQ(parsed.warning(), "");
  const double place[3] = {-10, -20, -5}; // of the first voxel, to the right, to anterior, to superior
  for (size_t row = 0; row < 3; ++row)
    EXPECT_NEAR(parsed->grid.affine[row][3], place[row], 1e-9);
}

TEST_F(DicomDirectory, EachFileIsScaledByItsOwn) {
  for (int i = 0; i < 3; ++i) {
    DicomFile file = slice(i, 10 + i);
    file.numbers(0x00281053, {i == 1 ? 1.0 : 2.0});
    file.numbers(0x00281052, {i == 1 ? 0.0 : -100.0});
    store_file("IM" + std::to_string(i), file);
  }
  const Parsed parsed = parse();
  ASSERT_EQ(parsed.result(), CLI_OK) << parsed.reason();
  EXPECT_EQ(parsed.dtype(), "f32");
  EXPECT_EQ(slices_of(parsed), (std::vector<double>{-80, 11, -76}));
}

TEST_F(DicomDirectory, TheWindowIsThatOfTheSliceInTheMiddle) {
  for (int i = 0; i < 3; ++i) {
    DicomFile file = slice(i, i);
    file.numbers(0x00281050, {10.5 + i});
    file.numbers(0x00281051, {5});
    store_file("IM" + std::to_string(i), file);
  }
  const Parsed parsed = parse();
  ASSERT_TRUE(parsed->windowed);
  EXPECT_EQ(parsed->window[0], 9);
  EXPECT_EQ(parsed->window[1], 13);
}

TEST_F(DicomDirectory, SeveralFilesAtEachPositionAreASeries) {
  for (int t = 0; t < 3; ++t)
    for (int d = 0; d < 2; ++d) {
      DicomFile file = slice(d, 10 * t + d);
      file.text(0x00200013, "IS", std::to_string(t + 1));
      store_file("IM" + std::to_string(d) + std::to_string(2 - t), file);
    }
  const Parsed parsed = parse();
  ASSERT_EQ(parsed.result(), CLI_OK) << parsed.reason();
  ASSERT_EQ(parsed.shape(), (std::vector<int64_t>{3, 2, 3, 2}));
  for (int64_t t = 0; t < 3; ++t)
    for (int64_t d = 0; d < 2; ++d)
      EXPECT_EQ(parsed.at({t, 1, 1, d}), (double)(10 * t + d));
  unlink(file("IM00").c_str());
  expect_refused(parse(), CLI_UNSUPPORTED, "its 5 DICOM slices lie at 2 places");
}

TEST_F(DicomDirectory, ColoursMakeAVolumeToo) {
  for (int i = 0; i < 2; ++i) {
    DicomFile file = slice(i, 0);
    file.words(0x00280002, 3);
    file.text(0x00280004, "CS", "RGB");
    std::string pixels;
    for (int sample = 0; sample < 18; ++sample)
      pixels += (char)(100 * i + sample);
    file.pixels(pixels);
    store_file(i ? "a" : "b", file);
  }
  const Parsed parsed = parse();
  ASSERT_EQ(parsed.result(), CLI_OK) << parsed.reason();
  ASSERT_EQ(parsed.shape(), (std::vector<int64_t>{3, 2, 3, 2}));
  EXPECT_EQ(parsed.at({2, 1, 0, 1}), 100 + 2 + 3 * 3);
}

TEST_F(DicomDirectory, WithoutPositionsInstanceNumbersOrder) {
  for (int i = 0; i < 12; ++i) {
    DicomFile file(3, 2);
    file.pixels(std::string(6, (char)i));
    file.text(0x00200013, "IS", std::to_string(i));
    store_file("IM" + std::to_string(i), file); // by name 1, 10, 11, 2
  }
  const Parsed parsed = parse();
  ASSERT_EQ(parsed.result(), CLI_OK) << parsed.reason();
  EXPECT_FALSE(parsed->oriented);
  EXPECT_EQ(slices_of(parsed), (std::vector<double>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}));
  store_file("IM2", slice(0, 2));
  expect_refused(parse(), CLI_UNSUPPORTED, "11 of its 12 DICOM slices do not say where they lie");
}

TEST_F(DicomDirectory, OneFileIsAnImage) {
  store_file("IM", slice(0, 1));
  EXPECT_EQ(parse()->kind, SOURCE_IMAGE);
}

TEST_F(DicomDirectory, OtherFilesAreLeftOut) {
  DicomFile report, list;
  report.elements.erase(0x7fe00010);
  list = report;
  list.storage = "1.2.840.10008.1.3.10";
  store("empty", "");
  store("notes", std::string(1000, 'x'));
  store(".hidden", "");
  store_file("DICOMDIR", list);
  store_file("SR", report);
  expect_refused(parse(), CLI_UNREADABLE, "a directory without DICOM pictures among its 4 files");
  store_file("IM1", slice(1, 1));
  store_file("IM2", slice(2, 2));
  ASSERT_EQ(mkdir(file("inside").c_str(), 0700), 0);
  const Parsed parsed = parse();
  ASSERT_EQ(parsed.result(), CLI_OK) << parsed.reason();
  EXPECT_EQ(slices_of(parsed), (std::vector<double>{1, 2}));
  EXPECT_EQ(parsed.warning(), "4 of its files are no DICOM pictures; they are ignored");
  rmdir(file("inside").c_str());
}

TEST_F(DicomDirectory, SeveralSeriesAreNamed) {
  for (int i = 0; i < 5; ++i) {
    DicomFile file = slice(i, i);
    file.text(0x0020000e, "UI", i < 3 ? "1.2.3" : "1.2.4");
    file.text(0x00200011, "IS", i < 3 ? "7" : "8");
    file.text(0x0008103e, "LO", i < 3 ? "T1 axial" : "T2\naxial");
    store_file("IM" + std::to_string(i), file);
  }
  expect_refused(
      parse(), CLI_UNSUPPORTED,
      "it has several DICOM series, 7 'T1 axial' (3 files), 8 'T2?axial' (2 files); a directory of one");
  for (int i = 0; i < 30; ++i) {
    DicomFile file = slice(i, i);
    file.text(0x0020000e, "UI", "1.2.3." + std::to_string(i));
    file.text(0x0008103e, "LO", std::string(64, 'x'));
    store_file("IM" + std::to_string(i), file);
  }
  expect_refused(parse(), CLI_UNSUPPORTED, ", ...; a directory of one");
}

TEST_F(DicomDirectory, WhatIsNoVolumeIsRefused) {
  auto expect = [&](const DicomFile &second, cli_result result, const std::string &part) {
    store_file("IM1", slice(1, 1));
    store_file("IM2", second);
    SCOPED_TRACE(part);
    expect_refused(parse(), result, part);
  };
  DicomFile wide(4, 2), words(3, 2, 16), turned = slice(2, 2), coarse = slice(2, 2), damaged = slice(2, 2);
  expect(wide, CLI_UNSUPPORTED, "'IM1' and 'IM2' have pictures of 3 x 2 and 4 x 2 pixels");
  expect(words, CLI_UNSUPPORTED, "'IM1' and 'IM2' have pixels of different kinds");
  turned.numbers(0x00200037, {0, 1, 0, 0, 0, 1});
  expect(turned, CLI_UNSUPPORTED, "not parallel");
  coarse.numbers(0x00280030, {0.5, 0.5});
  expect(coarse, CLI_UNSUPPORTED, "different spacing, 0.25 and 0.5 mm");
  damaged.words(0x00280101, 9);
  expect(damaged, CLI_UNREADABLE, "its file 'IM2': its DICOM pixels are said to have 9 bits");
  const std::string whole = slice(2, 2).bytes();
  for (size_t cut : {30, 3}) { // before the pixels, and inside them
    store("IM2", whole.substr(0, whole.size() - cut));
    expect_refused(parse(), CLI_UNREADABLE, "its file 'IM2': cut off");
  }
}
