/* NIfTI-1 and NIfTI-2 files (.nii), by a small strict reader of our own.
 *
 * niftiio (3.0.1) is not used because it cannot be made safe: it allocates what a header claims before looking
 * at the file, returns a file cut off after its header as a volume of zeros and success, takes a vox_offset of
 * NaN or -1e9 as sound, prints some errors even at debug level 0, and reads named files only, no memory and no
 * stream.
 *
 * Both headers are read field by field at the offsets that nifti1.h and nifti2.h give; nothing in them is
 * believed before it is checked against the size of the file. Extensions are skipped by vox_offset. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "nifti_axes.h"
#include "numbers.h"

/* ---- Header ----------------------------------------------------------------------------------------- */

#define NIFTI1_BYTES 348
#define NIFTI2_BYTES 540
#define EXTENDER_BYTES 4 /* after the header of a single file: whether extensions follow */

typedef struct header {
  bool big_endian;
  int bytes; /* of the header */
  int64_t dim[8];
  int datatype;
  double vox_offset, slope, inter;
  nifti_placement placement;
} header;

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

static void decode_nifti1(fields in, header *h) {
  for (int i = 0; i < 8; ++i)
    h->dim[i] = field_i16(in, 40 + 2 * i);
  h->datatype = field_i16(in, 70);
  h->vox_offset = field_f32(in, 108);
  h->slope = field_f32(in, 112);
  h->inter = field_f32(in, 116);
  nifti_placement *placement = &h->placement;
  placement->qfac = field_f32(in, 76);
  placement->qform_code = field_i16(in, 252);
  placement->sform_code = field_i16(in, 254);
  for (int i = 0; i < 3; ++i) {
    placement->pixdim[i] = field_f32(in, 80 + 4 * i);
    placement->quatern[i] = field_f32(in, 256 + 4 * i);
    for (int j = 0; j < 3; ++j)
      placement->sform[i][j] = field_f32(in, 280 + 16 * i + 4 * j);
  }
}

static void decode_nifti2(fields in, header *h) {
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
    for (int j = 0; j < 3; ++j)
      placement->sform[i][j] = field_f64(in, 400 + 32 * i + 8 * j);
  }
}

static cli_result decode_header(file_bytes file, header *h, reason why) {
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
  h->big_endian = in.big_endian;
  h->bytes = bytes;
  if (bytes == NIFTI2_BYTES) {
    if (memcmp(file.data + 4, "ni2", 4) == 0)
      return refuse(why, CLI_UNSUPPORTED,
                    "the header of a .hdr/.img pair; only single .nii files are supported");
    if (memcmp(file.data + 4, "n+2\0\r\n\x1a\n", 8) != 0)
      return refuse(why, CLI_UNREADABLE, "not a NIfTI-2 file: its magic is wrong");
    decode_nifti2(in, h);
    return CLI_OK;
  }
  if (memcmp(file.data + 344, "ni1", 4) == 0)
    return refuse(why, CLI_UNSUPPORTED, "the header of a .hdr/.img pair; only single .nii files are supported");
  if (memcmp(file.data + 344, "n+1", 4) != 0)
    return refuse(why, CLI_UNSUPPORTED, "not NIfTI-1 but perhaps Analyze 7.5: its magic is missing");
  decode_nifti1(in, h);
  return CLI_OK;
}

/* ---- Pixels ----------------------------------------------------------------------------------------- */

static cli_result find_type(int datatype, int32_t *type, reason why) {
  static const struct {
    int datatype;
    int32_t type; /* -1: not supported */
    const char *name;
  } types[] = {{2, BV_U8, "u8"},          {4, BV_I16, "i16"},     {8, BV_I32, "i32"},
               {16, BV_F32, "f32"},       {64, BV_F64, "f64"},    {256, BV_I8, "i8"},
               {512, BV_U16, "u16"},      {768, BV_U32, "u32"},   {1024, STORED_I64, "i64"},
               {1280, STORED_U64, "u64"}, {1, -1, "1-bit"},       {32, -1, "complex64"},
               {128, -1, "RGB24"},        {1536, -1, "float128"}, {1792, -1, "complex128"},
               {2048, -1, "complex256"},  {2304, -1, "RGBA32"}};
  for (size_t i = 0; i < sizeof types / sizeof types[0]; ++i)
    if (types[i].datatype == datatype) {
      *type = types[i].type;
      if (types[i].type < 0)
        return refuse(why, CLI_UNSUPPORTED, "NIfTI voxels of type %s are not supported", types[i].name);
      return CLI_OK;
    }
  return refuse(why, CLI_UNREADABLE, "unknown NIfTI datatype %d", datatype);
}

/* At least two dimensions, at most four that are more than 1; those not used become 1. */
static cli_result check_dimensions(header *h, reason why) {
  int64_t *dim = h->dim;
  if (dim[0] < 1 || dim[0] > 7)
    return refuse(why, CLI_UNREADABLE, "dim[0] is %" PRId64 ", allowed are 1 to 7", dim[0]);
  for (int i = 1; i <= 7; ++i) {
    if (i > dim[0])
      dim[i] = 1;
    if (dim[i] < 1)
      return refuse(why, CLI_UNREADABLE, "dim[%d] is %" PRId64 ", not positive", i, dim[i]);
    if (i > 4 && dim[i] > 1)
      return refuse(why, CLI_UNSUPPORTED, "dim[%d] is %" PRId64 "; only four dimensions are supported", i,
                    dim[i]);
  }
  if (dim[0] == 1)
    return refuse(why, CLI_UNSUPPORTED, "it has only one dimension");
  return CLI_OK;
}

static void add_axis(source *into, int64_t extent, int64_t stride, bool reversed) {
  bv_tensor *tensor = &into->tensor;
  if (reversed) {
    tensor->data = (char *)tensor->data + (extent - 1) * stride * (int64_t)bv_dtype_size(tensor->dtype);
    stride = -stride;
  }
  tensor->shape[tensor->ndim] = extent;
  tensor->stride[tensor->ndim] = stride;
  ++tensor->ndim;
}

static void lay_out(const header *h, source *into) {
  nifti_axes axes;
  into->oriented = nifti_find_axes(&h->placement, &axes);
  const int64_t *extent = h->dim + 1;
  const int64_t stride[4] = {1, extent[0], extent[0] * extent[1], extent[0] * extent[1] * extent[2]};
  /* Anatomical axes 0 to the right, 1 to anterior, 2 to superior, in the order and sense of source.h. */
  static const int volume_order[3] = {1, 0, 2};
  static const bool backwards[3] = {true, true, false};
  int order[3], count = 0;
  if (extent[2] == 1 && extent[3] == 1) {
    into->kind = SOURCE_IMAGE;
    for (int anatomical = 2; anatomical >= 0; --anatomical)
      if (axes.voxel_axis[anatomical] != 2)
        order[count++] = anatomical;
  } else {
    into->kind = SOURCE_VOLUME;
    if (extent[3] > 1)
      add_axis(into, extent[3], stride[3], false);
    memcpy(order, volume_order, sizeof order);
    count = 3;
  }
  for (int i = 0; i < count; ++i) {
    int voxel_axis = axes.voxel_axis[order[i]];
    add_axis(into, extent[voxel_axis], stride[voxel_axis], axes.reversed[order[i]] != backwards[i]);
    double spacing = fabs(h->placement.pixdim[voxel_axis]);
    into->spacing[i] = spacing > 0 && isfinite(spacing) ? spacing : 1;
  }
}

/* Reads the header; *bytes are those of the voxels, which begin at *offset. `held` are the file's, if all of it
 * is there. */
static cli_result find_voxels(file_bytes file, size_t held, header *h, stored_numbers *numbers, size_t *offset,
                              reason why) {
  cli_result result;
  if ((result = decode_header(file, h, why)) != CLI_OK || (result = check_dimensions(h, why)) != CLI_OK ||
      (result = find_type(h->datatype, &numbers->type, why)) != CLI_OK)
    return result;
  /* 0 is what programs leave there that do not know of single files; the voxels then begin where they can
   * first. */
  double start = h->vox_offset == 0 ? h->bytes + EXTENDER_BYTES : h->vox_offset;
  if (!(start >= h->bytes && start < 0x1p63 && start <= (double)held) || start != floor(start))
    return refuse(why, CLI_UNREADABLE,
                  "vox_offset is %g; allowed are 0, and whole numbers from %d to the end of the file", start,
                  h->bytes);
  /* NIfTI: a slope of 0 means none. So do NaN and infinity in files of some programs. */
  numbers->scaled = h->slope != 0 && isfinite(h->slope) && !(h->slope == 1 && h->inter == 0);
  if (numbers->scaled && !isfinite(h->inter))
    return refuse(why, CLI_UNREADABLE, "scl_inter is %g", h->inter);
  *offset = (size_t)start;
  size_t bytes;
  result = size_of_pixels(h->dim + 1, 4, stored_size(numbers->type), held - *offset, &bytes, why);
  numbers->count = result == CLI_OK ? bytes / stored_size(numbers->type) : 0;
  numbers->big_endian = h->big_endian;
  numbers->slope = h->slope;
  numbers->inter = h->inter;
  return result;
}

cli_result nifti_extent(file_bytes beginning, size_t *bytes, reason why) {
  if (beginning.size < NIFTI2_BYTES)
    return CLI_OK;
  header h;
  stored_numbers numbers = {0};
  size_t offset = 0;
  cli_result result = find_voxels(beginning, SIZE_MAX, &h, &numbers, &offset, why);
  if (result == CLI_OK)
    *bytes = offset + numbers.count * stored_size(numbers.type);
  return result;
}

cli_result read_nifti(file_bytes file, source *into, reason why) {
  header h;
  stored_numbers numbers = {0};
  size_t offset = 0;
  cli_result result = find_voxels(file, file.size, &h, &numbers, &offset, why);
  if (result != CLI_OK)
    return result;
  numbers.data = file.data + offset;
  result = load_numbers(&numbers, into, why);
  if (result == CLI_OK)
    lay_out(&h, into);
  return result;
}
