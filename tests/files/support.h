// What the tests of readers and writers share: sources looked at as numbers, and random numbers of each type.
#ifndef BATCHVIEW_FILES_SUPPORT_H
#define BATCHVIEW_FILES_SUPPORT_H

#include <gtest/gtest.h>

#include "bytes.h"

extern "C" {
#include "source.h"
}

inline double half_to_double(uint16_t half) {
  int exponent = half >> 10 & 31, fraction = half & 1023;
  double size = exponent == 0    ? std::ldexp(fraction, -24)
                : exponent == 31 ? (fraction != 0 ? NAN : INFINITY)
                                 : std::ldexp(1024 + fraction, exponent - 25);
  return half >> 15 ? -size : size;
}

// What source_parse or source_read made of something.
class Parsed {
public:
  static Parsed bytes(const std::string &bytes) {
    Parsed parsed;
    // In a block of its own, so that the sanitizer sees a read past the end.
    std::vector<char> exact(bytes.begin(), bytes.end());
    parsed.result_ =
        source_parse(exact.data(), exact.size(), &parsed.source_, parsed.reason_, sizeof parsed.reason_);
    return parsed;
  }

  static Parsed file(const std::string &path) {
    Parsed parsed;
    parsed.result_ = source_read(path.c_str(), &parsed.source_, parsed.reason_, sizeof parsed.reason_);
    return parsed;
  }

  Parsed(Parsed &&other) : source_(other.source_), result_(other.result_) {
    memcpy(reason_, other.reason_, sizeof reason_);
    other.source_ = {};
  }
  ~Parsed() { source_free(&source_); }

  void as_volume() { source_as_volume(&source_); }
  const source *operator->() const { return &source_; }
  cli_result result() const { return result_; }
  std::string reason() const { return reason_; }
  std::string warning() const { return source_.warning; }
  std::string dtype() const { return bv_dtype_name(source_.tensor.dtype); }
  std::vector<int64_t> shape() const {
    return std::vector<int64_t>(source_.tensor.shape, source_.tensor.shape + source_.tensor.ndim);
  }

  // The element at an index, as a number; checks that it lies in the source's memory.
  double at(const std::vector<int64_t> &index) const {
    const bv_tensor &tensor = source_.tensor;
    const size_t size = bv_dtype_size(tensor.dtype);
    const char *element = (const char *)tensor.data;
    for (size_t axis = 0; axis < index.size(); ++axis)
      element += index[axis] * tensor.stride[axis] * (int64_t)size;
    const char *begin = (const char *)source_.memory;
    if (element < begin || element + size > begin + source_.memory_bytes || (uintptr_t)element % size != 0)
      throw std::out_of_range("element outside the source's memory");
    switch (tensor.dtype) {
    case BV_U8: return load<uint8_t>(element);
    case BV_I8: return load<int8_t>(element);
    case BV_U16: return load<uint16_t>(element);
    case BV_I16: return load<int16_t>(element);
    case BV_U32: return load<uint32_t>(element);
    case BV_I32: return load<int32_t>(element);
    case BV_F16: return half_to_double(load<uint16_t>(element));
    case BV_F32: return load<float>(element);
    case BV_F64: return load<double>(element);
    default: throw std::runtime_error("unexpected type");
    }
  }

private:
  Parsed() : source_(), result_(CLI_FAILED) { strcpy(reason_, "not written"); }

  template <typename Number> static Number load(const char *from) {
    Number number;
    memcpy(&number, from, sizeof number);
    return number;
  }

  source source_;
  cli_result result_;
  char reason_[256];
};

inline void expect_refused(const Parsed &parsed, cli_result result, const std::string &part) {
  EXPECT_EQ(parsed.result(), result) << parsed.reason();
  EXPECT_NE(parsed.reason().find(part), std::string::npos)
      << "got \"" << parsed.reason() << "\", expected \"" << part << "\" in it";
  EXPECT_EQ(parsed.reason().find('\n'), std::string::npos);
  EXPECT_EQ(parsed->memory, nullptr);
  EXPECT_EQ(parsed->tensor.data, nullptr);
}

// A type of file and a random finite number in it.
struct NumberType {
  const char *numpy;   // "f4", ...
  int nifti;           // datatype, 0 where it has none
  const char *arrives; // what it becomes
};

inline const std::vector<NumberType> &number_types() {
  static const std::vector<NumberType> types = {{"u1", 2, "u8"},     {"i1", 256, "i8"},  {"u2", 512, "u16"},
                                                {"i2", 4, "i16"},    {"u4", 768, "u32"}, {"i4", 8, "i32"},
                                                {"f4", 16, "f32"},   {"f8", 64, "f64"},  {"i8", 1024, "f64"},
                                                {"u8", 1280, "f64"}, {"f2", 0, "f16"}};
  return types;
}

// Appends a random number of the type to `bytes` and returns it; 64-bit integers have at most 53 bits.
inline double append_random(std::string &bytes, const std::string &type, bool big_endian) {
  uint64_t bits = random_numbers()();
  auto append = [&](auto number) {
    bytes += bytes_of(number, big_endian);
    return (double)number;
  };
  if (type == "u1" || type == "b1")
    return append((uint8_t)bits);
  if (type == "i1")
    return append((int8_t)bits);
  if (type == "u2")
    return append((uint16_t)bits);
  if (type == "i2")
    return append((int16_t)bits);
  if (type == "u4")
    return append((uint32_t)bits);
  if (type == "i4")
    return append((int32_t)bits);
  if (type == "i8")
    return append(((int64_t)bits >> 11) * (1ll << bits % 8));
  if (type == "u8")
    return append(bits >> 11 << bits % 8);
  if (type == "f2") {
    uint16_t half = (uint16_t)(bits & 0xbfff); // exponents below infinity's
    append(half);
    return half_to_double(half);
  }
  if (type == "f4")
    return append((float)((double)(int64_t)bits / 1e9));
  return append((double)(int64_t)bits / 1e9);
}

#endif
