// The pool: every item once, seats with one thread each, help that is shared and never waited for, quiet
// threads.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstring>
#include <functional>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include "random.h"

extern "C" {
#include "pool.h"
}

namespace {

using Item = std::function<void(int seat, int64_t item)>;

void share(bv_call *call, int64_t items, const Item &item) {
  bv_share_items(
      call, items,
      [](const void *context, int seat, int64_t number) {
        (*static_cast<const Item *>(context))(seat, number);
      },
      &item);
}

void pass(int milliseconds) { std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds)); }

// A call that ends with its scope.
struct Call {
  explicit Call(int wanted) { seats = bv_open_call(wanted, &call); }
  ~Call() { bv_close_call(call); }
  Call(const Call &) = delete;
  Call &operator=(const Call &) = delete;
  int seats;
  bv_call *call = nullptr;
};

class Pool : public testing::Test {
protected:
  void SetUp() override { bv_resize_pool(4); }
  void TearDown() override { bv_resize_pool(0); }
  Random random;
};

TEST_F(Pool, DoesEveryItemOnceWithOneThreadASeat) {
  for (int wanted : {1, 2, 3, 4}) {
    Call call(wanted);
    EXPECT_EQ(call.seats, wanted);
    EXPECT_EQ(call.call == nullptr, wanted == 1);
    std::vector<std::atomic<int>> taken(4);
    std::atomic<int> wrong{0};
    for (int round = 0; round < 200; ++round) {
      const int64_t items = random.pick({0, 1, 2, 3, 7, 100, 1000});
      std::vector<std::atomic<int>> done(static_cast<size_t>(items));
      share(call.call, items, [&](int seat, int64_t item) {
        wrong += seat < 0 || seat >= wanted || taken[static_cast<size_t>(seat)]++ != 0;
        ++done[static_cast<size_t>(item)];
        --taken[static_cast<size_t>(seat)];
      });
      for (const std::atomic<int> &times : done)
        wrong += times != 1;
    }
    EXPECT_EQ(wrong, 0) << wanted << " threads";
  }
}

// What one thread leaves in a seat the next one sees, and the caller sees all of it.
TEST_F(Pool, SumsOverSeatsAreComplete) {
  Call call(4);
  for (int round = 0; round < 500; ++round) {
    std::vector<int64_t> sums(4);
    share(call.call, 300, [&](int seat, int64_t item) { sums[static_cast<size_t>(seat)] += item; });
    int64_t sum = 0;
    for (int64_t part : sums)
      sum += part;
    ASSERT_EQ(sum, 300 * 299 / 2);
  }
}

TEST_F(Pool, CallsOfManyThreadsAtOnceAreRight) {
  std::atomic<int> wrong{0};
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 8; ++caller)
    callers.emplace_back([&wrong] {
      for (int repeat = 0; repeat < 100; ++repeat) {
        Call call(4);
        for (int64_t items : {5, 64}) {
          std::vector<int64_t> sums(4);
          share(call.call, items, [&](int seat, int64_t item) { sums[static_cast<size_t>(seat)] += item; });
          wrong += sums[0] + sums[1] + sums[2] + sums[3] != items * (items - 1) / 2;
        }
      }
    });
  for (std::thread &caller : callers)
    caller.join();
  EXPECT_EQ(wrong, 0);
}

TEST_F(Pool, ItsSizeMayChangeDuringCalls) {
  std::atomic<bool> stop{false};
  std::atomic<int> wrong{0};
  std::thread resizing([&] {
    for (int threads = 1; !stop; threads = threads % 5 + 1) {
      bv_resize_pool(threads);
      wrong += bv_pool_size() != threads;
    }
  });
  for (int repeat = 0; repeat < 300; ++repeat) {
    Call call(5);
    std::atomic<int64_t> sum{0};
    share(call.call, 50, [&](int, int64_t item) { sum += item; });
    wrong += sum != 50 * 49 / 2;
  }
  stop = true;
  resizing.join();
  EXPECT_EQ(wrong, 0);
}

// ---- Help ---------------------------------------------------------------------------------------------------

// The threads, other than the caller, that worked on items so far.
class Helpers {
public:
  void note() {
    const std::lock_guard<std::mutex> guard(mutex_);
    if (std::this_thread::get_id() != caller_)
      threads_.insert(std::this_thread::get_id());
  }
  size_t count() {
    const std::lock_guard<std::mutex> guard(mutex_);
    return threads_.size();
  }
  void forget() {
    const std::lock_guard<std::mutex> guard(mutex_);
    threads_.clear();
  }

private:
  std::mutex mutex_;
  std::thread::id caller_ = std::this_thread::get_id();
  std::set<std::thread::id> threads_;
};

TEST_F(Pool, AllItsThreadsHelpACallThatIsAlone) {
  Call call(4);
  Helpers helpers;
  share(call.call, 200, [&](int, int64_t) {
    helpers.note();
    pass(1);
  });
  EXPECT_EQ(helpers.count(), 3U);
}

// A long call has all the help, until another one comes.
TEST_F(Pool, CallsAtOnceShareTheHelp) {
  std::atomic<bool> stop{false}, started{false};
  Helpers *first_helpers = nullptr;
  std::thread first([&] {
    Helpers helpers;
    first_helpers = &helpers;
    Call call(4);
    started = true;
    share(call.call, 100000, [&](int, int64_t) {
      if (stop)
        return;
      helpers.note();
      pass(1);
    });
  });
  while (!started || first_helpers->count() < 3)
    pass(1);
  {
    Call call(4);
    Helpers helpers;
    std::atomic<int> done{0};
    share(call.call, 400, [&](int, int64_t) {
      if (++done == 100)
        first_helpers->forget(); // who helps the first one from here on?
      helpers.note();
      pass(1);
    });
    EXPECT_GE(helpers.count(), 1U) << "of the second call";
    EXPECT_GE(first_helpers->count(), 1U) << "of the first call";
  }
  stop = true;
  first.join();
}

TEST_F(Pool, ACallDoesNotWaitForHelpersThatAreElsewhere) {
  bv_resize_pool(2); // one helper
  std::atomic<int> held{0};
  std::atomic<bool> let_go{false};
  std::thread first([&] {
    Call call(2);
    share(call.call, 2, [&](int, int64_t) { // one for the caller, one for the helper
      ++held;
      while (!let_go)
        pass(1);
    });
  });
  while (held < 2)
    pass(1);
  for (int repeat = 0; repeat < 100; ++repeat) { // would wait for ever
    Call call(2);
    std::atomic<int64_t> sum{0};
    share(call.call, 100, [&](int, int64_t item) { sum += item; });
    EXPECT_EQ(sum, 100 * 99 / 2);
  }
  let_go = true;
  first.join();
}

// ---- The threads --------------------------------------------------------------------------------------------

// Runs `look` once on each helper: nobody lets its item go before everybody, the caller too, has one.
void on_helpers(int helpers, const std::function<void()> &look) {
  Call call(helpers + 1);
  std::atomic<int> looked{0}, seated{0};
  share(call.call, helpers + 1, [&](int seat, int64_t) {
    if (seat > 0) {
      look();
      ++looked;
    }
    ++seated;
    for (int tries = 0; seated <= helpers && tries < 10000; ++tries)
      pass(1);
  });
  EXPECT_EQ(looked, helpers);
}

TEST_F(Pool, ThreadsHaveANameAndAllSignalsBlocked) {
  on_helpers(3, [] {
    char name[16] = "";
    sigset_t blocked;
    EXPECT_EQ(pthread_getname_np(pthread_self(), name, sizeof name), 0);
    EXPECT_STREQ(name, "batchview");
    EXPECT_EQ(pthread_sigmask(SIG_SETMASK, nullptr, &blocked), 0);
    for (int signal : {SIGINT, SIGTERM, SIGALRM, SIGUSR1, SIGCHLD, SIGPROF, SIGSEGV})
      EXPECT_EQ(sigismember(&blocked, signal), 1) << strsignal(signal);
  });
  sigset_t blocked;
  ASSERT_EQ(pthread_sigmask(SIG_SETMASK, nullptr, &blocked), 0);
  EXPECT_EQ(sigismember(&blocked, SIGUSR1), 0) << "the caller's own stay as they are";
}

// Who calls first may have been pinned to a processor of its own.
TEST_F(Pool, ThreadsMayUseAllProcessorsOfTheProcess) {
  cpu_set_t all;
  ASSERT_EQ(sched_getaffinity(getpid(), sizeof all, &all), 0);
  bv_resize_pool(1); // ends those that are there
  bv_resize_pool(4);
  std::thread([&all] {
    cpu_set_t one;
    CPU_ZERO(&one);
    for (int processor = 0; CPU_COUNT(&one) == 0; ++processor)
      if (CPU_ISSET(processor, &all))
        CPU_SET(processor, &one);
    ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
    on_helpers(3, [&all] {
      cpu_set_t helpers;
      EXPECT_EQ(sched_getaffinity(0, sizeof helpers, &helpers), 0);
      EXPECT_TRUE(CPU_EQUAL(&helpers, &all));
    });
  }).join();
}

// Where Linux left one on the caller's processor, it stayed there beside an idle one, and two threads took as
// long as one. Now and then it may be moved back before it looks.
TEST_F(Pool, HelpersLeaveTheCallersProcessor) {
  cpu_set_t all;
  ASSERT_EQ(sched_getaffinity(getpid(), sizeof all, &all), 0);
  if (CPU_COUNT(&all) < 2)
    GTEST_SKIP() << "this process may use one processor only";
  bv_resize_pool(2);
  std::thread([&all] {
    const int callers = sched_getcpu();
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(callers, &one);
    ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
    int stayed = 0;
    for (int call = 0; call < 20; ++call)
      on_helpers(1, [&] {
        stayed += sched_getcpu() == callers;
        cpu_set_t helpers;
        EXPECT_EQ(sched_getaffinity(0, sizeof helpers, &helpers), 0);
        EXPECT_TRUE(CPU_EQUAL(&helpers, &all)) << "it may go anywhere afterwards";
        EXPECT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
        EXPECT_EQ(sched_setaffinity(0, sizeof all, &all), 0);
      });
    EXPECT_LE(stayed, 5);
  }).join();
}

TEST_F(Pool, ThreadsSleepWhenNobodyCalls) {
  std::mutex mutex;
  std::vector<clockid_t> clocks;
  on_helpers(3, [&] {
    const std::lock_guard<std::mutex> guard(mutex);
    clocks.emplace_back();
    EXPECT_EQ(pthread_getcpuclockid(pthread_self(), &clocks.back()), 0);
  });
  const auto used_seconds = [&] {
    double seconds = 0;
    for (clockid_t clock : clocks) {
      timespec used{};
      EXPECT_EQ(clock_gettime(clock, &used), 0);
      seconds += static_cast<double>(used.tv_sec) + 1e-9 * static_cast<double>(used.tv_nsec);
    }
    return seconds;
  };
  pass(20); // until they are asleep
  const double before = used_seconds();
  pass(200);
  EXPECT_LT(used_seconds() - before, 0.001);
}

} // namespace
