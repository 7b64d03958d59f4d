// The first inputs of fuzz targets, written as FuzzInput takes them.
#ifndef BATCHVIEW_FUZZ_SEED_H
#define BATCHVIEW_FUZZ_SEED_H

#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "batchview/batchview.h"

struct Seed {
  std::string bytes;

  template <typename Number> void put(Number number) {
    bytes.append(reinterpret_cast<const char *>(&number), sizeof number);
  }

  void put_tensor(uint16_t offset, bv_dtype dtype, const std::vector<int8_t> &shape) {
    put(offset);
    put(static_cast<int8_t>(dtype));
    put(static_cast<int8_t>(BV_CPU));
    put(static_cast<int8_t>(shape.size()));
    for (size_t axis = 0; axis < shape.size(); ++axis) {
      int stride = 1;
      for (size_t inner = axis + 1; inner < shape.size(); ++inner)
        stride *= shape[inner];
      put(shape[axis]);
      put(static_cast<int8_t>(stride));
    }
    put(uint8_t{0}); // data is not NULL
  }
};

// What a seed program does: writes them to the directory in its argument. Returns the exit status.
inline int write_seeds(const std::vector<Seed> &seeds, int argc, char **argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
    return 2;
  }
  for (size_t i = 0; i < seeds.size(); ++i) {
    std::ofstream file(std::string(argv[1]) + "/seed-" + std::to_string(i), std::ios::binary);
    file << seeds[i].bytes;
    file.close();
    if (!file) {
      fprintf(stderr, "%s: cannot write to %s\n", argv[0], argv[1]);
      return 1;
    }
  }
  return 0;
}

#endif
