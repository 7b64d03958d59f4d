// Arbitrary bytes as words of the TCP meeting, and as a SLURM node list: nothing is read beyond them, a verdict
// on a beginning holds for the whole, and what was read, written again, is what was read.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

extern "C" {
#include "environment.h"
#include "handshake.h"
}

namespace {

#define REQUIRE(condition)                                                    \
  do {                                                                        \
    if (!(condition)) {                                                       \
      fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
      abort();                                                                \
    }                                                                         \
  } while (0)

// A copy of exactly the first `count` bytes.
std::vector<unsigned char> cut(const uint8_t *bytes, size_t count) {
  return std::vector<unsigned char>(bytes, bytes + count);
}

void try_hello(const uint8_t *bytes, size_t count) {
  ddp_hello hello;
  bool was_rubbish = false;
  for (size_t have = 0; have <= count && have <= DDP_HELLO_BYTES; ++have) {
    const std::vector<unsigned char> beginning = cut(bytes, have);
    const ddp_parse parse = ddp_read_hello(beginning.data(), have, &hello);
    REQUIRE(parse != DDP_COMPLETE || have == DDP_HELLO_BYTES);
    REQUIRE(!was_rubbish || parse == DDP_RUBBISH);
    was_rubbish = parse == DDP_RUBBISH;
    if (parse == DDP_COMPLETE && hello.version == DDP_HANDSHAKE_VERSION) {
      unsigned char again[DDP_HELLO_BYTES];
      ddp_write_hello(&hello, again);
      REQUIRE(memcmp(again, bytes, sizeof again) == 0);
    }
  }
}

void try_answer(const uint8_t *bytes, size_t count) {
  ddp_answer answer;
  size_t used = 0;
  bool was_rubbish = false;
  for (size_t have = 0; have <= count && have <= DDP_ANSWER_BYTES; ++have) {
    const std::vector<unsigned char> beginning = cut(bytes, have);
    const ddp_parse parse = ddp_read_answer(beginning.data(), have, &answer, &used);
    REQUIRE(!was_rubbish || parse == DDP_RUBBISH);
    was_rubbish = parse == DDP_RUBBISH;
    if (parse != DDP_COMPLETE)
      continue;
    REQUIRE(used <= have && used == DDP_ANSWER_HEAD_BYTES + (size_t)answer.body_bytes);
    REQUIRE(answer.body[answer.body_bytes] == 0);
    unsigned char again[DDP_ANSWER_BYTES];
    REQUIRE(ddp_write_answer(answer.kind, answer.body, answer.body_bytes, again) == used);
    REQUIRE(memcmp(again, bytes, answer.kind == DDP_GIFT ? used : DDP_ANSWER_HEAD_BYTES) == 0);
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
  try_hello(bytes, count);
  try_answer(bytes, count);
  char host[DDP_HOST_BYTES];
  const std::string list(reinterpret_cast<const char *>(bytes), count);
  if (ddp_first_host(list.c_str(), host))
    REQUIRE(host[0] != '\0' && memchr(host, '\0', sizeof host) && !strpbrk(host, "[,"));
  return 0;
}
