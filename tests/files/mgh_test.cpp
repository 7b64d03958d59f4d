// FreeSurfer's MGH files: types, frames, where the axes point, and what is refused.
#include "mgh_file.h"
#include "support.h"

#include <algorithm>

namespace {

const struct {
  int mgh;
  const char *numpy, *arrives;
} types[] = {{0, "u1", "u8"}, {1, "i4", "i32"}, {3, "f4", "f32"}, {4, "i2", "i16"}, {10, "u2", "u16"}};

// Bytes 0, 1, 2, ... in the file's order.
MghFile numbered(std::array<int, 4> shape) {
  MghFile file;
  file.shape = shape;
  file.voxels.clear();
  for (int i = 0; i < shape[0] * shape[1] * shape[2] * shape[3]; ++i)
    file.voxels += (char)i;
  return file;
}

} // namespace

TEST(Mgh, EveryTypeArrivesWithAllFrames) {
  for (const auto &type : types)
    for (int frames = 1; frames <= 3; ++frames)
      for (bool packed : {false, true}) {
        SCOPED_TRACE(std::string(type.numpy) + " frames " + std::to_string(frames));
        const int nx = 1 + random_below(40), ny = 1 + random_below(40), nz = 2 + random_below(20);
        MghFile file;
        file.type = type.mgh;
        file.shape = {nx, ny, nz, frames};
        file.voxels.clear();
        std::vector<double> numbers;
        for (int i = 0; i < nx * ny * nz * frames; ++i)
          numbers.push_back(append_random(file.voxels, type.numpy, true));
        file.voxels += "times, tags and commands";
        const Parsed parsed = Parsed::bytes(packed ? gzip(file.bytes()) : file.bytes());
        ASSERT_EQ(parsed.result(), CLI_OK) << parsed.reason();
        EXPECT_STREQ(parsed->format, "mgh");
        EXPECT_EQ(parsed->kind, SOURCE_VOLUME);
        EXPECT_EQ(parsed.dtype(), type.arrives);
        EXPECT_TRUE(parsed->oriented);
        // The conformed axes run to the left, to inferior and to anterior: H is z turned round, W x, D y
        // turned.
        std::vector<int64_t> shape = {nz, nx, ny};
        if (frames > 1)
          shape.insert(shape.begin(), frames);
        ASSERT_EQ(parsed.shape(), shape);
        for (int t = 0; t < frames; ++t)
          for (int k = 0; k < nz; ++k)
            for (int j = 0; j < ny; ++j)
              for (int i = 0; i < nx; ++i) {
                std::vector<int64_t> index = {nz - 1 - k, i, ny - 1 - j};
                if (frames > 1)
                  index.insert(index.begin(), t);
                ASSERT_EQ(parsed.at(index), numbers[(size_t)(i + nx * (j + ny * (k + nz * t)))]);
              }
      }
}

// Where every voxel lies in the patient, for all 48 ways that axes can point, by the header's own definition.
TEST(Mgh, DirectionsAreBroughtToTheStandardAxes) {
  const std::array<int, 4> extents = {2, 3, 4, 1};
  std::array<size_t, 3> row_of = {0, 1, 2};
  do
    for (int turns = 0; turns < 8; ++turns) {
      MghFile file = numbered(extents);
      file.delta = {1.5, 2.5, 3.5};
      file.centre = {10, -20, 30};
      for (size_t axis = 0; axis < 3; ++axis) {
        file.cosines[axis] = {0.1, 0.1, 0.1}; // a little oblique
        file.cosines[axis][row_of[axis]] = turns >> axis & 1 ? -1 : 1;
      }
      const Parsed parsed = Parsed::bytes(file.bytes());
      ASSERT_EQ(parsed.result(), CLI_OK) << parsed.reason();
      EXPECT_TRUE(parsed->oriented);
      const size_t anatomical[3] = {1, 0, 2};
      const int senses[3] = {-1, -1, 1}; // H to the back, W to the left, D up
      for (int64_t h = 0; h < parsed->tensor.shape[0]; ++h)
        for (int64_t w = 0; w < parsed->tensor.shape[1]; ++w)
          for (int64_t d = 0; d < parsed->tensor.shape[2]; ++d) {
            const int64_t index[3] = {h, w, d};
            int64_t voxel[3] = {};
            for (size_t axis = 0; axis < 3; ++axis)
              for (size_t i = 0; i < 3; ++i)
                if (anatomical[i] == row_of[axis]) {
                  const bool same = file.cosines[axis][anatomical[i]] * senses[i] > 0;
                  voxel[axis] = same ? index[i] : extents[axis] - 1 - index[i];
                  EXPECT_NEAR(parsed->spacing[i], file.delta[axis] * std::sqrt(1.02), 1e-6);
                }
            ASSERT_EQ(parsed.at({h, w, d}), (double)(voxel[0] + 2 * (voxel[1] + 3 * voxel[2])));
            for (size_t row = 0; row < 3; ++row) { // and the affine says the same
              double place = file.centre[row], found = parsed->grid.affine[row][3];
              for (size_t i = 0; i < 3; ++i) {
                place += file.cosines[i][row] * file.delta[i] * ((double)voxel[i] - extents[i] / 2.0);
                found += parsed->grid.affine[row][i] * (double)index[i];
              }
              EXPECT_NEAR(found, place, 1e-5); // the file has float32
            }
          }
    }
  while (std::next_permutation(row_of.begin(), row_of.end()));
}

// As FreeSurfer takes it: the same voxels at the same places as if the file had said so.
TEST(Mgh, WithoutSoundDirectionsTheVolumeIsCoronal) {
  MghFile unsaid = numbered({2, 3, 4, 1}), negative = unsaid, flat = unsaid, infinite = unsaid, still = unsaid;
  unsaid.good_ras = 0;
  negative.good_ras = -1;
  for (MghFile *file : {&unsaid, &negative}) { // what is not good is not looked at
    file->delta = {5, 6, 7};
    file->cosines = {{{0, 1, 0}, {1, 0, 0}, {0, 0, 1}}};
  }
  flat.cosines[1] = flat.cosines[0];
  infinite.centre[1] = INFINITY;
  still.delta[2] = 0;
  const Parsed said = Parsed::bytes(numbered({2, 3, 4, 1}).bytes());
  ASSERT_EQ(said.result(), CLI_OK) << said.reason();
  for (const MghFile &file : {unsaid, negative, flat, infinite, still}) {
    const Parsed parsed = Parsed::bytes(file.bytes());
    ASSERT_EQ(parsed.result(), CLI_OK) << parsed.reason();
    EXPECT_FALSE(parsed->oriented);
    ASSERT_EQ(parsed.shape(), said.shape());
    for (int64_t h = 0; h < 4; ++h)
      for (int64_t w = 0; w < 2; ++w)
        for (int64_t d = 0; d < 3; ++d)
          EXPECT_EQ(parsed.at({h, w, d}), said.at({h, w, d}));
    for (double spacing : parsed->spacing)
      EXPECT_EQ(spacing, 1);
  }
}

TEST(Mgh, OneSliceIsAnImage) {
  MghFile file = numbered({3, 2, 1, 1});
  file.delta = {2, 3, 5};
  const Parsed parsed = Parsed::bytes(file.bytes());
  ASSERT_EQ(parsed.result(), CLI_OK) << parsed.reason();
  EXPECT_EQ(parsed->kind, SOURCE_IMAGE);
  ASSERT_EQ(parsed.shape(),
            (std::vector<int64_t>{2, 3})); // superior at the top, the patient's right at the left
  for (int64_t row = 0; row < 2; ++row)
    for (int64_t column = 0; column < 3; ++column)
      EXPECT_EQ(parsed.at({row, column}), (double)(3 * row + column));
  EXPECT_EQ(parsed->spacing[0], 3);
  EXPECT_EQ(parsed->spacing[1], 2);
}

TEST(Mgh, WhatFollowsTheVoxelsIsNotLookedAt) {
  MghFile file = numbered({64, 64, 64, 1});
  const std::string plain = file.bytes();
  file.voxels += std::string(1 << 20, 't');
  std::string damaged = gzip(file.bytes());
  damaged[damaged.size() - 5] = (char)~damaged[damaged.size() - 5]; // its checksum is far behind
  for (const std::string &bytes : {plain, file.bytes(), damaged})
    EXPECT_EQ(Parsed::bytes(bytes).result(), CLI_OK) << Parsed::bytes(bytes).reason();
}

TEST(Mgh, EveryCutIsRefused) {
  const std::string whole = MghFile().bytes();
  for (size_t size = 4; size < whole.size(); ++size) {
    expect_refused(Parsed::bytes(whole.substr(0, size)), CLI_UNREADABLE, "cut off");
    expect_refused(Parsed::bytes(gzip(whole.substr(0, size))), CLI_UNREADABLE, "cut off");
  }
}

TEST(Mgh, AbsurdHeadersAreRefused) {
  auto shaped = [](std::array<int, 4> shape) {
    MghFile file;
    file.shape = shape;
    return file.bytes();
  };
  auto typed = [](int type) {
    MghFile file;
    file.type = type;
    return file.bytes();
  };
  const struct {
    std::string bytes;
    cli_result result;
    std::string part;
  } cases[] = {
      {shaped({0, 3, 4, 1}), CLI_UNREADABLE, "its width is 0"},
      {shaped({2, -3, 4, 1}), CLI_UNREADABLE, "its height is -3"},
      {shaped({2, 3, INT32_MIN, 1}), CLI_UNREADABLE, "its depth is -2147483648"},
      {shaped({2, 3, 4, 0}), CLI_UNREADABLE, "its number of frames is 0"},
      {shaped({2, 3, 5, 1}), CLI_UNREADABLE, "cut off: its dimensions ask for 30 bytes"},
      {shaped({INT32_MAX, INT32_MAX, 4, 1}), CLI_UNREADABLE, "cut off"},
      {shaped({INT32_MAX, INT32_MAX, INT32_MAX, 2}), CLI_UNREADABLE, "multiply to more than"},
      {typed(1), CLI_UNREADABLE, "cut off: its dimensions ask for 96 bytes"},
      {typed(2), CLI_UNSUPPORTED, "type long"},
      {typed(5), CLI_UNSUPPORTED, "type bitmap"},
      {typed(6), CLI_UNSUPPORTED, "type tensor"},
      {typed(7), CLI_UNSUPPORTED, "type complex"},
      {typed(8), CLI_UNSUPPORTED, "type double complex"},
      {typed(9), CLI_UNSUPPORTED, "type RGB"},
      {typed(11), CLI_UNREADABLE, "unknown MGH type 11"},
      {typed(-1), CLI_UNREADABLE, "unknown MGH type -1"},
  };
  for (const auto &one : cases) {
    expect_refused(Parsed::bytes(one.bytes), one.result, one.part);
    expect_refused(Parsed::bytes(gzip(one.bytes)), one.result,
                   one.part.substr(0, 7) == "cut off" ? "" : one.part);
  }
}
