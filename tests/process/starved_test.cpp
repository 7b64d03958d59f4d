// Short of memory and threads: every failing allocation, and every thread that cannot be started, is a status
// or no loss at all. The program's own malloc() and pthread_create() fail on request.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include <dlfcn.h>
#include <pthread.h>
#include <unistd.h>

#include "batches.h"
#include "batchview/selection.h"

// ---- Failures on request ----------------------------------------------------------------------------------

namespace {

// Which call fails: the one of this number, or all from it on. 0 is none.
struct Failing {
  std::atomic<long> one{0}, from{0}, calls{0};
  bool fails() {
    const long call = ++calls;
    return call == one || (from > 0 && call >= from);
  }
  void none() { one = from = 0; }
};
Failing allocations, thread_starts;
std::atomic<long> live_allocations{0};

template <typename Pointer> Pointer counted(Pointer memory) {
  live_allocations += memory != nullptr;
  return memory;
}

bool allocation_fails() {
  if (!allocations.fails())
    return false;
  errno = ENOMEM;
  return true;
}

} // namespace

extern "C" {
#pragma GCC visibility push(default)
void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_realloc(void *memory, size_t bytes);
void *__libc_memalign(size_t alignment, size_t bytes);
void __libc_free(void *memory);

void *malloc(size_t bytes) { return allocation_fails() ? nullptr : counted(__libc_malloc(bytes)); }
void *calloc(size_t count, size_t bytes) {
  return allocation_fails() ? nullptr : counted(__libc_calloc(count, bytes));
}
void *realloc(void *memory, size_t bytes) {
  if (allocation_fails())
    return nullptr;
  void *moved = __libc_realloc(memory, bytes);
  live_allocations += (moved != nullptr) - (memory != nullptr);
  return moved;
}
void *aligned_alloc(size_t alignment, size_t bytes) {
  return allocation_fails() ? nullptr : counted(__libc_memalign(alignment, bytes));
}
int posix_memalign(void **memory, size_t alignment, size_t bytes) {
  *memory = aligned_alloc(alignment, bytes);
  return *memory ? 0 : ENOMEM;
}
void free(void *memory) {
  live_allocations -= memory != nullptr;
  __libc_free(memory);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*body)(void *), void *argument) {
  using Create = int (*)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
  static const Create create = reinterpret_cast<Create>(dlsym(RTLD_NEXT, "pthread_create"));
  return thread_starts.fails() ? EAGAIN : create(thread, attributes, body, argument);
}
#pragma GCC visibility pop
}

namespace {

// ---- Calls --------------------------------------------------------------------------------------------------

constexpr uint8_t poison = 0xa5;

// Every function that takes CPU tensors, on outputs that are poisoned before.
class Calls {
public:
  struct Call {
    const char *name;
    std::function<bv_status()> run;
  };

  explicit Calls(Random &random) {
    pixels = make_batch(BV_F32, {side, side}, Data::Uniform, random);
    constant.assign(static_cast<size_t>(side * side), 3.5F); // its candidates overflow: digits select
    memory.resize(BV_SELECTION_BYTES / sizeof(uint64_t));
  }

  std::vector<Call> all() {
    return {
        {"normalise planes",
         [this] {
           return normalise_shape({9, 1, 180, 180}, BV_F32, pixels.bytes.data());
         }},
        {"normalise one plane",
         [this] {
           return normalise_shape({1, 1, side, side}, BV_U8, pixels.bytes.data());
         }},
        {"normalise a constant",
         [this] {
           return normalise_shape({1, 1, side, side}, BV_U8, constant.data());
         }},
        {"normalise 16 bits",
         [this] {
           return normalise_shape({1, 1, side, side}, BV_F16, pixels.bytes.data(), BV_I16);
         }},
        {"measure",
         [this] {
           const bv_tensor batch = tensor({1, 1, side, side}, BV_F32, pixels.bytes.data()), to = windows();
           return bv_measure_window(&batch, nullptr, &to, nullptr);
         }},
        {"apply",
         [this] {
           double given[3] = {1, 2, 3};
           const bv_tensor batch = tensor({1, 1, side, side}, BV_F32, pixels.bytes.data()),
                           to = tensor({1, 1, side, side}, BV_U8, out.data());
           const int64_t shape[2] = {1, 3};
           const bv_tensor from = bv_contiguous_tensor(given, BV_F64, BV_CPU, 2, shape);
           return bv_apply_window(&batch, &from, &to, nullptr, nullptr);
         }},
        {"workspace size",
         [this] {
           size_t bytes = 0;
           const bv_tensor batch = tensor({1, 1, side, side}, BV_F32, pixels.bytes.data()),
                           to = tensor({1, 1, side, side}, BV_U8, out.data());
           return bv_workspace_size(&batch, &to, nullptr, &bytes);
         }},
        {"image to uint8",
         [this] {
           const bv_tensor image = tensor({side, side}, BV_F32, pixels.bytes.data()),
                           to = tensor({side, side}, BV_U8, out.data());
           return bv_normalize_image_to_uint8(&image, &to, nullptr);
         }},
        {"2-D image",
         [this] {
           const bv_tensor image = tensor({side, side}, BV_F32, pixels.bytes.data()),
                           to = tensor({side, side, 3}, BV_U8, out.data());
           return bv_visualize_2d_image(&image, &to, nullptr);
         }},
        {"slice of a volume",
         [this] {
           const bv_tensor volume = tensor({90, 80, 40}, BV_F32, pixels.bytes.data()),
                           to = tensor({90, 80, 3}, BV_U8, out.data());
           return bv_visualize_one_slice_in_3d_image(&volume, 2, &to, nullptr);
         }},
        {"selection in pieces", [this] { return select(); }},
        {"number of threads", [] { return bv_set_threads(3); }},
    };
  }

  void poison_outputs() {
    std::fill(out.begin(), out.end(), poison);
    memset(window, poison, sizeof window);
  }
  bool outputs_are_untouched() const {
    const auto *bytes = reinterpret_cast<const uint8_t *>(window);
    const auto is_poison = [](uint8_t byte) { return byte == poison; };
    return std::all_of(out.begin(), out.end(), is_poison) &&
           std::all_of(bytes, bytes + sizeof window, is_poison);
  }
  std::vector<uint8_t> outputs() const {
    std::vector<uint8_t> found = out;
    const auto *bytes = reinterpret_cast<const uint8_t *>(window);
    found.insert(found.end(), bytes, bytes + sizeof window);
    return found;
  }

private:
  static constexpr int64_t side = 540;

  static bv_tensor tensor(std::initializer_list<int64_t> shape, bv_dtype dtype, void *data) {
    return bv_contiguous_tensor(data, dtype, BV_CPU, static_cast<int32_t>(shape.size()), shape.begin());
  }
  bv_tensor windows() { return tensor({1, 3}, BV_F64, window); }

  bv_status normalise_shape(std::initializer_list<int64_t> shape, bv_dtype to_type, void *from,
                            bv_dtype type = BV_F32) {
    const bv_tensor batch = tensor(shape, type, from), to = tensor(shape, to_type, out.data());
    return bv_normalize_batch_for_display(&batch, &to, nullptr, nullptr);
  }

  bv_status select() {
    const bv_tensor batch = tensor({1, 1, side, side}, BV_F32, pixels.bytes.data()), to = windows();
    const bv_selection selection = {BV_F32, nullptr, &to, memory.data()};
    bv_status status = bv_selection_begin(&selection, nullptr);
    for (int digit = 0; digit < bv_selection_digits(BV_F32) && status == BV_OK; ++digit) {
      status = bv_selection_count(&selection, digit, &batch, nullptr);
      if (status == BV_OK)
        status = bv_selection_narrow(&selection, digit, nullptr);
    }
    return status == BV_OK ? bv_selection_finish(&selection, nullptr) : status;
  }

  Array pixels;
  std::vector<float> constant;
  std::vector<uint64_t> memory;
  std::vector<uint8_t> out = std::vector<uint8_t>(static_cast<size_t>(side * side) * 4);
  double window[3] = {};
};

class Starved : public testing::Test {
protected:
  void SetUp() override { ASSERT_EQ(bv_set_threads(3), BV_OK); }
  void TearDown() override {
    allocations.none();
    thread_starts.none();
    ASSERT_EQ(bv_set_threads(0), BV_OK);
  }

  // Once no thread is left that may still hold something of a call that has returned.
  static long settled_allocations() {
    bv_set_threads(1);
    const long allocations_now = live_allocations;
    bv_set_threads(3);
    return allocations_now;
  }

  // Runs the call with one allocation after the other failing, or all from it on, until none of its own fails.
  void fail_each(Calls &calls, const Calls::Call &call, std::atomic<long> Failing::*which) {
    calls.poison_outputs();
    ASSERT_EQ(call.run(), BV_OK) << call.name << ": " << bv_last_error();
    const std::vector<uint8_t> expected = calls.outputs();
    const long before = settled_allocations();
    ASSERT_EQ(call.run(), BV_OK); // and its threads are there
    for (long n = 1;; ++n) {
      const std::string what = std::string(call.name) + ", allocation " + std::to_string(n);
      ASSERT_LT(n, 100) << what;
      calls.poison_outputs();
      allocations.calls = 0;
      allocations.*which = n;
      const bv_status status = call.run();
      const long tried = allocations.calls;
      allocations.none();
      if (status == BV_OK) {
        EXPECT_TRUE(calls.outputs() == expected) << what;
      } else {
        EXPECT_EQ(status, BV_ERROR_MEMORY) << what << ": " << bv_last_error();
        EXPECT_NE(std::string(bv_last_error()).find("memory"), std::string::npos) << bv_last_error();
        EXPECT_TRUE(calls.outputs_are_untouched()) << what;
      }
      if (tried < n)
        break;
    }
    EXPECT_EQ(settled_allocations(), before) << call.name << " leaks";
  }

  Random random;
};

// ---- Memory -------------------------------------------------------------------------------------------------

TEST_F(Starved, EachFailingAllocationIsAStatusOrNoLoss) {
  Calls calls(random);
  for (const Calls::Call &call : calls.all())
    for (std::atomic<long> Failing::*which : {&Failing::one, &Failing::from})
      fail_each(calls, call, which);
}

TEST_F(Starved, ScratchIsWhatFails) { // or else the test above would see nothing
  Calls calls(random);
  int refused = 0;
  for (const Calls::Call &call : calls.all()) {
    allocations.calls = 0;
    allocations.from = 1;
    refused += call.run() == BV_ERROR_MEMORY;
    allocations.none();
  }
  EXPECT_GE(refused, 9);
}

// ---- Threads ------------------------------------------------------------------------------------------------

TEST_F(Starved, ThreadsThatDoNotStartAreDoneWithout) {
  Calls calls(random);
  for (const Calls::Call &call : calls.all()) {
    calls.poison_outputs();
    ASSERT_EQ(call.run(), BV_OK) << call.name;
    const std::vector<uint8_t> expected = calls.outputs();
    for (long from : {1, 2, 3}) {
      ASSERT_EQ(bv_set_threads(1), BV_OK); // ends all
      ASSERT_EQ(bv_set_threads(4), BV_OK);
      thread_starts.calls = 0;
      thread_starts.from = from;
      calls.poison_outputs();
      EXPECT_EQ(call.run(), BV_OK) << call.name << ", thread " << from << ": " << bv_last_error();
      EXPECT_TRUE(calls.outputs() == expected) << call.name << ", thread " << from;
      thread_starts.none();
    }
  }
}

TEST_F(Starved, ThreadsAreTriedAgainLater) {
  Calls calls(random);
  const auto run = calls.all().front().run;
  ASSERT_EQ(bv_set_threads(1), BV_OK);
  ASSERT_EQ(bv_set_threads(3), BV_OK);
  thread_starts.calls = 0;
  thread_starts.from = 1;
  EXPECT_EQ(run(), BV_OK);
  EXPECT_EQ(thread_starts.calls, 1);
  thread_starts.none();
  EXPECT_EQ(run(), BV_OK);
  EXPECT_EQ(thread_starts.calls, 3);
}

} // namespace
