/* Companions sliced, and made bytes. */
#include "labels.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "grid.h"

/* Whether a stored number is neither zero nor NaN. */
static bool is_set(const char *element, bv_dtype dtype) {
  uint16_t half;
  uint32_t word;
  float single;
  double number;
  switch (dtype) {
  case BV_U8:
  case BV_I8: return *element != 0;
  case BV_U16:
  case BV_I16: memcpy(&half, element, sizeof half); return half != 0;
  case BV_F16:
  case BV_BF16:
    memcpy(&half, element, sizeof half);
    half &= 0x7fff;
    return half != 0 && half <= (dtype == BV_F16 ? 0x7c00 : 0x7f80);
  case BV_U32:
  case BV_I32: memcpy(&word, element, sizeof word); return word != 0;
  case BV_F32: memcpy(&single, element, sizeof single); return single < 0 || single > 0;
  default: memcpy(&number, element, sizeof number); return number < 0 || number > 0;
  }
}

static void copy_set(const bv_tensor *from, uint8_t *to) {
  const int64_t *shape = from->shape, *stride = from->stride;
  int64_t bytes = (int64_t)bv_dtype_size(from->dtype);
  for (int64_t b = 0; b < shape[0]; ++b)
    for (int64_t c = 0; c < shape[1]; ++c)
      for (int64_t row = 0; row < shape[2]; ++row)
        for (int64_t column = 0; column < shape[3]; ++column) {
          int64_t offset = b * stride[0] + c * stride[1] + row * stride[2] + column * stride[3];
          *to++ = is_set((const char *)from->data + offset * bytes, from->dtype);
        }
}

static cli_result check_shape(const bv_tensor *planes, const char *role, const bv_tensor *batch, reason why) {
  const int64_t *a = planes->shape, *b = batch->shape;
  for (int axis = 0; axis < 4; ++axis)
    if (a[axis] != 1 && a[axis] != b[axis]) {
      return refuse(why, CLI_USAGE,
                    "the %s's planes [%" PRId64 ", %" PRId64 ", %" PRId64 ", %" PRId64
                    "] do not fit the input's [%" PRId64 ", %" PRId64 ", %" PRId64 ", %" PRId64 "]",
                    role, a[0], a[1], a[2], a[3], b[0], b[1], b[2], b[3]);
    }
  return CLI_OK;
}

/* The slices of volumes in colour are images of a batch, volume after volume; so are then those of a companion
 * in grey, which is that of each volume if it is one. */
static cli_result repeat_volumes(bv_tensor *planes, const char *role, const cli_slices *slices, reason why) {
  bv_tensor expected = slices->batch;
  expected.shape[0] /= slices->count;
  expected.shape[1] = slices->count;
  cli_result result = check_shape(planes, role, &expected, why);
  for (int axis = 0; axis < 2 && result == CLI_OK; ++axis)
    if (planes->shape[axis] != expected.shape[axis]) {
      planes->shape[axis] = expected.shape[axis];
      planes->stride[axis] = 0;
    }
  return result;
}

cli_result labels_of_input(const cli_companion *companion, const source *input, const cli_slices *slices,
                           const cli_options *options, cli_labels *labels, reason why) {
  const char *role = companion->role;
  source file = companion->source;
  cli_slices own;
  int64_t shape[4];
  *labels = (struct cli_labels){0};
  if (input->kind == SOURCE_VOLUME)
    source_as_volume(&file);
  if (options->ignore_grid)
    grid_by_index(&file, input);
  cli_result result = options->ignore_grid ? CLI_OK : grid_fits(&file, role, input, why);
  if (result != CLI_OK)
    return result;
  char text[160];
  result = slices_of_source(&file, &options->slices, &own, (reason){text, sizeof text});
  const bool grey_of_colours = slices->volume && slices->colour && own.volume && !own.colour;
  if (result != CLI_OK)
    refuse(why, result, "the %s '%s': %s", role, companion->path, text);
  else
    result = grey_of_colours ? repeat_volumes(&own.batch, role, slices, why)
                             : check_shape(&own.batch, role, &slices->batch, why);
  if (result == CLI_OK) {
    memcpy(shape, own.batch.shape, sizeof shape);
    if (grey_of_colours) {
      shape[0] *= shape[1];
      shape[1] = 1;
    }
    labels->memory = malloc((size_t)count_elements(&own.batch));
    labels->tensor = bv_contiguous_tensor(labels->memory, BV_U8, BV_CPU, 4, shape);
    if (labels->memory)
      copy_set(&own.batch, labels->memory);
    else
      result = refuse(why, CLI_FAILED, "out of memory");
  }
  slices_free(&own);
  return result;
}

void labels_free(cli_labels *labels) {
  free(labels->memory);
  *labels = (struct cli_labels){0};
}
