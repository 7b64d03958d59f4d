// Times what two cores and more give a single plane, beside what the machine has to give:
//
//     cores_bench
//
// One caller with one thread, one caller with all threads, and as many independent callers of one thread as
// there are cores, in turns. The last ones share nothing but the machine: what they do together in the time of
// one call is the most that any division of one call can give. Outputs are compared with the tests' oracle
// before anything is timed.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <thread>
#include <vector>

#include "array.h"
#include "disc.h"
#include "oracle.h"

namespace {

constexpr int rounds = 41;
constexpr int warm_calls = 3;

struct Plane {
  Array array;
  bool rgb;
  std::vector<uint8_t> pixels;

  Plane(int64_t side, bool to_rgb, Random &random) : rgb(to_rgb) {
    const Shape shape = {1, 1, side, side};
    array = Array(BV_F32, shape, Layout::Contiguous, random);
    array.bytes = array.with_elements(disc(BV_F32, shape, random));
    pixels.assign(static_cast<size_t>(side * side) * (rgb ? 3 : 4), 0xa5);
  }

  bv_tensor out() {
    Shape shape = array.shape;
    if (rgb)
      shape.push_back(3);
    return bv_contiguous_tensor(pixels.data(), rgb ? BV_U8 : BV_F32, BV_CPU, static_cast<int32_t>(shape.size()),
                                shape.data());
  }

  bool draw() {
    const bv_tensor batch = array.tensor(), to = out();
    return bv_normalize_batch_for_display(&batch, &to, nullptr, nullptr) == BV_OK;
  }

  bool is_right() {
    const bv_display_options options = BV_DISPLAY_OPTIONS_INIT;
    const bv_tensor batch = array.tensor();
    return draw() && pixels == oracle::apply(batch, oracle::measure(batch, options), out(), options);
  }
};

// Microseconds a call.
double time_calls(Plane &plane, int calls) {
  for (int i = 0; i < warm_calls; ++i)
    plane.draw();
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < calls; ++i)
    plane.draw();
  const std::chrono::duration<double, std::micro> spent = std::chrono::steady_clock::now() - start;
  return spent.count() / calls;
}

// Microseconds a call of callers that work at the same time: their mean.
double time_callers(std::vector<Plane> &planes, int calls) {
  std::vector<double> each(planes.size());
  std::vector<std::thread> callers;
  for (size_t i = 0; i < planes.size(); ++i)
    callers.emplace_back([&, i] { each[i] = time_calls(planes[i], calls); });
  double sum = 0;
  for (size_t i = 0; i < planes.size(); ++i) {
    callers[i].join();
    sum += each[i];
  }
  return sum / static_cast<double>(planes.size());
}

struct Spread {
  std::vector<double> values;

  double quantile(double q) {
    std::sort(values.begin(), values.end());
    return values[static_cast<size_t>(q * static_cast<double>(values.size() - 1))];
  }
  void print(const char *format) { printf(format, quantile(0.5), quantile(0.25), quantile(0.75)); }
};

bool bench(int64_t side, bool rgb, int cores, Random &random) {
  std::vector<Plane> planes;
  for (int i = 0; i < cores; ++i)
    planes.emplace_back(side, rgb, random);
  for (const int threads : {1, cores}) {
    bv_set_threads(threads);
    if (!planes[0].is_right())
      return false;
  }
  const int calls = static_cast<int>(std::max<int64_t>(4, (int64_t{1} << 23) / (side * side)));
  Spread one, all, gain, most;
  for (int round = 0; round < rounds; ++round) {
    bv_set_threads(1);
    const double alone = time_calls(planes[0], calls), callers = time_callers(planes, calls);
    bv_set_threads(cores);
    const double together = time_calls(planes[0], calls);
    one.values.push_back(alone);
    all.values.push_back(together);
    gain.values.push_back(alone / together);
    most.values.push_back(cores * alone / callers);
  }
  printf("| f32 %dx%d to %s | ", static_cast<int>(side), static_cast<int>(side), rgb ? "rgb" : "float");
  one.print("%.1f (%.1f to %.1f) | ");
  all.print("%.1f (%.1f to %.1f) | ");
  gain.print("%.2f (%.2f to %.2f) | ");
  most.print("%.2f (%.2f to %.2f) |\n");
  return true;
}

} // namespace

int main() {
  Random random;
  const int cores = bv_get_threads();
  if (cores == 1) {
    fprintf(stderr, "cores_bench: this process may use one core\n");
    return 1;
  }
  printf("%d cores; microseconds a call and ratios: median (quartiles) of %d rounds\n\n", cores, rounds);
  printf("| plane | one thread | all threads | gain | independent callers' gain |\n| --- | --- | --- | --- | "
         "--- |\n");
  for (const int64_t side : {256, 512, 1024, 2048})
    for (const bool rgb : {false, true})
      if (!bench(side, rgb, cores, random)) {
        fprintf(stderr, "cores_bench: the output is wrong\n");
        return 1;
      }
  return 0;
}
