// For tests of calls on device tensors: batches on one of several devices, and what the CPU makes of them.
#ifndef BATCHVIEW_TESTS_DEVICE_FIXTURE_H
#define BATCHVIEW_TESTS_DEVICE_FIXTURE_H

#include <cuda_runtime_api.h>
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "memory.h"
#include "random.h"

#define EXPECT_CUDA(call) EXPECT_EQ(call, cudaSuccess)
#define ASSERT_CUDA(call) ASSERT_EQ(call, cudaSuccess)

constexpr int64_t shape[4] = {2, 3, 37, 41};
constexpr int64_t pixels = 2 * 3 * 37 * 41;
constexpr int64_t groups = 2 * 3;

inline std::vector<float> random_batch(Random &random) {
  std::vector<float> batch(pixels);
  for (float &pixel : batch)
    pixel = random.one_in(3) ? 0.0f : float(random.uniform(-100, 1000));
  return batch;
}

inline std::vector<float> on_cpu(std::vector<float> batch, const bv_display_options &options) {
  std::vector<float> out(batch.size());
  bv_tensor in_tensor = bv_contiguous_tensor(batch.data(), BV_F32, BV_CPU, 4, shape);
  bv_tensor out_tensor = bv_contiguous_tensor(out.data(), BV_F32, BV_CPU, 4, shape);
  bv_display_options plain = options;
  plain.workspace = nullptr;
  plain.workspace_bytes = 0;
  EXPECT_EQ(bv_normalize_batch_for_display(&in_tensor, &out_tensor, &plain, nullptr), BV_OK) << bv_last_error();
  return out;
}

inline bv_display_options options_of(int32_t algorithm = BV_ALGORITHM_AUTO) {
  bv_display_options options = BV_DISPLAY_OPTIONS_INIT;
  options.algorithm = algorithm;
  return options;
}

// Memory of one device, 256-byte aligned.
class DeviceMemory {
public:
  DeviceMemory(int device, size_t bytes) {
    int current = 0;
    EXPECT_CUDA(cudaGetDevice(&current));
    EXPECT_CUDA(cudaSetDevice(device));
    EXPECT_CUDA(cudaMalloc(&data_, bytes));
    EXPECT_CUDA(cudaSetDevice(current));
  }
  ~DeviceMemory() { EXPECT_CUDA(cudaFree(data_)); }
  DeviceMemory(const DeviceMemory &) = delete;
  DeviceMemory &operator=(const DeviceMemory &) = delete;

  void *at(size_t byte = 0) const { return static_cast<char *>(data_) + byte; }

private:
  void *data_ = nullptr;
};

// A batch and room for its result on one device.
struct Batch {
  explicit Batch(Random &random, int device_number = 0)
      : device(device_number), host(random_batch(random)), in(device, pixels * 4), out(device, pixels * 4) {
    write(host);
    EXPECT_CUDA(cudaMemset(out.at(), 0xa5, pixels * 4));
    EXPECT_CUDA(cudaDeviceSynchronize());
  }

  void write(const std::vector<float> &batch) {
    host = batch;
    EXPECT_CUDA(cudaMemcpy(in.at(), host.data(), pixels * 4, cudaMemcpyHostToDevice));
  }
  std::vector<float> result() const {
    std::vector<float> values(pixels);
    EXPECT_CUDA(cudaMemcpy(values.data(), out.at(), pixels * 4, cudaMemcpyDeviceToHost));
    return values;
  }
  bool untouched() const {
    std::vector<uint8_t> bytes(pixels * 4);
    EXPECT_CUDA(cudaMemcpy(bytes.data(), out.at(), bytes.size(), cudaMemcpyDeviceToHost));
    return bytes == std::vector<uint8_t>(bytes.size(), 0xa5);
  }
  bv_tensor in_tensor() const { return bv_contiguous_tensor(in.at(), BV_F32, device, 4, shape); }
  bv_tensor out_tensor() const { return bv_contiguous_tensor(out.at(), BV_F32, device, 4, shape); }
  bv_status display(const bv_display_options &options, cudaStream_t stream = nullptr) const {
    bv_tensor batch = in_tensor(), picture = out_tensor();
    return bv_normalize_batch_for_display(&batch, &picture, &options, stream);
  }

  int device;
  std::vector<float> host;
  DeviceMemory in, out;
};

inline bool same_bits(const std::vector<float> &a, const std::vector<float> &b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), 4 * a.size()) == 0;
}

inline bool says(const std::string &part) {
  return std::string(bv_last_error()).find(part) != std::string::npos;
}

class Device : public testing::Test {
protected:
  void SetUp() override { BATCHVIEW_NEED_DEVICE(Mode::Eager); }
  void TearDown() override {
    if (!IsSkipped()) {
      EXPECT_EQ(cudaGetLastError(), cudaSuccess) << "a call left an error in the runtime";
    }
  }
};

class TwoDevices : public Device {
protected:
  void SetUp() override {
    Device::SetUp();
    int count = 0;
    if (!IsSkipped() && !HasFatalFailure()) {
      ASSERT_CUDA(cudaGetDeviceCount(&count));
      if (count < 2)
        GTEST_SKIP() << "one CUDA device; this test takes two";
    }
  }
};

const int32_t algorithms[] = {BV_ALGORITHM_AUTO, BV_ALGORITHM_SORT, BV_ALGORITHM_SELECT, BV_ALGORITHM_RESIDENT};

#endif
