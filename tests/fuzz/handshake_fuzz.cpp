// Arbitrary bytes as words of the TCP meeting, and as a SLURM node list: nothing is read beyond them, a verdict
// on a beginning holds for the whole, and what was read, written again, is what was read.
#include <cstring>
#include <string>
#include <vector>

#include "require.h"

extern "C" {
#include "handshake.h"
#include "node_list.h"
}

namespace {

// A copy of exactly the first `count` bytes.
std::vector<unsigned char> cut(const uint8_t *bytes, size_t count) {
  return std::vector<unsigned char>(bytes, bytes + count);
}

void try_greeting(const uint8_t *bytes, size_t count) {
  ddp_greeting greeting;
  bool was_rubbish = false, was_complete = false;
  for (size_t have = 0; have <= count && have <= DDP_GREETING_BYTES; ++have) {
    const std::vector<unsigned char> beginning = cut(bytes, have);
    const ddp_parse parse = ddp_read_greeting(beginning.data(), have, &greeting);
    REQUIRE(!was_rubbish || parse == DDP_RUBBISH);
    REQUIRE(!was_complete || parse == DDP_COMPLETE);
    was_rubbish = parse == DDP_RUBBISH;
    was_complete = parse == DDP_COMPLETE;
    if (was_complete && greeting.version == DDP_HANDSHAKE_VERSION) {
      REQUIRE(have == DDP_GREETING_BYTES);
      unsigned char again[DDP_GREETING_BYTES];
      ddp_write_greeting(greeting.public_key, again);
      REQUIRE(memcmp(again, bytes, sizeof again) == 0);
    }
  }
}

void try_introduction(const uint8_t *bytes, size_t count) {
  if (count < DDP_INTRODUCTION_BYTES)
    return;
  ddp_introduction introduction;
  unsigned char again[DDP_INTRODUCTION_BYTES];
  ddp_read_introduction(cut(bytes, DDP_INTRODUCTION_BYTES).data(), &introduction);
  ddp_write_introduction(&introduction, again);
  REQUIRE(memcmp(again, bytes, sizeof again) == 0);
}

void try_answer(const uint8_t *bytes, size_t count) {
  std::vector<unsigned char> whole = cut(bytes, count);
  whole.resize(DDP_ANSWER_BYTES);
  ddp_answer answer;
  if (!ddp_read_answer(whole.data(), &answer))
    return;
  REQUIRE(answer.body[answer.body_bytes] == 0);
  unsigned char again[DDP_ANSWER_BYTES];
  ddp_write_answer(answer.kind, answer.body, answer.body_bytes, again);
  REQUIRE(memcmp(again, whole.data(), answer.kind == DDP_GIFT ? 2u + answer.body_bytes : 2u) == 0);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
  try_greeting(bytes, count);
  try_introduction(bytes, count);
  try_answer(bytes, count);
  char host[256];
  const std::string list(reinterpret_cast<const char *>(bytes), count);
  if (ddp_first_host(list.c_str(), host, sizeof host))
    REQUIRE(host[0] != '\0' && memchr(host, '\0', sizeof host) && !strpbrk(host, "[,"));
  return 0;
}
