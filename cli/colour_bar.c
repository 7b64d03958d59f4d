/* Bars, and numbers in letters that are drawn here. */
#include "colour_bar.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Letters of 5 x 7 pixels, one column apart. */
static const char letters[] = "0123456789-+.e";
static const char *const drawn[7] = {
    " ###    #    ###   ###     #  #####   ##  #####  ###   ###                         ",
    "#   #  ##   #   # #   #   ##  #      #        # #   # #   #         #              ",
    "#   #   #       #     #  # #  ####  #        #  #   # #   #         #          ### ",
    "#   #   #      #    ##  #  #      # ####     #   ###   #### ##### #####       #   #",
    "#   #   #     #       # #####     # #   #   #   #   #     #         #         #####",
    "#   #   #    #    #   #    #  #   # #   #   #   #   #    #          #    ##   #    ",
    " ###   ###  #####  ###     #   ###   ###    #    ###   ##                ##    ### ",
};
enum { LETTER_ROWS = 7, LETTER_COLUMNS = 5, LETTER_STEP = 6 };

/* Columns of the bar, before it, and around the numbers, and rows above and below; everything counts `scale`
 * times. */
enum { GAP = 4, BAR = 8, TEXT_GAP = 3, TEXT_MARGIN = 2, END_MARGIN = 3 };

static int64_t scale_of(int64_t rows) { return rows < 400 ? 1 : rows / 200; }

typedef struct window_text {
  char ends[2][32]; /* the numbers of lo and hi */
} window_text;

/* In as many digits as make them differ, five at least. */
static window_text text_of(const double window[2]) {
  window_text text;
  for (int digits = 5; digits <= DBL_DECIMAL_DIG; ++digits) {
    for (int end = 0; end < 2; ++end)
      snprintf(text.ends[end], sizeof text.ends[end], "%.*g", digits, window[end]);
    if (window[0] == window[1] || strcmp(text.ends[0], text.ends[1]) != 0)
      break;
  }
  return text;
}

bool colour_bar_is_possible(const double window[2]) { return isfinite(window[0]) && isfinite(window[1]); }

int64_t colour_bar_columns(const double window[2], int64_t rows) {
  const window_text text = text_of(window);
  const size_t low = strlen(text.ends[0]), high = strlen(text.ends[1]);
  const int64_t letters_wide = (int64_t)(low > high ? low : high);
  return (GAP + BAR + TEXT_GAP + letters_wide * LETTER_STEP - 1 + TEXT_MARGIN) * scale_of(rows);
}

static void fill(cli_canvas canvas, int64_t rows, int64_t columns, const uint8_t colour[3]) {
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t column = 0; column < columns; ++column)
      memcpy(canvas_at(canvas, row, column).pixels, colour, (size_t)canvas.channels);
}

static void write_text(const char *text, int64_t scale, uint8_t ink, cli_canvas canvas) {
  const uint8_t colour[3] = {ink, ink, ink};
  for (int64_t i = 0; text[i] != '\0'; ++i) {
    const char *letter = strchr(letters, text[i]);
    for (int64_t row = 0; letter && row < LETTER_ROWS; ++row)
      for (int64_t column = 0; column < LETTER_COLUMNS; ++column)
        if (drawn[row][(letter - letters) * LETTER_STEP + column] == '#')
          fill(canvas_at(canvas, row * scale, (i * LETTER_STEP + column) * scale), scale, scale, colour);
  }
}

void colour_bar_draw(const double window[2], int64_t rows, uint8_t ink, cli_canvas canvas) {
  const int64_t scale = scale_of(rows), top = END_MARGIN * scale, last = rows - 1 - 2 * top;
  for (int64_t row = 0; row <= last; ++row) {
    const int64_t grey = ((last - row) * 255 + last / 2) / last;
    const uint8_t colour[3] = {canvas.shades[0][grey], canvas.shades[1][grey], canvas.shades[2][grey]};
    fill(canvas_at(canvas, top + row, GAP * scale), 1, BAR * scale, colour);
  }
  const int64_t left = (GAP + BAR + TEXT_GAP) * scale;
  const window_text text = text_of(window);
  write_text(text.ends[1], scale, ink, canvas_at(canvas, top, left));
  write_text(text.ends[0], scale, ink, canvas_at(canvas, top + last + 1 - LETTER_ROWS * scale, left));
}
