// Bytes put together by hand: what the tests of readers and the seeds of their fuzz targets are made of.
#ifndef BATCHVIEW_FILES_BYTES_H
#define BATCHVIEW_FILES_BYTES_H

#include <zlib.h>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

// Fresh numbers in each run; BATCHVIEW_SEED repeats one.
inline std::mt19937_64 &random_numbers() {
  static std::mt19937_64 generator = [] {
    const char *given = getenv("BATCHVIEW_SEED");
    uint64_t seed = given != nullptr ? strtoull(given, nullptr, 10) : std::random_device{}();
    printf("BATCHVIEW_SEED=%llu\n", (unsigned long long)seed);
    return std::mt19937_64(seed);
  }();
  return generator;
}

inline int random_below(int limit) { return (int)(random_numbers()() % (uint64_t)limit); }

// A number's bytes in the given order.
template <typename Number> std::string bytes_of(Number number, bool big_endian) {
  uint64_t bits = 0;
  memcpy(&bits, &number, sizeof number); // the tests' machine is little-endian
  std::string bytes;
  for (size_t i = 0; i < sizeof number; ++i)
    bytes += (char)(bits >> 8 * (big_endian ? sizeof number - 1 - i : i));
  return bytes;
}

template <typename Number> void put(std::string &bytes, size_t offset, Number number, bool big_endian) {
  bytes.replace(offset, sizeof number, bytes_of(number, big_endian));
}

inline std::string gzip(const std::string &bytes) {
  z_stream stream = {};
  if (deflateInit2(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK)
    throw std::runtime_error("deflateInit2");
  std::string packed(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = (Bytef *)bytes.data();
  stream.avail_in = (uInt)bytes.size();
  stream.next_out = (Bytef *)packed.data();
  stream.avail_out = (uInt)packed.size();
  if (deflate(&stream, Z_FINISH) != Z_STREAM_END)
    throw std::runtime_error("deflate");
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

// zlib's format, as PNG and TIFF have it.
inline std::string deflated(const std::string &bytes) {
  uLongf size = compressBound(bytes.size());
  std::string packed(size, '\0');
  if (compress((Bytef *)packed.data(), &size, (const Bytef *)bytes.data(), bytes.size()) != Z_OK)
    throw std::runtime_error("compress");
  packed.resize(size);
  return packed;
}

#endif
