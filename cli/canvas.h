/* Where to draw in a picture of bytes. */
#ifndef BV_CLI_CANVAS_H
#define BV_CLI_CANVAS_H

#include <stdint.h>

typedef struct cli_canvas {
  uint8_t *pixels;          /* the upper left one */
  int64_t row_stride;       /* in bytes */
  int channels;             /* 1 grey, 3 RGB */
  const uint8_t *shades[3]; /* what is drawn of each grey value, in each channel of RGB */
} cli_canvas;

/* The same from another pixel on. */
static inline cli_canvas canvas_at(cli_canvas canvas, int64_t row, int64_t column) {
  canvas.pixels += row * canvas.row_stride + column * canvas.channels;
  return canvas;
}

#endif
