// Reads event files again, sharing nothing with the library: bit by bit CRC-32C, fields as they come, pictures
// by libpng.
#ifndef BATCHVIEW_TENSORBOARD_LOG_READER_H
#define BATCHVIEW_TENSORBOARD_LOG_READER_H

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

// The fields of a message: numbers (varints and fixed ones as their bits), and bytes.
struct Message {
  std::map<int, std::vector<uint64_t>> numbers;
  std::map<int, std::vector<std::string>> bytes;

  explicit Message(const std::string &encoded);
  uint64_t number(int field) const;         // the only one
  const std::string &only(int field) const; // the only bytes
  bool has(int field) const { return numbers.count(field) + bytes.count(field) > 0; }
};

struct Event {
  double wall_time;
  int64_t step;
  std::string tag, plugin;
  uint64_t data_class;
  bool is_scalar;
  float scalar;
  int64_t height, width, colourspace;
  std::string png;
};

struct Log {
  std::vector<std::string> files; // names, in their order
  std::vector<Event> events;      // of all of them

  std::vector<Event> tagged(const std::string &tag) const;
};

// What a record says. Throws std::runtime_error if it is not a scalar's or an image's.
Event event_of(const Message &message);

// Of a file: of a writer that was killed, its last record may not be all there.
enum class End { Whole, MayBeTorn };

// The data of a file's records. Throws std::runtime_error where a length or a sum is wrong.
std::vector<std::string> records_of(const std::string &file, End end);

// All event files of a directory. Throws std::runtime_error for whatever is wrong in one.
Log read_log(const std::filesystem::path &directory, End end = End::Whole);

struct Picture {
  int64_t height, width, channels;
  std::vector<uint8_t> pixels;
};
Picture decode_png(const std::string &png);

#endif
