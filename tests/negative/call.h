// A sound call of every public function that takes tensors, for negative tests to spoil in one place each.
#ifndef BATCHVIEW_TESTS_CALL_H
#define BATCHVIEW_TESTS_CALL_H

#include <string>
#include <vector>

#include "batchview/batchview.h"

enum class Function { Normalize, Measure, Apply, WorkspaceSize, ToUint8, Visualize2d, VisualizeSlice };
inline const std::vector<Function> all_functions = {
    Function::Normalize, Function::Measure,     Function::Apply,         Function::WorkspaceSize,
    Function::ToUint8,   Function::Visualize2d, Function::VisualizeSlice};
inline const std::vector<Function> display_functions = {Function::Normalize, Function::Measure, Function::Apply,
                                                        Function::WorkspaceSize};
const char *function_name(Function function);

// The arguments. They may be spoilt at will: memory is longer than the tensors, and what the pointers point to
// is theirs.
class Call {
public:
  explicit Call(Function function);
  Call(const Call &) = delete;
  Call &operator=(const Call &) = delete;

  // The tensor arguments that the function has, with their names in its messages.
  struct NamedTensor {
    std::string name;
    bv_tensor *tensor;
    const bv_tensor **pointer;
  };
  std::vector<NamedTensor> tensors();
  NamedTensor input() { return tensors().front(); }

  bv_status run();

  // Runs the call, which has to return `status` with a message that contains all of `words`, and to change
  // neither the tensors' memory nor the number of bytes asked for.
  void expect_refused(bv_status status, const std::vector<std::string> &words);
  // Runs the call, which has to succeed.
  void expect_accepted();

  const Function function;
  bv_tensor in, out, windows, mask;
  bv_display_options options = BV_DISPLAY_OPTIONS_INIT;
  const bv_tensor *in_pointer = &in, *out_pointer = &out, *windows_pointer = &windows;
  const bv_display_options *options_pointer = &options;
  int axis = 2;
  size_t bytes = 12345;
  size_t *bytes_pointer = &bytes;

  // The memory of each tensor, 8192 bytes aligned to 256, to compare with and to place tensors in.
  std::vector<uint8_t> memory;
  uint8_t *at(size_t place) {
    return memory.data() + (-reinterpret_cast<uintptr_t>(memory.data()) & 255) + place;
  }
};

#endif
