// Files of any content through one reader, READER, or through everything that tells them apart: a reader either
// refuses in one line, or gives a tensor that lies within its memory.
#include <cstdint>
#include <cstdlib>
#include <cstring>

extern "C" {
#include "reader.h"
}

namespace {

void require(bool holds) {
  if (!holds)
    abort();
}

// Adds up the bytes of the first and the last element, and so touches both ends of the memory.
void check_tensor(const source &source) {
  const bv_tensor &tensor = source.tensor;
  const int64_t size = (int64_t)bv_dtype_size(tensor.dtype);
  require(size > 0 && (uintptr_t)tensor.data % (uintptr_t)size == 0);
  require(tensor.ndim == (source.kind == SOURCE_IMAGE ? 2 : source.kind == SOURCE_BATCH ? 4 : tensor.ndim));
  const int channel_axes = source.colour ? 1 : 0;
  require(source.kind != SOURCE_VOLUME || tensor.ndim == 3 + channel_axes || tensor.ndim == 4 + channel_axes);
  require(tensor.device == BV_CPU);
  const char *lowest = (const char *)tensor.data, *highest = lowest + size;
  for (int axis = 0; axis < tensor.ndim; ++axis) {
    require(tensor.shape[axis] > 0);
    const int64_t reach = (tensor.shape[axis] - 1) * tensor.stride[axis] * size;
    (reach < 0 ? lowest : highest) += reach;
  }
  require(lowest == (const char *)source.memory);
  const char *end = lowest + source.memory_bytes;
  if (source.samples == 4) // an array whose alpha is dropped, one byte in four or the last plane
    require(highest < end);
  else // what else may be dropped is the last voxel's alpha
    require(highest == end || (highest + 1 == end && size == 1 && tensor.ndim >= 4));
  for (double spacing : source.spacing)
    require(spacing > 0);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  char text[256];
  memset(text, '\n', sizeof text);
  source source = {};
#ifdef READER
  const reason why = {text, sizeof text};
  source.tensor.device = BV_CPU;
  source.spacing[0] = source.spacing[1] = source.spacing[2] = 1;
  const cli_result result = READER({bytes, size, false, nullptr}, &source, why);
#else
  const cli_result result = source_parse(bytes, size, &source, text, sizeof text);
#endif
  if (result == CLI_OK) {
    check_tensor(source);
    source_as_volume(&source);
    check_tensor(source);
  } else {
    require(text[0] != '\0' && memchr(text, '\n', strlen(text)) == nullptr);
  }
  source_free(&source);
  return 0;
}
