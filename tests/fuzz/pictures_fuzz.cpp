// Arbitrary arguments of batchview/pictures.h, as descriptor_fuzz gives them to batchview.h; and names of all
// kinds.
#include <cstring>
#include <string>
#include <vector>

#include "batchview/pictures.h"
#include "descriptors.h"

namespace {

enum Function { GRID, LABELS, IMAGE, SLICES, PROJECTION, ORTHOGONAL, NAMES, FUNCTIONS };

// Options of a grid or of views, whose struct may be of another version.
template <typename Options> struct Sized {
  Options fields;
  std::vector<uint8_t> memory;

  const Options *pointer(FuzzInput &input) {
    const uint8_t kind = input.take<uint8_t>();
    if (kind == 0)
      return nullptr;
    const size_t size = kind < 200 ? sizeof fields : kind - 200;
    fields.struct_size = size;
    memory.assign(size < sizeof fields.struct_size ? sizeof fields.struct_size : size, 0);
    memcpy(memory.data(), &fields, size < sizeof fields ? size : sizeof fields);
    memcpy(memory.data(), &fields.struct_size, sizeof fields.struct_size);
    return reinterpret_cast<const Options *>(memory.data());
  }
};

void find_names(FuzzInput &input) {
  std::string name;
  while (const char byte = input.take<char>())
    name.push_back(byte);
  const bv_colour_map *map = bv_find_colour_map(name.c_str());
  REQUIRE(!map || name == map->name);
  const bv_window_preset *preset = bv_find_window_preset(name.c_str());
  REQUIRE(!preset || (name == preset->name && preset->width > 0));
  for (const bv_colour_map *known = bv_colour_maps(); known->name; ++known)
    REQUIRE((name == known->name) == (map == known));
  for (const bv_window_preset *known = bv_window_presets(); known->name; ++known)
    REQUIRE((name == known->name) == (preset == known));
}

struct Arguments {
  bv_tensor in[2], out, mask;
  int32_t count;
  int axis, projection;
  int64_t numbers[3];
  double opacity;
  const bv_grid_options *grid;
  const bv_orthogonal_options *views;
  const bv_display_options *options;
};

bv_status call(Function function, const Arguments &a, bv_tensor *slices) {
  const uint8_t *colours = a.axis & 64 ? colour_map : nullptr;
  switch (function) {
  case GRID: return bv_make_grid(a.in, a.count, &a.out, a.grid, a.options, nullptr);
  case LABELS: return bv_overlay_labels(&a.out, &a.in[0], colours, a.opacity, nullptr);
  case IMAGE: return bv_overlay_image(&a.out, &a.in[0], colours, a.opacity, nullptr);
  case SLICES: return bv_view_slices(&a.in[0], a.axis, a.numbers[0], a.numbers[1], a.numbers[2], slices);
  case PROJECTION: return bv_project_volume(&a.in[0], a.axis, a.projection, &a.out, nullptr);
  default: return bv_make_orthogonal_views(&a.in[0], &a.out, a.views, a.grid, a.options, nullptr);
  }
}

// The extents that are said are those that are drawn.
void check_extents(Function function, const Arguments &a) {
  int64_t extents[2] = {-1, -1};
  const bv_status status = function == GRID ? bv_grid_size(a.in, a.count, a.grid, extents)
                                            : bv_orthogonal_size(&a.in[0], a.views, a.grid, extents);
  REQUIRE(status == BV_OK);
  const int rows = a.out.ndim == 3 && (a.out.shape[1] == extents[0] && a.out.shape[2] == extents[1]) ? 1 : 0;
  REQUIRE(a.out.shape[rows] == extents[0] && a.out.shape[rows + 1] == extents[1]);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  FuzzInput input(bytes, size);
  const Function function = static_cast<Function>(input.take<uint8_t>() % FUNCTIONS);
  if (function == NAMES) {
    find_names(input);
    return 0;
  }
  Arguments a = {};
  a.axis = input.take<int8_t>();
  a.projection = input.take<int8_t>();
  a.count = input.take<int8_t>();
  if (a.count > 2)
    a.count = 2;
  uint8_t *buffer = noisy_buffer(input.take<uint32_t>());
  const std::vector<uint8_t> before(buffer, buffer + buffer_bytes);
  a.in[0] = take_tensor(input, buffer);
  a.out = take_tensor(input, buffer);
  a.in[1] = take_tensor(input, buffer);
  a.mask = take_tensor(input, buffer);
  a.opacity = take_double(input);
  for (int64_t &number : a.numbers)
    number = take_number(input);
  Sized<bv_grid_options> grid = {BV_GRID_OPTIONS_INIT, {}};
  grid.fields.columns = take_number(input);
  grid.fields.padding = take_number(input);
  grid.fields.padding_value = take_double(input);
  a.grid = grid.pointer(input);
  Sized<bv_orthogonal_options> views = {BV_ORTHOGONAL_OPTIONS_INIT, {}};
  for (int axis = 0; axis < 3; ++axis) {
    views.fields.spacing[axis] = take_double(input);
    views.fields.position[axis] = take_number(input);
  }
  views.fields.upright = input.take<int8_t>();
  a.views = views.pointer(input);
  Options options;
  take_options(input, options, &a.mask, buffer);
  a.options = options.pointer(input);

  std::vector<const bv_tensor *> tensors = {&a.in[0]};
  if (function != SLICES)
    tensors.push_back(&a.out);
  if (function == GRID && a.count == 2)
    tensors.push_back(&a.in[1]);
  const bool is_display = function == GRID || function == ORTHOGONAL;
  if (is_display && a.options && a.options->struct_size == sizeof *a.options && a.options->mask)
    tensors.push_back(&a.mask);
  bool invalid = function == GRID && a.count < 1, outside = false;
  for (const bv_tensor *tensor : tensors) {
    const Place place = place_of(*tensor, buffer);
    invalid = invalid || place == INVALID;
    outside = outside || place == OUTSIDE;
  }
  if (outside && !invalid && function != SLICES)
    return 0;

  bv_tensor slices = {};
  const bv_status status = call(function, a, &slices);
  REQUIRE(bv_status_string(status) != nullptr);
  REQUIRE(status == BV_OK || bv_last_error()[0] != '\0');
  REQUIRE(status != BV_OK || !invalid);
  if (status == BV_OK && is_display)
    check_extents(function, a);
  if (status == BV_OK && function == SLICES && !outside)
    REQUIRE(place_of(slices, buffer) == INSIDE);
  require_only_written(before, buffer, status == BV_OK && function != SLICES ? &a.out : nullptr);
  return 0;
}
