// DICOM files that are refused: of other kinds, cut off, and made to hurt.
#include "dicom_file.h"
#include "support.h"

extern "C" {
#include "dicom_codec.h"
}

namespace {

bool jpeg_is_there() { return dicom_jpeg_is_there("JPEG", {nullptr, 0}) == CLI_OK; }

DicomFile with(uint32_t tag, int number) {
  DicomFile file(3, 2, 16);
  file.words(tag, number);
  return file;
}

DicomFile packed(const std::string &syntax, const std::vector<std::string> &fragments,
                 const std::string &table = "") {
  DicomFile file;
  file.syntax = syntax;
  file.fragments(fragments, table);
  return file;
}

const char *const jpeg = "1.2.840.10008.1.2.4.50";

// A picture's header alone: the frame segment of Baseline JPEG.
std::string jpeg_of(int rows, int columns, int components) {
  return std::string("\xff\xd8\xff\xc0\0\x0b\x08", 7) + bytes_of((uint16_t)rows, true) +
         bytes_of((uint16_t)columns, true) + std::string(1, (char)components) + std::string(40, '\1');
}

// A frame of 6 bytes in one segment.
DicomFile rle(const std::string &segment, uint32_t offset = 64) {
  std::string header = bytes_of((uint32_t)1, false) + bytes_of(offset, false);
  header.resize(64);
  return packed("1.2.840.10008.1.2.5", {header + segment});
}

} // namespace

TEST(DicomRefused, OtherKindsByName) {
  DicomFile palette, modality, colours(3, 2, 32), directory, report, zero_slope, no_syntax, deflated;
  palette.text(0x00280004, "CS", "PALETTE COLOR");
  modality.elements[0x00283000] = {"SQ", ""};
  modality.undefined_lengths = false;
  colours.words(0x00280002, 3);
  colours.text(0x00280004, "CS", "RGB");
  directory.storage = "1.2.840.10008.1.3.10";
  directory.elements.erase(0x7fe00010);
  report.elements.erase(0x7fe00010);
  zero_slope.numbers(0x00281053, {0});
  no_syntax.syntax = "";
  deflated.syntax = "1.2.840.10008.1.2.1.99";
  DicomFile frames;
  frames.text(0x00280008, "IS", "0");
  DicomFile half(3, 2);
  half.words(0x00280002, 3);
  half.text(0x00280004, "CS", "YBR_FULL_422");
  const struct {
    DicomFile file;
    cli_result result;
    std::string part;
  } cases[] = {{palette, CLI_UNSUPPORTED, "its DICOM palette is none of three tables"},
               {modality, CLI_UNSUPPORTED, "modality lookup table"},
               {colours, CLI_UNSUPPORTED, "colours of 32 bits"},
               {half, CLI_UNREADABLE, "3 columns, an odd number"},
               {directory, CLI_UNSUPPORTED, "DICOMDIR"},
               {report, CLI_UNSUPPORTED, "without pixels"},
               {zero_slope, CLI_UNREADABLE, "rescale slope is 0"},
               {no_syntax, CLI_UNREADABLE, "no transfer syntax"},
               {deflated, CLI_UNSUPPORTED, "Deflated"},
               {frames, CLI_UNREADABLE, "0 frames"},
               {with(0x00280010, 0), CLI_UNREADABLE, "0 rows"},
               {with(0x00280011, 0), CLI_UNREADABLE, "0 columns"},
               {with(0x00280010, 3), CLI_UNREADABLE, "cut off"},
               {with(0x00280002, 3), CLI_UNREADABLE, "MONOCHROME2 with 3 samples"},
               {with(0x00280100, 1), CLI_UNSUPPORTED, "of 1 bits"},
               {with(0x00280100, 24), CLI_UNSUPPORTED, "of 24 bits"},
               {with(0x00280101, 17), CLI_UNREADABLE, "17 bits up to bit 15 of 16"},
               {with(0x00280101, 0), CLI_UNREADABLE, "0 bits"},
               {with(0x00280102, 16), CLI_UNREADABLE, "up to bit 16"},
               {with(0x00280102, 14), CLI_UNREADABLE, "up to bit 14"},
               {packed("1.2.840.10008.1.2.4.90", {"x"}), CLI_UNSUPPORTED, "syntax JPEG 2000 Lossless are not"},
               {packed("1.2.840.10008.1.2.4.999", {"x"}), CLI_UNSUPPORTED, "1.2.840.10008.1.2.4.999"}};
  for (const auto &one : cases) {
    SCOPED_TRACE(one.part);
    expect_refused(Parsed::bytes(one.file.bytes()), one.result, one.part);
    expect_refused(Parsed::bytes(gzip(one.file.bytes())), one.result, one.part == "cut off" ? "" : one.part);
  }
}

TEST(DicomRefused, EveryCut) {
  for (bool implicit : {false, true}) {
    DicomFile file(3, 2, 16);
    file.implicit = implicit;
    file.undefined_lengths = true;
    file.numbers(0x00200032, {1, 2, 3});
    file.elements[0x00081140] = {"SQ", file.sequence({file.element(0x00081150, "UI", "1.2 ")})};
    const std::string whole = file.bytes();
    ASSERT_EQ(Parsed::bytes(whole).result(), CLI_OK) << Parsed::bytes(whole).reason();
    for (size_t size = 132; size < whole.size(); ++size) {
      const Parsed parsed = Parsed::bytes(whole.substr(0, size));
      EXPECT_TRUE(parsed.result() == CLI_UNREADABLE || parsed.result() == CLI_UNSUPPORTED) << size;
      EXPECT_NE(parsed.reason(), "not written");
    }
  }
}

TEST(DicomRefused, DamagedElements) {
  DicomFile file;
  file.text(0x00080060, "CS", "CT"); // whether types are written is told by the first element
  file.elements[0x00091001] = {"UN", "abcd"};
  std::string bytes = file.bytes();
  const size_t at = bytes.find(std::string("UN\0\0", 4));
  for (const std::string &length : {std::string("\xff\xff\xff\x7f"), std::string("\xf0\xff\xff\xff")})
    expect_refused(Parsed::bytes(std::string(bytes).replace(at + 4, 4, length)), CLI_UNREADABLE, "cut off");
  expect_refused(Parsed::bytes(std::string(bytes).replace(at, 2, "u7")), CLI_UNREADABLE,
                 "(0009,1001) has no type");
  expect_refused(Parsed::bytes(std::string(bytes).replace(at + 4, 4, "\xff\xff\xff\xff")), CLI_UNREADABLE,
                 "an item should begin");
  // An element longer than its item, and an item longer than its sequence.
  DicomFile groups;
  groups.elements[0x52009229] = {"SQ", groups.item(std::string("\x20\0\x13\x91UN\0\0\xff\0\0\0", 12))};
  expect_refused(Parsed::bytes(groups.bytes()), CLI_UNREADABLE, "longer than what holds it");
  groups.elements[0x52009229].second = std::string("\xfe\xff\0\xe0\xff\0\0\0", 8);
  expect_refused(Parsed::bytes(groups.bytes()), CLI_UNREADABLE, "longer than what holds it");
}

// A parser that calls itself for each sequence would need all of the stack.
TEST(DicomRefused, SequencesWithoutEnd) {
  DicomFile file;
  const std::string level = file.tag_bytes(0x00081140) + std::string("SQ\0\0\xff\xff\xff\xff", 8) +
                            file.tag_bytes(0xfffee000) + std::string("\xff\xff\xff\xff", 4);
  std::string deep = file.preface();
  for (int i = 0; i < 100000; ++i)
    deep += level;
  expect_refused(Parsed::bytes(deep), CLI_UNREADABLE, "more than 32 deep");
}

TEST(DicomRefused, ClaimsThatTheFileCannotHold) {
  DicomFile file;
  file.words(0x00280010, 65535);
  file.words(0x00280011, 65535);
  expect_refused(Parsed::bytes(file.bytes()), CLI_UNREADABLE, "cut off");
  file.text(0x00280008, "IS", "2147483647");
  expect_refused(Parsed::bytes(file.bytes()), CLI_UNREADABLE, "cut off");
  std::string bytes = DicomFile(3, 2).bytes(); // the element of the pixels says 4 GB
  bytes.replace(bytes.rfind(std::string("\6\0\0\0", 4)), 4, "\xf0\xff\xff\xff");
  EXPECT_EQ(Parsed::bytes(bytes).result(), CLI_OK); // as many as are needed are there
  DicomFile compressed = packed(jpeg, {jpeg_of(65535, 65535, 1)});
  compressed.words(0x00280010, 65535);
  compressed.words(0x00280011, 65535);
  expect_refused(Parsed::bytes(compressed.bytes()), jpeg_is_there() ? CLI_UNREADABLE : CLI_UNSUPPORTED, "");
}

// Each scan of a picture takes as long as the whole of it.
TEST(DicomRefused, JpegOfManyScans) {
  if (!jpeg_is_there())
    GTEST_SKIP() << "built without DCMTK's codecs";
  const std::string head = jpeg_of(2, 3, 1).substr(0, 15);
  const std::string scan("\xff\xda\0\x08\x01\x01\0\0\x3f\0abc\xff\0d\xff\xd0", 18);
  std::string many = head;
  for (int i = 0; i < 3; ++i) {
    const Parsed parsed = Parsed::bytes(packed(jpeg, {many + std::string("\xff\xd9........", 10)}).bytes());
    expect_refused(parsed, CLI_UNREADABLE, i < 2 ? "cannot be unpacked" : "more scans than samples");
    many += scan;
  }
  std::string progressive = jpeg_of(2, 3, 1);
  progressive[3] = (char)0xc2;
  expect_refused(Parsed::bytes(packed(jpeg, {progressive}).bytes()), CLI_UNSUPPORTED, "JPEG's process 2");
}

TEST(DicomRefused, DamagedFragments) {
  ASSERT_EQ(Parsed::bytes(rle("\xfb"
                              "a")
                              .bytes())
                .result(),
            CLI_OK);
  if (!jpeg_is_there())
    GTEST_SKIP() << "built without DCMTK's codecs";
  DicomFile two = packed(jpeg, {jpeg_of(2, 3, 1)});
  two.text(0x00280008, "IS", "2");
  DicomFile three = packed(jpeg, {"a", "b", "c"});
  three.text(0x00280008, "IS", "2");
  DicomFile wrong = packed(jpeg, {"a", "b", "c"}, std::string("\0\0\0\0\7\0\0\0", 8));
  wrong.text(0x00280008, "IS", "2");
  const struct {
    std::string bytes, part;
  } cases[] = {{two.bytes(), "1 fragments for 2 frames"},
               {three.bytes(), "no table says whose"},
               {wrong.bytes(), "no fragment begins"},
               {packed(jpeg, {}).bytes(), "0 fragments"},
               {packed(jpeg, {""}).bytes(), "no JPEG Baseline picture"},
               {packed(jpeg, {"no picture at all"}).bytes(), "no JPEG Baseline picture"},
               {packed(jpeg, {jpeg_of(65500, 65500, 1)}).bytes(), "65500 x 65500 with 1 samples"},
               {packed(jpeg, {jpeg_of(2, 3, 3)}).bytes(), "with 3 samples"},
               {packed(jpeg, {jpeg_of(2, 3, 1)}).bytes(), "cannot be unpacked"},
               {packed("1.2.840.10008.1.2.4.80", {jpeg_of(2, 3, 1)}).bytes(), "cannot be unpacked"},
               {packed("1.2.840.10008.1.2.5", {std::string(64, '\xff')}).bytes(), "not the 1 segments"},
               {packed("1.2.840.10008.1.2.5", {"abc"}).bytes(), "not the 1 segments"},
               {rle("\5abcde").bytes(), "segment 0"},
               {rle("\x7f").bytes(), "segment 0"},
               {rle("\xfe"
                    "a\x80\x80")
                    .bytes(),
                "segment 0"},
               {rle("\xfb"
                    "a",
                    63)
                    .bytes(),
                "segment 0"},
               {rle("\xfb"
                    "a",
                    67)
                    .bytes(),
                "segment 0"}};
  for (const auto &one : cases) {
    SCOPED_TRACE(one.part);
    expect_refused(Parsed::bytes(one.bytes), CLI_UNREADABLE, one.part);
  }
  const std::string whole = packed("1.2.840.10008.1.2.5", {std::string(80, '\0')}).bytes();
  for (size_t size = whole.size() - 40; size < whole.size(); ++size)
    expect_refused(Parsed::bytes(whole.substr(0, size)), CLI_UNREADABLE, "cut off");
}
