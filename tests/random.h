// Random numbers from a printed seed; BATCHVIEW_SEED=N in the environment gives the same ones again.
#ifndef BATCHVIEW_TESTS_RANDOM_H
#define BATCHVIEW_TESTS_RANDOM_H

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <iterator>
#include <random>

// The seed of this process, printed when it is first asked for.
inline uint64_t test_seed() {
  static const uint64_t seed = [] {
    const char *given = getenv("BATCHVIEW_SEED");
    uint64_t chosen = given ? strtoull(given, nullptr, 10) : std::random_device{}();
    printf("BATCHVIEW_SEED=%llu\n", static_cast<unsigned long long>(chosen));
    fflush(stdout);
    return chosen;
  }();
  return seed;
}

class Random {
public:
  // Tests that need their own sequence, whatever ran before them in this process, give a salt.
  explicit Random(uint64_t salt = 0) : engine_(test_seed() * 0x9e3779b97f4a7c15u + salt) {}

  uint64_t bits() { return engine_(); }
  int64_t below(int64_t limit) { return static_cast<int64_t>(bits() % static_cast<uint64_t>(limit)); }
  int64_t between(int64_t first, int64_t last) { return first + below(last - first + 1); }
  bool one_in(int64_t cases) { return below(cases) == 0; }
  // In [low, high).
  double uniform(double low, double high) {
    return low + (high - low) * (static_cast<double>(bits() >> 11) * 0x1p-53);
  }
  template <typename Container> auto pick(const Container &from) {
    return *std::next(std::begin(from), static_cast<ptrdiff_t>(below(static_cast<int64_t>(std::size(from)))));
  }
  template <typename Value> Value pick(std::initializer_list<Value> from) {
    return from.begin()[below(static_cast<int64_t>(from.size()))];
  }

private:
  std::mt19937_64 engine_;
};

#endif
