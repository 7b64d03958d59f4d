/* How bv_describe's text is put together. */
#ifndef BV_DESCRIBE_H
#define BV_DESCRIBE_H

#include "batchview/batchview.h"

typedef struct bv_description {
  char *text;
  size_t bytes; /* there is room for */
  size_t used;  /* or would be, without the final zero */
} bv_description;

void bv_add_line(bv_description *description, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The CUDA backend's lines, or the one that says that there is none. */
void bv_describe_cuda(bv_description *description);

#endif
