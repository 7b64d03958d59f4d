// The first inputs of the readers' fuzz targets: small sound files of each kind, FORMAT says which, written to
// a directory.
#include <fstream>

#include "../files/dicom_file.h"
#include "../files/metaimage_file.h"
#include "../files/mgh_file.h"
#include "../files/nifti_file.h"
#include "../files/nrrd_file.h"
#include "../files/png_file.h"
#include "../files/tiff_file.h"

namespace {

std::string npy(const std::string &header, size_t bytes) {
  return std::string("\x93NUMPY\x01\0", 8) + bytes_of((uint16_t)header.size(), false) + header +
         std::string(bytes, 'x');
}

void add_dicom(std::vector<std::string> &seeds) {
  for (int variant = 0; variant < 16; ++variant) {
    DicomFile file(2, 2, variant & 1 ? 16 : 8);
    const char *const syntaxes[] = {"1.2.840.10008.1.2.1", "1.2.840.10008.1.2", "1.2.840.10008.1.2.2",
                                    "1.2.840.10008.1.2.5"};
    file.syntax = syntaxes[variant / 2 % 4];
    file.implicit = variant / 2 % 4 == 1;
    file.big_endian = variant / 2 % 4 == 2;
    file.undefined_lengths = variant & 8;
    file.words(0x00280103, variant & 1);
    file.numbers(0x00281052, {-1.5});
    file.numbers(0x00281050, {40});
    file.numbers(0x00281051, {400});
    file.numbers(0x00200032, {1, 2, 3});
    file.numbers(0x00200037, {1, 0, 0, 0, 1, 0});
    file.numbers(0x00280030, {0.5, 2});
    const std::string frame =
        std::string(64, '\0').replace(0, 8, std::string("\1\0\0\0\x40\0\0\0", 8)) + "\3abcd";
    if (file.encapsulated())
      file.fragments({frame, frame}, std::string(8, '\0'));
    seeds.push_back(file.bytes());
    file.text(0x00280008, "IS", "2");
    file.text(0x00280004, "CS", "MONOCHROME1");
    DicomFile place = file;
    place.elements.clear();
    place.numbers(0x00200032, {1, 2, 5});
    const std::string group = file.element(0x00209113, "SQ", file.sequence({place.set()}));
    file.elements[0x52009230] = {"SQ", file.sequence({group, ""})};
    if (!file.encapsulated())
      file.pixels(std::string(16, 'p'));
    seeds.push_back(file.bytes());
    file = DicomFile(2, 1);
    file.words(0x00280002, 3);
    file.words(0x00280006, variant & 1);
    file.text(0x00280004, "CS", variant & 2 ? "RGB" : variant & 4 ? "YBR_FULL" : "YBR_FULL_422");
    file.pixels("colour");
    seeds.push_back(file.bytes());
    file = DicomFile(2, 1, variant & 1 ? 16 : 8);
    file.text(0x00280004, "CS", "PALETTE COLOR");
    for (uint32_t channel = 0; channel < 3; ++channel) {
      file.elements[0x00281101 + channel] = {"US", file.u16(2) + file.u16(1) + file.u16(variant & 2 ? 16 : 8)};
      file.elements[0x00281201 + channel] = {"OW", variant & 4 ? "abcd" : "ab"};
    }
    seeds.push_back(file.bytes());
  }
}

void add_metaimage(std::vector<std::string> &seeds) {
  const std::vector<std::vector<std::string>> headers = {
      {"TransformMatrix = 1 0 0 0 -1 0.1 0 0 1", "Offset = 1 2 3", "ElementSpacing = 1 -2 3"},
      {"ElementNumberOfChannels = 2", "ElementSize = nan 1 1"},
      {"BinaryDataByteOrderMSB = True", "HeaderSize = -1"},
      {"CompressedDataSize = 99", "Rotation = 0 0 1 0 1 0 1 0 0"},
      {}};
  for (const char *type : {"MET_UCHAR", "MET_SHORT", "MET_LONG_LONG"})
    for (bool packed : {false, true})
      for (const auto &lines : headers) {
        MetaImageFile file;
        file.type = type;
        file.packed = packed;
        file.voxels = std::string(400, 'v');
        file.lines = lines;
        seeds.push_back(file.bytes());
      }
  for (const char *channels : {"1", "3", "4"}) {
    MetaImageFile file;
    file.dimensions = "4";
    file.sizes = "2 1 3 2";
    file.voxels = std::string(48, 'v');
    file.lines = {std::string("ElementNumberOfChannels = ") + channels};
    seeds.push_back(file.bytes());
    file.data_file = "a.raw";
    seeds.push_back(file.bytes());
  }
}

void add_mgh(std::vector<std::string> &seeds) {
  for (const auto &type : std::vector<std::pair<int, size_t>>{{0, 1}, {1, 4}, {3, 4}, {4, 2}, {10, 2}}) {
    MghFile file;
    file.type = type.first;
    file.voxels = std::string(24 * type.second, 'v') + "what follows";
    seeds.push_back(file.bytes());
    file.good_ras = 0;
    file.shape = {2, 3, 1, 4};
    seeds.push_back(file.bytes());
  }
}

void add_nifti(std::vector<std::string> &seeds) {
  for (int variant = 0; variant < 4; ++variant) {
    NiftiFile file;
    file.version = 1 + variant / 2;
    file.big_endian = variant & 1;
    file.qform_code = 1;
    file.quatern[2] = 1;
    seeds.push_back(file.bytes());
    file.sform_code = 1;
    file.sform[0][1] = file.sform[1][2] = file.sform[2][0] = -2;
    file.slope = 2;
    file.dim = {4, 2, 3, 1, 2};
    file.datatype = 4;
    seeds.push_back(file.bytes());
    file.datatype = 1024;
    file.dim = {2, 3, 1};
    file.extension = bytes_of((int32_t)16, false) + bytes_of((int32_t)6, false) + "comment.";
    seeds.push_back(file.bytes());
    file = NiftiFile();
    file.version = 1 + variant / 2;
    file.big_endian = variant & 1;
    file.dim = {5, 2, 1, 1, 1, 3};
    file.datatype = variant & 1 ? 2304 : 128;
    seeds.push_back(file.bytes());
    std::string bytes = file.bytes();
    bytes[file.version == 1 ? 345 : 5] = 'i'; // of a pair
    seeds.push_back(bytes);
    bytes.replace(344, 4, std::string(4, '\0')); // in version 1 Analyze's
    seeds.push_back(bytes);
  }
}

void add_npy(std::vector<std::string> &seeds) {
  seeds.push_back(npy("{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3), }   \n", 6));
  seeds.push_back(npy("{'descr': '>f4', 'fortran_order': True, 'shape': (2, 3, 2), }\n", 48));
  seeds.push_back(npy("{'descr': '<i8', 'fortran_order': False, 'shape': (1, 1, 1, 1), }\n", 8));
  seeds.push_back(npy("{'descr': '|u1', 'fortran_order': True, 'shape': (2, 1, 4), }\n", 8));
  seeds.push_back(npy("{u'descr':\t'float32', 'fortran_order': False, 'shape': (1L, 2L), }\n", 99));
  seeds.push_back(npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1, 1), }\n", 4));
}

void add_nrrd(std::vector<std::string> &seeds) {
  const std::vector<std::vector<std::string>> headers = {
      {"space: left-posterior-superior", "space directions: (1,0,0) (0,-1,0.1) (0,0,2)",
       "space origin: (1,2,3)"},
      {"space: RAST", "space directions: (1,0,0,0) (0,1,0,0) (0,0,0,2)"},
      {"kinds: RGB-color domain domain", "spacings: nan 1 1"},
      {"kinds: vector space space", "space: LAS", "space directions: none (1,0,0) (0,0,1)"},
      {"line skip: 1", "byte skip: 2", "key:=value"},
      {"byte skip: -1", "data file: a.raw"},
      {}};
  for (const char *encoding : {"raw", "gzip"})
    for (const auto &lines : headers) {
      NrrdFile file;
      file.encoding = encoding;
      file.type = "short";
      file.endian = "big";
      file.sizes = "3 2 2";
      file.before = "a\n";
      file.lines = lines;
      seeds.push_back(file.bytes());
    }
}

void add_png(std::vector<std::string> &seeds) {
  const int kinds[][2] = {{0, 1}, {0, 8}, {0, 16}, {2, 8}, {3, 4}, {4, 16}, {6, 8}};
  for (const auto &kind : kinds)
    for (bool interlaced : {false, true}) {
      PngFile file;
      file.colour = kind[0];
      file.depth = kind[1];
      file.interlaced = interlaced;
      file.samples.assign((size_t)(6 * file.samples_per_pixel()), 1);
      if (file.colour == 3)
        file.extra = PngFile::chunk("PLTE", "abcdef");
      file.extra += PngFile::chunk("pHYs", std::string("\0\0\0\x64\0\0\0\xc8\x01", 9));
      seeds.push_back(file.bytes());
    }
}

void add_tiff(std::vector<std::string> &seeds) {
  for (int variant = 0; variant < 8; ++variant) {
    TiffFile file;
    file.big_endian = variant & 1;
    file.big_tiff = variant & 2;
    TiffPage page;
    page.deflate = variant & 4;
    page.ratios[282] = {300, 1};
    page.ratios[283] = {150, 1};
    file.pages = {page};
    seeds.push_back(file.bytes());
    page.rows_per_strip = 1;
    file.pages = {page, page};
    seeds.push_back(file.bytes());
    page.absent = {1};
    page.more[254] = {0};
    TiffPage reduced = page;
    reduced.more[254] = {1};
    file.pages = {page, reduced};
    seeds.push_back(file.bytes());
    TiffPage stack;
    stack.texts[270] = "ImageJ=1.53\nimages=3\n";
    stack.behind = std::string(12, 'x');
    file.pages = {stack};
    seeds.push_back(file.bytes());
    TiffPage packed;
    packed.deflate = variant & 4;
    packed.bits = variant & 1 ? 12 : 1;
    packed.numbers = {1, 0, 1, 1, 0, 0};
    file.pages = {packed};
    seeds.push_back(file.bytes());
    packed.bits = 2;
    packed.photometric = 3;
    packed.more[320] = {0, 1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000, 9000, 10000, 65535};
    file.pages = {packed};
    seeds.push_back(file.bytes());
    page.absent = {};
    page.samples = 3;
    page.photometric = 2;
    page.planar = variant & 1;
    page.tile_width = page.tile_height = 16;
    page.pixels = std::string(18, 'x');
    page.more[274] = {6};
    file.pages = {page};
    seeds.push_back(file.bytes());
    page.photometric = 1;
    page.more[338] = {0, 1};
    file.pages = {page};
    seeds.push_back(file.bytes());
  }
}

} // namespace

int main(int count, char **arguments) {
  if (count != 2)
    return 2;
  const std::string directory = arguments[1], format = FORMAT;
  std::vector<std::string> seeds;
  if (format == "dicom" || format == "any")
    add_dicom(seeds);
  if (format == "metaimage" || format == "any")
    add_metaimage(seeds);
  if (format == "mgh" || format == "any")
    add_mgh(seeds);
  if (format == "nifti" || format == "any")
    add_nifti(seeds);
  if (format == "npy" || format == "any")
    add_npy(seeds);
  if (format == "nrrd" || format == "any")
    add_nrrd(seeds);
  if (format == "png" || format == "any")
    add_png(seeds);
  if (format == "tiff" || format == "any")
    add_tiff(seeds);
  if (format == "any")
    for (size_t i = 0, plain = seeds.size(); i < plain; ++i)
      seeds.push_back(gzip(seeds[i]));
  for (size_t i = 0; i < seeds.size(); ++i) {
    std::ofstream file(directory + "/" + std::to_string(i), std::ios::binary);
    file.write(seeds[i].data(), (std::streamsize)seeds[i].size());
    if (!file.flush())
      return 1;
  }
  return 0;
}
