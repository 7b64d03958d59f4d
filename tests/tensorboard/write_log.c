/* Writes the log that check_log.py reads: write_log DIRECTORY */
#include <stdio.h>

#include "batchview/tensorboard.h"

enum { STEPS = 40, CELLS = 5, HEIGHT = 7, WIDTH = 9 };

static bv_status add_pictures(bv_tb_writer *log, int step) {
  static uint8_t pixels[CELLS * HEIGHT * WIDTH * 3];
  for (int i = 0; i < (int)sizeof pixels; ++i)
    pixels[i] = (uint8_t)(i * 7 + step);
  const int64_t shape[4] = {CELLS, HEIGHT, WIDTH, 3};
  bv_grid_options grid = BV_GRID_OPTIONS_INIT;
  grid.columns = 2;
  const bv_tensor pictures = bv_contiguous_tensor(pixels, BV_U8, BV_CPU, 4, shape);
  return bv_tb_add_image(log, "pictures/colour \xe8\x84\x91", step, &pictures, &grid, NULL);
}

/* Through a window that maps each number to itself. */
static bv_status add_batch(bv_tb_writer *log, int step) {
  static float values[CELLS * HEIGHT * WIDTH];
  for (int i = 0; i < CELLS * HEIGHT * WIDTH; ++i)
    values[i] = (float)((i * 3 + step) % 256);
  const int64_t shape[4] = {CELLS, 1, HEIGHT, WIDTH};
  const bv_tensor batch = bv_contiguous_tensor(values, BV_F32, BV_CPU, 4, shape);
  bv_display_options options = BV_DISPLAY_OPTIONS_INIT;
  options.window = BV_WINDOW_FIXED;
  options.rounding = BV_ROUNDING_NEAREST;
  options.lo = options.epsilon = options.floor = 0;
  options.hi = 255;
  return bv_tb_add_images(log, "pictures/grey", step, &batch, NULL, &options, NULL);
}

int main(int argc, char **argv) {
  bv_tb_writer *log;
  bv_status status = argc == 2 ? bv_tb_open(argv[1], NULL, &log) : BV_ERROR_VALUE;
  for (int step = 0; step < STEPS && status == BV_OK; ++step) {
    status = bv_tb_add_scalar(log,
                              "loss/gr\xc3\xb6\xc3\x9f"
                              "e",
                              step * INT64_C(10000000000), step * 0.25);
    if (status == BV_OK && step % 8 == 0)
      status = add_pictures(log, step);
    if (status == BV_OK && step % 8 == 0)
      status = add_batch(log, step);
  }
  if (status == BV_OK)
    status = bv_tb_close(log);
  if (status != BV_OK)
    fprintf(stderr, "write_log: %s\n", bv_last_error());
  return status != BV_OK;
}
