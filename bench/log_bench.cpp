// What logging costs a training loop on the CPU: the calls themselves, while the writer's thread is idle,
// beside drawing alone, without a log; the difference is the log's. And a whole loop, without a log and with
// one.
#include <benchmark/benchmark.h>

#include <filesystem>
#include <optional>
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

// A step: four passes over a batch, in place of training. With a log, each step has its number, and each tenth
// its batch, while the writer's thread works at those before.
void loop_step(benchmark::State &state) {
  std::optional<Log> log;
  if (state.range(0) != 0)
    log.emplace(state);
  Array array = make_batch();
  const bv_tensor batch = array.tensor();
  std::vector<float> weights(size_t(product(batch_shape)), 1), gradients(weights.size(), 0.5f);
  int64_t step = 0;
  for (auto _ : state) {
    for (int pass = 0; pass < 4; ++pass)
      for (size_t i = 0; i < weights.size(); ++i)
        weights[i] -= 0.01f * gradients[i] * weights[i];
    benchmark::DoNotOptimize(weights.data());
    if (!log)
      continue;
    bv_status status = bv_tb_add_scalar(log->writer, "loss", step, double(weights[0]));
    if (status == BV_OK && step % 10 == 0)
      status = bv_tb_add_images(log->writer, "batch", step, &batch, nullptr, nullptr, nullptr);
    if (status != BV_OK)
      state.SkipWithError(bv_last_error());
    ++step;
  }
}
BENCHMARK(loop_step)->Unit(benchmark::kMicrosecond)->Arg(0)->Arg(1)->Iterations(2000);

} // namespace

BENCHMARK_MAIN();
