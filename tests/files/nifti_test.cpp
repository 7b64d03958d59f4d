// NIfTI files: types, byte orders, versions, scaling, offsets, and what is refused.
#include "nifti_file.h"
#include "support.h"

namespace {

const NumberType &type_named(const std::string &name) {
  for (const NumberType &type : number_types())
    if (name == type.numpy)
      return type;
  throw std::invalid_argument(name);
}

// Fills the file with random numbers of a type and returns them in the file's order.
std::vector<double> fill(NiftiFile &file, const NumberType &type) {
  size_t count = 1;
  for (size_t i = 1; i < file.dim.size(); ++i)
    count *= (size_t)file.dim[i];
  file.datatype = type.nifti;
  file.bitpix = 8 * (type.numpy[1] - '0');
  file.voxels.clear();
  std::vector<double> numbers;
  while (numbers.size() < count)
    numbers.push_back(append_random(file.voxels, type.numpy, file.big_endian));
  return numbers;
}

// A file without orientation has axes right, anterior, superior; H, W and D are back, left and up.
void expect_volume(const Parsed &parsed, const NiftiFile &file, const std::vector<double> &numbers) {
  const int64_t nx = file.dim[1], ny = file.dim[2], nz = file.dim[3];
  ASSERT_EQ(parsed.shape(), (std::vector<int64_t>{ny, nx, nz}));
  for (int64_t k = 0; k < nz; ++k)
    for (int64_t j = 0; j < ny; ++j)
      for (int64_t i = 0; i < nx; ++i)
        ASSERT_EQ(parsed.at({ny - 1 - j, nx - 1 - i, k}), numbers[(size_t)(i + nx * (j + ny * k))]);
}

} // namespace

TEST(Nifti, EveryTypeVersionAndByteOrderArrives) {
  for (const NumberType &type : number_types()) {
    if (type.nifti == 0)
      continue;
    for (int variant = 0; variant < 4; ++variant) {
      NiftiFile file;
      file.version = 1 + variant / 2;
      file.big_endian = variant & 1;
      file.dim = {3, 2 + random_below(5), 1 + random_below(40), 2 + random_below(20)};
      SCOPED_TRACE(std::string(type.numpy) + " variant " + std::to_string(variant));
      std::vector<double> numbers = fill(file, type);
      Parsed parsed = Parsed::bytes(file.bytes());
      ASSERT_EQ(parsed.result(), CLI_OK) << parsed.reason();
      EXPECT_STREQ(parsed->format, "nifti");
      EXPECT_EQ(parsed->kind, SOURCE_VOLUME);
      EXPECT_EQ(parsed.dtype(), type.arrives);
      EXPECT_FALSE(parsed->oriented);
      expect_volume(parsed, file, numbers);
    }
  }
}

TEST(Nifti, SeriesKeepTheirTimeFirst) {
  NiftiFile file;
  file.dim = {4, 3, 2, 2, 5};
  std::vector<double> numbers = fill(file, type_named("i2"));
  Parsed parsed = Parsed::bytes(file.bytes());
  ASSERT_EQ(parsed.result(), CLI_OK) << parsed.reason();
  EXPECT_EQ(parsed->kind, SOURCE_VOLUME);
  ASSERT_EQ(parsed.shape(), (std::vector<int64_t>{5, 2, 3, 2}));
  for (int64_t t = 0; t < 5; ++t)
    EXPECT_EQ(parsed.at({t, 1, 2, 1}), numbers[(size_t)(12 * t + 6)]) << t; // voxel (0, 0, 1)
}

// Vectors, and whatever else has more than four dimensions: each component is a volume of the series.
TEST(Nifti, AllDimensionsBeyondTheThirdAreTheSeries) {
  for (std::vector<int64_t> dim :
       {std::vector<int64_t>{5, 3, 2, 2, 1, 3}, {5, 3, 2, 2, 2, 3}, {7, 3, 2, 1, 2, 1, 3, 2}}) {
    NiftiFile file;
    file.dim = dim;
    std::vector<double> numbers = fill(file, type_named("f4"));
    const int64_t nx = dim[1], ny = dim[2], nz = dim[3], volume = nx * ny * nz;
    Parsed parsed = Parsed::bytes(file.bytes());
    ASSERT_EQ(parsed.result(), CLI_OK) << parsed.reason();
    EXPECT_EQ(parsed->kind, SOURCE_VOLUME);
    ASSERT_EQ(parsed.shape(), (std::vector<int64_t>{(int64_t)numbers.size() / volume, ny, nx, nz}));
    for (int64_t n = 0; n < (int64_t)numbers.size(); ++n)
      EXPECT_EQ(parsed.at({n / volume, ny - 1 - n / nx % ny, nx - 1 - n % nx, n / (nx * ny) % nz}),
                numbers[(size_t)n]);
  }
}

TEST(Nifti, ColourVoxelsAreThreeChannels) {
  for (int datatype : {128, 2304})
    for (std::vector<int64_t> dim :
         {std::vector<int64_t>{3, 4, 3, 2}, {2, 4, 3}, {4, 4, 3, 1, 2}, {5, 4, 3, 2, 1, 3}}) {
      SCOPED_TRACE(std::to_string(datatype) + " " + std::to_string(dim[0]));
      const size_t samples = datatype == 128 ? 3 : 4; // the fourth is alpha
      NiftiFile file;
      file.dim = dim;
      dim.resize(8, 1);
      size_t voxels = 1;
      for (size_t i = 1; i < 8; ++i)
        voxels *= (size_t)dim[i];
      file.datatype = datatype;
      file.bitpix = 8 * (int)samples;
      file.slope = 2; // is not for colours
      file.voxels.clear();
      for (size_t i = 0; i < samples * voxels; ++i)
        file.voxels += (char)random_below(256);
      Parsed parsed = Parsed::bytes(file.bytes());
      ASSERT_EQ(parsed.result(), CLI_OK) << parsed.reason();
      EXPECT_EQ(parsed.dtype(), "u8");
      EXPECT_TRUE(parsed->colour);
      EXPECT_EQ(parsed->kind, file.dim[0] == 2 ? SOURCE_BATCH : SOURCE_VOLUME);
      for (size_t n = 0; n < voxels; ++n)
        for (int64_t channel = 0; channel < 3; ++channel) {
          const int64_t i = (int64_t)n % 4, j = (int64_t)n / 4 % 3, k = (int64_t)n / 12 % dim[3],
                        t = (int64_t)n / (12 * dim[3]);
          std::vector<int64_t> index = {channel, 2 - j, 3 - i, k};
          if (file.dim[0] == 2)
            index = {0, channel, 2 - j, 3 - i};
          else if (file.dim[0] > 3)
            index.insert(index.begin(), t);
          ASSERT_EQ(index.size(), parsed.shape().size());
          EXPECT_EQ(parsed.at(index), (uint8_t)file.voxels[samples * n + (size_t)channel]);
        }
      file.voxels.pop_back();
      expect_refused(Parsed::bytes(file.bytes()), CLI_UNREADABLE, "cut off");
    }
}

TEST(Nifti, DimensionsOfOneDoNotCount) {
  for (std::vector<int64_t> dim :
       {std::vector<int64_t>{7, 2, 3, 4, 1, 1, 1, 1}, {4, 2, 3, 4, 1}, {3, 2, 3, 4}}) {
    NiftiFile file;
    file.dim = dim;
    Parsed parsed = Parsed::bytes(file.bytes());
    ASSERT_EQ(parsed.result(), CLI_OK) << parsed.reason();
    EXPECT_EQ(parsed.shape(), (std::vector<int64_t>{3, 2, 4}));
  }
  NiftiFile unused; // what lies beyond dim[0] means nothing
  unused.dim = {3, 2, 3, 4, -7, 99, 0, 5};
  EXPECT_EQ(Parsed::bytes(unused.bytes()).shape(), (std::vector<int64_t>{3, 2, 4}));
}

TEST(Nifti, ScalingIsAppliedOnceRounded) {
  for (const NumberType &type : number_types()) {
    if (type.nifti == 0)
      continue;
    const std::string name = type.numpy;
    const bool narrow = name[1] <= '2' || name == "f4";
    for (int version = 1; version <= 2; ++version) {
      SCOPED_TRACE(name + " version " + std::to_string(version));
      NiftiFile file;
      file.version = version;
      file.dim = {3, 9, 8, 30}; // more than one block
      std::vector<double> numbers = fill(file, type);
      file.slope = (float)(0.1 + random_below(1000) / 77.0) * (version == 1 ? 1 : -1);
      file.inter = (float)(random_below(1000) / 7.0 - 50);
      for (double &number : numbers) {
        number = number * file.slope + file.inter;
        if (narrow)
          number = (float)number;
      }
      Parsed parsed = Parsed::bytes(file.bytes());
      ASSERT_EQ(parsed.result(), CLI_OK) << parsed.reason();
      EXPECT_EQ(parsed.dtype(), narrow ? "f32" : "f64");
      expect_volume(parsed, file, numbers);
    }
  }
}

TEST(Nifti, ScalingOfNothingKeepsTheType) {
  const double slopes[] = {0, 1, NAN, INFINITY, -INFINITY};
  for (double slope : slopes) {
    NiftiFile file;
    std::vector<double> numbers = fill(file, type_named("i2"));
    file.slope = slope;
    file.inter = slope == 1 ? 0 : 1000;
    Parsed parsed = Parsed::bytes(file.bytes());
    ASSERT_EQ(parsed.result(), CLI_OK) << parsed.reason();
    EXPECT_EQ(parsed.dtype(), "i16") << slope;
    expect_volume(parsed, file, numbers);
  }
}

TEST(Nifti, AnInterceptAloneShifts) {
  NiftiFile file;
  std::vector<double> numbers = fill(file, type_named("u1"));
  file.slope = 1;
  file.inter = -1024;
  for (double &number : numbers)
    number -= 1024;
  expect_volume(Parsed::bytes(file.bytes()), file, numbers);
}

TEST(Nifti, AnInterceptThatIsNoNumberIsRefused) {
  NiftiFile file;
  file.slope = 2;
  for (double inter : {(double)NAN, (double)INFINITY}) {
    file.inter = inter;
    expect_refused(Parsed::bytes(file.bytes()), CLI_UNREADABLE, "scl_inter is ");
  }
}

TEST(Nifti, SpacingComesFromPixdim) {
  const struct {
    double stored, expected;
  } cases[] = {{0.5, 0.5}, {-0.5, 0.5}, {0, 1}, {NAN, 1}, {INFINITY, 1}};
  for (const auto &spacing : cases) {
    NiftiFile file;
    file.pixdim[1] = spacing.stored;
    file.pixdim[2] = 3;
    file.pixdim[3] = 4;
    Parsed parsed = Parsed::bytes(file.bytes());
    ASSERT_EQ(parsed.result(), CLI_OK) << parsed.reason();
    EXPECT_EQ(parsed->spacing[0], 3);
    EXPECT_EQ(parsed->spacing[1], spacing.expected);
    EXPECT_EQ(parsed->spacing[2], 4);
  }
}

TEST(Nifti, VoxelsBeginWhereTheHeaderSays) {
  for (int version = 1; version <= 2; ++version)
    for (const char *name : {"u1", "i2", "f4", "f8", "i8"})
      for (int more : {-4, -3, -1, 0, 1, 3, 5, 8, 13, 1000}) {
        NiftiFile file;
        file.version = version;
        file.vox_offset = (double)file.header_bytes() + 4 + more;
        std::vector<double> numbers = fill(file, type_named(name));
        std::string bytes = file.bytes();
        // bytes() leaves room for the flag of extensions; less is legal only without it
        if (more < 0)
          bytes.erase(file.header_bytes(), (size_t)-more);
        Parsed parsed = Parsed::bytes(bytes);
        ASSERT_EQ(parsed.result(), CLI_OK) << parsed.reason();
        expect_volume(parsed, file, numbers);
      }
}

TEST(Nifti, WithoutAnOffsetVoxelsFollowTheHeaderAndItsFlag) {
  for (int version = 1; version <= 2; ++version) {
    NiftiFile file;
    file.version = version;
    std::vector<double> numbers = fill(file, type_named("i2"));
    std::string bytes = file.bytes();
    if (version == 1)
      put(bytes, 108, 0.0f, false);
    else
      put(bytes, 168, (int64_t)0, false);
    Parsed parsed = Parsed::bytes(bytes);
    ASSERT_EQ(parsed.result(), CLI_OK) << parsed.reason();
    expect_volume(parsed, file, numbers);
    expect_refused(Parsed::bytes(bytes.substr(0, bytes.size() - 1)), CLI_UNREADABLE, "cut off");
  }
}

TEST(Nifti, ExtensionsAreSkipped) {
  NiftiFile file;
  std::vector<double> numbers = fill(file, type_named("f4"));
  file.extension = bytes_of((int32_t)32, false) + bytes_of((int32_t)6, false) + "a comment of 24 bytes...";
  Parsed parsed = Parsed::bytes(file.bytes());
  ASSERT_EQ(parsed.result(), CLI_OK) << parsed.reason();
  expect_volume(parsed, file, numbers);
}

TEST(Nifti, OffsetsOutsideTheFileAreRefused) {
  NiftiFile file;
  for (double offset : {-1.0, 1.0, 347.0, 352.5, 377.0, 1e9, 1e30, -1e30, (double)NAN, (double)INFINITY}) {
    file.vox_offset = offset;
    std::string bytes = file.bytes();
    bytes.resize(376);
    expect_refused(Parsed::bytes(bytes), CLI_UNREADABLE, "vox_offset is ");
  }
  NiftiFile second;
  second.version = 2;
  std::string bytes = second.bytes();
  for (int64_t offset : {INT64_MIN, INT64_MAX, (int64_t)1, (int64_t)539}) {
    put(bytes, 168, offset, false);
    expect_refused(Parsed::bytes(bytes), CLI_UNREADABLE, "vox_offset is ");
  }
}

TEST(Nifti, EveryCutIsRefused) {
  for (int version = 1; version <= 2; ++version) {
    NiftiFile file;
    file.version = version;
    const std::string whole = file.bytes();
    ASSERT_EQ(Parsed::bytes(whole).result(), CLI_OK);
    for (size_t size = 4; size < whole.size(); ++size) {
      Parsed parsed = Parsed::bytes(whole.substr(0, size));
      EXPECT_EQ(parsed.result(), CLI_UNREADABLE) << size << ": " << parsed.reason();
      EXPECT_EQ(parsed->memory, nullptr);
    }
  }
}

TEST(Nifti, BytesAfterTheLastVoxelAreIgnored) {
  NiftiFile file;
  EXPECT_EQ(Parsed::bytes(file.bytes() + "padding").result(), CLI_OK);
}

TEST(Nifti, WrongDimensionsAreRefused) {
  const struct {
    std::vector<int64_t> dim;
    cli_result result;
    const char *reason;
  } cases[] = {{{0}, CLI_UNREADABLE, "dim[0] is 0"},
               {{8, 1, 1, 1, 1, 1, 1, 1}, CLI_UNREADABLE, "dim[0] is 8"},
               {{-3, 2, 3, 4}, CLI_UNREADABLE, "dim[0] is -3"},
               {{3, 0, 3, 4}, CLI_UNREADABLE, "dim[1] is 0"},
               {{3, 2, -3, 4}, CLI_UNREADABLE, "dim[2] is -3"},
               {{4, 2, 3, 4, 0}, CLI_UNREADABLE, "dim[4] is 0"},
               {{6, 2, 3, 2, 1, 2, -1}, CLI_UNREADABLE, "dim[6] is -1"},
               {{1, 24}, CLI_UNSUPPORTED, "only one dimension"},
               {{3, 32767, 32767, 32767}, CLI_UNREADABLE, "ask for 35181150961663 bytes"}};
  for (const auto &wrong : cases) {
    NiftiFile file;
    file.dim = wrong.dim;
    expect_refused(Parsed::bytes(file.bytes()), wrong.result, wrong.reason);
  }
}

TEST(Nifti, OverflowingDimensionsAreRefused) {
  NiftiFile file;
  file.version = 2;
  for (std::vector<int64_t> dim : {std::vector<int64_t>{2, INT64_MAX, INT64_MAX},
                                   {4, 1ll << 32, 1ll << 31, 2, 1},
                                   {4, 65536, 65536, 65536, 65536},
                                   {7, 1 << 20, 1, 1, 1, 1 << 20, 1 << 20, 16},
                                   {3, 3037000500, 3037000500, 3}}) {
    file.dim = dim;
    file.datatype = 64;
    expect_refused(Parsed::bytes(file.bytes()), CLI_UNREADABLE, "more than 2^64 bytes");
  }
}

TEST(Nifti, OtherTypesAreRefusedByName) {
  const struct {
    int datatype;
    const char *name;
  } types[] = {{1, "1-bit"}, {32, "complex64"}, {1536, "float128"}, {1792, "complex128"}, {2048, "complex256"}};
  NiftiFile file;
  for (const auto &type : types) {
    file.datatype = type.datatype;
    expect_refused(Parsed::bytes(file.bytes()), CLI_UNSUPPORTED, type.name);
  }
  for (int unknown : {0, 3, 255, -1, 32767}) {
    file.datatype = unknown;
    expect_refused(Parsed::bytes(file.bytes()), CLI_UNREADABLE,
                   "unknown NIfTI datatype " + std::to_string(unknown));
  }
}

TEST(Nifti, PairsAnalyzeAndWrongMagicsAreRefused) {
  NiftiFile file;
  std::string bytes = file.bytes();
  bytes.replace(344, 4, std::string("ni1\0", 4));
  expect_refused(Parsed::bytes(bytes), CLI_UNSUPPORTED, ".hdr/.img pair");
  bytes.replace(344, 4, std::string(4, '\0'));
  expect_refused(Parsed::bytes(bytes), CLI_UNSUPPORTED, "Analyze 7.5");
  file.version = 2;
  bytes = file.bytes();
  bytes.replace(4, 8, std::string("ni2\0\r\n\x1a\n", 8));
  expect_refused(Parsed::bytes(bytes), CLI_UNSUPPORTED, ".hdr/.img pair");
  bytes.replace(4, 8, std::string("n+2\0\n\n\x1a\n", 8));
  expect_refused(Parsed::bytes(bytes), CLI_UNREADABLE, "magic is wrong");
}

TEST(Nifti, SixtyFourBitIntegersMustBeExact) {
  NiftiFile file;
  file.dim = {2, 1, 1};
  file.datatype = 1024;
  file.voxels = bytes_of((int64_t)(1ll << 53) + 1, false);
  expect_refused(Parsed::bytes(file.bytes()), CLI_UNSUPPORTED, "9007199254740993");
}
