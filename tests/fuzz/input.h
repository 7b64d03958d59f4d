// How a fuzz input becomes a call: fields are taken from its bytes in order, and are 0 after the end.
#ifndef BATCHVIEW_FUZZ_INPUT_H
#define BATCHVIEW_FUZZ_INPUT_H

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

class FuzzInput {
public:
  FuzzInput(const uint8_t *bytes, size_t size) : bytes_(bytes), left_(size) {}

  template <typename Number> Number take() {
    Number number = {};
    size_t size = std::min(sizeof number, left_);
    memcpy(&number, bytes_, size);
    bytes_ += size;
    left_ -= size;
    return number;
  }

private:
  const uint8_t *bytes_;
  size_t left_;
};

#endif
