/* A picture for a terminal: what the program sends to batchview_show (show_main.c), which draws it by chafa.
 * That is a program of its own, because chafa and GLib take longer to start than the other does, and because
 * GLib ends the process that is short of memory. */
#ifndef BV_CLI_SHOW_REQUEST_H
#define BV_CLI_SHOW_REQUEST_H

#include <stdint.h>

#define SHOW_PROGRAM "batchview_show"

/* Standard input has this, and then the pixels, rows without gaps; standard output is the terminal. */
typedef struct show_request {
  int32_t width, height;
  int32_t channels;                /* 1 grey, 3 RGB */
  int32_t columns, rows;           /* the cells that it may have */
  int32_t cell_width, cell_height; /* in pixels */
} show_request;

/* Its exit codes, besides that of success. */
typedef enum show_end {
  SHOW_FAILED = 1,   /* without memory, or without all of the picture */
  SHOW_UNWRITTEN = 2 /* the terminal does not take it */
} show_end;

#endif
