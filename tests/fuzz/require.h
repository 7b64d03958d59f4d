// What must hold of any input; the fuzzer keeps the one of which it does not.
#ifndef BATCHVIEW_FUZZ_REQUIRE_H
#define BATCHVIEW_FUZZ_REQUIRE_H

#include <cstdio>
#include <cstdlib>

#define REQUIRE(condition)                                                    \
  do {                                                                        \
    if (!(condition)) {                                                       \
      fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
      abort();                                                                \
    }                                                                         \
  } while (0)

#endif
