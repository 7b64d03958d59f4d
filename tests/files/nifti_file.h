// NIfTI files made byte by byte from the tables of the standard.
#ifndef BATCHVIEW_NIFTI_FILE_H
#define BATCHVIEW_NIFTI_FILE_H

#include "bytes.h"

struct NiftiFile {
  int version = 1;
  bool big_endian = false;
  std::vector<int64_t> dim = {3, 2, 3, 4};
  int datatype = 2, bitpix = 8;
  double pixdim[4] = {1, 1, 1, 1}; // the first is qfac
  double vox_offset = 0;           // 0: right after the header, its flag and the extension
  double slope = 0, inter = 0;
  int qform_code = 0, sform_code = 0;
  double quatern[3] = {0, 0, 0}, qoffset[3] = {0, 0, 0};
  double sform[3][4] = {};
  std::string extension; // with its size and code
  std::string voxels = std::string(24, 'v');

  size_t header_bytes() const { return version == 1 ? 348 : 540; }

  std::string bytes() const {
    std::string file(header_bytes() + 4, '\0');
    const double offset = vox_offset != 0 ? vox_offset : (double)(file.size() + extension.size());
    auto i16 = [&](size_t at, int number) { put(file, at, (int16_t)number, big_endian); };
    auto i32 = [&](size_t at, int number) { put(file, at, (int32_t)number, big_endian); };
    auto i64 = [&](size_t at, int64_t number) { put(file, at, number, big_endian); };
    auto f32 = [&](size_t at, double number) { put(file, at, (float)number, big_endian); };
    auto f64 = [&](size_t at, double number) { put(file, at, number, big_endian); };
    i32(0, (int)header_bytes());
    if (version == 1) {
      file.replace(344, 4, std::string("n+1\0", 4));
      for (size_t i = 0; i < dim.size(); ++i)
        i16(40 + 2 * i, (int)dim[i]);
      i16(70, datatype);
      i16(72, bitpix);
      for (size_t i = 0; i < 4; ++i)
        f32(76 + 4 * i, pixdim[i]);
      f32(108, offset);
      f32(112, slope);
      f32(116, inter);
      i16(252, qform_code);
      i16(254, sform_code);
      for (size_t i = 0; i < 3; ++i) {
        f32(256 + 4 * i, quatern[i]);
        f32(268 + 4 * i, qoffset[i]);
        for (size_t j = 0; j < 4; ++j)
          f32(280 + 16 * i + 4 * j, sform[i][j]);
      }
    } else {
      file.replace(4, 8, std::string("n+2\0\r\n\x1a\n", 8));
      for (size_t i = 0; i < dim.size(); ++i)
        i64(16 + 8 * i, dim[i]);
      i16(12, datatype);
      i16(14, bitpix);
      for (size_t i = 0; i < 4; ++i)
        f64(104 + 8 * i, pixdim[i]);
      i64(168, (int64_t)offset);
      f64(176, slope);
      f64(184, inter);
      i32(344, qform_code);
      i32(348, sform_code);
      for (size_t i = 0; i < 3; ++i) {
        f64(352 + 8 * i, quatern[i]);
        f64(376 + 8 * i, qoffset[i]);
        for (size_t j = 0; j < 4; ++j)
          f64(400 + 32 * i + 8 * j, sform[i][j]);
      }
    }
    if (!extension.empty())
      file[header_bytes()] = 1;
    file += extension;
    if (offset > (double)file.size() && offset < 1e6)
      file.resize((size_t)offset);
    return file + voxels;
  }
};

#endif
