/* Bytes in memory that grow at their end. */
#ifndef BV_TB_BYTES_H
#define BV_TB_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct tb_bytes {
  uint8_t *data; /* owned */
  size_t size, room;
} tb_bytes;

/* Makes room for `more` bytes at the end. False without memory: nothing has changed then. */
static inline bool tb_reserve(tb_bytes *bytes, size_t more) {
  if (bytes->room - bytes->size >= more)
    return true;
  size_t room = bytes->size + more + bytes->room / 2;
  uint8_t *data = realloc(bytes->data, room);
  if (!data)
    return false;
  bytes->data = data;
  bytes->room = room;
  return true;
}

/* Where there is room. */
static inline void tb_append(tb_bytes *bytes, const void *more, size_t count) {
  memcpy(bytes->data + bytes->size, more, count);
  bytes->size += count;
}

static inline void tb_free_bytes(tb_bytes *bytes) {
  free(bytes->data);
  *bytes = (tb_bytes){0};
}

#endif
