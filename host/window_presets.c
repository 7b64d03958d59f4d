/* Windows for CT by their names; batchview/pictures.h says where the numbers are from. */
#include "batchview/pictures.h"

#include <stddef.h>
#include <string.h>

static const bv_window_preset presets[] = {
    {"brain", 80, 40},    {"stroke", 40, 40},       {"subdural", 200, 75},  {"temporal-bone", 2800, 600},
    {"lung", 1500, -600}, {"mediastinum", 350, 50}, {"vascular", 600, 200}, {"soft-tissue", 400, 40},
    {"abdomen", 400, 50}, {"liver", 150, 30},       {"spine", 250, 50},     {"bone", 1800, 400},
    {NULL, 0, 0}};

const bv_window_preset *bv_window_presets(void) { return presets; }

const bv_window_preset *bv_find_window_preset(const char *name) {
  for (const bv_window_preset *preset = presets; name && preset->name; ++preset)
    if (strcmp(preset->name, name) == 0)
      return preset;
  return NULL;
}
