// DICOM files made element by element from the tables of the standard's parts 5 and 10.
#ifndef BATCHVIEW_DICOM_FILE_H
#define BATCHVIEW_DICOM_FILE_H

#include <map>

#include "bytes.h"

struct DicomFile {
  std::string syntax = "1.2.840.10008.1.2.1", storage = "1.2.840.10008.5.1.4.1.1.2";
  bool implicit = false, big_endian = false, undefined_lengths = false;
  std::map<uint32_t, std::pair<std::string, std::string>> elements; // tag: type, value

  // A grey picture of `columns` and `rows` bytes, with `frames` of them.
  explicit DicomFile(int columns = 3, int rows = 2, int bits = 8) {
    words(0x00280002, 1);
    text(0x00280004, "CS", "MONOCHROME2");
    words(0x00280010, rows);
    words(0x00280011, columns);
    words(0x00280100, bits);
    words(0x00280101, bits);
    words(0x00280102, bits - 1);
    words(0x00280103, 0);
    text(0x0020000e, "UI", "1.2.3");
    pixels(std::string((size_t)(columns * rows * bits / 8), 'v'));
  }

  void words(uint32_t tag, int number) {
    elements[tag] = {"US", std::string(1, (char)number) + (char)(number >> 8)};
  }

  void text(uint32_t tag, const std::string &type, const std::string &value) {
    elements[tag] = {type, value + std::string(value.size() % 2, type == "UI" ? '\0' : ' ')};
  }

  void numbers(uint32_t tag, const std::vector<double> &values) {
    std::string all;
    for (double value : values) {
      char one[20];
      snprintf(one, sizeof one, "%.10g", value);
      all += (all.empty() ? "" : "\\") + std::string(one);
    }
    text(tag, "DS", all);
  }

  void pixels(const std::string &bytes, const std::string &type = "OW") {
    elements[0x7fe00010] = {type, bytes + std::string(bytes.size() % 2, '\0')};
  }

  // Fragments behind a table of offsets.
  void fragments(const std::vector<std::string> &parts, const std::string &table = "") {
    std::string bytes = item(table);
    for (const std::string &part : parts)
      bytes += item(part + std::string(part.size() % 2, '\0'));
    elements[0x7fe00010] = {"OB", bytes};
  }

  bool encapsulated() const { return syntax.size() > 20 || syntax == "1.2.840.10008.1.2.5"; }

  std::string u16(int number) const { return bytes_of((uint16_t)number, big_endian); }
  std::string u32(uint32_t number) const { return bytes_of(number, big_endian); }
  std::string tag_bytes(uint32_t tag) const { return u16((int)(tag >> 16)) + u16((int)(tag & 0xffff)); }
  std::string item(const std::string &bytes) const {
    return tag_bytes(0xfffee000) + u32((uint32_t)bytes.size()) + bytes;
  }

  std::string element(uint32_t tag, const std::string &type, std::string value) const {
    const bool pixel = tag == 0x7fe00010 && encapsulated();
    if (type == "US" && big_endian)
      for (size_t i = 0; i + 1 < value.size(); i += 2)
        std::swap(value[i], value[i + 1]);
    const bool undefined = pixel || (type == "SQ" && undefined_lengths);
    const std::string end = undefined ? tag_bytes(0xfffee0dd) + u32(0) : "";
    const uint32_t length = undefined ? 0xffffffff : (uint32_t)value.size();
    const bool is_long =
        type == "OB" || type == "OW" || type == "OF" || type == "OD" || type == "SQ" || type == "UN";
    if (implicit)
      return tag_bytes(tag) + u32(length) + value + end;
    return tag_bytes(tag) + type + (is_long ? u16(0) + u32(length) : u16((int)length)) + value + end;
  }

  // A sequence's value: an item for each set of elements.
  std::string sequence(const std::vector<std::string> &sets) const {
    std::string all;
    for (const std::string &set : sets)
      all += undefined_lengths ? tag_bytes(0xfffee000) + u32(0xffffffff) + set + tag_bytes(0xfffee00d) + u32(0)
                               : item(set);
    return all;
  }

  std::string set() const {
    std::string all;
    for (const auto &one : elements)
      all += element(one.first, one.second.first, one.second.second);
    return all;
  }

  std::string preface() const {
    DicomFile meta = *this;
    meta.implicit = meta.big_endian = false;
    meta.elements.clear();
    meta.text(0x00020002, "UI", storage);
    meta.text(0x00020010, "UI", syntax);
    const std::string all = meta.set();
    return std::string(128, '\0') + "DICM" +
           meta.element(0x00020000, "UL", bytes_of((uint32_t)all.size(), false)) + all;
  }

  std::string bytes() const { return preface() + set(); }
};

#endif
