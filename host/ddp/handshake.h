/* The words of the TCP meeting, and nothing of its network: bytes to structs and back.
 *
 * A rank that connects to rank 0 sends one hello. Rank 0 answers with WELCOME, and once all ranks are there
 * with GIFT, whose body is what was to be shared; or at any time with REFUSED, GAVE_UP or LOST, whose body says
 * why. All numbers are big-endian.
 *
 *   hello, 32 bytes:  magic (8)  world size (4)  rank (4)  job (8)  version (2)  zeros (6)
 *   answer, 12 bytes: magic (8)  version (2)  kind (1)  body bytes (1)  and then the body
 */
#ifndef BV_DDP_HANDSHAKE_H
#define BV_DDP_HANDSHAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DDP_HELLO_BYTES 32
#define DDP_ANSWER_HEAD_BYTES 12
#define DDP_BODY_BYTES 255 /* at most */
#define DDP_ANSWER_BYTES (DDP_ANSWER_HEAD_BYTES + DDP_BODY_BYTES)
#define DDP_HANDSHAKE_VERSION 1

typedef struct ddp_hello {
  uint16_t version;
  uint32_t world_size, rank;
  uint64_t job;
} ddp_hello;

typedef enum ddp_answer_kind {
  DDP_WELCOME = 1, /* no body */
  DDP_GIFT = 2,
  DDP_REFUSED = 3,
  DDP_GAVE_UP = 4, /* rank 0's deadline passed */
  DDP_LOST = 5     /* a rank left, or rank 0 failed */
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

void ddp_write_hello(const ddp_hello *hello, unsigned char bytes[DDP_HELLO_BYTES]);

/* Of another version only the version is read. */
ddp_parse ddp_read_hello(const unsigned char *bytes, size_t count, ddp_hello *hello);

/* Returns how many bytes it has. A reason that is too long is cut. */
size_t ddp_write_answer(ddp_answer_kind kind, const void *body, size_t body_bytes,
                        unsigned char bytes[DDP_ANSWER_BYTES]);

/* *used: the bytes of the answer, when complete; more may follow. */
ddp_parse ddp_read_answer(const unsigned char *bytes, size_t count, ddp_answer *answer, size_t *used);

#endif
