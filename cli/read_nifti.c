/* NIfTI-1 and NIfTI-2 files, single or in pairs, and Analyze 7.5 pairs, by a small strict reader of our own.
 *
 * niftiio (3.0.1) is not used because it cannot be made safe: it allocates what a header claims before looking
 * at the file, returns a file cut off after its header as a volume of zeros and success, takes a vox_offset of
 * NaN or -1e9 as sound, prints some errors even at debug level 0, and reads named files only, no memory and no
 * stream.
 *
 * Nothing in a header is believed before it is checked against the size of the file. Extensions are skipped by
 * vox_offset. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "input.h"
#include "nifti_header.h"
#include "numbers.h"
#include "pair.h"

/* ---- Header ----------------------------------------------------------------------------------------- */

static cli_result find_type(int datatype, int32_t *type, int *samples, reason why) {
  static const struct {
    int datatype;
    int32_t type; /* -1: not supported */
    const char *name;
  } types[] = {{2, BV_U8, "u8"},          {4, BV_I16, "i16"},      {8, BV_I32, "i32"},
               {16, BV_F32, "f32"},       {64, BV_F64, "f64"},     {256, BV_I8, "i8"},
               {512, BV_U16, "u16"},      {768, BV_U32, "u32"},    {1024, STORED_I64, "i64"},
               {1280, STORED_U64, "u64"}, {1, -1, "1-bit"},        {32, -1, "complex64"},
               {128, BV_U8, "RGB24"},     {2304, BV_U8, "RGBA32"}, {1536, -1, "float128"},
               {1792, -1, "complex128"},  {2048, -1, "complex256"}};
  for (size_t i = 0; i < sizeof types / sizeof types[0]; ++i)
    if (types[i].datatype == datatype) {
      *type = types[i].type;
      *samples = datatype == 128 ? 3 : datatype == 2304 ? 4 : 1;
      if (types[i].type < 0)
        return refuse(why, CLI_UNSUPPORTED, "NIfTI voxels of type %s are not supported", types[i].name);
      return CLI_OK;
    }
  return refuse(why, CLI_UNREADABLE, "unknown NIfTI datatype %d", datatype);
}

/* A header, and what it says of the voxels. */
typedef struct description {
  nifti_header header;
  int64_t count;          /* of volumes: the product of the fourth and later dimensions */
  int samples;            /* bytes of a voxel in colour; 1 of other voxels */
  stored_numbers numbers; /* without data; each sample is a number */
  size_t offset, bytes;   /* of the voxels in their file */
} description;

static cli_result describe(file_bytes file, description *about, reason why) {
  nifti_header *h = &about->header;
  cli_result result;
  if ((result = nifti_decode(file, h, why)) != CLI_OK ||
      (result = find_type(h->datatype, &about->numbers.type, &about->samples, why)) != CLI_OK)
    return result;
  const size_t element_bytes = stored_size(about->numbers.type);
  about->offset = (size_t)h->vox_offset;
  result = size_of_pixels(h->dim + 1, 7, (size_t)about->samples * element_bytes, SIZE_MAX - about->offset,
                          &about->bytes, why);
  if (result != CLI_OK)
    return result;
  about->count = h->dim[4] * h->dim[5] * h->dim[6] * h->dim[7];
  about->numbers.count = about->bytes / element_bytes;
  about->numbers.big_endian = h->big_endian;
  about->numbers.scaled = about->samples == 1 && h->slope != 0 && !(h->slope == 1 && h->inter == 0);
  about->numbers.slope = h->slope;
  about->numbers.inter = h->inter;
  return CLI_OK;
}

cli_result nifti_extent(file_bytes beginning, size_t *bytes, reason why) {
  if (beginning.size < NIFTI2_BYTES)
    return CLI_OK;
  description about = {0};
  cli_result result = describe(beginning, &about, why);
  if (result == CLI_OK)
    *bytes = about.header.pair ? (size_t)about.header.bytes : about.offset + about.bytes;
  return result;
}

/* ---- Voxels ----------------------------------------------------------------------------------------- */

/* The header's spacing, unless the affine says something else. */
static void set_spacing(const nifti_placement *placement, stored_volume *volume, source *into) {
  for (int axis = 0; axis < 3; ++axis) {
    const double of_affine = affine_spacing((const double(*)[4])volume->affine, axis);
    const double stored = fabs(placement->pixdim[axis]);
    const bool is_stored = stored > 0 && isfinite(stored);
    const bool agree = is_stored && fabs(stored - of_affine) <= 0.01 * of_affine;
    volume->spacing[axis] = agree ? stored : of_affine;
    if (is_stored && !agree && into->warning[0] == '\0' && volume->extent[axis] > 1)
      warn(into, "its pixdim[%d] is %g and its sform's spacing %g, which counts", axis + 1, stored, of_affine);
  }
}

static void lay_out(const description *about, source *into) {
  const nifti_header *h = &about->header;
  stored_volume volume = {.extent = {h->dim[1], h->dim[2], h->dim[3]},
                          .count = about->count,
                          .colour = about->samples > 1,
                          .alpha = about->samples == 4};
  volume.oriented = nifti_affine(&h->placement, volume.affine);
  set_spacing(&h->placement, &volume, into);
  set_volume(into, &volume);
}

static cli_result load_voxels(description *about, file_bytes file, source *into, reason why) {
  const size_t held = file.size < about->offset ? 0 : file.size - about->offset;
  if (file.size < about->offset)
    return refuse(why, CLI_UNREADABLE, "cut off: vox_offset is %zu, and it has only %zu bytes", about->offset,
                  file.size);
  if (held < about->bytes)
    return refuse(why, CLI_UNREADABLE, "cut off: its dimensions ask for %zu bytes, and it can hold only %zu",
                  about->bytes, held);
  about->numbers.data = file.data + about->offset;
  cli_result result = load_numbers(&about->numbers, into, why);
  if (result != CLI_OK)
    return result;
  lay_out(about, into);
  return CLI_OK;
}

/* The voxels of a pair are looked for beside the header. */
static cli_result load_pair(description *about, const char *path, source *into, reason why) {
  const bool analyze = about->header.placement.analyze_orient >= 0;
  char image[PATH_MAX];
  if (path == NULL || !image_beside(path, image))
    return refuse(why, CLI_UNSUPPORTED, "%s; only as a file NAME.hdr with NAME.img beside it is it taken",
                  analyze ? "not NIfTI-1 but perhaps Analyze 7.5: its magic is missing"
                          : "the header of a .hdr/.img pair");
  input_bytes bytes = {0};
  char text[160] = "";
  cli_result result = input_read_part(image, about->offset + about->bytes, &bytes, (reason){text, sizeof text});
  if (result == CLI_OK)
    result = load_voxels(about, (file_bytes){.data = bytes.data, .size = bytes.size}, into,
                         (reason){text, sizeof text});
  if (result != CLI_OK)
    refuse(why, result, "its voxels in '%s': %s", image, text);
  free(bytes.data);
  return result;
}

cli_result read_nifti(file_bytes file, source *into, reason why) {
  description about = {0};
  cli_result result = describe(file, &about, why);
  if (result != CLI_OK)
    return result;
  return about.header.pair ? load_pair(&about, file.path, into, why) : load_voxels(&about, file, into, why);
}
