/* batchview_show: chafa, and what it finds out of the terminal. */
#include <chafa.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "show_request.h"

extern char **environ;

static ChafaPixelMode best_way(const ChafaTermInfo *terminal) {
  if (chafa_term_info_have_seq(terminal, CHAFA_TERM_SEQ_BEGIN_KITTY_IMMEDIATE_IMAGE_V1))
    return CHAFA_PIXEL_MODE_KITTY;
  if (chafa_term_info_have_seq(terminal, CHAFA_TERM_SEQ_BEGIN_ITERM2_IMAGE))
    return CHAFA_PIXEL_MODE_ITERM2;
  if (chafa_term_info_have_seq(terminal, CHAFA_TERM_SEQ_BEGIN_SIXELS))
    return CHAFA_PIXEL_MODE_SIXELS;
  return CHAFA_PIXEL_MODE_SYMBOLS;
}

/* Of blocks; the other ways have all colours. */
static ChafaCanvasMode best_colours(const ChafaTermInfo *terminal) {
  if (chafa_term_info_have_seq(terminal, CHAFA_TERM_SEQ_SET_COLOR_FGBG_DIRECT))
    return CHAFA_CANVAS_MODE_TRUECOLOR;
  if (chafa_term_info_have_seq(terminal, CHAFA_TERM_SEQ_SET_COLOR_FGBG_256))
    return CHAFA_CANVAS_MODE_INDEXED_240;
  if (chafa_term_info_have_seq(terminal, CHAFA_TERM_SEQ_SET_COLOR_FGBG_16))
    return CHAFA_CANVAS_MODE_INDEXED_16;
  return CHAFA_CANVAS_MODE_FGBG;
}

static ChafaCanvas *make_canvas(const show_request *shown, const ChafaTermInfo *terminal) {
  int width = shown->columns, height = shown->rows;
  chafa_calc_canvas_geometry(shown->width, shown->height, &width, &height,
                             (float)shown->cell_width / (float)shown->cell_height, TRUE, FALSE);
  const ChafaPixelMode way = best_way(terminal);
  ChafaSymbolMap *blocks = chafa_symbol_map_new();
  chafa_symbol_map_add_by_tags(blocks, CHAFA_SYMBOL_TAG_BLOCK | CHAFA_SYMBOL_TAG_SPACE);
  ChafaCanvasConfig *config = chafa_canvas_config_new();
  chafa_canvas_config_set_pixel_mode(config, way);
  chafa_canvas_config_set_canvas_mode(config, way == CHAFA_PIXEL_MODE_SYMBOLS ? best_colours(terminal)
                                                                              : CHAFA_CANVAS_MODE_TRUECOLOR);
  chafa_canvas_config_set_symbol_map(config, blocks);
  chafa_canvas_config_set_cell_geometry(config, shown->cell_width, shown->cell_height);
  chafa_canvas_config_set_geometry(config, width, height);
  return chafa_canvas_new(config);
}

/* chafa has no type for grey. */
static uint8_t *as_rgb(const uint8_t *grey, size_t pixels) {
  uint8_t *rgb = malloc(3 * pixels);
  for (size_t i = 0; rgb != NULL && i < 3 * pixels; ++i)
    rgb[i] = grey[i / 3];
  return rgb;
}

static bool read_all(void *to, size_t bytes) {
  for (uint8_t *at = to; bytes > 0;) {
    const ssize_t got = read(STDIN_FILENO, at, bytes);
    if (got == 0 || (got < 0 && errno != EINTR))
      return false;
    at += got > 0 ? got : 0;
    bytes -= got > 0 ? (size_t)got : 0;
  }
  return true;
}

static bool print_all(const char *text, size_t bytes) {
  while (bytes > 0) {
    const ssize_t printed = write(STDOUT_FILENO, text, bytes);
    if (printed < 0 && errno != EINTR)
      return false;
    text += printed > 0 ? printed : 0;
    bytes -= printed > 0 ? (size_t)printed : 0;
  }
  return true;
}

/* What it allocates is there until it ends. */
int main(void) {
  alarm(0); /* which the program that started this one had set, in case that it did not come so far */
  setrlimit(RLIMIT_CORE, &(const struct rlimit){0, 0});
  show_request shown;
  if (!read_all(&shown, sizeof shown))
    return SHOW_FAILED;
  const size_t pixels = (size_t)shown.width * (size_t)shown.height;
  uint8_t *received = malloc(pixels * (size_t)shown.channels);
  if (received == NULL || !read_all(received, pixels * (size_t)shown.channels))
    return SHOW_FAILED;
  const uint8_t *rgb = shown.channels == 3 ? received : as_rgb(received, pixels);
  if (rgb == NULL)
    return SHOW_FAILED;
  ChafaTermInfo *terminal = chafa_term_db_detect(chafa_term_db_get_default(), environ);
  ChafaCanvas *canvas = make_canvas(&shown, terminal);
  chafa_canvas_draw_all_pixels(canvas, CHAFA_PIXEL_RGB8, rgb, shown.width, shown.height, 3 * shown.width);
  const GString *text = chafa_canvas_print(canvas, terminal);
  _exit(print_all(text->str, text->len) && print_all("\n", 1) ? 0 : SHOW_UNWRITTEN);
}
