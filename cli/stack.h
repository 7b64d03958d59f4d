/* Renderings as one array, for .npy. */
#ifndef BV_CLI_STACK_H
#define BV_CLI_STACK_H

#include "render.h"

typedef struct cli_stack {
  bv_tensor pixels; /* without gaps */
  void *memory;     /* owned; NULL where the pixels are a rendering's own */
} cli_stack;

/* One input: [rows, columns] of a single plane, [slices, 1, rows, columns] of a volume (the slices of all
 * volumes of a series), [B, C, rows, columns] of a batch. Several inputs are stacked along the first of four
 * axes. RGB bytes add a last axis of 3. The renderings must outlive the stack, and fit each other. On failure
 * one line in `why`. */
cli_result stack_of_renderings(const cli_rendering *renderings, int count, cli_stack *stack, reason why);

void stack_free(cli_stack *stack);

/* CLI_OK if `next` can be stacked on `first`, else CLI_USAGE and one line with both shapes in `why`. */
cli_result stack_fits(const cli_rendering *first, const cli_rendering *next, reason why);

/* [B, C, rows, columns] of a rendering, and 3 where there is a fifth axis; the slices of volumes are B. */
void shape_of_rendering(const cli_rendering *rendering, int64_t shape[5]);

#endif
