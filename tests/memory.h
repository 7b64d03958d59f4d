// Memory for one tensor, on the CPU or on a device, between canaries; and the ways to run calls on it.
//
// The same tests serve CPU tensors and device tensors: a Mode says where memory lies and how calls are run.
#ifndef BATCHVIEW_TESTS_MEMORY_H
#define BATCHVIEW_TESTS_MEMORY_H

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "batchview/batchview.h"
#include "device.h"

enum class Mode {
  Cpu,
  Eager,      // on the device, each call as it comes
  Misaligned, // the same, with every pointer one element beyond a 256-byte boundary
  Captured    // on the device, captured in a graph that is then replayed
};
const char *mode_name(Mode mode);
bool on_device(Mode mode);
int32_t device_of(Mode mode);

// The modes that this program's tests run in: Cpu alone, or all others.
std::vector<Mode> tested_modes();

// Whether the variable of the environment is 1.
bool is_set(const char *variable);

// To begin a test of a Mode with. BATCHVIEW_REQUIRE_GPU=1 turns skipping into failure.
#define BATCHVIEW_NEED_DEVICE(mode)                                  \
  do {                                                               \
    if (on_device(mode) && !device::why_none().empty()) {            \
      if (is_set("BATCHVIEW_REQUIRE_GPU"))                           \
        FAIL() << "BATCHVIEW_REQUIRE_GPU=1: " << device::why_none(); \
      GTEST_SKIP() << device::why_none();                            \
    }                                                                \
  } while (0)

// Holds a copy of some bytes, `offset` bytes beyond a multiple of 256, canaries on both sides. On the CPU under
// the address sanitizer the canaries may not be read either.
class Memory {
public:
  Memory(Mode mode, const std::vector<uint8_t> &bytes, size_t offset = 0);
  ~Memory();
  Memory(const Memory &) = delete;
  Memory &operator=(const Memory &) = delete;

  void *data() const { return base_ + front_; }
  void write(const std::vector<uint8_t> &bytes);
  std::vector<uint8_t> read() const;
  bool canaries_intact() const;

private:
  std::vector<uint8_t> download() const;
  void upload(const std::vector<uint8_t> &all);

  Mode mode_;
  size_t front_, bytes_, all_;
  uint8_t *base_;
};

// Runs library calls as the mode says, on a stream of its own, and waits for them.
class Runner {
public:
  explicit Runner(Mode mode);
  ~Runner();
  Runner(const Runner &) = delete;
  Runner &operator=(const Runner &) = delete;

  // Runs the calls; captured: records them and runs the record. Returns their status.
  bv_status run(const device::Calls &calls);
  // Runs the same calls again; captured: replays the record.
  bv_status again();

private:
  Mode mode_;
  bv_stream stream_ = nullptr;
  void *graph_ = nullptr;
  device::Calls calls_;
};

#endif
