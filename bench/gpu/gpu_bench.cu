// The device functions beside a copy of the same bytes, on the GPU at hand:
//   gpu_bench [--json FILE] [--only TEXT] [--quick]
// Each case is compared with the CPU backend, bit for bit, before it is timed. Inputs are fresh noise from a
// printed seed (BATCHVIEW_SEED repeats it), 40 % background, in as many buffers as keep the L2 cache from
// helping. A time is that of a CUDA graph with one call for each buffer, divided by their number: the median of
// many replays, with the spread from the 10th to the 90th percentile of the replays. The copy moves as many
// bytes as the call has to read and to write.
#include <cuda_runtime.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "batchview/batchview.h"

namespace {

[[noreturn]] void fail(const std::string &what) {
  fprintf(stderr, "gpu_bench: %s\n", what.c_str());
  exit(1);
}

void check_cuda(cudaError_t error, const char *call) {
  if (error != cudaSuccess)
    fail(std::string(call) + ": " + cudaGetErrorString(error));
}
#define CUDA(call) check_cuda(call, #call)

// ---- Cases ---------------------------------------------------------------------------------------------

struct Shape {
  const char *name;
  int64_t extent[4];
  int32_t scope;
};

const Shape shapes[] = {{"8x1x256x256", {8, 1, 256, 256}, BV_SCOPE_PLANE},
                        {"64x1x256x256", {64, 1, 256, 256}, BV_SCOPE_PLANE},
                        {"64x3x512x512", {64, 3, 512, 512}, BV_SCOPE_PLANE},
                        {"16x1x1024x1024", {16, 1, 1024, 1024}, BV_SCOPE_PLANE},
                        {"1x1x4096x4096", {1, 1, 4096, 4096}, BV_SCOPE_PLANE},
                        {"512^3", {512, 1, 512, 512}, BV_SCOPE_BATCH}};
const Shape quick_shapes[] = {{"2x3x64x64", {2, 3, 64, 64}, BV_SCOPE_PLANE},
                              {"8^3", {8, 1, 8, 8}, BV_SCOPE_BATCH}};

struct Packing {
  const char *name;
  bv_dtype in, out;
  bool rgb, colours;
};
const Packing packings[] = {{"f32 to f32", BV_F32, BV_F32, false, false},
                            {"f32 to RGB", BV_F32, BV_U8, true, false},
                            {"f32 to colours", BV_F32, BV_U8, true, true},
                            {"f16 to f16", BV_F16, BV_F16, false, false},
                            {"u8 to RGB", BV_U8, BV_U8, true, false}};

struct Method {
  const char *name;
  int32_t algorithm, window;
};
const Method methods[] = {{"sort", BV_ALGORITHM_SORT, BV_WINDOW_PERCENTILE},
                          {"select", BV_ALGORITHM_SELECT, BV_WINDOW_PERCENTILE},
                          {"resident", BV_ALGORITHM_RESIDENT, BV_WINDOW_PERCENTILE},
                          {"auto", BV_ALGORITHM_AUTO, BV_WINDOW_PERCENTILE},
                          {"minmax", BV_ALGORITHM_AUTO, BV_WINDOW_MINMAX},
                          {"map alone", BV_ALGORITHM_AUTO, BV_WINDOW_FIXED}};

struct Settings {
  FILE *json = nullptr;
  const char *only = "";
  bool quick = false;
  uint64_t seed = 0;
  int64_t l2_bytes = 0;
};

// ---- Data ----------------------------------------------------------------------------------------------

// A hash of the pixel's number: 40 % background, the rest between 0 and 1000, more of it small.
__global__ void fill_kernel(void *pixels, bv_dtype dtype, int64_t count, uint64_t seed) {
  for (int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x; i < count;
       i += (int64_t)gridDim.x * blockDim.x) {
    uint64_t bits = ((uint64_t)i + seed) * 0x9e3779b97f4a7c15u;
    bits = (bits ^ bits >> 31) * 0xbf58476d1ce4e5b9u;
    bits ^= bits >> 29;
    float u = (float)(bits >> 40) * 0x1p-24f;
    bool background = (uint32_t)bits % 10 < 4;
    if (dtype == BV_F32)
      ((float *)pixels)[i] = background ? 0.0f : 1000.0f * u * u;
    else if (dtype == BV_U8)
      ((uint8_t *)pixels)[i] = background ? 0 : (uint8_t)(1 + bits % 255);
    else /* f16: any finite positive number */
      ((uint16_t *)pixels)[i] = background ? 0 : (uint16_t)(1 + bits % 0x7bff);
  }
}

// A colour map, of which every entry is another colour.
const std::vector<uint8_t> &colours() {
  static const std::vector<uint8_t> map = [] {
    std::vector<uint8_t> values;
    for (int i = 0; i < 256; ++i)
      for (int channel = 0; channel < 3; ++channel)
        values.push_back((uint8_t)(i * (2 * channel + 1) + 85 * channel));
    return values;
  }();
  return map;
}

// Pairs of an input and an output, in device memory.
struct Buffers {
  Buffers(int count, size_t in_bytes, size_t out_bytes) : in(count), out(count) {
    for (int i = 0; i < count; ++i) {
      CUDA(cudaMalloc(&in[i], in_bytes));
      CUDA(cudaMalloc(&out[i], out_bytes));
    }
  }
  ~Buffers() {
    for (void *memory : in)
      CUDA(cudaFree(memory));
    for (void *memory : out)
      CUDA(cudaFree(memory));
  }
  Buffers(const Buffers &) = delete;
  Buffers &operator=(const Buffers &) = delete;

  std::vector<void *> in, out;
};

// ---- Time ----------------------------------------------------------------------------------------------

struct Time {
  double median, low, high; // microseconds of one call
};

Time summary(std::vector<double> &times) {
  std::sort(times.begin(), times.end());
  size_t last = times.size() - 1;
  return {times[last / 2], times[last / 10], times[last - last / 10]};
}

// Captures put(stream), which makes `calls` calls, and times replays of it.
template <typename Put> Time time_graph(const Settings &settings, int calls, const Put &put) {
  cudaStream_t stream;
  CUDA(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  CUDA(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal));
  put(stream);
  cudaGraph_t graph;
  CUDA(cudaStreamEndCapture(stream, &graph));
  cudaGraphExec_t executable;
  CUDA(cudaGraphInstantiate(&executable, graph, 0));
  cudaEvent_t begin, end;
  CUDA(cudaEventCreate(&begin));
  CUDA(cudaEventCreate(&end));

  // Enough replays for a quarter of a second, no fewer than 5 and no more than 200.
  std::vector<double> times;
  double total_ms = 0;
  for (int replay = -2; replay < 5 || (replay < 200 && total_ms < 250); ++replay) {
    CUDA(cudaEventRecord(begin, stream));
    CUDA(cudaGraphLaunch(executable, stream));
    CUDA(cudaEventRecord(end, stream));
    CUDA(cudaEventSynchronize(end));
    float ms = 0;
    CUDA(cudaEventElapsedTime(&ms, begin, end));
    if (replay >= 0) {
      times.push_back(1000.0 * ms / calls);
      total_ms += ms;
    }
    if (settings.quick && replay >= 0)
      break;
  }
  CUDA(cudaEventDestroy(begin));
  CUDA(cudaEventDestroy(end));
  CUDA(cudaGraphExecDestroy(executable));
  CUDA(cudaGraphDestroy(graph));
  CUDA(cudaStreamDestroy(stream));
  return summary(times);
}

// ---- One case ------------------------------------------------------------------------------------------

struct Case {
  const Shape &shape;
  const Packing &packing;
  int64_t pixels, in_bytes, out_bytes;
  int copies;

  Case(const Settings &settings, const Shape &of_shape, const Packing &of_packing)
      : shape(of_shape), packing(of_packing), pixels(1) {
    for (int64_t extent : shape.extent)
      pixels *= extent;
    in_bytes = pixels * (int64_t)bv_dtype_size(packing.in);
    out_bytes = pixels * (int64_t)bv_dtype_size(packing.out) * (packing.rgb ? 3 : 1);
    // Four times the cache, but no more than 64 buffers and 8 GB
    int64_t pair = in_bytes + out_bytes;
    copies =
        (int)std::min<int64_t>({1 + 4 * settings.l2_bytes / pair, 64, std::max<int64_t>(8000000000 / pair, 1)});
    if (settings.quick)
      copies = 2;
  }

  bv_tensor in_tensor(void *data, int32_t device) const {
    return bv_contiguous_tensor(data, packing.in, device, 4, shape.extent);
  }
  bv_tensor out_tensor(void *data, int32_t device) const {
    int64_t extent[5] = {shape.extent[0], shape.extent[1], shape.extent[2], shape.extent[3], 3};
    return bv_contiguous_tensor(data, packing.out, device, packing.rgb ? 5 : 4, extent);
  }
};

void print_result(const Settings &settings, const Case &of, const char *method, const Time &time,
                  double copy_median, size_t workspace_bytes) {
  double bytes = double(of.in_bytes + of.out_bytes), gigabytes = bytes / time.median / 1000;
  printf("%-16s %-14s %-10s %10.2f us (%.2f .. %.2f)  %7.0f GB/s  %6.2f x the copy\n", of.shape.name,
         of.packing.name, method, time.median, time.low, time.high, gigabytes, time.median / copy_median);
  fflush(stdout);
  if (settings.json)
    fprintf(
        settings.json,
        "{\"shape\": \"%s\", \"packing\": \"%s\", \"method\": \"%s\", \"median_us\": %.3f, \"p10_us\": %.3f, "
        "\"p90_us\": %.3f, \"bytes\": %.0f, \"gb_per_s\": %.1f, \"times_the_copy\": %.3f, \"workspace_bytes\": "
        "%zu, "
        "\"buffers\": %d}\n",
        of.shape.name, of.packing.name, method, time.median, time.low, time.high, bytes, gigabytes,
        time.median / copy_median, workspace_bytes, of.copies);
}

// The CPU backend's output for `in` must be what the device wrote to the first buffer, bit for bit.
void validate(const Case &of, const Buffers &buffers, std::vector<uint8_t> &in, bv_display_options options) {
  std::vector<uint8_t> expected((size_t)of.out_bytes), got((size_t)of.out_bytes);
  CUDA(cudaMemcpy(got.data(), buffers.out[0], got.size(), cudaMemcpyDeviceToHost));
  bv_tensor batch = of.in_tensor(in.data(), BV_CPU), out = of.out_tensor(expected.data(), BV_CPU);
  options.workspace = nullptr;
  options.workspace_bytes = 0;
  if (bv_normalize_batch_for_display(&batch, &out, &options, nullptr) != BV_OK)
    fail(bv_last_error());
  if (got != expected)
    fail(std::string("wrong result: ") + of.shape.name + ", " + of.packing.name);
}

void run_method(const Settings &settings, const Case &of, const Buffers &buffers, std::vector<uint8_t> &in,
                const Method &method, double copy_median) {
  bv_display_options options = BV_DISPLAY_OPTIONS_INIT;
  options.scope = of.shape.scope;
  options.algorithm = method.algorithm;
  options.window = method.window;
  options.hi = 500;
  if (of.packing.colours)
    options.colour_map = colours().data();
  bv_tensor first_in = of.in_tensor(buffers.in[0], 0), first_out = of.out_tensor(buffers.out[0], 0);
  size_t bytes = 0;
  bv_status status = bv_workspace_size(&first_in, &first_out, &options, &bytes);
  if (status == BV_ERROR_VALUE && method.algorithm == BV_ALGORITHM_RESIDENT)
    return; // groups of this size do not fit on chip
  if (status != BV_OK)
    fail(bv_last_error());
  void *workspace = nullptr;
  if (bytes)
    CUDA(cudaMalloc(&workspace, bytes));
  options.workspace = workspace;
  options.workspace_bytes = bytes;
  auto call = [&](int buffer, cudaStream_t stream) {
    bv_tensor batch = of.in_tensor(buffers.in[(size_t)buffer], 0),
              out = of.out_tensor(buffers.out[(size_t)buffer], 0);
    if (bv_normalize_batch_for_display(&batch, &out, &options, stream) != BV_OK)
      fail(bv_last_error());
  };
  CUDA(cudaMemset(buffers.out[0], 0xa5, (size_t)of.out_bytes));
  call(0, nullptr);
  CUDA(cudaDeviceSynchronize());
  validate(of, buffers, in, options);
  Time time = time_graph(settings, of.copies, [&](cudaStream_t stream) {
    for (int buffer = 0; buffer < of.copies; ++buffer)
      call(buffer, stream);
  });
  print_result(settings, of, method.name, time, copy_median, bytes);
  if (workspace)
    CUDA(cudaFree(workspace));
}

void run_case(const Settings &settings, const Case &of) {
  if (!strstr((std::string(of.shape.name) + " " + of.packing.name).c_str(), settings.only))
    return;
  Buffers buffers(of.copies, (size_t)of.in_bytes, (size_t)of.out_bytes);
  for (int i = 0; i < of.copies; ++i)
    fill_kernel<<<1024, 256>>>(buffers.in[(size_t)i], of.packing.in, of.pixels,
                               settings.seed + (uint64_t)i * 77777777u);
  CUDA(cudaGetLastError());
  CUDA(cudaDeviceSynchronize());

  // As many bytes read and written, in as many buffers
  size_t half = (size_t)(of.in_bytes + of.out_bytes) / 2;
  Buffers copied(of.copies, half, half);
  Time copy = time_graph(settings, of.copies, [&](cudaStream_t stream) {
    for (int i = 0; i < of.copies; ++i)
      CUDA(
          cudaMemcpyAsync(copied.out[(size_t)i], copied.in[(size_t)i], half, cudaMemcpyDeviceToDevice, stream));
  });
  print_result(settings, of, "copy", copy, copy.median, 0);
  std::vector<uint8_t> in((size_t)of.in_bytes);
  CUDA(cudaMemcpy(in.data(), buffers.in[0], in.size(), cudaMemcpyDeviceToHost));
  for (const Method &method : methods)
    run_method(settings, of, buffers, in, method, copy.median);
}

} // namespace

int main(int argc, char **argv) {
  Settings settings;
  for (int i = 1; i < argc; ++i) {
    std::string option = argv[i];
    if (option == "--quick")
      settings.quick = true;
    else if (option == "--json" && i + 1 < argc)
      settings.json = fopen(argv[++i], "w");
    else if (option == "--only" && i + 1 < argc)
      settings.only = argv[++i];
    else
      fail("usage: gpu_bench [--json FILE] [--only TEXT] [--quick]");
  }
  const char *seed = getenv("BATCHVIEW_SEED");
  settings.seed = seed ? strtoull(seed, nullptr, 10) : std::random_device{}();
  cudaDeviceProp device;
  CUDA(cudaGetDeviceProperties(&device, 0));
  settings.l2_bytes = device.l2CacheSize;
  printf("%s, %d multiprocessors, L2 %d KiB; BATCHVIEW_SEED=%llu\n", device.name, device.multiProcessorCount,
         device.l2CacheSize / 1024, (unsigned long long)settings.seed);

  if (settings.quick)
    for (const Shape &shape : quick_shapes)
      for (const Packing &packing : packings)
        run_case(settings, Case(settings, shape, packing));
  else
    for (const Shape &shape : shapes)
      for (const Packing &packing : packings)
        run_case(settings, Case(settings, shape, packing));
  if (settings.json && fclose(settings.json) != 0)
    fail("the JSON file cannot be written");
}
