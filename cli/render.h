/* One input, from the file to display-ready pixels. */
#ifndef BV_CLI_RENDER_H
#define BV_CLI_RENDER_H

#include "layer.h"
#include "progress.h"

typedef struct cli_rendering {
  const char *path;
  /* What the file held; its pixels are freed. */
  source source;
  cli_slices slices;
  /* f32 or u8 [B, C, rows, columns], or u8 [B, C, rows, columns, 3]; without gaps */
  bv_tensor pixels;
  void *memory;            /* owned */
  cli_layer labels, image; /* what is to be laid over pictures; without memory if nothing is */
  double *windows;         /* owned: lo, hi and n of each group */
  int64_t window_count;
  double read_seconds, compute_seconds;
  char hint[200]; /* what the user may have meant, or "" */
} cli_rendering;

/* How many views of each input the options ask for: the three of --ortho, or one. */
int count_views(const cli_options *options);

/* Reads one input, and slices, measures and maps it for each of its views, which are zero before. On
 * failure one line in `why`; renderings are freed by the caller in any case. */
cli_result render(const char *path, const cli_options *options, const cli_companions *companions,
                  cli_progress *progress, cli_rendering *renderings, reason why);

void rendering_free(cli_rendering *rendering);

#endif
