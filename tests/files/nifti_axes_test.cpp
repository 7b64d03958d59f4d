// Orientation: every way that a NIfTI file's axes can point, against the voxels' places in the patient.
#include "nifti_file.h"
#include "support.h"

#include <algorithm>
#include <array>

namespace {

using Vector = std::array<double, 3>;
using Matrix = std::array<Vector, 3>; // rows x (to the right), y (anterior), z (superior); columns i, j, k

// The 48 matrices of axes that are permuted and reversed.
std::vector<Matrix> all_matrices() {
  std::vector<Matrix> matrices;
  std::array<int, 3> row_of = {0, 1, 2};
  do {
    for (int signs = 0; signs < 8; ++signs) {
      Matrix matrix = {};
      for (int column = 0; column < 3; ++column)
        matrix[(size_t)row_of[(size_t)column]][(size_t)column] = signs >> column & 1 ? -1 : 1;
      matrices.push_back(matrix);
    }
  } while (std::next_permutation(row_of.begin(), row_of.end()));
  return matrices;
}

double determinant(const Matrix &m) {
  return m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1]) - m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0]) +
         m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0]);
}

// A quaternion times another: the rotations of the test are found by turning unit vectors with it.
using Quaternion = std::array<double, 4>;

Quaternion product(const Quaternion &p, const Quaternion &q) {
  return {p[0] * q[0] - p[1] * q[1] - p[2] * q[2] - p[3] * q[3],
          p[0] * q[1] + p[1] * q[0] + p[2] * q[3] - p[3] * q[2],
          p[0] * q[2] - p[1] * q[3] + p[2] * q[0] + p[3] * q[1],
          p[0] * q[3] + p[1] * q[2] - p[2] * q[1] + p[3] * q[0]};
}

Matrix rotation(const Quaternion &q) {
  Matrix matrix = {};
  for (size_t column = 0; column < 3; ++column) {
    Quaternion unit = {0, 0, 0, 0};
    unit[column + 1] = 1;
    Quaternion turned = product(product(q, unit), {q[0], -q[1], -q[2], -q[3]});
    for (size_t row = 0; row < 3; ++row)
      matrix[row][column] = turned[row + 1];
  }
  return matrix;
}

Matrix product(const Matrix &a, const Matrix &b) {
  Matrix matrix = {};
  for (size_t row = 0; row < 3; ++row)
    for (size_t column = 0; column < 3; ++column)
      for (size_t i = 0; i < 3; ++i)
        matrix[row][column] += a[row][i] * b[i][column];
  return matrix;
}

// A rotation by at most about `degrees`.
Matrix small_rotation(double degrees) {
  Vector axis;
  double length = 0;
  for (double &component : axis) {
    component = random_below(2001) - 1000 + 0.5;
    length += component * component;
  }
  double half = degrees * (random_below(1000) / 1000.0) * M_PI / 360;
  for (double &component : axis)
    component *= std::sin(half) / std::sqrt(length);
  return rotation({std::cos(half), axis[0], axis[1], axis[2]});
}

const int64_t extents[3] = {2, 3, 4};

NiftiFile numbered_file() {
  NiftiFile file;
  file.dim = {3, extents[0], extents[1], extents[2]};
  for (size_t i = 0; i < file.voxels.size(); ++i)
    file.voxels[i] = (char)(i + 1);
  file.pixdim[1] = 1.5;
  file.pixdim[2] = 2.5;
  file.pixdim[3] = 3.5;
  return file;
}

void set_sform(NiftiFile &file, const Matrix &matrix) {
  file.sform_code = 1;
  for (size_t row = 0; row < 3; ++row)
    for (size_t column = 0; column < 3; ++column)
      file.sform[row][column] = matrix[row][column] * file.pixdim[column + 1];
}

// Every voxel must lie where its place in the patient, in whole voxels by the signed permutation `axes`, says.
// The spacing is pixdim's times `scale`.
void expect_standard_axes(const Parsed &parsed, const NiftiFile &file, const Matrix &axes, double scale = 1) {
  ASSERT_EQ(parsed.result(), CLI_OK) << parsed.reason();
  const bv_tensor &tensor = parsed->tensor;
  ASSERT_EQ(tensor.ndim, 3);
  for (int64_t k = 0; k < extents[2]; ++k)
    for (int64_t j = 0; j < extents[1]; ++j)
      for (int64_t i = 0; i < extents[0]; ++i) {
        int64_t place[3] = {}; // to the right, anterior, superior, from the first voxel in that direction
        const int64_t voxel[3] = {i, j, k};
        for (size_t row = 0; row < 3; ++row)
          for (size_t column = 0; column < 3; ++column)
            if (axes[row][column] != 0)
              place[row] = axes[row][column] > 0 ? voxel[column] : extents[column] - 1 - voxel[column];
        // H runs to the back, W to the left, D up.
        const int64_t h = tensor.shape[0] - 1 - place[1], w = tensor.shape[1] - 1 - place[0], d = place[2];
        ASSERT_EQ(parsed.at({h, w, d}), (double)(1 + i + extents[0] * (j + extents[1] * k)));
      }
  const size_t rows[3] = {1, 0, 2};
  for (size_t axis = 0; axis < 3; ++axis)
    for (size_t column = 0; column < 3; ++column)
      if (axes[rows[axis]][column] != 0) {
        EXPECT_NEAR(parsed->spacing[axis] / (file.pixdim[column + 1] * scale), 1, scale == 1 ? 0 : 1e-6);
        EXPECT_EQ(tensor.shape[axis], extents[column]);
      }
}

std::string text_of(const Matrix &matrix) {
  std::string text;
  for (const Vector &row : matrix)
    for (double number : row)
      text += std::to_string(number) + " ";
  return text;
}

} // namespace

TEST(NiftiAxes, AllFortyEightSforms) {
  for (int version = 1; version <= 2; ++version)
    for (const Matrix &matrix : all_matrices()) {
      SCOPED_TRACE(text_of(matrix));
      NiftiFile file = numbered_file();
      file.version = version;
      set_sform(file, matrix);
      Parsed parsed = Parsed::bytes(file.bytes());
      EXPECT_TRUE(parsed->oriented);
      expect_standard_axes(parsed, file, matrix);
    }
}

TEST(NiftiAxes, ObliqueSformsGoToTheNearestAxes) {
  for (int round = 0; round < 10; ++round)
    for (const Matrix &matrix : all_matrices()) {
      const Matrix oblique = product(small_rotation(25), matrix);
      SCOPED_TRACE(text_of(oblique));
      NiftiFile file = numbered_file();
      set_sform(file, oblique);
      expect_standard_axes(Parsed::bytes(file.bytes()), file, matrix);
    }
}

TEST(NiftiAxes, AllQuaternionsWithBothHandednesses) {
  // The 24 turns of a cube: unit quaternions of these components, the first not negative, as NIfTI stores them.
  const double components[] = {-1, -std::sqrt(0.5), -0.5, 0, 0.5, std::sqrt(0.5), 1};
  std::vector<Matrix> seen;
  for (double a : components)
    for (double b : components)
      for (double c : components)
        for (double d : components) {
          if (a < 0 || std::fabs(a * a + b * b + c * c + d * d - 1) > 1e-9)
            continue;
          Matrix turn = rotation({a, b, c, d});
          bool of_cube = true;
          for (Vector &row : turn)
            for (double &number : row) {
              of_cube = of_cube && std::fabs(number - std::round(number)) < 1e-9;
              number = std::round(number);
            }
          if (!of_cube)
            continue;
          for (double qfac : {1.0, -1.0, 0.0}) {
            Matrix matrix = turn;
            if (qfac < 0)
              for (Vector &row : matrix)
                row[2] = -row[2];
            EXPECT_EQ(determinant(matrix), qfac < 0 ? -1 : 1);
            if (std::find(seen.begin(), seen.end(), matrix) == seen.end())
              seen.push_back(matrix);
            SCOPED_TRACE(text_of(matrix));
            NiftiFile file = numbered_file();
            file.qform_code = 1;
            file.quatern[0] = b;
            file.quatern[1] = c;
            file.quatern[2] = d;
            file.pixdim[0] = qfac;
            Parsed parsed = Parsed::bytes(file.bytes());
            EXPECT_TRUE(parsed->oriented);
            expect_standard_axes(parsed, file, matrix);
          }
        }
  EXPECT_EQ(seen.size(), 48u);
}

TEST(NiftiAxes, TheSformCountsBeforeTheQform) {
  NiftiFile file = numbered_file();
  const Matrix sform = {{{0, 0, 1}, {-1, 0, 0}, {0, 1, 0}}};
  set_sform(file, sform);
  file.qform_code = 1;
  expect_standard_axes(Parsed::bytes(file.bytes()), file, sform);
}

TEST(NiftiAxes, AnUnusableSformLeavesItToTheQform) {
  const Matrix turned = {{{-1, 0, 0}, {0, -1, 0}, {0, 0, 1}}}; // half a turn about z: d = 1
  const Matrix unusable[] = {{{{0, 0, 0}, {0, 0, 0}, {0, 0, 0}}},
                             {{{1, 0, 1}, {0, 1, 0}, {0, 0, 0}}},
                             {{{1, 0, 0}, {0, NAN, 0}, {0, 0, 1}}},
                             {{{1, 0, 0}, {0, INFINITY, 0}, {0, 0, 1}}},
                             {{{1, 2, 3}, {2, 4, 6}, {3, 6, 9}}}};
  for (const Matrix &sform : unusable) {
    SCOPED_TRACE(text_of(sform));
    NiftiFile file = numbered_file();
    set_sform(file, sform);
    file.qform_code = 1;
    file.quatern[2] = 1;
    Parsed parsed = Parsed::bytes(file.bytes());
    EXPECT_TRUE(parsed->oriented);
    expect_standard_axes(parsed, file, turned);
  }
}

TEST(NiftiAxes, WithoutAUsableFormTheAxesAreRightAnteriorSuperior) {
  const Matrix own = {{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}};
  NiftiFile file = numbered_file();
  expect_standard_axes(Parsed::bytes(file.bytes()), file, own);
  EXPECT_FALSE(Parsed::bytes(file.bytes())->oriented);
  file.qform_code = 1;
  file.quatern[0] = NAN;
  file.sform_code = 1; // zeros
  expect_standard_axes(Parsed::bytes(file.bytes()), file, own);
  EXPECT_FALSE(Parsed::bytes(file.bytes())->oriented);
  set_sform(file, {{{0, 1, 0}, {0, 0, 1}, {1, 0, 0}}}); // sound, but not said to be used
  file.quatern[0] = 1;
  for (int code : {0, -1}) {
    file.sform_code = file.qform_code = code;
    expect_standard_axes(Parsed::bytes(file.bytes()), file, own);
    EXPECT_FALSE(Parsed::bytes(file.bytes())->oriented);
  }
}

TEST(NiftiAxes, HugeAndTinySformsCount) {
  const Matrix matrix = {{{0, -1, 0}, {0, 0, 1}, {1, 0, 0}}};
  for (double scale : {1e-300, 1e-30, 1e30, 1e300}) {
    NiftiFile file = numbered_file();
    file.version = std::fabs(std::log10(scale)) > 38 ? 2 : 1; // beyond float32
    set_sform(file, matrix);
    for (auto &row : file.sform)
      for (double &number : row)
        number *= scale;
    expect_standard_axes(Parsed::bytes(file.bytes()), file, matrix, scale);
  }
}

// Axes and spacing come from the same form; pixdim is taken where it says the same with less rounding.
TEST(NiftiAxes, ASformOfOtherSpacingCountsAndIsSaid) {
  for (const Matrix &matrix : all_matrices())
    for (double factor : {0.5, 0.98, 0.995, 1.0, 1.005, 1.02, 3.0}) {
      SCOPED_TRACE(text_of(matrix) + std::to_string(factor));
      NiftiFile file = numbered_file();
      set_sform(file, matrix);
      for (auto &row : file.sform)
        for (double &number : row)
          number *= factor;
      const bool differs = std::fabs(factor - 1) > 0.01;
      Parsed parsed = Parsed::bytes(file.bytes());
      expect_standard_axes(parsed, file, matrix, differs ? factor : 1);
      EXPECT_EQ(parsed.warning().find("its pixdim[1] is 1.5 and its sform's spacing ") == 0, differs)
          << parsed.warning();
      file.pixdim[1] = file.pixdim[2] = file.pixdim[3] = 0; // says nothing
      EXPECT_EQ(Parsed::bytes(file.bytes()).warning(), "");
    }
}

// The place in the patient of a voxel at each corner, by the file's affine and by that of the standard axes.
TEST(NiftiAxes, VoxelsKeepTheirPlaces) {
  for (int round = 0; round < 3; ++round)
    for (const Matrix &matrix : all_matrices()) {
      const Matrix oblique = product(small_rotation(25), matrix);
      SCOPED_TRACE(text_of(oblique));
      NiftiFile file = numbered_file();
      set_sform(file, oblique);
      for (auto &row : file.sform)
        row[3] = random_below(1000) - 500;
      Parsed parsed = Parsed::bytes(file.bytes());
      ASSERT_EQ(parsed.result(), CLI_OK) << parsed.reason();
      const source_grid &grid = parsed->grid;
      for (int64_t h = 0; h < grid.extent[0]; ++h)
        for (int64_t w = 0; w < grid.extent[1]; ++w)
          for (int64_t d = 0; d < grid.extent[2]; ++d) {
            const int64_t number = (int64_t)parsed.at({h, w, d}) - 1; // the voxel's number in the file
            const int64_t voxel[3] = {number % extents[0], number / extents[0] % extents[1],
                                      number / (extents[0] * extents[1])};
            const int64_t index[3] = {h, w, d};
            for (size_t row = 0; row < 3; ++row) {
              double in_file = file.sform[row][3], in_grid = grid.affine[row][3];
              for (size_t i = 0; i < 3; ++i) {
                in_file += file.sform[row][i] * (double)voxel[i];
                in_grid += grid.affine[row][i] * (double)index[i];
                const int64_t extent = extents[grid.file_axis[i]];
                EXPECT_EQ(voxel[grid.file_axis[i]], grid.reversed[i] ? extent - 1 - index[i] : index[i]);
              }
              EXPECT_NEAR(in_file, in_grid, 1e-4);
            }
          }
    }
}

TEST(NiftiAxes, TheQformPlacesVoxelsToo) {
  NiftiFile file = numbered_file();
  file.qform_code = 1;
  file.quatern[2] = 1; // half a turn about z
  file.qoffset[0] = 10;
  file.qoffset[1] = 20;
  file.qoffset[2] = 30;
  Parsed parsed = Parsed::bytes(file.bytes());
  // H to the back is j, W to the left is i, D is k
  const double expected[3][4] = {{0, -1.5, 0, 10}, {-2.5, 0, 0, 20}, {0, 0, 3.5, 30}};
  for (size_t row = 0; row < 3; ++row)
    for (size_t column = 0; column < 4; ++column)
      EXPECT_NEAR(parsed->grid.affine[row][column], expected[row][column], 1e-12) << row << column;
}

// One slice is a picture with superior, or else anterior, at its top, and the patient's right, or else
// anterior, at its left.
TEST(NiftiAxes, SingleSlicesAreUprightPictures) {
  for (const Matrix &matrix : all_matrices())
    for (int dimensions : {2, 3}) {
      SCOPED_TRACE(text_of(matrix));
      NiftiFile file;
      file.dim = {dimensions, 3, 4, 1};
      file.pixdim[1] = 2;
      file.pixdim[2] = 5;
      file.voxels.resize(12);
      for (size_t i = 0; i < 12; ++i)
        file.voxels[i] = (char)(i + 1);
      set_sform(file, matrix);
      Parsed parsed = Parsed::bytes(file.bytes());
      ASSERT_EQ(parsed.result(), CLI_OK) << parsed.reason();
      EXPECT_EQ(parsed->kind, SOURCE_IMAGE);
      ASSERT_EQ(parsed->tensor.ndim, 2);
      // Which anatomical direction i and j have: 0 right, 1 anterior, 2 superior.
      int direction[2] = {}, sign[2] = {};
      for (int column = 0; column < 2; ++column)
        for (int row = 0; row < 3; ++row)
          if (matrix[(size_t)row][(size_t)column] != 0) {
            direction[column] = row;
            sign[column] = matrix[(size_t)row][(size_t)column] > 0 ? 1 : -1;
          }
      const int64_t size[2] = {3, 4};
      const int vertical = direction[0] > direction[1] ? 0 : 1, horizontal = 1 - vertical;
      EXPECT_EQ(parsed.shape(), (std::vector<int64_t>{size[vertical], size[horizontal]}));
      EXPECT_EQ(parsed->spacing[0], file.pixdim[1 + vertical]);
      EXPECT_EQ(parsed->spacing[1], file.pixdim[1 + horizontal]);
      EXPECT_EQ(parsed->spacing[2], 1);
      for (int64_t j = 0; j < 4; ++j)
        for (int64_t i = 0; i < 3; ++i) {
          const int64_t voxel[2] = {i, j};
          // The most superior, anterior or rightmost voxel comes first.
          const int64_t row = sign[vertical] > 0 ? size[vertical] - 1 - voxel[vertical] : voxel[vertical];
          const int64_t column =
              sign[horizontal] > 0 ? size[horizontal] - 1 - voxel[horizontal] : voxel[horizontal];
          EXPECT_EQ(parsed.at({row, column}), (double)(1 + i + 3 * j));
        }
    }
}
