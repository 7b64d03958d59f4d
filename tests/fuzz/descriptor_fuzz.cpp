// Arbitrary tensors and options over a small real buffer: no call crashes, hangs, or writes outside its output;
// what is plainly invalid is refused; an error changes nothing.
//
// Tensors may alias each other. A tensor that reaches outside the buffer is a caller's error that no library
// can see, so that it is only given to bv_workspace_size, which checks the same and touches no pixel.
#include <vector>

#include "batchview/batchview.h"
#include "descriptors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  FuzzInput input(bytes, size);
  const uint8_t function = input.take<uint8_t>() % 7;
  const int axis = input.take<int8_t>();
  uint8_t *buffer = noisy_buffer(input.take<uint32_t>());
  const std::vector<uint8_t> before(buffer, buffer + buffer_bytes);

  const bv_tensor in = take_tensor(input, buffer), out = take_tensor(input, buffer);
  const bv_tensor windows = take_tensor(input, buffer), mask = take_tensor(input, buffer);
  Options options;
  take_options(input, options, &mask, buffer);
  const bv_display_options *given = options.pointer(input);

  std::vector<const bv_tensor *> tensors = {&in};
  if (function != 1)
    tensors.push_back(&out);
  if (function == 1 || function == 2)
    tensors.push_back(&windows);
  if (function < 4 && given && given->struct_size == sizeof *given && given->mask)
    tensors.push_back(&mask);
  bool invalid = false, outside = false;
  for (const bv_tensor *tensor : tensors) {
    Place place = place_of(*tensor, buffer);
    invalid = invalid || place == INVALID;
    outside = outside || place == OUTSIDE;
  }

  size_t workspace_bytes = 1;
  bv_status asked = bv_workspace_size(&in, &out, given, &workspace_bytes);
  REQUIRE(asked != BV_OK || workspace_bytes == 0); // on the CPU
  REQUIRE(memcmp(buffer, before.data(), before.size()) == 0);
  if (outside && !invalid)
    return 0;

  const bv_tensor *written = function == 1 ? &windows : &out;
  bv_status status = BV_OK;
  switch (function) {
  case 0: status = bv_normalize_batch_for_display(&in, &out, given, nullptr); break;
  case 1: status = bv_measure_window(&in, given, &windows, nullptr); break;
  case 2: status = bv_apply_window(&in, &windows, &out, given, nullptr); break;
  case 3: status = asked; break;
  case 4: status = bv_normalize_image_to_uint8(&in, &out, nullptr); break;
  case 5: status = bv_visualize_2d_image(&in, &out, nullptr); break;
  case 6: status = bv_visualize_one_slice_in_3d_image(&in, axis, &out, nullptr); break;
  }
  REQUIRE(bv_status_string(status) != nullptr);
  if (status != BV_OK) {
    REQUIRE(bv_last_error()[0] != '\0');
    REQUIRE(memcmp(buffer, before.data(), before.size()) == 0);
    return 0;
  }
  REQUIRE(!invalid);
  if (function == 3)
    return 0;
  require_only_written(before, buffer, written);
  return 0;
}
