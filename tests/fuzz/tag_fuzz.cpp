// The log's tags: arbitrary bytes are refused, or become a record that says the same when it is read again.
//
// What is UTF-8 is decided here by writing each character's number in its shortest form again.
#include <cstdlib>
#include <string>

#include "input.h"
#include "log_reader.h"
#include "require.h"
#include "tag_record.h"

namespace {

std::string encode(uint32_t character) {
  const auto continuing = [&](int shift) { return static_cast<char>(0x80 | (character >> shift & 0x3f)); };
  if (character < 0x80)
    return {static_cast<char>(character)};
  if (character < 0x800)
    return {static_cast<char>(0xc0 | character >> 6), continuing(0)};
  if (character < 0x10000)
    return {static_cast<char>(0xe0 | character >> 12), continuing(6), continuing(0)};
  return {static_cast<char>(0xf0 | character >> 18), continuing(12), continuing(6), continuing(0)};
}

// The bytes that continue a character, by its first: 0 for ASCII, -1 for what begins none.
int continued(uint8_t lead) {
  return lead < 0x80 ? 0 : lead < 0xc0 ? -1 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : lead < 0xf8 ? 3 : -1;
}

bool is_utf8(const std::string &text) {
  for (size_t at = 0; at < text.size();) {
    const uint8_t lead = static_cast<uint8_t>(text[at]);
    const int more = continued(lead);
    if (more < 0 || text.size() - at <= static_cast<size_t>(more))
      return false;
    uint32_t character = more == 0 ? lead : lead & (0x3fu >> more);
    for (int i = 1; i <= more; ++i)
      character = character << 6 | (static_cast<uint8_t>(text[at + static_cast<size_t>(i)]) & 0x3f);
    const std::string shortest = encode(character);
    if (text.compare(at, static_cast<size_t>(more) + 1, shortest) != 0 || character > 0x10ffff ||
        (character >= 0xd800 && character < 0xe000))
      return false;
    at += shortest.size();
  }
  return true;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  FuzzInput input(bytes, size);
  tag_record event = {};
  event.is_scalar = input.take<uint8_t>() % 2;
  event.step = input.take<int64_t>();
  event.scalar = 0.5f;
  event.width = input.take<uint32_t>() >> 1;
  event.height = input.take<uint32_t>() >> 1;
  event.channels = 3;
  std::string tag;
  for (size_t left = size > 17 ? size - 17 : 0; left > 0; --left)
    if (const char byte = input.take<char>())
      tag.push_back(byte);
    else
      break;
  const std::string png = "any bytes, here " + tag;
  event.tag = tag.c_str();
  event.encoded = reinterpret_cast<const uint8_t *>(png.data());
  event.encoded_bytes = png.size();

  const double time = 1e9;
  uint8_t *made = nullptr;
  size_t made_bytes = 0;
  const bv_status status = make_tag_record(&event, time, &made, &made_bytes);
  REQUIRE((status == BV_OK) == (!tag.empty() && is_utf8(tag)));
  if (status != BV_OK) {
    REQUIRE(status == BV_ERROR_VALUE && bv_last_error()[0] != '\0');
    return 0;
  }
  const std::string file(reinterpret_cast<const char *>(made), made_bytes);
  free(made);
  const std::vector<std::string> records = records_of(file, End::Whole);
  REQUIRE(records.size() == 1);
  const Event read = event_of(Message(records[0]));
  REQUIRE(read.tag == tag && read.step == event.step && read.wall_time == time);
  REQUIRE(read.is_scalar == event.is_scalar);
  if (read.is_scalar)
    REQUIRE(read.scalar == event.scalar && read.plugin == "scalars" && read.data_class == 1);
  else
    REQUIRE(read.png == png && read.width == event.width && read.height == event.height &&
            read.colourspace == event.channels && read.plugin == "images" && read.data_class == 3);
  return 0;
}
