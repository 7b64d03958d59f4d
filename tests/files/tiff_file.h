// TIFF and BigTIFF files made tag by tag from the standard.
#ifndef BATCHVIEW_TIFF_FILE_H
#define BATCHVIEW_TIFF_FILE_H

#include <algorithm>
#include <map>
#include <set>

#include "bytes.h"

struct TiffPage {
  uint32_t width = 3, height = 2;
  int bits = 8, format = 1; // 1 unsigned, 2 signed, 3 float
  int samples = 1, photometric = 1;
  bool planar = false, deflate = false;
  uint32_t rows_per_strip = 1000000;
  uint32_t tile_width = 0, tile_height = 0;       // 0: strips
  std::string pixels = "abcdef";                  // [H, W, samples], in the file's byte order
  std::vector<uint32_t> numbers;                  // instead of them, of any number of bits: [H, W, samples]
  std::map<uint16_t, std::vector<uint64_t>> more; // short tags added or replaced
  std::map<uint16_t, std::pair<uint32_t, uint32_t>> ratios; // rational tags
  std::map<uint16_t, std::string> texts;                    // ASCII tags
  std::set<size_t> absent;                                  // strips or tiles that are not in the file
  std::string behind;                                       // bytes behind the last of them

  // The strips or tiles in their order.
  std::vector<std::string> blocks(bool big_endian = false) const {
    const bool tiled = tile_width > 0;
    const uint32_t block_width = tiled ? tile_width : width,
                   block_height = tiled ? tile_height : std::min(rows_per_strip, height);
    std::vector<std::string> all;
    for (int plane = 0; plane < (planar ? samples : 1); ++plane)
      for (uint32_t y = 0; y < height; y += block_height)
        for (uint32_t x = 0; x < width; x += block_width) {
          std::string block;
          for (uint32_t row = y; row < y + block_height && (tiled || row < height); ++row)
            block += numbers.empty() ? row_of_pixels(row, x, block_width, plane)
                                     : row_of_numbers(row, x, block_width, plane, big_endian);
          all.push_back(deflate ? deflated(block) : block);
        }
    return all;
  }

private:
  // A row of a block; what reaches out of the page means nothing.
  std::string row_of_pixels(uint32_t row, uint32_t x, uint32_t block_width, int plane) const {
    const size_t sample = (size_t)bits / 8, pixel = sample * (size_t)samples;
    const size_t size = planar ? sample : pixel;
    std::string bytes;
    for (uint32_t column = x; column < x + block_width; ++column) {
      const size_t at = ((size_t)row * width + column) * pixel + (planar ? (size_t)plane * sample : 0);
      bytes += row < height && column < width ? pixels.substr(at, size) : std::string(size, '!');
    }
    return bytes;
  }

  // Bit by bit, the highest first, up to a whole byte; whole bytes in the file's order.
  std::string row_of_numbers(uint32_t row, uint32_t x, uint32_t block_width, int plane, bool big_endian) const {
    std::string digits, bytes;
    for (uint32_t column = x; column < x + block_width; ++column)
      for (int sample = planar ? plane : 0; sample < (planar ? plane + 1 : samples); ++sample) {
        const size_t at = ((size_t)row * width + column) * (size_t)samples + (size_t)sample;
        const uint32_t number = row < height && column < width ? numbers[at] : 1;
        for (int bit = bits - 1; bit >= 0; --bit)
          digits += number >> bit & 1 ? '1' : '0';
      }
    digits.resize((digits.size() + 7) / 8 * 8, '1');
    for (size_t at = 0; at < digits.size(); at += 8)
      bytes += (char)std::stoi(digits.substr(at, 8), nullptr, 2);
    if (bits % 8 == 0 && !big_endian)
      for (auto at = bytes.begin(); at < bytes.end(); at += bits / 8)
        std::reverse(at, at + bits / 8);
    return bytes;
  }
};

struct TiffFile {
  bool big_endian = false, big_tiff = false;
  std::vector<TiffPage> pages = {TiffPage()};

  std::string bytes() const {
    std::string file = big_endian ? "MM" : "II";
    file += bytes_of((uint16_t)(big_tiff ? 43 : 42), big_endian);
    if (big_tiff)
      file += bytes_of((uint16_t)8, big_endian) + bytes_of((uint16_t)0, big_endian);
    size_t link = file.size(); // where the offset of the next directory goes
    file += offset(0);
    for (const TiffPage &page : pages) {
      std::vector<uint64_t> offsets, counts;
      for (const std::string &block : page.blocks(big_endian)) {
        const bool absent = page.absent.count(offsets.size()) > 0;
        offsets.push_back(absent ? 0 : file.size());
        counts.push_back(absent ? 0 : block.size());
        file += absent ? "" : block;
      }
      file += page.behind;
      struct Entry {
        uint16_t type; // 2 ASCII, 3 SHORT, 4 LONG, 5 RATIONAL
        uint64_t count;
        std::string values;
      };
      std::map<uint16_t, Entry> entries;
      auto add = [&](uint16_t tag, uint16_t type, const std::vector<uint64_t> &values) {
        std::string text;
        for (uint64_t value : values)
          text += type == 3 ? bytes_of((uint16_t)value, big_endian) : bytes_of((uint32_t)value, big_endian);
        entries[tag] = {type, values.size(), text};
      };
      const size_t samples = (size_t)page.samples;
      const bool tiled = page.tile_width > 0;
      add(256, 4, {page.width});
      add(257, 4, {page.height});
      add(258, 3, std::vector<uint64_t>(samples, (uint64_t)page.bits));
      add(259, 3, {page.deflate ? 8u : 1u});
      add(262, 3, {(uint64_t)page.photometric});
      add(277, 3, {samples});
      add(284, 3, {page.planar ? 2u : 1u});
      add(339, 3, std::vector<uint64_t>(samples, (uint64_t)page.format));
      add(tiled ? 324 : 273, 4, offsets);
      add(tiled ? 325 : 279, 4, counts);
      if (tiled) {
        add(322, 4, {page.tile_width});
        add(323, 4, {page.tile_height});
      } else {
        add(278, 4, {page.rows_per_strip});
      }
      for (const auto &tag : page.more)
        add(tag.first, 3, tag.second);
      for (const auto &ratio : page.ratios)
        entries[ratio.first] = {
            5, 1, bytes_of(ratio.second.first, big_endian) + bytes_of(ratio.second.second, big_endian)};

      for (const auto &text : page.texts)
        entries[text.first] = {2, text.second.size() + 1, text.second + '\0'};

      const size_t inline_bytes = big_tiff ? 8 : 4;
      for (auto &entry : entries) { // long values go before the directory
        std::string &values = entry.second.values;
        if (values.size() > inline_bytes) {
          file.resize((file.size() + 7) / 8 * 8);
          const std::string place = offset(file.size());
          file += values;
          values = place;
        }
        values.resize(inline_bytes);
      }
      file.resize((file.size() + 7) / 8 * 8);
      file.replace(link, inline_bytes, offset(file.size()));
      file += big_tiff ? bytes_of((uint64_t)entries.size(), big_endian)
                       : bytes_of((uint16_t)entries.size(), big_endian);
      for (const auto &entry : entries) {
        file += bytes_of(entry.first, big_endian) + bytes_of(entry.second.type, big_endian);
        file += big_tiff ? bytes_of(entry.second.count, big_endian)
                         : bytes_of((uint32_t)entry.second.count, big_endian);
        file += entry.second.values;
      }
      link = file.size();
      file += offset(0);
    }
    return file;
  }

private:
  std::string offset(uint64_t at) const {
    return big_tiff ? bytes_of(at, big_endian) : bytes_of((uint32_t)at, big_endian);
  }
};

#endif
