/* Events: what a record's data is, in protobuf's encoding. */
#ifndef BV_TB_EVENT_H
#define BV_TB_EVENT_H

#include <stdint.h>

#include "bytes.h"

enum { TB_EVENT_VERSION, TB_EVENT_SCALAR, TB_EVENT_IMAGE };

typedef struct tb_event {
  int kind;
  double wall_time; /* seconds since 1970 */
  int64_t step;
  const char *tag;        /* UTF-8 */
  float scalar;           /* of TB_EVENT_SCALAR */
  uint32_t width, height; /* of TB_EVENT_IMAGE, as are these: */
  int channels;           /* 1 grey, 3 RGB, 4 RGBA */
  const uint8_t *encoded; /* the PNG file */
  size_t encoded_bytes;
} tb_event;

/* The time now. */
double tb_wall_time(void);

/* Appends the event as a whole record. False without memory: nothing has changed then. */
bool tb_append_event(tb_bytes *out, const tb_event *event);

#endif
