// No device: for programs that test CPU tensors.
#include "device.h"

#include <stdexcept>

namespace device {

namespace {
[[noreturn]] void refuse() { throw std::logic_error("this program has no device"); }
} // namespace

const bool in_this_program = false;

std::string why_none() { return "this program tests CPU tensors"; }
void *allocate(size_t) { refuse(); }
void release(void *) { refuse(); }
void upload(void *, const std::vector<uint8_t> &) { refuse(); }
std::vector<uint8_t> download(const void *, size_t) { refuse(); }
bv_stream make_stream() { refuse(); }
void destroy_stream(bv_stream) { refuse(); }
void wait(bv_stream) { refuse(); }
void *record(bv_stream, const Calls &, bv_status *) { refuse(); }
void replay(void *, bv_stream) { refuse(); }
void destroy_graph(void *) { refuse(); }

} // namespace device
