#include "log_reader.h"

#include <png.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace {

void require(bool holds, const std::string &what) {
  if (!holds)
    throw std::runtime_error(what);
}

// ---- Records ------------------------------------------------------------------------------------------------

uint64_t little_endian(const std::string &bytes, size_t at, size_t count) {
  require(at + count <= bytes.size(), "a number is cut off");
  uint64_t value = 0;
  for (size_t i = 0; i < count; ++i)
    value |= uint64_t(uint8_t(bytes[at + i])) << 8 * i;
  return value;
}

uint32_t masked_crc(const std::string &bytes) {
  uint32_t crc = 0xffffffff;
  for (char byte : bytes)
    for (int bit = 0; bit < 8; ++bit) {
      const bool one = (crc ^ (uint8_t(byte) >> bit)) & 1;
      crc = crc >> 1 ^ (one ? 0x82f63b78 : 0);
    }
  crc = ~crc;
  return ((crc >> 15) | (crc << 17)) + 0xa282ead8;
}

} // namespace

std::vector<std::string> records_of(const std::string &file, End end) {
  std::vector<std::string> records;
  for (size_t at = 0; at < file.size();) {
    if (end == End::MayBeTorn && file.size() - at < 12)
      break;
    const uint64_t size = little_endian(file, at, 8);
    require(little_endian(file, at + 8, 4) == masked_crc(file.substr(at, 8)), "the sum of a length is wrong");
    const bool is_whole = size <= file.size() && at + 16 + size <= file.size();
    if (end == End::MayBeTorn && !is_whole)
      break;
    require(is_whole, "a record is cut off");
    records.push_back(file.substr(at + 12, size));
    require(little_endian(file, at + 12 + size, 4) == masked_crc(records.back()),
            "the sum of a record is wrong");
    at += 16 + size;
  }
  return records;
}

namespace {

uint64_t varint(const std::string &bytes, size_t &at) {
  uint64_t value = 0;
  for (int shift = 0;; shift += 7) {
    require(at < bytes.size() && shift < 70, "a varint is cut off or too long");
    const uint8_t byte = uint8_t(bytes[at++]);
    value |= uint64_t(byte & 127) << shift;
    if (byte < 128)
      return value;
  }
}

float float_of(uint64_t bits) {
  const uint32_t half = uint32_t(bits);
  float value;
  memcpy(&value, &half, sizeof value);
  return value;
}

} // namespace

Event event_of(const Message &message) {
  Event event{};
  const uint64_t time = message.number(1);
  memcpy(&event.wall_time, &time, sizeof time);
  event.step = int64_t(message.number(2));
  const Message value(Message(message.only(5)).only(1)), metadata(value.only(9));
  event.tag = value.only(1);
  event.plugin = Message(metadata.only(1)).only(1);
  event.data_class = metadata.number(4);
  event.is_scalar = value.has(2);
  if (event.is_scalar) {
    event.scalar = float_of(value.number(2));
    return event;
  }
  const Message image(value.only(4));
  event.height = int64_t(image.number(1));
  event.width = int64_t(image.number(2));
  event.colourspace = int64_t(image.number(3));
  event.png = image.only(4);
  return event;
}

Message::Message(const std::string &encoded) {
  for (size_t at = 0; at < encoded.size();) {
    const uint64_t key = varint(encoded, at);
    const int field = int(key >> 3), wire = int(key & 7);
    if (wire == 0) {
      numbers[field].push_back(varint(encoded, at));
    } else if (wire == 1 || wire == 5) {
      numbers[field].push_back(little_endian(encoded, at, wire == 1 ? 8 : 4));
      at += wire == 1 ? 8 : 4;
    } else {
      require(wire == 2, "a wire type that there is not");
      const uint64_t size = varint(encoded, at);
      require(size <= encoded.size() - at, "bytes are cut off");
      bytes[field].push_back(encoded.substr(at, size));
      at += size;
    }
  }
}

uint64_t Message::number(int field) const {
  require(numbers.count(field) == 1 && numbers.at(field).size() == 1,
          "not one number " + std::to_string(field));
  return numbers.at(field)[0];
}

const std::string &Message::only(int field) const {
  require(bytes.count(field) == 1 && bytes.at(field).size() == 1, "not one field " + std::to_string(field));
  return bytes.at(field)[0];
}

std::vector<Event> Log::tagged(const std::string &tag) const {
  std::vector<Event> found;
  std::copy_if(events.begin(), events.end(), std::back_inserter(found),
               [&](const Event &event) { return event.tag == tag; });
  return found;
}

Log read_log(const std::filesystem::path &directory, End end) {
  Log log;
  for (const auto &entry : std::filesystem::directory_iterator(directory))
    log.files.push_back(entry.path().filename());
  std::sort(log.files.begin(), log.files.end());
  for (const std::string &name : log.files) {
    std::ifstream stream(directory / name, std::ios::binary);
    std::stringstream contents;
    contents << stream.rdbuf();
    const std::vector<std::string> records = records_of(contents.str(), end);
    require(!records.empty() && Message(records[0]).only(3) == "brain.Event:2",
            name + " does not begin with a version");
    for (size_t i = 1; i < records.size(); ++i)
      log.events.push_back(event_of(Message(records[i])));
  }
  return log;
}

Picture decode_png(const std::string &png) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  require(png_image_begin_read_from_memory(&image, png.data(), png.size()) != 0, image.message);
  Picture picture{image.height, image.width, PNG_IMAGE_SAMPLE_CHANNELS(image.format), {}};
  picture.pixels.resize(PNG_IMAGE_SIZE(image));
  require(png_image_finish_read(&image, nullptr, picture.pixels.data(), 0, nullptr) != 0, image.message);
  return picture;
}
