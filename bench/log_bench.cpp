// What logging costs a training loop on the CPU: the calls themselves, while the writer's thread is idle.
// Drawing alone, without a log, stands beside them; the difference is the log's.
#include <benchmark/benchmark.h>

#include <filesystem>
#include <string>
#include <vector>

#include <unistd.h>

#include "array.h"
#include "batchview/tensorboard.h"
#include "disc.h"

namespace {

const Shape batch_shape = {8, 1, 256, 256};

Array make_batch() {
  Random random;
  Array array(BV_F32, batch_shape, Layout::Contiguous, random);
  array.bytes = array.with_elements(disc(BV_F32, batch_shape, random));
  return array;
}

// A log in a directory of its own, which goes with it.
struct Log {
  std::filesystem::path directory =
      std::filesystem::temp_directory_path() / ("log_bench-" + std::to_string(getpid()));
  bv_tb_writer *writer = nullptr;

  explicit Log(benchmark::State &state) {
    if (bv_tb_open(directory.c_str(), nullptr, &writer) != BV_OK)
      state.SkipWithError(bv_last_error());
  }
  ~Log() {
    bv_tb_close(writer);
    std::filesystem::remove_all(directory);
  }

  // Outside what is timed: the queue is empty, the thread asleep.
  void wait(benchmark::State &state) {
    state.PauseTiming();
    if (bv_tb_flush(writer) != BV_OK)
      state.SkipWithError(bv_last_error());
    state.ResumeTiming();
  }
};

void scalar(benchmark::State &state) {
  Log log(state);
  int64_t step = 0;
  for (auto _ : state) {
    if (bv_tb_add_scalar(log.writer, "loss", step, 0.5) != BV_OK)
      state.SkipWithError(bv_last_error());
    if (++step % 512 == 0)
      log.wait(state);
  }
}
BENCHMARK(scalar);

void drawing_alone(benchmark::State &state) {
  Array array = make_batch();
  std::vector<uint8_t> pixels(size_t(product(batch_shape)));
  const bv_tensor batch = array.tensor(),
                  out = bv_contiguous_tensor(pixels.data(), BV_U8, BV_CPU, 4, batch_shape.data());
  for (auto _ : state)
    if (bv_normalize_batch_for_display(&batch, &out, nullptr, nullptr) != BV_OK)
      state.SkipWithError(bv_last_error());
}
BENCHMARK(drawing_alone)->Unit(benchmark::kMicrosecond);

void logged_batch(benchmark::State &state) {
  Log log(state);
  Array array = make_batch();
  const bv_tensor batch = array.tensor();
  int64_t step = 0;
  for (auto _ : state) {
    if (bv_tb_add_images(log.writer, "batch", step++, &batch, nullptr, nullptr, nullptr) != BV_OK)
      state.SkipWithError(bv_last_error());
    log.wait(state);
  }
}
BENCHMARK(logged_batch)->Unit(benchmark::kMicrosecond)->Iterations(200);

} // namespace

BENCHMARK_MAIN();
