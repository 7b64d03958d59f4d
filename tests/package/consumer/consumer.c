/* A C program that uses an installed batchview: draws four pixels. */
#include <batchview/batchview.h>
#include <stdio.h>

int main(void) {
  float pixels[4] = {0, 10, 20, 30};
  uint8_t grey[4] = {1, 1, 1, 1};
  int64_t shape[4] = {1, 1, 2, 2};
  bv_tensor batch = bv_contiguous_tensor(pixels, BV_F32, BV_CPU, 4, shape);
  bv_tensor out = bv_contiguous_tensor(grey, BV_U8, BV_CPU, 4, shape);
  bv_display_options options = BV_DISPLAY_OPTIONS_INIT;
  options.window = BV_WINDOW_MINMAX;
  if (bv_normalize_batch_for_display(&batch, &out, &options, NULL) != BV_OK) {
    fprintf(stderr, "%s\n", bv_last_error());
    return 1;
  }
  printf("%d %d %d %d\n", grey[0], grey[1], grey[2], grey[3]);
  return !(bv_version() >= 100 && grey[0] == 0 && grey[1] == 0 && grey[2] == 127 && grey[3] == 255);
}
