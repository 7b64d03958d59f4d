/* Pictures as text for a terminal, by chafa: a module of its own (show_module.c), as chafa and GLib take longer
 * to start than the program does. */
#ifndef BV_CLI_SHOW_MODULE_H
#define BV_CLI_SHOW_MODULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct show_request {
  const uint8_t *pixels; /* rows without gaps */
  int width, height;
  int channels;                /* 1 grey, 3 RGB */
  int columns, rows;           /* the cells that it may have */
  int cell_width, cell_height; /* in pixels */
} show_request;

/* The module's function, and its name for dlsym(): the text that shows the picture as large as it may be, in
 * the best way that the terminal has by its environment, for as long as the process lasts; NULL without memory.
 */
typedef const char *show_text(const show_request *shown, size_t *bytes);
#define SHOW_MODULE "batchview_show.so"
#define SHOW_TEXT "batchview_show_text"

#endif
