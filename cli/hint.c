/* What tells CT, and maps of tiny numbers. */
#include "hint.h"

#include <math.h>
#include <stdio.h>

#define AIR (-500.0)   /* far below all tissue in Hounsfield units, and rare outside of CT */
#define FEW_ZEROS 0.05 /* of all pixels: a background of zeros is more */
#define DARKENING 100  /* a window of fewer epsilons loses more than 1 % of its brightness */
#define IS_SIGNED(type) ((type) != BV_U8 && (type) != BV_U16 && (type) != BV_U32 && (type) != BV_I8)

/* Zero is taken for background though it is a value like any other. */
static bool is_ct(const cli_rendering *rendering, const cli_options *options, double *lowest) {
  const bv_tensor *batch = &rendering->slices.batch;
  const bool anatomical = rendering->slices.volume || rendering->source.grid.extent[0] > 0;
  if (!anatomical || options->foreground_given || options->display.foreground != BV_FOREGROUND_NONZERO ||
      !IS_SIGNED(batch->dtype))
    return false;
  bv_display_options display = BV_DISPLAY_OPTIONS_INIT;
  display.window = BV_WINDOW_MINMAX;
  display.scope = BV_SCOPE_BATCH;
  double all[3] = {0, 0, 0}; /* smallest, largest and number of pixels that are not zero */
  const int64_t shape[2] = {1, 3};
  const bv_tensor window = bv_contiguous_tensor(all, BV_F64, BV_CPU, 2, shape);
  if (bv_measure_window(batch, &display, &window, NULL) != BV_OK)
    return false;
  *lowest = all[0];
  return all[0] < AIR && all[2] > (1 - FEW_ZEROS) * (double)count_elements(batch);
}

static double widest_window(const cli_rendering *rendering) {
  double widest = 0;
  for (int64_t group = 0; group < rendering->window_count; ++group)
    widest = fmax(widest, rendering->windows[3 * group + 1] - rendering->windows[3 * group]);
  return widest;
}

void hint_of_rendering(const cli_rendering *rendering, const cli_options *options, char *text,
                       size_t text_bytes) {
  const double width = widest_window(rendering), epsilon = options->display.epsilon;
  double lowest = 0;
  text[0] = '\0';
  if (is_ct(rendering, options, &lowest))
    snprintf(text, text_bytes,
             "values down to %g and few zeros look like CT, where 0 is no background: --window %s or "
             "--foreground all is meant for it",
             lowest, rendering->source.windowed ? "file" : "LEVEL,WIDTH");
  else if (width > 0 && width < DARKENING * epsilon && !options->epsilon_given)
    snprintf(
        text, text_bytes,
        "its window is only %.3g wide and comes out dark, because epsilon, %g, is added to it: --epsilon 0 is "
        "meant for it",
        width, epsilon);
}
