// MGH files made byte by byte from the table of FreeSurfer's wiki.
#ifndef BATCHVIEW_MGH_FILE_H
#define BATCHVIEW_MGH_FILE_H

#include <array>

#include "bytes.h"

struct MghFile {
  std::array<int, 4> shape = {2, 3, 4, 1}; // width, height, depth, frames
  int type = 0, good_ras = 1;
  std::array<double, 3> delta = {1, 1, 1};
  // Of x, y and z in turn, to the right, to anterior, to superior: the conformed volume, whose slices are
  // coronal.
  std::array<std::array<double, 3>, 3> cosines = {{{-1, 0, 0}, {0, 0, -1}, {0, 1, 0}}};
  std::array<double, 3> centre = {0, 0, 0};
  std::string voxels = std::string(24, 'v'); // and what follows them

  std::string bytes() const {
    std::string file = bytes_of((int32_t)1, true);
    auto append = [&](auto number) { file += bytes_of(number, true); };
    for (int extent : shape)
      append((int32_t)extent);
    append((int32_t)type);
    append((int32_t)7); // degrees of freedom, which nobody reads
    append((int16_t)good_ras);
    for (double spacing : delta)
      append((float)spacing);
    for (const auto &axis : cosines)
      for (double part : axis)
        append((float)part);
    for (double place : centre)
      append((float)place);
    file.resize(284);
    return file + voxels;
  }
};

#endif
