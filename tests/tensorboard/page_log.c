/* Writes the log that check_page.py looks at: page_log DIRECTORY STEPS HEIGHT WIDTH <PIXELS
 *
 * PIXELS are a picture in RGB a step. Beside them there are a number that rises and one that falls. */
#include <stdio.h>
#include <stdlib.h>

#include "batchview/tensorboard.h"

static bv_status add_step(bv_tb_writer *log, int64_t step, const bv_tensor *picture) {
  bv_status status = bv_tb_add_image(log, "page/picture", step, picture, NULL, NULL);
  if (status == BV_OK)
    status = bv_tb_add_scalar(log, "page/rising", step, (double)step / 8);
  if (status == BV_OK)
    status = bv_tb_add_scalar(log, "page/falling", step, (double)-step / 8);
  return status;
}

int main(int argc, char **argv) {
  if (argc != 5)
    return 2;
  const int64_t steps = atoi(argv[2]), shape[3] = {atoi(argv[3]), atoi(argv[4]), 3};
  const size_t bytes = (size_t)(shape[0] * shape[1] * shape[2]);
  uint8_t *pixels = malloc(bytes);
  const bv_tensor picture = bv_contiguous_tensor(pixels, BV_U8, BV_CPU, 3, shape);
  bv_tb_writer *log;
  bv_status status = bv_tb_open(argv[1], NULL, &log);
  for (int64_t step = 0; step < steps && status == BV_OK; ++step)
    status =
        pixels && fread(pixels, 1, bytes, stdin) == bytes ? add_step(log, step, &picture) : BV_ERROR_MEMORY;
  if (status == BV_OK)
    status = bv_tb_close(log);
  if (status != BV_OK)
    fprintf(stderr, "page_log: %s\n", bv_last_error());
  free(pixels);
  return status != BV_OK;
}
