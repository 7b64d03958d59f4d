// Mutations of PNG files that keep the chunks' checksums right, so that what lies behind them is reached.
#include <zlib.h>

#include <cstddef>
#include <cstdint>

extern "C" size_t LLVMFuzzerMutate(uint8_t *bytes, size_t size, size_t most);

namespace {

uint32_t number_at(const uint8_t *bytes) {
  return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

} // namespace

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t most, unsigned int seed) {
  size = LLVMFuzzerMutate(bytes, size, most);
  if (seed % 8 == 0) // now and then a wrong checksum
    return size;
  size_t at = 8; // after the signature: length, type, data, checksum
  while (size >= 12 && at <= size - 12) {
    const size_t length = number_at(bytes + at);
    if (length > size - at - 12)
      break;
    const uint32_t checksum = (uint32_t)crc32(0, bytes + at + 4, (uInt)length + 4);
    for (int i = 0; i < 4; ++i)
      bytes[at + 8 + length + (size_t)i] = (uint8_t)(checksum >> (24 - 8 * i));
    at += 12 + length;
  }
  return size;
}
