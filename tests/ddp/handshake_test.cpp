// The words of the meeting: what is written is read, what is not right is refused, however it is cut.
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <vector>

extern "C" {
#include "handshake.h"
}

namespace {

using Bytes = std::vector<unsigned char>;

Bytes Hello(const ddp_hello &hello) {
  Bytes bytes(DDP_HELLO_BYTES, 0xee);
  ddp_write_hello(&hello, bytes.data());
  return bytes;
}

Bytes Answer(ddp_answer_kind kind, const std::string &body) {
  Bytes bytes(DDP_ANSWER_BYTES, 0xee);
  bytes.resize(ddp_write_answer(kind, body.data(), body.size(), bytes.data()));
  return bytes;
}

// A copy of exactly these bytes, so that the address sanitizer sees what is read beyond them.
Bytes Cut(const Bytes &bytes, size_t count) {
  return Bytes(bytes.begin(), bytes.begin() + (std::ptrdiff_t)count);
}

const ddp_hello kHello = {DDP_HANDSHAKE_VERSION, 1000, 0x01020304, 0x1122334455667788};

TEST(Handshake, HelloHasTheDocumentedBytes) {
  const unsigned char expected[DDP_HELLO_BYTES] = {'b',  'v',  'm',  'e',  'e',  't',  '\r', '\n', 0,
                                                   0,    3,    0xe8, 1,    2,    3,    4,    0x11, 0x22,
                                                   0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0,    1};
  EXPECT_EQ(memcmp(Hello(kHello).data(), expected, sizeof expected), 0);
}

TEST(Handshake, HelloIsReadWhenItIsWhole) {
  Bytes bytes = Hello(kHello);
  ddp_hello read;
  for (size_t count = 0; count < bytes.size(); ++count)
    EXPECT_EQ(ddp_read_hello(Cut(bytes, count).data(), count, &read), DDP_INCOMPLETE) << count;
  ASSERT_EQ(ddp_read_hello(bytes.data(), bytes.size(), &read), DDP_COMPLETE);
  EXPECT_EQ(read.version, kHello.version);
  EXPECT_EQ(read.world_size, kHello.world_size);
  EXPECT_EQ(read.rank, kHello.rank);
  EXPECT_EQ(read.job, kHello.job);
}

TEST(Handshake, RubbishIsSeenAtItsFirstWrongByte) {
  ddp_hello hello;
  ddp_answer answer;
  size_t used;
  for (size_t wrong = 0; wrong < 8; ++wrong) {
    Bytes bad = Hello(kHello);
    bad[wrong] ^= 0x20;
    EXPECT_EQ(ddp_read_hello(bad.data(), wrong + 1, &hello), DDP_RUBBISH);
    EXPECT_EQ(ddp_read_hello(bad.data(), bad.size(), &hello), DDP_RUBBISH);
    EXPECT_EQ(ddp_read_answer(bad.data(), wrong + 1, &answer, &used), DDP_RUBBISH);
  }
  for (size_t padding = 26; padding < 32; ++padding) {
    Bytes bad = Hello(kHello);
    bad[padding] = 1;
    EXPECT_EQ(ddp_read_hello(bad.data(), bad.size(), &hello), DDP_RUBBISH);
  }
}

TEST(Handshake, OfAnotherVersionOnlyTheVersionIsRead) {
  ddp_hello other = kHello, read;
  other.version = 2;
  Bytes bytes = Hello(other);
  bytes[31] = 99; // a later version may use it
  ASSERT_EQ(ddp_read_hello(bytes.data(), bytes.size(), &read), DDP_COMPLETE);
  EXPECT_EQ(read.version, 2);
}

TEST(Handshake, AnswersAreReadWhenTheyAreWhole) {
  std::string gift;
  for (int i = 0; i < 128; ++i)
    gift.push_back((char)(i * 7));
  const struct {
    ddp_answer_kind kind;
    std::string body;
  } cases[] = {{DDP_WELCOME, ""},
               {DDP_GIFT, gift},
               {DDP_GIFT, ""},
               {DDP_REFUSED, "no"},
               {DDP_GAVE_UP, std::string(255, 'x')},
               {DDP_LOST, "rank 2"}};
  for (const auto &c : cases) {
    Bytes bytes = Answer(c.kind, c.body);
    ddp_answer answer;
    size_t used = 0, whole = bytes.size();
    for (size_t count = 0; count < whole; ++count)
      EXPECT_EQ(ddp_read_answer(Cut(bytes, count).data(), count, &answer, &used), DDP_INCOMPLETE);
    bytes.resize(whole + 5, 0x77); // what follows is the next answer's
    ASSERT_EQ(ddp_read_answer(bytes.data(), bytes.size(), &answer, &used), DDP_COMPLETE);
    EXPECT_EQ(used, whole);
    EXPECT_EQ(answer.kind, c.kind);
    ASSERT_EQ(answer.body_bytes, c.body.size());
    EXPECT_EQ(memcmp(answer.body, c.body.data(), c.body.size()), 0);
    EXPECT_EQ(answer.body[answer.body_bytes], 0);
  }
}

TEST(Handshake, ReasonsAreCutAndPrintable) {
  Bytes bytes = Answer(DDP_REFUSED, std::string(300, 'y'));
  ddp_answer answer;
  size_t used;
  ASSERT_EQ(ddp_read_answer(bytes.data(), bytes.size(), &answer, &used), DDP_COMPLETE);
  EXPECT_EQ(answer.body_bytes, 255);
  bytes = Answer(DDP_LOST, std::string("a\x1b[31m\n\0z", 9));
  ASSERT_EQ(ddp_read_answer(bytes.data(), bytes.size(), &answer, &used), DDP_COMPLETE);
  EXPECT_STREQ((const char *)answer.body, "a?[31m??z");
}

TEST(Handshake, ImpossibleAnswersAreRubbish) {
  ddp_answer answer;
  size_t used;
  Bytes bytes = Answer(DDP_WELCOME, "");
  for (unsigned kind : {0u, 6u, 255u}) {
    bytes[10] = (unsigned char)kind;
    EXPECT_EQ(ddp_read_answer(bytes.data(), bytes.size(), &answer, &used), DDP_RUBBISH);
  }
  EXPECT_EQ(ddp_read_answer(Answer(DDP_WELCOME, "x").data(), 13, &answer, &used), DDP_RUBBISH);
  bytes = Answer(DDP_WELCOME, "");
  bytes[9] = 2; // version
  EXPECT_EQ(ddp_read_answer(bytes.data(), bytes.size(), &answer, &used), DDP_RUBBISH);
}

TEST(Handshake, AnyBytesGiveAVerdict) {
  const char *given = std::getenv("BATCHVIEW_SEED");
  unsigned seed = given ? (unsigned)std::atol(given) : std::random_device{}();
  SCOPED_TRACE("BATCHVIEW_SEED=" + std::to_string(seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 20000; ++round) {
    Bytes bytes =
        round % 2 ? Hello(kHello) : Answer((ddp_answer_kind)(random() % 8), std::string(random() % 256, 'r'));
    for (unsigned changes = random() % 4; changes > 0; --changes)
      bytes[random() % bytes.size()] = (unsigned char)random();
    bytes = Cut(bytes, random() % (bytes.size() + 1));
    ddp_hello hello;
    ddp_answer answer;
    size_t used = 0;
    ddp_read_hello(bytes.data(), bytes.size(), &hello);
    if (ddp_read_answer(bytes.data(), bytes.size(), &answer, &used) == DDP_COMPLETE) {
      EXPECT_LE(used, bytes.size());
      EXPECT_EQ(used, DDP_ANSWER_HEAD_BYTES + (size_t)answer.body_bytes);
    }
  }
}

} // namespace
