/* FreeSurfer's volumes, .mgh and packed .mgz, by a small strict reader.
 *
 * The header is that of https://surfer.nmr.mgh.harvard.edu/fswiki/FsTutorial/MghFormat: big-endian, 284 bytes.
 * What follows the voxels (times, transforms, the history of commands) is not read. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "numbers.h"
#include "volume.h"

#define HEADER_BYTES 284

/* Where the voxels lie: voxel axis i steps by spacing[i] along directions[i], in right, anterior, superior; the
 * voxel of number extent / 2 along each axis is at the centre. */
typedef struct placement {
  bool known;
  double spacing[3], directions[3][3], centre[3];
} placement;

typedef struct header {
  int64_t shape[4];       /* width, height, depth, frames */
  stored_numbers numbers; /* without data */
  size_t voxel_bytes;
  placement placement;
} header;

static uint32_t u32_at(file_bytes file, size_t offset) {
  const uint8_t *at = file.data + offset;
  return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static double f32_at(file_bytes file, size_t offset) {
  const uint32_t bits = u32_at(file, offset);
  float number;
  memcpy(&number, &bits, sizeof number);
  return (double)number;
}

static cli_result find_shape(file_bytes file, header *h, reason why) {
  static const char *const names[4] = {"width", "height", "depth", "number of frames"};
  for (size_t i = 0; i < 4; ++i) {
    h->shape[i] = (int32_t)u32_at(file, 4 + 4 * i);
    if (h->shape[i] < 1)
      return refuse(why, CLI_UNREADABLE, "its %s is %" PRId64 "; allowed is a number from 1", names[i],
                    h->shape[i]);
  }
  return CLI_OK;
}

static cli_result find_type(file_bytes file, header *h, reason why) {
  static const struct {
    int32_t type; /* -1: not supported */
    const char *name;
  } types[] = {{BV_U8, "uchar"},       {BV_I32, "int"}, {-1, "long"},      {BV_F32, "float"},
               {BV_I16, "short"},      {-1, "bitmap"},  {-1, "tensor"},    {-1, "complex"},
               {-1, "double complex"}, {-1, "RGB"},     {BV_U16, "ushort"}};
  const uint32_t type = u32_at(file, 20);
  if (type >= sizeof types / sizeof types[0])
    return refuse(why, CLI_UNREADABLE, "unknown MGH type %" PRId32, (int32_t)type);
  if (types[type].type < 0)
    return refuse(why, CLI_UNSUPPORTED, "MGH voxels of type %s are not supported", types[type].name);
  h->numbers.type = types[type].type;
  h->numbers.big_endian = true;
  return CLI_OK;
}

static void find_placement(file_bytes file, placement *place) {
  place->known = (int16_t)(u32_at(file, 26) & 0xffff) > 0; /* goodRASFlag, the 2 bytes from 28 */
  for (size_t axis = 0; axis < 3; ++axis) {
    place->spacing[axis] = f32_at(file, 30 + 4 * axis);
    place->centre[axis] = f32_at(file, 78 + 4 * axis);
    for (size_t row = 0; row < 3; ++row)
      place->directions[axis][row] = f32_at(file, 42 + 12 * axis + 4 * row);
  }
}

/* `held` are the bytes of the file, SIZE_MAX where only its beginning is there. */
static cli_result decode(file_bytes file, size_t held, header *h, reason why) {
  *h = (header){0};
  if (file.size < HEADER_BYTES)
    return refuse(why, CLI_UNREADABLE, "cut off inside its MGH header: %zu of %d bytes", file.size,
                  HEADER_BYTES);
  cli_result result;
  if ((result = find_shape(file, h, why)) != CLI_OK || (result = find_type(file, h, why)) != CLI_OK ||
      (result = size_of_pixels(h->shape, 4, stored_size(h->numbers.type), held - HEADER_BYTES, &h->voxel_bytes,
                               why)) != CLI_OK)
    return result;
  h->numbers.count = h->voxel_bytes / stored_size(h->numbers.type);
  find_placement(file, &h->placement);
  return CLI_OK;
}

static void fill_affine(const placement *place, const int64_t *extent, voxel_affine affine) {
  for (int row = 0; row < 3; ++row) {
    affine[row][3] = place->centre[row];
    for (int axis = 0; axis < 3; ++axis) {
      affine[row][axis] = place->directions[axis][row] * place->spacing[axis];
      affine[row][3] -= affine[row][axis] * (double)extent[axis] / 2;
    }
  }
}

/* A file that does not say where it lies is coronal, with voxels of 1 mm, to FreeSurfer. */
static void describe_volume(const header *h, stored_volume *volume) {
  static const placement coronal = {.spacing = {1, 1, 1}, .directions = {{-1, 0, 0}, {0, 0, -1}, {0, 1, 0}}};
  *volume = (stored_volume){.extent = {h->shape[0], h->shape[1], h->shape[2]}, .count = h->shape[3]};
  fill_affine(&h->placement, volume->extent, volume->affine);
  volume->oriented = h->placement.known && affine_is_usable((const double(*)[4])volume->affine);
  if (!volume->oriented)
    fill_affine(&coronal, volume->extent, volume->affine);
  for (int axis = 0; axis < 3; ++axis)
    volume->spacing[axis] = affine_spacing((const double(*)[4])volume->affine, axis);
}

cli_result mgh_extent(file_bytes beginning, size_t *bytes, reason why) {
  header h;
  if (beginning.size < HEADER_BYTES)
    return CLI_OK;
  cli_result result = decode(beginning, SIZE_MAX, &h, why);
  if (result == CLI_OK)
    *bytes = HEADER_BYTES + h.voxel_bytes;
  return result;
}

cli_result read_mgh(file_bytes file, source *into, reason why) {
  header h;
  stored_volume volume;
  cli_result result = decode(file, file.size, &h, why);
  if (result != CLI_OK)
    return result;
  h.numbers.data = file.data + HEADER_BYTES;
  result = load_numbers(&h.numbers, into, why);
  if (result != CLI_OK)
    return result;
  describe_volume(&h, &volume);
  set_volume(into, &volume);
  return CLI_OK;
}
