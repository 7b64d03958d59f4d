/* Companions sliced, and made bytes or labels. */
#include "layer.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "batchview/pictures.h"
#include "grid.h"

static double half_number(uint16_t half) {
  const int exponent = half >> 10 & 31, fraction = half & 1023;
  double size = exponent == 0 ? ldexp(fraction, -24) : ldexp(1024 + fraction, exponent - 25);
  if (exponent == 31)
    size = fraction == 0 ? INFINITY : NAN;
  return half >> 15 ? -size : size;
}

/* A stored number, of a type that files have. */
static double number_at(const char *element, bv_dtype dtype) {
  uint8_t byte;
  uint16_t half;
  uint32_t word;
  float single;
  double number;
  switch (dtype) {
  case BV_U8: memcpy(&byte, element, sizeof byte); return byte;
  case BV_I8: memcpy(&byte, element, sizeof byte); return (int8_t)byte;
  case BV_U16: memcpy(&half, element, sizeof half); return half;
  case BV_I16: memcpy(&half, element, sizeof half); return (int16_t)half;
  case BV_F16: memcpy(&half, element, sizeof half); return half_number(half);
  case BV_U32: memcpy(&word, element, sizeof word); return word;
  case BV_I32: memcpy(&word, element, sizeof word); return (int32_t)word;
  case BV_F32: memcpy(&single, element, sizeof single); return single;
  default: memcpy(&number, element, sizeof number); return number;
  }
}

static bool is_label(double number) {
  return number >= INT32_MIN && number <= INT32_MAX && number == trunc(number);
}

static cli_result copy_numbers(const bv_tensor *from, const cli_companion *companion, void *memory,
                               reason why) {
  const int64_t *shape = from->shape, *stride = from->stride;
  int64_t bytes = (int64_t)bv_dtype_size(from->dtype);
  uint8_t *inside = memory;
  int32_t *label = memory;
  for (int64_t b = 0; b < shape[0]; ++b)
    for (int64_t c = 0; c < shape[1]; ++c)
      for (int64_t row = 0; row < shape[2]; ++row)
        for (int64_t column = 0; column < shape[3]; ++column) {
          int64_t offset = b * stride[0] + c * stride[1] + row * stride[2] + column * stride[3];
          const double number = number_at((const char *)from->data + offset * bytes, from->dtype);
          if (companion->kind == COMPANION_MASK)
            *inside++ = number < 0 || number > 0;
          else if (isnan(number))
            *label++ = 0;
          else if (is_label(number))
            *label++ = (int32_t)number;
          else
            return refuse(why, CLI_USAGE,
                          "the %s '%s' has the number %.17g; labels are whole numbers from %d to %d",
                          companion->role, companion->path, number, INT32_MIN, INT32_MAX);
        }
  return CLI_OK;
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

static bool is_grey_of_colours(const cli_slices *own, const cli_slices *slices) {
  return slices->volume && slices->colour && own->volume && !own->colour;
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

/* Turns the companion to the input, and chooses its slices, whose shape then fits. */
static cli_result slice(const cli_companion *companion, const source *input, const cli_slices *slices,
                        const cli_options *options, cli_slices *own, reason why) {
  const char *role = companion->role;
  source file = companion->source;
  if (input->kind == SOURCE_VOLUME)
    source_as_volume(&file);
  if (options->ignore_grid)
    grid_by_index(&file, input);
  cli_result result = options->ignore_grid ? CLI_OK : grid_fits(&file, role, input, why);
  if (result != CLI_OK)
    return result;
  char text[160];
  slice_options choice = options->slices;
  if (companion->kind == COMPANION_LABELS)
    choice.projection = BV_PROJECTION_MAX;
  result = slices_of_source(&file, &choice, own, (reason){text, sizeof text});
  if (result != CLI_OK)
    return refuse(why, result, "the %s '%s': %s", role, companion->path, text);
  if (companion->kind != COMPANION_MASK && own->colour)
    return refuse(why, CLI_USAGE, "the %s '%s' is in colour; allowed is one number a pixel", role,
                  companion->path);
  return is_grey_of_colours(own, slices) ? repeat_volumes(&own->batch, role, slices, why)
                                         : check_shape(&own->batch, role, &slices->batch, why);
}

/* With one window over all that the file holds. */
static cli_result normalize_by_whole(const source *file, const cli_slices *own,
                                     const bv_display_options *display, const bv_tensor *out, reason why) {
  const slice_options every = all_slices(0);
  const int64_t shape[2] = {1, 2};
  double window[2];
  const bv_tensor windows = bv_contiguous_tensor(window, BV_F64, BV_CPU, 2, shape);
  cli_slices all = {0};
  cli_result result = slices_of_source(file, &every, &all, why);
  if (result == CLI_OK && (bv_measure_window(&all.batch, display, &windows, NULL) != BV_OK ||
                           bv_apply_window(&own->batch, &windows, out, display, NULL) != BV_OK))
    result = refuse(why, CLI_FAILED, "%s", bv_last_error());
  slices_free(&all);
  return result;
}

static cli_result normalize(const source *file, const cli_slices *own, const cli_options *options, void *memory,
                            reason why) {
  bv_display_options display = BV_DISPLAY_OPTIONS_INIT;
  display.scope = scope_of_slices(own, options->display.scope);
  display.epsilon = options->display.epsilon;
  const bv_tensor out = bv_contiguous_tensor(memory, BV_U8, BV_CPU, 4, own->batch.shape);
  if (options->whole)
    return normalize_by_whole(file, own, &display, &out, why);
  if (bv_normalize_batch_for_display(&own->batch, &out, &display, NULL) != BV_OK)
    return refuse(why, CLI_FAILED, "%s", bv_last_error());
  return CLI_OK;
}

static cli_result fill_layer(const cli_companion *companion, const cli_slices *own, bool grey_of_colours,
                             const cli_options *options, cli_layer *layer, reason why) {
  const bv_dtype dtype = companion->kind == COMPANION_LABELS ? BV_I32 : BV_U8;
  int64_t shape[4];
  memcpy(shape, own->batch.shape, sizeof shape);
  if (grey_of_colours) {
    shape[0] *= shape[1];
    shape[1] = 1;
  }
  layer->memory = malloc((size_t)count_elements(&own->batch) * bv_dtype_size(dtype));
  layer->tensor = bv_contiguous_tensor(layer->memory, dtype, BV_CPU, 4, shape);
  if (!layer->memory)
    return refuse(why, CLI_FAILED, "out of memory");
  return companion->kind == COMPANION_IMAGE ? normalize(&companion->source, own, options, layer->memory, why)
                                            : copy_numbers(&own->batch, companion, layer->memory, why);
}

cli_result layer_of_input(const cli_companion *companion, const source *input, const cli_slices *slices,
                          const cli_options *options, cli_layer *layer, reason why) {
  cli_slices own = {0};
  *layer = (struct cli_layer){0};
  cli_result result = slice(companion, input, slices, options, &own, why);
  if (result == CLI_OK)
    result = fill_layer(companion, &own, is_grey_of_colours(&own, slices), options, layer, why);
  slices_free(&own);
  return result;
}

void layer_free(cli_layer *layer) {
  free(layer->memory);
  *layer = (struct cli_layer){0};
}
