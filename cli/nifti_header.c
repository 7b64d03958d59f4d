/* The headers, read field by field at the offsets that nifti1.h, nifti2.h and Analyze's dbh.h give. */
#include "nifti_header.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

typedef struct fields {
  const uint8_t *data;
  bool big_endian;
} fields;

static uint64_t field_bits(fields in, int offset, int bytes) {
  uint64_t bits = 0;
  for (int i = 0; i < bytes; ++i) /* most significant byte first */
    bits = bits << 8 | in.data[offset + (in.big_endian ? i : bytes - 1 - i)];
  return bits;
}

static int field_i16(fields in, int offset) { return (int16_t)field_bits(in, offset, 2); }
static int field_i32(fields in, int offset) { return (int32_t)field_bits(in, offset, 4); }
static int64_t field_i64(fields in, int offset) { return (int64_t)field_bits(in, offset, 8); }

static double field_f32(fields in, int offset) {
  uint32_t bits = (uint32_t)field_bits(in, offset, 4);
  float number;
  memcpy(&number, &bits, sizeof number);
  return (double)number;
}

static double field_f64(fields in, int offset) {
  uint64_t bits = field_bits(in, offset, 8);
  double number;
  memcpy(&number, &bits, sizeof number);
  return number;
}

/* What NIfTI-1 has from Analyze. */
static void decode_common(fields in, nifti_header *h) {
  for (int i = 0; i < 8; ++i)
    h->dim[i] = field_i16(in, 40 + 2 * i);
  h->datatype = field_i16(in, 70);
  h->vox_offset = field_f32(in, 108);
  h->slope = field_f32(in, 112);
  h->inter = field_f32(in, 116);
  for (int i = 0; i < 3; ++i)
    h->placement.pixdim[i] = field_f32(in, 80 + 4 * i);
}

static void decode_nifti1(fields in, nifti_header *h) {
  nifti_placement *placement = &h->placement;
  decode_common(in, h);
  placement->qfac = field_f32(in, 76);
  placement->qform_code = field_i16(in, 252);
  placement->sform_code = field_i16(in, 254);
  for (int i = 0; i < 3; ++i) {
    placement->quatern[i] = field_f32(in, 256 + 4 * i);
    placement->qoffset[i] = field_f32(in, 268 + 4 * i);
    for (int j = 0; j < 4; ++j)
      placement->sform[i][j] = field_f32(in, 280 + 16 * i + 4 * j);
  }
}

static void decode_nifti2(fields in, nifti_header *h) {
  for (int i = 0; i < 8; ++i)
    h->dim[i] = field_i64(in, 16 + 8 * i);
  h->datatype = field_i16(in, 12);
  h->vox_offset = (double)field_i64(in, 168);
  h->slope = field_f64(in, 176);
  h->inter = field_f64(in, 184);
  nifti_placement *placement = &h->placement;
  placement->qfac = field_f64(in, 104);
  placement->qform_code = field_i32(in, 344);
  placement->sform_code = field_i32(in, 348);
  for (int i = 0; i < 3; ++i) {
    placement->pixdim[i] = field_f64(in, 112 + 8 * i);
    placement->quatern[i] = field_f64(in, 352 + 8 * i);
    placement->qoffset[i] = field_f64(in, 376 + 8 * i);
    for (int j = 0; j < 4; ++j)
      placement->sform[i][j] = field_f64(in, 400 + 32 * i + 8 * j);
  }
}

/* Analyze 7.5 has no scaling of its own, but SPM put a factor and an addend into two unused fields. Without
 * them the calibrated range, where it is given, is what the range of the stored numbers stands for. */
static void decode_analyze(fields in, nifti_header *h) {
  decode_common(in, h);
  h->pair = true;
  h->placement.analyze_orient = in.data[252] <= 5 ? in.data[252] : 0;
  for (int i = 3; i < 8; ++i) /* after the rows, columns and slices 0 is as good as 1 */
    if (h->dim[i] == 0)
      h->dim[i] = 1;
  if (!isfinite(h->inter))
    h->inter = 0;
  if (h->slope != 0 && isfinite(h->slope))
    return;
  const double cal_max = field_f32(in, 124), cal_min = field_f32(in, 128);
  const double stored_max = field_i32(in, 140), stored_min = field_i32(in, 144);
  const bool calibrated = stored_max != stored_min && cal_max != cal_min && isfinite(cal_max - cal_min);
  h->slope = calibrated ? (cal_max - cal_min) / (stored_max - stored_min) : 0;
  h->inter = calibrated ? cal_min - stored_min * h->slope : 0;
}

/* At least two dimensions; those not used become 1. */
static cli_result check_dimensions(nifti_header *h, reason why) {
  int64_t *dim = h->dim;
  if (dim[0] < 1 || dim[0] > 7)
    return refuse(why, CLI_UNREADABLE, "dim[0] is %" PRId64 ", allowed are 1 to 7", dim[0]);
  for (int i = 1; i <= 7; ++i) {
    if (i > dim[0])
      dim[i] = 1;
    if (dim[i] < 1)
      return refuse(why, CLI_UNREADABLE, "dim[%d] is %" PRId64 ", not positive", i, dim[i]);
  }
  if (dim[0] == 1)
    return refuse(why, CLI_UNSUPPORTED, "it has only one dimension");
  return CLI_OK;
}

static cli_result check_numbers(nifti_header *h, reason why) {
  /* NIfTI: a slope of 0 means none. So do NaN and infinity in files of some programs. */
  if (!isfinite(h->slope))
    h->slope = 0;
  if (h->slope != 0 && !isfinite(h->inter))
    return refuse(why, CLI_UNREADABLE, "scl_inter is %g", h->inter);
  /* In single files 0 is what programs leave there that know only of pairs: the voxels begin where they can
   * first, after the four bytes that tell of extensions. */
  const int first = h->pair ? 0 : h->bytes;
  double *offset = &h->vox_offset;
  if (*offset == 0 && !h->pair)
    *offset = h->bytes + 4;
  if (!(*offset >= first && *offset < 0x1p62) || *offset != floor(*offset))
    return refuse(why, CLI_UNREADABLE,
                  "vox_offset is %g; allowed are 0, and whole numbers from %d to the end of the file", *offset,
                  first);
  return CLI_OK;
}

cli_result nifti_decode(file_bytes file, nifti_header *h, reason why) {
  if (file.size < 4)
    return refuse(why, CLI_UNREADABLE, "cut off inside its NIfTI header");
  fields in = {file.data, false};
  int bytes = field_i32(in, 0);
  if (bytes != NIFTI1_BYTES && bytes != NIFTI2_BYTES) {
    in.big_endian = true;
    bytes = field_i32(in, 0);
  }
  if (bytes != NIFTI1_BYTES && bytes != NIFTI2_BYTES)
    return refuse(why, CLI_UNREADABLE, "not a NIfTI header: its size is %d", bytes);
  if (file.size < (size_t)bytes)
    return refuse(why, CLI_UNREADABLE, "cut off inside its NIfTI header: %zu of %d bytes", file.size, bytes);
  *h = (nifti_header){.big_endian = in.big_endian, .bytes = bytes, .placement.analyze_orient = -1};
  const char *magic = (const char *)file.data + (bytes == NIFTI1_BYTES ? 344 : 4);
  if (bytes == NIFTI2_BYTES) {
    h->pair = memcmp(magic, "ni2", 4) == 0;
    if (memcmp(magic, h->pair ? "ni2\0\r\n\x1a\n" : "n+2\0\r\n\x1a\n", 8) != 0)
      return refuse(why, CLI_UNREADABLE, "not a NIfTI-2 file: its magic is wrong");
    decode_nifti2(in, h);
  } else {
    h->pair = memcmp(magic, "ni1", 4) == 0;
    if (h->pair || memcmp(magic, "n+1", 4) == 0)
      decode_nifti1(in, h);
    else
      decode_analyze(in, h);
  }
  cli_result result = check_dimensions(h, why);
  return result == CLI_OK ? check_numbers(h, why) : result;
}

/* ---- Placement -------------------------------------------------------------------------------------- */

/* The rotation of a unit quaternion (a, b, c, d), as nifti1.h gives it under METHOD 2. */
static void rotation_of_quaternion(const double quatern[3], double qfac, double matrix[3][3]) {
  double b = quatern[0], c = quatern[1], d = quatern[2];
  double a = 0, length = sqrt(b * b + c * c + d * d);
  if (length < 1)
    a = sqrt(1 - length * length);
  else
    b /= length, c /= length, d /= length; /* a is 0: half a turn, stored with some rounding */
  const double rotation[3][3] = {{a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)},
                                 {2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)},
                                 {2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - c * c - b * b}};
  for (int row = 0; row < 3; ++row)
    for (int column = 0; column < 3; ++column)
      matrix[row][column] = column == 2 && qfac < 0 ? -rotation[row][column] : rotation[row][column];
}

/* A spacing that the header does not give is 1. */
static double spacing_of(const nifti_placement *placement, int axis) {
  double spacing = fabs(placement->pixdim[axis]);
  return spacing > 0 && isfinite(spacing) ? spacing : 1;
}

static void set_affine(const double directions[3][3], const nifti_placement *placement, const double offset[3],
                       voxel_affine affine) {
  for (int row = 0; row < 3; ++row) {
    for (int axis = 0; axis < 3; ++axis)
      affine[row][axis] = directions[row][axis] * spacing_of(placement, axis);
    affine[row][3] = offset[row];
  }
}

bool nifti_affine(const nifti_placement *placement, voxel_affine affine) {
  /* Where rows, columns and slices run, by the field `orient`: transverse, coronal, sagittal, and the same with
   * the columns turned round. The rows run to the left, in sagittal pictures to anterior. */
  static const double analyze[6][3][3] = {
      {{-1, 0, 0}, {0, 1, 0}, {0, 0, 1}},  {{-1, 0, 0}, {0, 0, 1}, {0, 1, 0}},
      {{0, 0, -1}, {1, 0, 0}, {0, 1, 0}},  {{-1, 0, 0}, {0, -1, 0}, {0, 0, 1}},
      {{-1, 0, 0}, {0, 0, 1}, {0, -1, 0}}, {{0, 0, -1}, {1, 0, 0}, {0, -1, 0}}};
  static const double nifti[3][3] = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}};
  static const double origin[3] = {0, 0, 0};
  if (placement->sform_code > 0 && affine_is_usable(placement->sform)) {
    memcpy(affine, placement->sform, sizeof placement->sform);
    return true;
  }
  if (placement->qform_code > 0) {
    double matrix[3][3];
    rotation_of_quaternion(placement->quatern, placement->qfac, matrix);
    set_affine((const double(*)[3])matrix, placement, placement->qoffset, affine);
    if (affine_is_usable((const double(*)[4])affine))
      return true;
  }
  const int orient = placement->analyze_orient;
  set_affine(orient < 0 ? nifti : analyze[orient], placement, origin, affine);
  return false;
}
