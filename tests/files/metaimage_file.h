// MetaImage files made line by line from the table of MetaIO's documentation.
#ifndef BATCHVIEW_METAIMAGE_FILE_H
#define BATCHVIEW_METAIMAGE_FILE_H

#include "bytes.h"

struct MetaImageFile {
  std::string dimensions = "3", sizes = "2 3 4", type = "MET_UCHAR", data_file = "LOCAL";
  std::vector<std::string> lines; // further ones
  bool packed = false;
  std::string voxels = std::string(24, 'v');
  std::string before; // the voxels, in the file

  std::string header() const {
    std::string text = "ObjectType = Image\nNDims = " + dimensions + "\nBinaryData = True\n";
    if (packed)
      text += "CompressedData = True\n";
    for (const std::string &line : lines)
      text += line + "\n";
    return text + "DimSize = " + sizes + "\nElementType = " + type + "\nElementDataFile = " + data_file + "\n";
  }

  std::string bytes() const { return header() + before + (packed ? deflated(voxels) : voxels); }
};

#endif
