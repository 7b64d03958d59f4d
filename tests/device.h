// What tests need of a device, so that only device_cuda.cpp knows CUDA. Tests of CPU tensors link
// device_none.cpp instead, where nothing but `in_this_program` may be called. A failing CUDA call throws
// std::runtime_error.
#ifndef BATCHVIEW_TESTS_DEVICE_H
#define BATCHVIEW_TESTS_DEVICE_H

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "batchview/batchview.h"

namespace device {

extern const bool in_this_program;

std::string why_none(); // empty if there is a device

void *allocate(size_t bytes);
void release(void *memory);
void upload(void *memory, const std::vector<uint8_t> &bytes);
std::vector<uint8_t> download(const void *memory, size_t bytes);

bv_stream make_stream(); // does not synchronise with the legacy stream
void destroy_stream(bv_stream stream);
void wait(bv_stream stream);

// An executable graph of what `calls` put on the stream. Null if they fail, with their status.
using Calls = std::function<bv_status(bv_stream)>;
void *record(bv_stream stream, const Calls &calls, bv_status *status);
void replay(void *graph, bv_stream stream);
void destroy_graph(void *graph);

} // namespace device

#endif
