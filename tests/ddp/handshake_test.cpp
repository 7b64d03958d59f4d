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

Bytes Greeting(const Bytes &key) {
  Bytes bytes(DDP_GREETING_BYTES, 0xee);
  ddp_write_greeting(key.data(), bytes.data());
  return bytes;
}

Bytes Introduction(const ddp_introduction &introduction) {
  Bytes bytes(DDP_INTRODUCTION_BYTES, 0xee);
  ddp_write_introduction(&introduction, bytes.data());
  return bytes;
}

Bytes Answer(ddp_answer_kind kind, const std::string &body) {
  Bytes bytes(DDP_ANSWER_BYTES, 0xee);
  ddp_write_answer(kind, body.data(), body.size(), bytes.data());
  return bytes;
}

// A copy of exactly these bytes, so that the address sanitizer sees what is read beyond them.
Bytes Cut(const Bytes &bytes, size_t count) {
  return Bytes(bytes.begin(), bytes.begin() + (std::ptrdiff_t)count);
}

Bytes Counting(size_t count, int first) {
  Bytes bytes;
  for (size_t i = 0; i < count; ++i)
    bytes.push_back((unsigned char)(first + (int)i));
  return bytes;
}

const Bytes kKey = Counting(DDP_KEY_BYTES, 100);

TEST(Handshake, GreetingsHaveTheDocumentedBytes) {
  Bytes expected = {'b', 'v', 'm', 'e', 'e', 't', '\r', '\n', 0, 2};
  expected.insert(expected.end(), kKey.begin(), kKey.end());
  EXPECT_EQ(Greeting(kKey), expected);
}

TEST(Handshake, GreetingsAreReadWhenTheyAreWhole) {
  const Bytes bytes = Greeting(kKey);
  ddp_greeting read;
  for (size_t count = 0; count < bytes.size(); ++count)
    EXPECT_EQ(ddp_read_greeting(Cut(bytes, count).data(), count, &read), DDP_INCOMPLETE) << count;
  ASSERT_EQ(ddp_read_greeting(bytes.data(), bytes.size(), &read), DDP_COMPLETE);
  EXPECT_EQ(read.version, DDP_HANDSHAKE_VERSION);
  EXPECT_EQ(memcmp(read.public_key, kKey.data(), DDP_KEY_BYTES), 0);
}

TEST(Handshake, RubbishIsSeenAtItsFirstWrongByte) {
  ddp_greeting greeting;
  for (size_t wrong = 0; wrong < 8; ++wrong) {
    Bytes bad = Greeting(kKey);
    bad[wrong] ^= 0x20;
    EXPECT_EQ(ddp_read_greeting(bad.data(), wrong + 1, &greeting), DDP_RUBBISH);
    EXPECT_EQ(ddp_read_greeting(bad.data(), bad.size(), &greeting), DDP_RUBBISH);
  }
}

TEST(Handshake, OfAnotherVersionOnlyTheVersionIsRead) {
  Bytes bytes = Greeting(kKey);
  bytes[9] = 3;
  ddp_greeting read;
  for (size_t count = 0; count < 10; ++count)
    EXPECT_EQ(ddp_read_greeting(Cut(bytes, count).data(), count, &read), DDP_INCOMPLETE) << count;
  ASSERT_EQ(ddp_read_greeting(Cut(bytes, 10).data(), 10, &read), DDP_COMPLETE);
  EXPECT_EQ(read.version, 3);
}

TEST(Handshake, IntroductionsHaveTheDocumentedBytes) {
  ddp_introduction introduction = {1000, 0x01020304, 0x1122334455667788, {}}, read;
  const Bytes place = Counting(48, 150);
  memcpy(introduction.place.host, place.data(), 16);
  memcpy(introduction.place.gpu, place.data() + 16, 16);
  memcpy(introduction.place.name, place.data() + 32, 16);
  Bytes expected = {0, 0, 3, 0xe8, 1, 2, 3, 4, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88};
  expected.insert(expected.end(), place.begin(), place.end());
  EXPECT_EQ(Introduction(introduction), expected);
  ddp_read_introduction(expected.data(), &read);
  EXPECT_EQ(read.world_size, 1000u);
  EXPECT_EQ(read.rank, 0x01020304u);
  EXPECT_EQ(read.job, 0x1122334455667788u);
  EXPECT_TRUE(ddp_is_same_gpu(&read.place, &introduction.place));
}

TEST(Handshake, AnswersAreRead) {
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
               {DDP_LOST, "rank 2"},
               {DDP_SHARED_GPU, "rank 2 and rank 1"}};
  for (const auto &c : cases) {
    const Bytes bytes = Answer(c.kind, c.body);
    EXPECT_EQ(bytes[0], c.kind);
    EXPECT_EQ(bytes[1], c.body.size());
    EXPECT_EQ(std::string(bytes.begin() + 2, bytes.end()), c.body + std::string(255 - c.body.size(), '\0'));
    ddp_answer answer;
    ASSERT_TRUE(ddp_read_answer(bytes.data(), &answer));
    EXPECT_EQ(answer.kind, c.kind);
    ASSERT_EQ(answer.body_bytes, c.body.size());
    EXPECT_EQ(memcmp(answer.body, c.body.data(), c.body.size()), 0);
    EXPECT_EQ(answer.body[answer.body_bytes], 0);
  }
}

TEST(Handshake, ReasonsAreCutAndPrintable) {
  ddp_answer answer;
  ASSERT_TRUE(ddp_read_answer(Answer(DDP_REFUSED, std::string(300, 'y')).data(), &answer));
  EXPECT_EQ(answer.body_bytes, 255);
  for (const ddp_answer_kind kind : {DDP_REFUSED, DDP_GAVE_UP, DDP_LOST, DDP_SHARED_GPU}) {
    ASSERT_TRUE(ddp_read_answer(Answer(kind, std::string("a\x1b[31m\n\0z\x7f\xff", 11)).data(), &answer));
    EXPECT_STREQ((const char *)answer.body, "a?[31m??z??");
  }
}

TEST(Handshake, ImpossibleAnswersAreNone) {
  ddp_answer answer;
  Bytes bytes = Answer(DDP_WELCOME, "");
  for (unsigned kind : {0u, 7u, 255u}) {
    bytes[0] = (unsigned char)kind;
    EXPECT_FALSE(ddp_read_answer(bytes.data(), &answer));
  }
  EXPECT_FALSE(ddp_read_answer(Answer(DDP_WELCOME, "x").data(), &answer));
}

TEST(Handshake, AnyBytesGiveAVerdict) {
  const char *given = std::getenv("BATCHVIEW_SEED");
  unsigned seed = given ? (unsigned)std::atol(given) : std::random_device{}();
  SCOPED_TRACE("BATCHVIEW_SEED=" + std::to_string(seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 20000; ++round) {
    Bytes greeting = Greeting(kKey),
          bytes = Answer((ddp_answer_kind)(random() % 8), std::string(random() % 256, 'r'));
    for (unsigned changes = random() % 4; changes > 0; --changes) {
      greeting[random() % greeting.size()] = (unsigned char)random();
      bytes[random() % bytes.size()] = (unsigned char)random();
    }
    greeting = Cut(greeting, random() % (greeting.size() + 1));
    ddp_greeting read;
    const ddp_parse parse = ddp_read_greeting(greeting.data(), greeting.size(), &read);
    EXPECT_TRUE(parse != DDP_COMPLETE || greeting.size() >= 10);
    ddp_answer answer;
    if (ddp_read_answer(bytes.data(), &answer)) {
      EXPECT_EQ(answer.body[answer.body_bytes], 0);
    }
  }
}

} // namespace
