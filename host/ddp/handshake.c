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

void ddp_write_greeting(const unsigned char public_key[DDP_KEY_BYTES],
                        unsigned char bytes[DDP_GREETING_BYTES]) {
  memcpy(bytes, magic, MAGIC_BYTES);
  put(bytes + 8, 2, DDP_HANDSHAKE_VERSION);
  memcpy(bytes + 10, public_key, DDP_KEY_BYTES);
}

ddp_parse ddp_read_greeting(const unsigned char *bytes, size_t count, ddp_greeting *greeting) {
  if (count > 0 && memcmp(bytes, magic, count < MAGIC_BYTES ? count : MAGIC_BYTES) != 0)
    return DDP_RUBBISH;
  if (count < 10)
    return DDP_INCOMPLETE;
  memset(greeting, 0, sizeof *greeting);
  greeting->version = (uint16_t)get(bytes + 8, 2);
  if (greeting->version != DDP_HANDSHAKE_VERSION)
    return DDP_COMPLETE;
  if (count < DDP_GREETING_BYTES)
    return DDP_INCOMPLETE;
  memcpy(greeting->public_key, bytes + 10, DDP_KEY_BYTES);
  return DDP_COMPLETE;
}

void ddp_write_introduction(const ddp_introduction *introduction, unsigned char bytes[DDP_INTRODUCTION_BYTES]) {
  put(bytes, 4, introduction->world_size);
  put(bytes + 4, 4, introduction->rank);
  put(bytes + 8, 8, introduction->job);
  memcpy(bytes + 16, introduction->place.host, DDP_IDENTITY_BYTES);
  memcpy(bytes + 32, introduction->place.gpu, DDP_IDENTITY_BYTES);
  memcpy(bytes + 48, introduction->place.name, DDP_IDENTITY_BYTES);
}

void ddp_read_introduction(const unsigned char bytes[DDP_INTRODUCTION_BYTES], ddp_introduction *introduction) {
  introduction->world_size = (uint32_t)get(bytes, 4);
  introduction->rank = (uint32_t)get(bytes + 4, 4);
  introduction->job = get(bytes + 8, 8);
  memcpy(introduction->place.host, bytes + 16, DDP_IDENTITY_BYTES);
  memcpy(introduction->place.gpu, bytes + 32, DDP_IDENTITY_BYTES);
  memcpy(introduction->place.name, bytes + 48, DDP_IDENTITY_BYTES);
}

void ddp_write_answer(ddp_answer_kind kind, const void *body, size_t body_bytes,
                      unsigned char bytes[DDP_ANSWER_BYTES]) {
  if (body_bytes > DDP_BODY_BYTES)
    body_bytes = DDP_BODY_BYTES;
  memset(bytes, 0, DDP_ANSWER_BYTES);
  bytes[0] = (unsigned char)kind;
  bytes[1] = (unsigned char)body_bytes;
  if (body_bytes > 0)
    memcpy(bytes + 2, body, body_bytes);
}

bool ddp_read_answer(const unsigned char bytes[DDP_ANSWER_BYTES], ddp_answer *answer) {
  if (bytes[0] < DDP_WELCOME || bytes[0] > DDP_SHARED_GPU || (bytes[0] == DDP_WELCOME && bytes[1] > 0))
    return false;
  memset(answer, 0, sizeof *answer);
  answer->kind = (ddp_answer_kind)bytes[0];
  answer->body_bytes = bytes[1];
  memcpy(answer->body, bytes + 2, answer->body_bytes);
  if (answer->kind != DDP_GIFT)
    for (size_t i = 0; i < answer->body_bytes;
         ++i) /* a reason goes into error messages: no control characters */
      if (answer->body[i] < ' ' || answer->body[i] > '~')
        answer->body[i] = '?';
  return true;
}
