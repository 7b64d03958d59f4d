// PNG files made chunk by chunk from the standard.
#ifndef BATCHVIEW_PNG_FILE_H
#define BATCHVIEW_PNG_FILE_H

#include <algorithm>

#include "bytes.h"

struct PngFile {
  uint32_t width = 3, height = 2;
  int depth = 8, colour = 0; // 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGBA
  bool interlaced = false;
  std::vector<int> samples = {1, 2, 3, 4, 5, 6}; // [H, W, samples of a pixel]
  std::string extra;                             // chunks between the first one and the pixels

  int samples_per_pixel() const { return colour == 2 ? 3 : colour == 4 ? 2 : colour == 6 ? 4 : 1; }

  static std::string chunk(const std::string &type, const std::string &data) {
    const std::string body = type + data;
    const uint32_t crc = (uint32_t)crc32(0, (const Bytef *)body.data(), (uInt)body.size());
    return bytes_of((uint32_t)data.size(), true) + body + bytes_of(crc, true);
  }

  static std::string signature() { return "\x89PNG\r\n\x1a\n"; }

  std::string header() const {
    return bytes_of(width, true) + bytes_of(height, true) + (char)depth + (char)colour + std::string(2, '\0') +
           (char)interlaced;
  }

  // The rows and columns of one pass, unfiltered, each row with its filter's number before it.
  std::string packed(uint32_t x0, uint32_t dx, uint32_t y0, uint32_t dy) const {
    std::string bytes;
    for (uint32_t y = y0; y < height && x0 < width; y += dy) {
      bytes += '\0';
      int bits = 0, held = 0; // of the byte that is being filled
      for (uint32_t x = x0; x < width; x += dx)
        for (int s = 0; s < samples_per_pixel(); ++s) {
          const int sample = samples[(size_t)(y * width + x) * (size_t)samples_per_pixel() + (size_t)s];
          if (depth == 16)
            bytes += (char)(sample >> 8);
          held = held << std::min(depth, 8) | (sample & 255);
          bits += std::min(depth, 8);
          if (bits >= 8) {
            bytes += (char)held;
            bits = held = 0;
          }
        }
      if (bits > 0)
        bytes += (char)(held << (8 - bits));
    }
    return bytes;
  }

  std::string rows() const {
    if (!interlaced)
      return packed(0, 1, 0, 1);
    return packed(0, 8, 0, 8) + packed(4, 8, 0, 8) + packed(0, 4, 4, 8) + packed(2, 4, 0, 4) +
           packed(0, 2, 2, 4) + packed(1, 2, 0, 2) + packed(0, 1, 1, 2);
  }

  std::string bytes() const {
    return signature() + chunk("IHDR", header()) + extra + chunk("IDAT", deflated(rows())) + chunk("IEND", "");
  }
};

#endif
