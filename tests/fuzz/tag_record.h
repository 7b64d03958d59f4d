/* A record of the log, for tag_fuzz: the library's own headers are C. */
#ifndef BATCHVIEW_FUZZ_TAG_RECORD_H
#define BATCHVIEW_FUZZ_TAG_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "batchview/batchview.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tag_record {
  bool is_scalar;
  int64_t step;
  const char *tag;
  float scalar;
  uint32_t width, height; /* of an image, as are these */
  int channels;
  const uint8_t *encoded;
  size_t encoded_bytes;
} tag_record;

/* Checks the tag, and makes the record, which the caller frees. Returns the status of the tag. */
bv_status make_tag_record(const tag_record *from, double wall_time, uint8_t **record, size_t *bytes);

#ifdef __cplusplus
}
#endif

#endif
