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

  // From the 1st to the 99th percentile, which options_set has to have (1); 8 adds a mask.
  void put_options(int8_t scope, uint8_t options_set) {
    put(options_set);
    const int8_t foreground = options_set & 8 ? BV_FOREGROUND_MASK : BV_FOREGROUND_NONZERO;
    for (int8_t field : {scope, foreground, int8_t{BV_WINDOW_PERCENTILE}, int8_t{BV_ROUNDING_TRUNCATE},
                         int8_t{BV_ALGORITHM_AUTO}})
      put(field);
    put(int8_t{1});
    put(int8_t{99});
    put(uint8_t{1}); // options are given, and as long as they are
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
