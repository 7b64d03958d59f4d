// NRRD files made line by line from the format's definition.
#ifndef BATCHVIEW_NRRD_FILE_H
#define BATCHVIEW_NRRD_FILE_H

#include "bytes.h"

struct NrrdFile {
  std::string type = "uchar", sizes = "2 3 4", encoding = "raw", endian; // endian "": none
  std::vector<std::string> lines;                                        // further ones
  std::string voxels = std::string(24, 'v');
  std::string before; // the voxels, in the file

  int dimension() const {
    int words = 1;
    for (char c : sizes)
      words += c == ' ';
    return words;
  }

  std::string header() const {
    std::string text = "NRRD0004\n# a comment: it is none of the fields\ntype: " + type +
                       "\ndimension: " + std::to_string(dimension()) + "\nsizes: " + sizes +
                       "\nencoding: " + encoding + "\n";
    if (!endian.empty())
      text += "endian: " + endian + "\n";
    for (const std::string &line : lines)
      text += line + "\n";
    return text;
  }

  std::string bytes() const { return header() + "\n" + before + (encoding == "gzip" ? gzip(voxels) : voxels); }
};

#endif
