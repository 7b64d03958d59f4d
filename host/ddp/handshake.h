/* The words of the TCP meeting, and nothing of its network: bytes to structs and back.
 *
 * A guest, as every other rank is to rank 0, connects and greets; rank 0 greets back. A greeting has a public
 * key of its connection alone (seal.h), and nothing of the job. The guest then seals its introduction: who and
 * where it is, and of which job. If that does not open, rank 0 closes the connection without a word. Else it
 * answers, sealed too: with WELCOME, and once all ranks are there with GIFT, whose body is what was to be
 * shared; or at any time with one of the others, whose body says why. All numbers are big-endian.
 *
 *   greeting, 42 bytes:     magic (8)  version (2)  public key (32)
 *   introduction, 64 bytes: world size (4)  rank (4)  job (8)  host (16)  GPU (16)  GPU's name (16)
 *   answer, 257 bytes:      kind (1)  body bytes (1)  body, filled up with zeros (255)
 *
 * The last two stand for DDP_SEAL_BYTES more on the wire, and all answers look alike there.
 */
#ifndef BV_DDP_HANDSHAKE_H
#define BV_DDP_HANDSHAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "place.h"
#include "seal.h"

#define DDP_HANDSHAKE_VERSION 2
#define DDP_GREETING_BYTES 42
#define DDP_INTRODUCTION_BYTES 64
#define DDP_BODY_BYTES 255 /* at most */
#define DDP_ANSWER_BYTES (2 + DDP_BODY_BYTES)
#define DDP_SEALED_INTRODUCTION_BYTES (DDP_INTRODUCTION_BYTES + DDP_SEAL_BYTES)
#define DDP_SEALED_ANSWER_BYTES (DDP_ANSWER_BYTES + DDP_SEAL_BYTES)

typedef struct ddp_greeting {
  uint16_t version;
  unsigned char public_key[DDP_KEY_BYTES];
} ddp_greeting;

typedef struct ddp_introduction {
  uint32_t world_size, rank;
  uint64_t job;
  ddp_place place;
} ddp_introduction;

typedef enum ddp_answer_kind {
  DDP_WELCOME = 1, /* no body */
  DDP_GIFT = 2,
  DDP_REFUSED = 3,
  DDP_GAVE_UP = 4,   /* rank 0's deadline passed */
  DDP_LOST = 5,      /* a rank left, or rank 0 failed */
  DDP_SHARED_GPU = 6 /* two ranks are on one GPU */
} ddp_answer_kind;

typedef struct ddp_answer {
  ddp_answer_kind kind;
  uint8_t body_bytes;
  unsigned char
      body[DDP_BODY_BYTES + 1]; /* ended by a zero, so that a reason is a string; printable ASCII then */
} ddp_answer;

typedef enum ddp_parse {
  DDP_COMPLETE,
  DDP_INCOMPLETE, /* right so far */
  DDP_RUBBISH     /* will never be right */
} ddp_parse;

void ddp_write_greeting(const unsigned char public_key[DDP_KEY_BYTES], unsigned char bytes[DDP_GREETING_BYTES]);

/* Of another version only the version is read, and nothing behind it waited for. */
ddp_parse ddp_read_greeting(const unsigned char *bytes, size_t count, ddp_greeting *greeting);

void ddp_write_introduction(const ddp_introduction *introduction, unsigned char bytes[DDP_INTRODUCTION_BYTES]);
void ddp_read_introduction(const unsigned char bytes[DDP_INTRODUCTION_BYTES], ddp_introduction *introduction);

/* A body that is too long is cut. */
void ddp_write_answer(ddp_answer_kind kind, const void *body, size_t body_bytes,
                      unsigned char bytes[DDP_ANSWER_BYTES]);

/* False for what is no answer. */
bool ddp_read_answer(const unsigned char bytes[DDP_ANSWER_BYTES], ddp_answer *answer);

#endif
