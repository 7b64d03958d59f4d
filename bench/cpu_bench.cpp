// Times bv_normalize_batch_for_display on CPU tensors. Every case is first compared with the tests' oracle.
//
//     cpu_bench [Google Benchmark's options]
//     cpu_bench --save=DIRECTORY
//
// A benchmark's name says its case, type/shape/layout/output/threads: f32/1x1x512x512/planes/rgb/1. The second
// form writes the inputs as DIRECTORY/type_shape_layout.bin (elements in C order), for compare.py to time NumPy
// on the same numbers: those of BATCHVIEW_SEED=N.
#include <benchmark/benchmark.h>

#include <cstdio>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "array.h"
#include "disc.h"
#include "oracle.h"

namespace {

struct Input {
  bv_dtype dtype;
  Shape shape; // [B, C, H, W]
  Layout layout;
};

struct Case {
  Input input;
  bool rgb; // u8 [B, C, H, W, 3], else f32 [B, C, H, W]
  int threads;
};

std::string input_name(const Input &input, char separator) {
  std::string name = std::string(bv_dtype_name(input.dtype)) + separator;
  for (int64_t extent : input.shape)
    name += std::to_string(extent) + "x";
  name.back() = separator;
  return name + (input.layout == Layout::ChannelsLast ? "channels-last" : "planes");
}

std::string case_name(const Case &a_case) {
  return input_name(a_case.input, '/') + (a_case.rgb ? "/rgb/" : "/float/") + std::to_string(a_case.threads);
}

// The input in memory: made once for all cases that share it.
Array &array_of(const Input &input) {
  static std::map<std::string, Array> arrays;
  const std::string name = input_name(input, '_');
  auto found = arrays.find(name);
  if (found == arrays.end()) {
    Random random;
    Array array(input.dtype, input.shape, input.layout, random);
    array.bytes = array.with_elements(disc(input.dtype, input.shape, random));
    found = arrays.emplace(name, array).first;
  }
  return found->second;
}

void run(benchmark::State &state, const Case &a_case) {
  const bv_tensor batch = array_of(a_case.input).tensor();
  Shape shape = a_case.input.shape;
  if (a_case.rgb)
    shape.push_back(3);
  const bv_dtype dtype = a_case.rgb ? BV_U8 : BV_F32;
  std::vector<uint8_t> pixels(static_cast<size_t>(product(shape)) * bv_dtype_size(dtype), 0xa5);
  const bv_tensor out =
      bv_contiguous_tensor(pixels.data(), dtype, BV_CPU, static_cast<int32_t>(shape.size()), shape.data());

  bv_set_threads(a_case.threads);
  const bv_display_options options = BV_DISPLAY_OPTIONS_INIT;
  if (bv_normalize_batch_for_display(&batch, &out, &options, nullptr) != BV_OK)
    return state.SkipWithError(bv_last_error());
  if (pixels != oracle::apply(batch, oracle::measure(batch, options), out, options))
    return state.SkipWithError("the output is wrong");

  for (auto _ : state) {
    benchmark::DoNotOptimize(bv_normalize_batch_for_display(&batch, &out, &options, nullptr));
    benchmark::ClobberMemory();
  }
  const size_t read = static_cast<size_t>(product(a_case.input.shape)) * bv_dtype_size(a_case.input.dtype);
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(read + pixels.size()));
}

std::vector<Case> all_cases() {
  const Layout planes = Layout::Contiguous;
  const Input inputs[] = {
      {BV_F32, {1, 1, 256, 256}, planes},   {BV_F32, {1, 1, 512, 512}, planes},
      {BV_F32, {1, 1, 1024, 1024}, planes}, {BV_F32, {16, 1, 256, 256}, planes},
      {BV_F32, {4, 3, 512, 512}, planes},   {BV_F32, {4, 3, 512, 512}, Layout::ChannelsLast},
      {BV_F16, {1, 1, 512, 512}, planes},   {BV_U16, {1, 1, 512, 512}, planes},
      {BV_U8, {1, 1, 512, 512}, planes},
  };
  const int all_threads = bv_get_threads();
  std::vector<Case> cases;
  for (const Input &input : inputs)
    for (bool rgb : {false, true}) {
      cases.push_back({input, rgb, 1});
      if (all_threads > 1)
        cases.push_back({input, rgb, all_threads});
    }
  return cases;
}

bool save(const std::string &directory, const Input &input) {
  const std::vector<uint8_t> elements = array_of(input).elements();
  const std::string path = directory + "/" + input_name(input, '_') + ".bin";
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char *>(elements.data()), static_cast<std::streamsize>(elements.size()));
  if (!file.flush())
    fprintf(stderr, "cpu_bench: cannot write %s\n", path.c_str());
  return file.good();
}

} // namespace

int main(int argc, char **argv) {
  benchmark::Initialize(&argc, argv);
  std::string directory;
  if (argc == 2 && std::string(argv[1]).rfind("--save=", 0) == 0)
    directory = argv[--argc] + std::string("--save=").size();
  if (benchmark::ReportUnrecognizedArguments(argc, argv))
    return 2;
  for (const Case &a_case : all_cases()) {
    if (!directory.empty() && !save(directory, a_case.input))
      return 1;
    benchmark::RegisterBenchmark(case_name(a_case).c_str(), run, a_case)
        ->UseRealTime()
        ->MinTime(0.1)
        ->Repetitions(9)
        ->Unit(benchmark::kMicrosecond);
  }
  if (directory.empty())
    benchmark::RunSpecifiedBenchmarks();
  return 0;
}
