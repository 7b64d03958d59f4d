/* What keeps strangers out of the meeting: keys, and messages that are sealed with them, by libsodium.
 *
 * All ranks of a job derive one key (ddp_derive_key). On every connection each side draws a pair of
 * Curve25519 keys and sends the public one. The session's keys, one for each direction, are a keyed hash of
 * both public keys and of what the two pairs have in common: only who knows the job's key can have them, what
 * was recorded on one connection opens on no other, and who learns the job's key later cannot open what was
 * recorded before. A message that opens proves that its sender knows the job's key. */
#ifndef BV_DDP_SEAL_H
#define BV_DDP_SEAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "batchview/ddp.h"

#define DDP_KEY_BYTES 32
#define DDP_SEAL_BYTES 16 /* by which a sealed message is longer */

/* What a job's key is made of. */
typedef enum ddp_key_source { DDP_KEY_OF_SECRET, DDP_KEY_OF_JOB } ddp_key_source;

/* texts: zero-terminated, each counted with its end, so that "a", "bc" is not "ab", "c". */
void ddp_derive_key(ddp_key_source source, const char *const texts[], size_t count,
                    unsigned char key[DDP_KEY_BYTES]);

typedef struct ddp_session {
  unsigned char own_secret[DDP_KEY_BYTES], own_public[DDP_KEY_BYTES];
  unsigned char sending[DDP_KEY_BYTES], receiving[DDP_KEY_BYTES];
  uint64_t sent, received; /* messages, which make the nonces */
} ddp_session;

/* Draws this side's pair of keys. Returns BV_OK; BV_DDP_ERROR_NETWORK if the system gives no random numbers. */
bv_status ddp_begin_session(ddp_session *session);

/* Makes the session's keys. False for a public key that nobody can have drawn. */
bool ddp_agree(ddp_session *session, bool is_host, const unsigned char key[DDP_KEY_BYTES],
               const unsigned char their_public[DDP_KEY_BYTES]);

/* sealed: `bytes` + DDP_SEAL_BYTES. */
void ddp_seal(ddp_session *session, const void *message, size_t bytes, unsigned char *sealed);

/* message: sealed_bytes - DDP_SEAL_BYTES. False if it is not the other side's next message, whole and
 * unchanged. */
bool ddp_unseal(ddp_session *session, const unsigned char *sealed, size_t sealed_bytes, void *message);

/* Overwrites what is secret, also where the compiler thinks that nobody looks. */
void ddp_wipe(void *memory, size_t bytes);

#endif
