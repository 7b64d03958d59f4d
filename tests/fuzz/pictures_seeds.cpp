// Writes the first inputs of pictures_fuzz: one sound call of every function and type, and all names.
#include <cstring>

#include "batchview/pictures.h"
#include "seed.h"

namespace {

// The order of the fields is that of pictures_fuzz. The third tensor is another batch, the fourth a mask.
Seed seed_of(uint8_t function, bv_dtype in_type, const std::vector<int8_t> &in_shape, bv_dtype out_type,
             const std::vector<int8_t> &out_shape, uint8_t options_set) {
  Seed seed;
  seed.put(function);
  seed.put(int8_t{2});     // the axis
  seed.put(int8_t{0});     // the projection
  seed.put(int8_t{1});     // batches
  seed.put(uint32_t{777}); // noise
  seed.put_tensor(0, in_type, in_shape);
  seed.put_tensor(2048, out_type, out_shape);
  seed.put_tensor(1024, in_type, {1, 1, 2, 3});
  seed.put_tensor(3840, BV_U8, {4, 5});
  const std::vector<int8_t> numbers = {
      1,                // the opacity
      0, 2, 0,          // slices: the first, the step, their number
      3, 1, 1, 1,       // the grid's columns, padding and its value; options are given
      1, 0, 1, 1, 2, -1 // of the views, the spacing and the position along each axis
  };
  for (int8_t number : numbers)
    seed.put(number);
  seed.put(int8_t{1});  // upright
  seed.put(uint8_t{1}); // options are given
  seed.put_options(BV_SCOPE_BATCH, options_set);
  return seed;
}

Seed seed_of(const char *name) {
  Seed seed;
  seed.put(uint8_t{6});
  seed.bytes += name;
  return seed;
}

} // namespace

int main(int argc, char **argv) {
  std::vector<Seed> seeds;
  for (bv_dtype type = BV_F32; type <= BV_U32; ++type) {
    // two images of 4 x 5 pixels with a padding of 1: 6 x 13
    seeds.push_back(seed_of(0, type, {2, 1, 4, 5}, BV_U8, {6, 13, 3}, 1 | 16));
    seeds.push_back(seed_of(0, type, {2, 1, 4, 5}, BV_F32, {1, 6, 13}, 1));
    seeds.push_back(seed_of(0, type, {2, 3, 4, 5}, BV_U8, {6, 13, 4}, 1 | 8));
    seeds.push_back(seed_of(1, type, {4, 5}, BV_U8, {2, 4, 5, 3}, 1));
    seeds.push_back(seed_of(2, type, {4, 5}, BV_U8, {2, 4, 5, 4}, 1));
    seeds.push_back(seed_of(3, type, {4, 5, 3}, BV_U8, {1}, 1));
    seeds.push_back(seed_of(4, type, {4, 5, 3}, BV_F32, {4, 5}, 1));
    seeds.push_back(seed_of(4, type, {4, 5, 3}, BV_F64, {4, 5}, 1));
    // views of 4 x 5 x 6 pixels: 6 x 5, 6 x 4 and 4 x 5
    seeds.push_back(seed_of(5, type, {4, 5, 3}, BV_U8, {8, 19, 3}, 1 | 16));
    seeds.push_back(seed_of(5, type, {4, 5, 3}, BV_U8, {8, 19}, 1));
  }
  for (const bv_colour_map *map = bv_colour_maps(); map->name; ++map)
    seeds.push_back(seed_of(map->name));
  for (const bv_window_preset *preset = bv_window_presets(); preset->name; ++preset)
    seeds.push_back(seed_of(preset->name));
  return write_seeds(seeds, argc, argv);
}
