// Writes the first inputs of descriptor_fuzz: one sound call of every function, type and packing.
#include <vector>

#include "batchview/batchview.h"
#include "seed.h"

namespace {

// The order of the fields is that of descriptor_fuzz.
Seed seed_of(uint8_t function, bv_dtype in_type, const std::vector<int8_t> &in_shape, bv_dtype out_type,
             const std::vector<int8_t> &out_shape, uint8_t options_set) {
  Seed seed;
  seed.put(function);
  seed.put(int8_t{2});
  seed.put(uint32_t{12345});
  seed.put_tensor(0, in_type, in_shape);
  seed.put_tensor(1024, out_type, out_shape);
  seed.put_tensor(2048, BV_F64, {2, 3});
  seed.put_tensor(3072, BV_U8, {4, 5});
  seed.put_options(BV_SCOPE_PLANE, options_set);
  return seed;
}

} // namespace

int main(int argc, char **argv) {
  std::vector<Seed> seeds;
  for (bv_dtype type = BV_F32; type <= BV_U32; ++type) {
    for (bv_dtype out_type : {BV_F32, BV_F16, BV_BF16, BV_F64, BV_U8})
      seeds.push_back(seed_of(0, type, {2, 1, 4, 5}, out_type, {2, 1, 4, 5}, 1));
    seeds.push_back(seed_of(0, type, {2, 1, 4, 5}, BV_U8, {2, 1, 4, 5, 3}, 1 | 16));
    seeds.push_back(seed_of(0, type, {2, 1, 4, 5}, BV_U8, {2, 4, 5, 4}, 1 | 8));
    seeds.push_back(seed_of(0, type, {2, 3, 4, 5}, BV_U8, {2, 4, 5, 3}, 1));
    seeds.push_back(seed_of(1, type, {2, 1, 4, 5}, BV_U8, {2, 1, 4, 5}, 1));
    seeds.push_back(seed_of(2, type, {2, 1, 4, 5}, BV_U8, {2, 1, 4, 5}, 1));
    seeds.push_back(seed_of(3, type, {2, 1, 4, 5}, BV_U8, {2, 1, 4, 5}, 1));
    seeds.push_back(seed_of(4, type, {4, 5}, BV_U8, {4, 5}, 1));
    seeds.push_back(seed_of(5, type, {4, 5}, BV_U8, {4, 5, 3}, 1));
    seeds.push_back(seed_of(6, type, {4, 5, 3}, BV_U8, {4, 5, 3}, 1));
  }
  return write_seeds(seeds, argc, argv);
}
