/* The bar: one line, redrawn as each step begins. */
#include "progress.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "message.h"

#define BAR_COLUMNS 24
#define PATH_COLUMNS 40
#define SHORT_SECONDS 0.5 /* work that ends sooner shows no bar */

double seconds_now(void) {
  struct timespec now = {0};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

cli_progress progress_begin(bool shown, bool long_work, int steps) {
  return (cli_progress){.shown = shown, .long_work = long_work, .steps = steps, .start_seconds = seconds_now()};
}

void progress_item(cli_progress *progress, size_t items) {
  progress->step = (int)((double)progress->steps * (double)progress->item++ / (double)items);
  progress->items = items;
}

void progress_step(cli_progress *progress, const char *verb, const char *path) {
  int done = progress->step++;
  if (!progress->shown || !(progress->long_work || seconds_now() - progress->start_seconds > SHORT_SECONDS))
    return;
  char bar[BAR_COLUMNS + 1];
  int full = (int)((double)done * BAR_COLUMNS / progress->steps);
  memset(bar, '.', BAR_COLUMNS);
  memset(bar, '#', (size_t)(full < BAR_COLUMNS ? full : BAR_COLUMNS));
  bar[BAR_COLUMNS] = '\0';
  fprintf(stderr, "\r\033[K[%s] ", bar);
  if (progress->items > 0)
    fprintf(stderr, "%zu of %zu: ", progress->item, progress->items);
  fprintf(stderr, "%s ", verb);
  print_text(path, PATH_COLUMNS);
  fflush(stderr);
  progress->drawn = true;
}

void progress_end(cli_progress *progress) {
  if (progress->drawn)
    fputs("\r\033[K", stderr);
  progress->drawn = false;
}
