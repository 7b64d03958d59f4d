/* A C program that uses an installed batchview::tensorboard: logs a number and a picture in the current
 * directory. */
#include <batchview/tensorboard.h>
#include <stdio.h>

int main(void) {
  float pixels[4] = {0, 10, 20, 30};
  int64_t shape[4] = {1, 1, 2, 2};
  bv_tensor batch = bv_contiguous_tensor(pixels, BV_F32, BV_CPU, 4, shape);
  bv_tb_writer *log;
  if (bv_tb_open("runs", NULL, &log) != BV_OK || bv_tb_add_scalar(log, "loss", 1, 0.5) != BV_OK ||
      bv_tb_add_images(log, "batch", 1, &batch, NULL, NULL, NULL) != BV_OK || bv_tb_close(log) != BV_OK) {
    fprintf(stderr, "%s\n", bv_last_error());
    return 1;
  }
  return bv_tb_open("runs", NULL, NULL) != BV_ERROR_NULL;
}
