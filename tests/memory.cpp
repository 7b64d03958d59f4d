// Memory between canaries, and the ways to run calls.
#include "memory.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

#if defined(__SANITIZE_ADDRESS__)
#define BATCHVIEW_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define BATCHVIEW_ASAN 1
#endif
#endif
#if defined(BATCHVIEW_ASAN)
#include <sanitizer/asan_interface.h>
#endif

const char *mode_name(Mode mode) {
  switch (mode) {
  case Mode::Cpu: return "Cpu";
  case Mode::Eager: return "Eager";
  case Mode::Misaligned: return "Misaligned";
  case Mode::Captured: return "Captured";
  }
  return "?";
}

bool on_device(Mode mode) { return mode != Mode::Cpu; }
int32_t device_of(Mode mode) { return on_device(mode) ? 0 : BV_CPU; }

std::vector<Mode> tested_modes() {
  if (device::in_this_program)
    return {Mode::Eager, Mode::Misaligned, Mode::Captured};
  return {Mode::Cpu};
}

bool is_set(const char *variable) {
  const char *value = getenv(variable);
  return value && strcmp(value, "1") == 0;
}

// ---- Memory ---------------------------------------------------------------------------------------------

namespace {

constexpr size_t boundary = 256; // bytes; also the length of each canary
constexpr uint8_t canary = 0xc9;

#if defined(BATCHVIEW_ASAN)
void forbid(const uint8_t *memory, size_t bytes) { ASAN_POISON_MEMORY_REGION(memory, bytes); }
void allow(const uint8_t *memory, size_t bytes) { ASAN_UNPOISON_MEMORY_REGION(memory, bytes); }
#else
void forbid(const uint8_t *, size_t) {}
void allow(const uint8_t *, size_t) {}
#endif

} // namespace

Memory::Memory(Mode mode, const std::vector<uint8_t> &bytes, size_t offset)
    : mode_(mode), front_(boundary + offset), bytes_(bytes.size()), all_(front_ + bytes_ + boundary),
      base_(static_cast<uint8_t *>(on_device(mode) ? device::allocate(all_)
                                                   : ::operator new (all_, std::align_val_t{boundary}))) {
  std::vector<uint8_t> all(all_, canary);
  std::copy(bytes.begin(), bytes.end(), all.begin() + static_cast<ptrdiff_t>(front_));
  upload(all);
}

Memory::~Memory() {
  if (on_device(mode_)) {
    device::release(base_);
    return;
  }
  allow(base_, all_);
  ::operator delete (base_, std::align_val_t{boundary});
}

void Memory::write(const std::vector<uint8_t> &bytes) {
  std::vector<uint8_t> all = download();
  std::copy(bytes.begin(), bytes.end(), all.begin() + static_cast<ptrdiff_t>(front_));
  upload(all);
}

std::vector<uint8_t> Memory::read() const {
  const std::vector<uint8_t> all = download();
  const auto first = all.begin() + static_cast<ptrdiff_t>(front_);
  return std::vector<uint8_t>(first, first + static_cast<ptrdiff_t>(bytes_));
}

bool Memory::canaries_intact() const {
  const std::vector<uint8_t> all = download();
  for (size_t i = 0; i < all_; ++i)
    if ((i < front_ || i >= front_ + bytes_) && all[i] != canary)
      return false;
  return true;
}

std::vector<uint8_t> Memory::download() const {
  if (on_device(mode_))
    return device::download(base_, all_);
  allow(base_, all_);
  std::vector<uint8_t> all(base_, base_ + all_);
  forbid(base_, front_);
  forbid(base_ + front_ + bytes_, boundary);
  return all;
}

void Memory::upload(const std::vector<uint8_t> &all) {
  if (on_device(mode_)) {
    device::upload(base_, all);
    return;
  }
  allow(base_, all_);
  memcpy(base_, all.data(), all_);
  forbid(base_, front_);
  forbid(base_ + front_ + bytes_, boundary);
}

// ---- Runner ---------------------------------------------------------------------------------------------

Runner::Runner(Mode mode) : mode_(mode), stream_(on_device(mode) ? device::make_stream() : nullptr) {}

Runner::~Runner() {
  if (graph_)
    device::destroy_graph(graph_);
  if (stream_)
    device::destroy_stream(stream_);
}

bv_status Runner::run(const device::Calls &calls) {
  calls_ = calls;
  if (mode_ == Mode::Captured) {
    bv_status status;
    graph_ = device::record(stream_, calls_, &status);
    if (status != BV_OK)
      return status;
  }
  return again();
}

bv_status Runner::again() {
  bv_status status = BV_OK;
  if (graph_)
    device::replay(graph_, stream_);
  else
    status = calls_(stream_);
  if (stream_)
    device::wait(stream_);
  return status;
}
