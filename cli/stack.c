/* Shapes of arrays, and putting them one after the other. */
#include "stack.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static size_t count_bytes(const bv_tensor *tensor) {
  return (size_t)count_elements(tensor) * bv_dtype_size(tensor->dtype);
}

void shape_of_rendering(const cli_rendering *rendering, int64_t shape[5]) {
  memcpy(shape, rendering->pixels.shape, 5 * sizeof *shape);
  if (rendering->slices.volume && !rendering->slices.colour) {
    shape[0] *= shape[1];
    shape[1] = 1;
  }
}

cli_result stack_fits(const cli_rendering *first, const cli_rendering *next, reason why) {
  int64_t a[5], b[5];
  shape_of_rendering(first, a);
  shape_of_rendering(next, b);
  if (memcmp(a + 1, b + 1, 3 * sizeof *a) == 0)
    return CLI_OK;
  return refuse(why, CLI_USAGE,
                "its images are [%" PRId64 ", %" PRId64 ", %" PRId64 "], the first input's [%" PRId64
                ", %" PRId64 ", %" PRId64 "]: only equal ones can be stacked in one .npy",
                b[1], b[2], b[3], a[1], a[2], a[3]);
}

cli_result stack_of_renderings(const cli_rendering *renderings, int count, cli_stack *stack, reason why) {
  const bv_tensor *pixels = &renderings[0].pixels;
  int64_t shape[5], other[5];
  *stack = (struct cli_stack){0};
  shape_of_rendering(&renderings[0], shape);
  if (count == 1) {
    int skipped = renderings[0].slices.one_plane ? 2 : 0;
    stack->pixels = bv_contiguous_tensor(renderings[0].memory, pixels->dtype, BV_CPU, pixels->ndim - skipped,
                                         shape + skipped);
    return CLI_OK;
  }

  size_t bytes = count_bytes(pixels);
  for (int i = 1; i < count; ++i)
    bytes += count_bytes(&renderings[i].pixels);
  char *end = stack->memory = malloc(bytes);
  if (!end)
    return refuse(why, CLI_FAILED, "out of memory for %zu bytes", bytes);
  for (int i = 0; i < count; ++i) {
    size_t part = count_bytes(&renderings[i].pixels);
    memcpy(end, renderings[i].memory, part);
    end += part;
    shape_of_rendering(&renderings[i], other);
    shape[0] += i ? other[0] : 0;
  }
  stack->pixels = bv_contiguous_tensor(stack->memory, pixels->dtype, BV_CPU, pixels->ndim, shape);
  return CLI_OK;
}

void stack_free(cli_stack *stack) {
  free(stack->memory);
  *stack = (struct cli_stack){0};
}
