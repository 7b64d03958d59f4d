// Keys and sealed messages: who has the key opens what was sealed, once, in order and unchanged; nobody else.
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <random>
#include <set>
#include <string>
#include <vector>

extern "C" {
#include "seal.h"
}

namespace {

using Bytes = std::vector<unsigned char>;

Bytes Key(ddp_key_source source, const std::vector<const char *> &texts) {
  Bytes key(DDP_KEY_BYTES, 0xee);
  ddp_derive_key(source, texts.data(), texts.size(), key.data());
  return key;
}

// A host's and a guest's session on one connection.
struct Connection {
  ddp_session host, guest;

  Connection(const Bytes &host_key, const Bytes &guest_key) {
    EXPECT_EQ(ddp_begin_session(&host), BV_OK) << bv_last_error();
    EXPECT_EQ(ddp_begin_session(&guest), BV_OK) << bv_last_error();
    EXPECT_TRUE(ddp_agree(&host, true, host_key.data(), guest.own_public));
    EXPECT_TRUE(ddp_agree(&guest, false, guest_key.data(), host.own_public));
  }
};

Bytes Seal(ddp_session &session, const Bytes &message) {
  Bytes sealed(message.size() + DDP_SEAL_BYTES, 0xee);
  ddp_seal(&session, message.data(), message.size(), sealed.data());
  return sealed;
}

// Whether it would: the session stays as it is.
bool Opens(ddp_session session, const Bytes &sealed) {
  Bytes opened(sealed.size() - DDP_SEAL_BYTES, 0xee);
  return ddp_unseal(&session, sealed.data(), sealed.size(), opened.data());
}

const Bytes kKey = Key(DDP_KEY_OF_SECRET, {"a secret"});
const Bytes kMessage = {1, 2, 3, 4, 5, 6, 7, 8, 9};

// By Python: hashlib.blake2b(b"a secret\0", key=b"batchview meeting: secret", digest_size=32)
TEST(Seal, KeysAreThoseDescribed) {
  EXPECT_EQ(
      Key(DDP_KEY_OF_SECRET, {"a secret"}),
      (Bytes{0x09, 0x5a, 0x67, 0xf4, 0xa1, 0xec, 0x69, 0xfb, 0x61, 0x64, 0xe0, 0x49, 0x7e, 0x13, 0x3f, 0x21,
             0x3a, 0x7e, 0x05, 0x90, 0xb7, 0xdd, 0xff, 0x78, 0x84, 0xab, 0xc6, 0x6f, 0x3d, 0xfe, 0xc2, 0x9c}));
  EXPECT_EQ(
      Key(DDP_KEY_OF_JOB, {"none", "", "29500"}),
      (Bytes{0x91, 0xbe, 0xaf, 0x13, 0xf2, 0xa0, 0xcc, 0x5e, 0xe2, 0x27, 0x31, 0xbb, 0x98, 0xa4, 0xa4, 0x88,
             0xbe, 0xb7, 0xda, 0x8a, 0x83, 0xce, 0xc4, 0x6c, 0x47, 0xef, 0xce, 0xa7, 0xd6, 0x87, 0x4f, 0x33}));
}

TEST(Seal, KeysDifferWhereTextsOrTheirPurposeDo) {
  std::set<Bytes> keys;
  for (const ddp_key_source source : {DDP_KEY_OF_SECRET, DDP_KEY_OF_JOB})
    for (const std::vector<const char *> &texts :
         {std::vector<const char *>{"a", "bc"}, {"ab", "c"}, {"abc"}, {"abc", ""}, {"", "abc"}, {"A", "bc"}})
      EXPECT_TRUE(keys.insert(Key(source, texts)).second);
}

TEST(Seal, WhatIsSealedOpensOnTheOtherSide) {
  Connection c(kKey, kKey);
  for (int round = 0; round < 3; ++round) {
    Bytes sealed = Seal(c.guest, kMessage);
    Bytes opened(kMessage.size());
    EXPECT_TRUE(ddp_unseal(&c.host, sealed.data(), sealed.size(), opened.data()));
    EXPECT_EQ(opened, kMessage);
    sealed = Seal(c.host, kMessage);
    EXPECT_TRUE(ddp_unseal(&c.guest, sealed.data(), sealed.size(), opened.data()));
    EXPECT_EQ(opened, kMessage);
  }
}

TEST(Seal, WithoutTheKeyNothingOpens) {
  Connection c(kKey, Key(DDP_KEY_OF_SECRET, {"another"}));
  EXPECT_FALSE(Opens(c.host, Seal(c.guest, kMessage)));
  EXPECT_FALSE(Opens(c.guest, Seal(c.host, kMessage)));
}

TEST(Seal, OnAnotherConnectionNothingOpens) {
  Connection first(kKey, kKey), second(kKey, kKey);
  const Bytes sealed = Seal(first.guest, kMessage);
  EXPECT_FALSE(Opens(second.host, sealed));
  // A recorded guest comes again, to a host that drew new keys.
  ddp_session host;
  ASSERT_EQ(ddp_begin_session(&host), BV_OK);
  ASSERT_TRUE(ddp_agree(&host, true, kKey.data(), first.guest.own_public));
  EXPECT_FALSE(Opens(host, sealed));
}

TEST(Seal, NothingOpensTwiceOrOutOfOrderOrWhereItCameFrom) {
  Connection c(kKey, kKey);
  const Bytes first = Seal(c.guest, kMessage), second = Seal(c.guest, kMessage);
  EXPECT_NE(first, second);
  EXPECT_FALSE(Opens(c.host, second));
  EXPECT_FALSE(Opens(c.guest, first)) << "reflected";
  Bytes opened(kMessage.size());
  EXPECT_TRUE(ddp_unseal(&c.host, first.data(), first.size(), opened.data()));
  EXPECT_FALSE(Opens(c.host, first));
  EXPECT_TRUE(Opens(c.host, second));
}

TEST(Seal, AnyChangeIsSeen) {
  Connection c(kKey, kKey);
  const Bytes sealed = Seal(c.guest, kMessage);
  for (size_t bit = 0; bit < 8 * sealed.size(); ++bit) {
    Bytes changed = sealed;
    changed[bit / 8] ^= (unsigned char)(1 << bit % 8);
    EXPECT_FALSE(Opens(c.host, changed)) << bit;
  }
  EXPECT_FALSE(Opens(c.host, Bytes(sealed.begin(), sealed.end() - 1)));
  EXPECT_TRUE(Opens(c.host, sealed));
}

TEST(Seal, ImpossiblePublicKeysAreSeen) {
  ddp_session session;
  ASSERT_EQ(ddp_begin_session(&session), BV_OK);
  EXPECT_FALSE(ddp_agree(&session, true, kKey.data(), Bytes(DDP_KEY_BYTES, 0).data()));
}

TEST(Seal, SecretsAreDrawnAnewAndWiped) {
  std::set<Bytes> publics;
  for (int i = 0; i < 100; ++i) {
    ddp_session session;
    ASSERT_EQ(ddp_begin_session(&session), BV_OK);
    EXPECT_TRUE(publics.insert(Bytes(session.own_public, session.own_public + DDP_KEY_BYTES)).second);
  }
  Connection c(kKey, kKey);
  EXPECT_EQ(Bytes(c.host.own_secret, c.host.own_secret + DDP_KEY_BYTES), Bytes(DDP_KEY_BYTES, 0));
  ddp_wipe(&c.host, sizeof c.host);
  EXPECT_EQ(Bytes(c.host.sending, c.host.sending + DDP_KEY_BYTES), Bytes(DDP_KEY_BYTES, 0));
}

} // namespace
