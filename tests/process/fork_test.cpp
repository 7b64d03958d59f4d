// Forked children: each works, with threads of its own, whatever the parent was doing.
#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <functional>
#include <string>
#include <thread>

#include <dirent.h>
#include <sys/wait.h>
#include <unistd.h>
#if defined(_OPENMP)
#include <omp.h>
#endif

#include "batches.h"

#if defined(__SANITIZE_THREAD__)
#define BATCHVIEW_THREAD_SANITIZER
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define BATCHVIEW_THREAD_SANITIZER
#endif
#endif

// The thread sanitizer ends children that start threads, unless told otherwise by a function that it finds.
extern "C" {
#pragma GCC visibility push(default)
const char *__tsan_default_options();
const char *__tsan_default_options() { return "die_after_fork=0"; }
#pragma GCC visibility pop
}

namespace {

// The exit status of a child that runs `body`; what waits for ever there is ended by a signal.
int in_child(const std::function<int()> &body) {
  const pid_t child = fork();
  if (child == 0) {
    alarm(60);
    _exit(body());
  }
  int status = -1;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return status;
}

int threads_of_this_process() {
  int threads = 0;
  DIR *tasks = opendir("/proc/self/task");
  while (const dirent *entry = tasks ? readdir(tasks) : nullptr)
    threads += entry->d_name[0] != '.';
  closedir(tasks);
  return threads;
}

class Fork : public testing::Test {
protected:
  void SetUp() override { ASSERT_EQ(bv_set_threads(3), BV_OK); }
  void TearDown() override { ASSERT_EQ(bv_set_threads(0), BV_OK); }
  Random random;
};

TEST_F(Fork, ChildrenOfAParentWithThreadsWork) {
  for (const Shape &shape : batch_shapes) {
    Array batch = make_batch(BV_F32, shape, Data::Uniform, random);
    const bv_tensor tensor = batch.tensor();
    const std::vector<uint8_t> expected = normalise(tensor); // now there may be threads, which no child has
    EXPECT_EQ(in_child([&] { return normalise(tensor) == expected ? 0 : 1; }), 0) << shape_text(shape);
    EXPECT_EQ(normalise(tensor), expected) << "the parent goes on";
  }
}

TEST_F(Fork, ChildrenStartThreadsOfTheirOwn) {
  Array batch = make_batch(BV_F32, batch_shapes.back(), Data::Uniform, random);
  const bv_tensor tensor = batch.tensor();
  const std::vector<uint8_t> expected = normalise(tensor);
  EXPECT_EQ(in_child([&] {
              const int before = threads_of_this_process();
              return normalise(tensor) == expected && threads_of_this_process() == before + 2 ? 0 : 1;
            }),
            0);
}

TEST_F(Fork, GrandchildrenWorkToo) {
  Array batch = make_batch(BV_F32, batch_shapes.back(), Data::Uniform, random);
  const bv_tensor tensor = batch.tensor();
  const std::vector<uint8_t> expected = normalise(tensor);
  EXPECT_EQ(in_child([&] {
              const bool right = normalise(tensor) == expected;
              return right && in_child([&] { return normalise(tensor) == expected ? 0 : 1; }) == 0 ? 0 : 1;
            }),
            0);
}

// Not under the address and thread sanitizers: their allocators, which calls and the start and end of threads
// use, stay locked in children that are born while another thread has locked them.
#if !defined(BATCHVIEW_THREAD_SANITIZER) && !defined(__SANITIZE_ADDRESS__)
// Any moment of a call: with its threads at work, coming, going, or holding the pool's lock.
TEST_F(Fork, ChildrenBornWhileOtherThreadsAreInCallsWork) {
  Array batch = make_batch(BV_F32, batch_shapes.back(), Data::Uniform, random);
  const bv_tensor tensor = batch.tensor();
  const std::vector<uint8_t> expected = normalise(tensor);
  std::atomic<bool> stop{false};
  std::atomic<int> wrong{0};
  const auto call = [&] {
    while (!stop)
      wrong += normalise(tensor) != expected;
  };
  std::thread first(call), second(call);
  for (int i = 0; i < 50; ++i) {
    usleep(static_cast<useconds_t>(random.below(500)));
    EXPECT_EQ(in_child([&] { return normalise(tensor) == expected ? 0 : 1; }), 0) << "child " << i;
  }
  stop = true;
  first.join();
  second.join();
  EXPECT_EQ(wrong, 0);
}

TEST_F(Fork, ChildrenBornWhileThePoolChangesItsSizeWork) {
  Array batch = make_batch(BV_F32, batch_shapes.back(), Data::Uniform, random);
  const bv_tensor tensor = batch.tensor();
  const std::vector<uint8_t> expected = normalise(tensor);
  std::atomic<bool> stop{false};
  std::thread resizing([&] {
    for (int threads = 1; !stop; threads = threads % 4 + 1)
      bv_set_threads(threads);
  });
  for (int i = 0; i < 50; ++i)
    EXPECT_EQ(in_child([&] {
                return normalise(tensor) == expected && bv_set_threads(2) == BV_OK &&
                               normalise(tensor) == expected
                           ? 0
                           : 1;
              }),
              0)
        << "child " << i;
  stop = true;
  resizing.join();
}
#endif

// No handlers of forks are called there, so the thread sanitizer is not told either: it takes the parent's
// threads, which the child lacks, for threads that race with it.
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 34) && !defined(BATCHVIEW_THREAD_SANITIZER)
TEST_F(Fork, ChildrenThatNobodyIsToldOfWork) {
  Array batch = make_batch(BV_F32, batch_shapes.back(), Data::Uniform, random);
  const bv_tensor tensor = batch.tensor();
  const std::vector<uint8_t> expected = normalise(tensor);
  for (int threads : {1, 2, 5}) {
    const pid_t child = _Fork();
    if (child == 0) {
      alarm(60);
      _exit(bv_set_threads(threads) == BV_OK && normalise(tensor) == expected ? 0 : 1);
    }
    int status = -1;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0) << threads << " threads";
  }
}
#endif

#if defined(_OPENMP)
// As after a library that uses OpenMP: its runtime hangs in children that use it too.
TEST_F(Fork, ChildrenOfAParentThatUsesOpenMPWork) {
  Array batch = make_batch(BV_F32, batch_shapes.back(), Data::Uniform, random);
  const bv_tensor tensor = batch.tensor();
  const std::vector<uint8_t> expected = normalise(tensor);
  std::atomic<int> threads{0};
#pragma omp parallel num_threads(2)
  ++threads;
  EXPECT_EQ(threads, 2);
  EXPECT_EQ(in_child([&] { return normalise(tensor) == expected ? 0 : 1; }), 0);
}
#endif

} // namespace
