/* Keys and sealed messages, see seal.h. */
#include "seal.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <sys/random.h>

#include "report.h"

_Static_assert(DDP_KEY_BYTES == crypto_scalarmult_curve25519_BYTES, "public keys");
_Static_assert(DDP_KEY_BYTES == crypto_scalarmult_curve25519_SCALARBYTES, "secret keys");
_Static_assert(DDP_KEY_BYTES == crypto_secretbox_KEYBYTES, "keys of a session");
_Static_assert(DDP_KEY_BYTES == crypto_generichash_KEYBYTES, "keys of a job");
_Static_assert(DDP_SEAL_BYTES == crypto_secretbox_MACBYTES, "a seal is the authenticator");

void ddp_derive_key(ddp_key_source source, const char *const texts[], size_t count,
                    unsigned char key[DDP_KEY_BYTES]) {
  /* Keys of the hash, so that a secret and a job's id of the same text differ. */
  static const char *const purposes[] = {"batchview meeting: secret", "batchview meeting: job id"};
  crypto_generichash_state hash;
  const char *purpose = purposes[source];
  crypto_generichash_init(&hash, (const unsigned char *)purpose, strlen(purpose), DDP_KEY_BYTES);
  for (size_t i = 0; i < count; ++i)
    crypto_generichash_update(&hash, (const unsigned char *)texts[i], strlen(texts[i]) + 1);
  crypto_generichash_final(&hash, key, DDP_KEY_BYTES);
  ddp_wipe(&hash, sizeof hash);
}

bv_status ddp_begin_session(ddp_session *session) {
  memset(session, 0, sizeof *session);
  /* By ourselves: libsodium ends the process where the system has no random numbers. */
  if (getrandom(session->own_secret, sizeof session->own_secret, GRND_NONBLOCK) !=
      (ssize_t)sizeof session->own_secret)
    return ddp_fail(BV_DDP_ERROR_NETWORK, "the system gives no random numbers to meet with: %s",
                    strerror(errno));
  if (sodium_init() < 0)
    return ddp_fail(BV_DDP_ERROR_NETWORK, "libsodium cannot be initialised");
  crypto_scalarmult_curve25519_base(session->own_public, session->own_secret);
  return BV_OK;
}

bool ddp_agree(ddp_session *session, bool is_host, const unsigned char key[DDP_KEY_BYTES],
               const unsigned char their_public[DDP_KEY_BYTES]) {
  unsigned char common[DDP_KEY_BYTES], keys[2][DDP_KEY_BYTES]; /* to the host, to the guest */
  bool possible = crypto_scalarmult_curve25519(common, session->own_secret, their_public) == 0;
  if (possible) {
    crypto_generichash_state hash;
    crypto_generichash_init(&hash, key, DDP_KEY_BYTES, sizeof keys);
    crypto_generichash_update(&hash, common, sizeof common);
    crypto_generichash_update(&hash, is_host ? their_public : session->own_public, DDP_KEY_BYTES);
    crypto_generichash_update(&hash, is_host ? session->own_public : their_public, DDP_KEY_BYTES);
    crypto_generichash_final(&hash, keys[0], sizeof keys);
    memcpy(session->receiving, keys[is_host ? 0 : 1], DDP_KEY_BYTES);
    memcpy(session->sending, keys[is_host ? 1 : 0], DDP_KEY_BYTES);
    ddp_wipe(&hash, sizeof hash);
  }
  ddp_wipe(common, sizeof common);
  ddp_wipe(keys, sizeof keys);
  ddp_wipe(session->own_secret, sizeof session->own_secret);
  return possible;
}

static void make_nonce(uint64_t number, unsigned char nonce[crypto_secretbox_NONCEBYTES]) {
  memset(nonce, 0, crypto_secretbox_NONCEBYTES);
  for (int i = 0; i < 8; ++i)
    nonce[i] = (unsigned char)(number >> 8 * i);
}

void ddp_seal(ddp_session *session, const void *message, size_t bytes, unsigned char *sealed) {
  unsigned char nonce[crypto_secretbox_NONCEBYTES];
  make_nonce(session->sent++, nonce);
  crypto_secretbox_easy(sealed, message, bytes, nonce, session->sending); /* cannot fail at such lengths */
}

bool ddp_unseal(ddp_session *session, const unsigned char *sealed, size_t sealed_bytes, void *message) {
  unsigned char nonce[crypto_secretbox_NONCEBYTES];
  make_nonce(session->received++, nonce);
  return crypto_secretbox_open_easy(message, sealed, sealed_bytes, nonce, session->receiving) == 0;
}

void ddp_wipe(void *memory, size_t bytes) { sodium_memzero(memory, bytes); }
