// NumPy files made byte by byte, sound and damaged.
#include "support.h"

namespace {

struct NpyFile {
  int major = 1;
  std::string header, data;

  std::string bytes() const {
    std::string file = std::string("\x93NUMPY", 6) + (char)major + '\0';
    file += major == 1 ? bytes_of((uint16_t)header.size(), false) : bytes_of((uint32_t)header.size(), false);
    return file + header + data;
  }
};

std::string header_of(const std::string &descr, bool fortran, const std::vector<int64_t> &shape) {
  std::string text =
      "{'descr': '" + descr + "', 'fortran_order': " + (fortran ? "True" : "False") + ", 'shape': (";
  for (int64_t extent : shape)
    text += std::to_string(extent) + ", ";
  return text + "), }" + std::string(20, ' ') + "\n";
}

NpyFile sound() { return {1, header_of("|u1", false, {2, 3}), "abcdef"}; }

} // namespace

TEST(Npy, EveryTypeOrderAndVersionArrives) {
  for (const NumberType &type : number_types())
    for (int variant = 0; variant < 12; ++variant) {
      const bool big_endian = variant & 1, fortran = variant & 2;
      const int major = 1 + variant / 4;
      std::vector<int64_t> shape;
      for (int i = 2 + random_below(3); i > 0; --i)
        shape.push_back(1 + random_below(7));
      if (type.numpy == std::string("u1") && shape.size() == 3 && shape[2] <= 4)
        shape[2] += 4; // not a picture
      int64_t count = 1;
      for (int64_t extent : shape)
        count *= extent;
      std::string data;
      std::vector<double> numbers;
      for (int64_t i = 0; i < count; ++i)
        numbers.push_back(append_random(data, type.numpy, big_endian));
      const char order = type.numpy[1] == '1' ? '|' : big_endian ? '>' : '<';
      SCOPED_TRACE(header_of(order + std::string(type.numpy), fortran, shape));

      Parsed parsed = Parsed::bytes(
          NpyFile{major, header_of(order + std::string(type.numpy), fortran, shape), data}.bytes());
      ASSERT_EQ(parsed.result(), CLI_OK) << parsed.reason();
      EXPECT_STREQ(parsed->format, "npy");
      EXPECT_EQ(parsed.dtype(), type.arrives);
      EXPECT_EQ(parsed.shape(), shape);
      EXPECT_EQ(parsed->kind, shape.size() == 2   ? SOURCE_IMAGE
                              : shape.size() == 3 ? SOURCE_VOLUME
                                                  : SOURCE_BATCH);
      EXPECT_FALSE(parsed->oriented);
      for (double spacing : parsed->spacing)
        EXPECT_EQ(spacing, 1);
      for (int64_t i = 0; i < count; ++i) {
        std::vector<int64_t> index(shape.size());
        int64_t left = i;
        for (size_t n = 0; n < shape.size(); ++n) {
          size_t axis = fortran ? n : shape.size() - 1 - n; // the fastest one first
          index[axis] = left % shape[axis];
          left /= shape[axis];
        }
        ASSERT_EQ(parsed.at(index), numbers[(size_t)i]);
      }
    }
}

TEST(Npy, BytesOfThreeOrFourChannelsAreAPicture) {
  for (const char *name : {"|u1", "u1", "uint8", "B"})
    for (bool fortran : {false, true})
      for (int64_t samples : {3, 4}) {
        const int64_t rows = 1 + random_below(9), columns = 1 + random_below(9);
        std::string data;
        for (int64_t i = 0; i < rows * columns * samples; ++i)
          data += (char)random_below(256);
        auto byte = [&](int64_t row, int64_t column, int64_t sample) {
          return (uint8_t)data[(size_t)(fortran ? row + rows * (column + columns * sample)
                                                : sample + samples * (column + columns * row))];
        };
        const std::string file = NpyFile{1, header_of(name, fortran, {rows, columns, samples}), data}.bytes();
        Parsed parsed = Parsed::bytes(file);
        ASSERT_EQ(parsed.result(), CLI_OK) << parsed.reason();
        EXPECT_EQ(parsed->kind, SOURCE_BATCH);
        ASSERT_EQ(parsed.shape(), (std::vector<int64_t>{1, 3, rows, columns}));
        Parsed volume = Parsed::bytes(file);
        volume.as_volume();
        EXPECT_EQ(volume->kind, SOURCE_VOLUME);
        ASSERT_EQ(volume.shape(), (std::vector<int64_t>{rows, columns, samples}));
        for (int64_t row = 0; row < rows; ++row)
          for (int64_t column = 0; column < columns; ++column)
            for (int64_t sample = 0; sample < samples; ++sample) {
              EXPECT_EQ(volume.at({row, column, sample}), byte(row, column, sample));
              if (sample < 3) {
                EXPECT_EQ(parsed.at({0, sample, row, column}), byte(row, column, sample));
              }
            }
      }
}

TEST(Npy, NativeOrderAndBooleansAreTaken) {
  NpyFile file = {1, header_of("=i2", false, {1, 2}),
                  bytes_of((int16_t)-5, false) + bytes_of((int16_t)7, false)};
  Parsed native = Parsed::bytes(file.bytes());
  ASSERT_EQ(native.result(), CLI_OK) << native.reason();
  EXPECT_EQ(native.at({0, 0}), -5);
  Parsed booleans = Parsed::bytes(NpyFile{1, header_of("|b1", false, {1, 2}), std::string("\1\0", 2)}.bytes());
  ASSERT_EQ(booleans.result(), CLI_OK) << booleans.reason();
  EXPECT_EQ(booleans.dtype(), "u8");
  EXPECT_EQ(booleans.at({0, 0}), 1);
}

TEST(Npy, TheDictionaryMayBeWrittenOtherwise) {
  NpyFile file = sound();
  for (const char *header : {"{'shape': (2, 3), 'fortran_order': False, 'descr': '|u1'}",
                             "{\"descr\":\"|u1\",\"fortran_order\":False,\"shape\":(2,3,)}\n",
                             "  { 'descr' : '|u1' , 'fortran_order' : False , 'shape' : ( 2 , 3 ) , } \n"}) {
    file.header = header;
    Parsed parsed = Parsed::bytes(file.bytes());
    EXPECT_EQ(parsed.result(), CLI_OK) << header << ": " << parsed.reason();
  }
}

// Headers that numpy.load (2.4) reads, written by Python 2 or by hand.
TEST(Npy, WhatPythonReadsIsRead) {
  NpyFile file = sound();
  for (const char *header : {"{'descr': '|u1', 'fortran_order': False, 'shape': (2L, 3L), }",
                             "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3 L)}",
                             "\t{'descr':\t'|u1',\t'fortran_order':\tFalse, 'shape': (2,\t3)}\t\n",
                             "{'descr': '|u1',\r\n'fortran_order':\fFalse, 'shape': (2, 3)}\r\n",
                             "{u'descr': u'|u1', u'fortran_order': False, u'shape': (2L, 3L)}"}) {
    file.header = header;
    Parsed parsed = Parsed::bytes(file.bytes());
    ASSERT_EQ(parsed.result(), CLI_OK) << header << ": " << parsed.reason();
    EXPECT_EQ(parsed.shape(), (std::vector<int64_t>{2, 3}));
  }
}

// Each name with what numpy.dtype(name).str is on a little-endian machine.
TEST(Npy, TypesMayHaveTheirOtherNames) {
  const struct {
    const char *name, *dtype;
    std::string number;
    double value;
  } types[] = {{"f4", "f32", bytes_of(1.5f, false), 1.5},
               {"|f4", "f32", bytes_of(1.5f, false), 1.5},
               {"=f4", "f32", bytes_of(1.5f, false), 1.5},
               {"float32", "f32", bytes_of(1.5f, false), 1.5},
               {"f", "f32", bytes_of(1.5f, false), 1.5},
               {">f", "f32", bytes_of(1.5f, true), 1.5},
               {"d", "f64", bytes_of(-2.5, false), -2.5},
               {"float64", "f64", bytes_of(-2.5, false), -2.5},
               {"e", "f16", bytes_of((uint16_t)0x3c00, false), 1},
               {"float16", "f16", bytes_of((uint16_t)0x3c00, false), 1},
               {"u1", "u8", "\xff", 255},
               {">u1", "u8", "\xff", 255},
               {"B", "u8", "\xff", 255},
               {"uint8", "u8", "\xff", 255},
               {"b", "i8", "\xff", -1},
               {"int8", "i8", "\xff", -1},
               {"?", "u8", "\1", 1},
               {"bool", "u8", "\1", 1},
               {"|u2", "u16", bytes_of((uint16_t)513, false), 513},
               {"H", "u16", bytes_of((uint16_t)513, false), 513},
               {"uint16", "u16", bytes_of((uint16_t)513, false), 513},
               {"h", "i16", bytes_of((int16_t)-2, false), -2},
               {"int16", "i16", bytes_of((int16_t)-2, false), -2},
               {"I", "u32", bytes_of(4000000000u, false), 4000000000},
               {"uint32", "u32", bytes_of(4000000000u, false), 4000000000},
               {"i", "i32", bytes_of(-3, false), -3},
               {"int32", "i32", bytes_of(-3, false), -3},
               {"Q", "f64", bytes_of((uint64_t)1 << 63, false), 9223372036854775808.0},
               {"uint64", "f64", bytes_of((uint64_t)1 << 63, false), 9223372036854775808.0},
               {"q", "f64", bytes_of((int64_t)-4, false), -4},
               {"int64", "f64", bytes_of((int64_t)-4, false), -4}};
  for (const auto &type : types) {
    SCOPED_TRACE(type.name);
    Parsed parsed = Parsed::bytes(NpyFile{1, header_of(type.name, false, {1, 1}), type.number}.bytes());
    ASSERT_EQ(parsed.result(), CLI_OK) << parsed.reason();
    EXPECT_EQ(parsed.dtype(), type.dtype);
    EXPECT_EQ(parsed.at({0, 0}), type.value);
  }
}

TEST(Npy, HeadersLongerThanNumPyReadsAreRefused) {
  NpyFile file = sound();
  for (int major = 1; major <= 2; ++major) {
    file.major = major;
    file.header = sound().header;
    file.header.resize(10000, ' ');
    EXPECT_EQ(Parsed::bytes(file.bytes()).result(), CLI_OK) << Parsed::bytes(file.bytes()).reason();
    file.header += ' ';
    expect_refused(Parsed::bytes(file.bytes()), CLI_UNSUPPORTED, "its header takes 10001 bytes");
  }
}

TEST(Npy, DamagedHeadersAreRefused) {
  const struct {
    const char *header, *reason;
  } cases[] = {
      {"", "not a Python dictionary"},
      {"[1]", "not a Python dictionary"},
      {"{", "where a key should be"},
      {"{'descr' '|u1'}", "where a key should be"},
      {"{'descr': '|u1'", "damaged after 'descr'"},
      {"{'descr': '|u1' 'fortran_order': False}", "damaged after 'descr'"},
      {"{'descr': |u1, 'fortran_order': False, 'shape': (2, 3)}", "no sound 'descr'"},
      {"{'descr': '|u1", "no sound 'descr'"},
      {"{'descr': '|u1\\'', 'fortran_order': False, 'shape': (2, 3)}", "no sound 'descr'"},
      {"{'descr': '|u1234567890123456', 'fortran_order': False, 'shape': (2, 3)}", "no sound 'descr'"},
      {"{'descr': '|u1', 'fortran_order': 1, 'shape': (2, 3)}", "neither True nor False"},
      {"{'descr': '|u1', 'fortran_order': False, 'shape': (6)}", "'shape' is no tuple"},
      {"{'descr': '|u1', 'fortran_order': False, 'shape': (2, -3)}", "'shape' is no tuple"},
      {"{'descr': '|u1', 'fortran_order': False, 'shape': [2, 3]}", "'shape' is no tuple"},
      {"{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3", "'shape' is no tuple"},
      {"{'descr': '|u1', 'fortran_order': False, 'shape': (2, 9223372036854775808)}", "'shape' is no tuple"},
      {"{'descr': '|u1', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,"
       "1,1,1,1,1,1,1)}",
       "'shape' is no tuple"},
      {"{'descr': '|u1', 'fortran_order': False}", "lacks 'shape'"},
      {"{'descr': '|u1', 'shape': (2, 3)}", "lacks 'fortran_order'"},
      {"{'fortran_order': False, 'shape': (2, 3)}", "lacks 'descr'"},
      {"{'descr': '|u1', 'descr': '|u1', 'fortran_order': False, 'shape': (2, 3)}", "repeated key 'descr'"},
      {"{'other': 1}", "unknown or repeated key 'other'"},
      {"{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3)} and more", "goes on after"},
      {"{'descr': '|u1',\v'fortran_order': False, 'shape': (2, 3)}", "where a key should be"},
      {"{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3 LL)}", "'shape' is no tuple"},
  };
  for (const auto &bad : cases) {
    SCOPED_TRACE(bad.header);
    NpyFile file = sound();
    file.header = bad.header;
    expect_refused(Parsed::bytes(file.bytes()), CLI_UNREADABLE, bad.reason);
  }
}

TEST(Npy, SoundFilesOfOtherKindsAreRefusedByName) {
  const struct {
    const char *header, *reason;
  } cases[] = {
      {"{'descr': '<c8', 'fortran_order': False, 'shape': (2, 3)}", "'<c8' is not supported"},
      {"{'descr': '|O', 'fortran_order': False, 'shape': (2, 3)}", "'|O' is not supported"},
      {"{'descr': '<f16', 'fortran_order': False, 'shape': (2, 3)}", "'<f16' is not supported"},
      {"{'descr': '', 'fortran_order': False, 'shape': (2, 3)}", "'' is not supported"},
      {"{'descr': '<float32', 'fortran_order': False, 'shape': (2, 3)}", "'<float32' is not supported"},
      {"{'descr': '4f4', 'fortran_order': False, 'shape': (2, 3)}", "'4f4' is not supported"},
      {"{'descr': '<U4', 'fortran_order': False, 'shape': (2, 3)}", "'<U4' is not supported"},
      {"{'descr': '<M8[ns]', 'fortran_order': False, 'shape': (2, 3)}", "'<M8[ns]' is not supported"},
      {"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2, 3)}", "structured"},
      {"{'descr': '|u1', 'fortran_order': False, 'shape': ()}", "has 0 dimensions"},
      {"{'descr': '|u1', 'fortran_order': False, 'shape': (6,)}", "has 1 dimension;"},
      {"{'descr': '|u1', 'fortran_order': False, 'shape': (1, 1, 1, 2, 3)}", "has 5 dimensions"},
      {"{'descr': '|u1', 'fortran_order': False, 'shape': (0, 3)}", "dimension 0 is 0"},
  };
  for (const auto &other : cases) {
    SCOPED_TRACE(other.header);
    NpyFile file = sound();
    file.header = other.header;
    expect_refused(Parsed::bytes(file.bytes()), CLI_UNSUPPORTED, other.reason);
  }
}

TEST(Npy, VersionsOtherThanOneToThreeAreRefused) {
  std::string file = sound().bytes();
  file[6] = 4;
  expect_refused(Parsed::bytes(file), CLI_UNSUPPORTED, "version 4.0");
  file[6] = 0;
  expect_refused(Parsed::bytes(file), CLI_UNSUPPORTED, "version 0.0");
  file[6] = 1;
  file[7] = 1;
  expect_refused(Parsed::bytes(file), CLI_UNSUPPORTED, "version 1.1");
}

TEST(Npy, EveryCutIsRefused) {
  for (int major = 1; major <= 2; ++major) {
    NpyFile whole = sound();
    whole.major = major;
    const std::string file = whole.bytes();
    ASSERT_EQ(Parsed::bytes(file).result(), CLI_OK);
    for (size_t size = 6; size < file.size(); ++size) {
      SCOPED_TRACE(size);
      expect_refused(Parsed::bytes(file.substr(0, size)), CLI_UNREADABLE, "cut off");
    }
  }
}

// numpy.load reads the first of several arrays that numpy.save put into one file.
TEST(Npy, WhatFollowsTheArrayIsSaidAndNotRead) {
  const NpyFile file = sound();
  for (const std::string &rest : {file.bytes(), std::string("gh"), std::string(100000, '\0')})
    for (bool packed : {false, true}) {
      Parsed parsed = Parsed::bytes(packed ? gzip(file.bytes() + rest) : file.bytes() + rest);
      ASSERT_EQ(parsed.result(), CLI_OK) << parsed.reason();
      EXPECT_EQ(parsed.shape(), (std::vector<int64_t>{2, 3}));
      EXPECT_EQ(parsed.at({1, 2}), 'f');
      EXPECT_EQ(parsed.warning(), "more bytes follow its array, and are not read");
    }
  EXPECT_EQ(Parsed::bytes(file.bytes()).warning(), "");
}

TEST(Npy, AbsurdShapesAreRefusedBeforeAnythingIsAllocated) {
  NpyFile file = sound();
  for (bool fortran : {false, true}) {
    file.header = header_of("<f8", fortran, {9223372036854775807, 9223372036854775807});
    expect_refused(Parsed::bytes(file.bytes()), CLI_UNREADABLE, "more than 2^64 bytes");
    file.header = header_of("<f8", fortran, {1 << 20, 1 << 20, 1 << 20});
    expect_refused(Parsed::bytes(file.bytes()), CLI_UNREADABLE, "can hold only 6");
    file.header = header_of("|u1", fortran, {4294967296, 4294967296});
    expect_refused(Parsed::bytes(file.bytes()), CLI_UNREADABLE, "more than 2^64 bytes");
  }
}

TEST(Npy, SixtyFourBitIntegersMustBeExact) {
  const int64_t exact[] = {INT64_MIN, -(1ll << 53), (1ll << 53) + 2, 1ll << 62, 0};
  for (int64_t number : exact) {
    Parsed parsed = Parsed::bytes(NpyFile{1, header_of("<i8", false, {1, 1}), bytes_of(number, false)}.bytes());
    ASSERT_EQ(parsed.result(), CLI_OK) << number;
    EXPECT_EQ((int64_t)parsed.at({0, 0}), number);
  }
  for (int64_t number : {(int64_t)(1ll << 53) + 1, (int64_t) - (1ll << 53) - 1, (int64_t)INT64_MAX})
    expect_refused(Parsed::bytes(NpyFile{1, header_of("<i8", false, {1, 1}), bytes_of(number, false)}.bytes()),
                   CLI_UNSUPPORTED, std::to_string(number));
  expect_refused(
      Parsed::bytes(NpyFile{1, header_of("<u8", false, {1, 1}), bytes_of(UINT64_MAX, false)}.bytes()),
      CLI_UNSUPPORTED, "18446744073709551615");
}
