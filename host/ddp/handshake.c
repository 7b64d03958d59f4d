/* The words of the TCP meeting, see handshake.h. */
#include "handshake.h"

#include <string.h>

#define MAGIC_BYTES 8
static const unsigned char magic[MAGIC_BYTES] = {'b', 'v', 'm', 'e', 'e', 't', '\r', '\n'};

static void put(unsigned char *bytes, int count, uint64_t number) {
  for (int i = count - 1; i >= 0; --i, number >>= 8)
    bytes[i] = (unsigned char)number;
}

static uint64_t get(const unsigned char *bytes, int count) {
  uint64_t number = 0;
  for (int i = 0; i < count; ++i)
    number = number << 8 | bytes[i];
  return number;
}

static bool starts_like_magic(const unsigned char *bytes, size_t count) {
  return count == 0 || memcmp(bytes, magic, count < MAGIC_BYTES ? count : MAGIC_BYTES) == 0;
}

void ddp_write_hello(const ddp_hello *hello, unsigned char bytes[DDP_HELLO_BYTES]) {
  memset(bytes, 0, DDP_HELLO_BYTES);
  memcpy(bytes, magic, MAGIC_BYTES);
  put(bytes + 8, 4, hello->world_size);
  put(bytes + 12, 4, hello->rank);
  put(bytes + 16, 8, hello->job);
  put(bytes + 24, 2, hello->version);
}

ddp_parse ddp_read_hello(const unsigned char *bytes, size_t count, ddp_hello *hello) {
  if (!starts_like_magic(bytes, count))
    return DDP_RUBBISH;
  if (count < DDP_HELLO_BYTES)
    return DDP_INCOMPLETE;
  memset(hello, 0, sizeof *hello);
  hello->version = (uint16_t)get(bytes + 24, 2);
  if (hello->version != DDP_HANDSHAKE_VERSION)
    return DDP_COMPLETE;
  hello->world_size = (uint32_t)get(bytes + 8, 4);
  hello->rank = (uint32_t)get(bytes + 12, 4);
  hello->job = get(bytes + 16, 8);
  return get(bytes + 26, 6) == 0 ? DDP_COMPLETE : DDP_RUBBISH;
}

size_t ddp_write_answer(ddp_answer_kind kind, const void *body, size_t body_bytes,
                        unsigned char bytes[DDP_ANSWER_BYTES]) {
  if (body_bytes > DDP_BODY_BYTES)
    body_bytes = DDP_BODY_BYTES;
  memcpy(bytes, magic, MAGIC_BYTES);
  put(bytes + 8, 2, DDP_HANDSHAKE_VERSION);
  put(bytes + 10, 1, (uint64_t)kind);
  put(bytes + 11, 1, body_bytes);
  if (body_bytes > 0)
    memcpy(bytes + DDP_ANSWER_HEAD_BYTES, body, body_bytes);
  return DDP_ANSWER_HEAD_BYTES + body_bytes;
}

ddp_parse ddp_read_answer(const unsigned char *bytes, size_t count, ddp_answer *answer, size_t *used) {
  if (!starts_like_magic(bytes, count))
    return DDP_RUBBISH;
  if (count < DDP_ANSWER_HEAD_BYTES)
    return DDP_INCOMPLETE;
  uint64_t kind = get(bytes + 10, 1);
  size_t body_bytes = bytes[11];
  if (get(bytes + 8, 2) != DDP_HANDSHAKE_VERSION || kind < DDP_WELCOME || kind > DDP_LOST ||
      (kind == DDP_WELCOME && body_bytes > 0))
    return DDP_RUBBISH;
  if (count < DDP_ANSWER_HEAD_BYTES + body_bytes)
    return DDP_INCOMPLETE;
  memset(answer, 0, sizeof *answer);
  answer->kind = (ddp_answer_kind)kind;
  answer->body_bytes = (uint8_t)body_bytes;
  memcpy(answer->body, bytes + DDP_ANSWER_HEAD_BYTES, body_bytes);
  *used = DDP_ANSWER_HEAD_BYTES + body_bytes;
  if (kind != DDP_GIFT)
    for (size_t i = 0; i < body_bytes; ++i) /* a reason goes into error messages: no control characters */
      if (answer->body[i] < ' ' || answer->body[i] > '~')
        answer->body[i] = '?';
  return DDP_COMPLETE;
}
