// Writes sound words of the meeting, and node lists, as files to the directory in its argument.
#include <cstdio>
#include <string>

extern "C" {
#include "handshake.h"
}

namespace {

bool save(const std::string &path, const void *bytes, size_t count) {
  FILE *file = fopen(path.c_str(), "wb");
  if (!file)
    return false;
  const bool written = fwrite(bytes, 1, count, file) == count;
  return fclose(file) == 0 && written;
}

} // namespace

int main(int argc, char **argv) {
  if (argc != 2)
    return 2;
  const std::string directory = std::string(argv[1]) + "/";
  const unsigned char key[DDP_KEY_BYTES] = {0xe1, 0x07};
  const ddp_introduction introduction = {4, 2, 0x0123456789abcdef, {{1}, {2}, {3}}};
  unsigned char bytes[DDP_ANSWER_BYTES];
  ddp_write_greeting(key, bytes);
  bool saved = save(directory + "greeting", bytes, DDP_GREETING_BYTES);
  ddp_write_introduction(&introduction, bytes);
  saved = saved && save(directory + "introduction", bytes, DDP_INTRODUCTION_BYTES);
  const std::string bodies[] = {"",
                                std::string(128, '\x81'),
                                "rank 2 is there already",
                                "missing: 3",
                                "rank 1 left",
                                "rank 2 and rank 1 share GPU-00"};
  for (int kind = DDP_WELCOME; kind <= DDP_SHARED_GPU; ++kind) {
    const std::string &body = bodies[kind - DDP_WELCOME];
    ddp_write_answer(static_cast<ddp_answer_kind>(kind), body.data(), body.size(), bytes);
    saved = saved && save(directory + "answer-" + std::to_string(kind), bytes, sizeof bytes);
  }
  const std::string nodes = "gpu[007-010,12]-ib,login";
  return saved && save(directory + "nodes", nodes.data(), nodes.size()) ? 0 : 1;
}
