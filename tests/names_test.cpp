// Colour maps and windows by their names.
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "batchview/pictures.h"

TEST(Names, ColourMapsAreFoundByTheirNames) {
  std::vector<std::string> names;
  for (const bv_colour_map *map = bv_colour_maps(); map->name; ++map) {
    names.push_back(map->name);
    EXPECT_EQ(bv_find_colour_map(map->name), map);
  }
  EXPECT_EQ(names, (std::vector<std::string>{"grey", "bone", "hot", "viridis", "magma", "turbo"}));
  for (int i = 0; i < 256 * 3; ++i)
    EXPECT_EQ(bv_find_colour_map("grey")->rgb[i], i / 3);
}

TEST(Names, PresetsAreFoundByTheirNames) {
  std::set<std::string> names;
  for (const bv_window_preset *preset = bv_window_presets(); preset->name; ++preset) {
    names.insert(preset->name);
    EXPECT_EQ(bv_find_window_preset(preset->name), preset);
    EXPECT_GT(preset->width, 0);
  }
  EXPECT_EQ(names.size(), 12u);
  const struct {
    const char *name;
    double width, level;
  } known[] = {{"brain", 80, 40}, {"lung", 1500, -600}, {"bone", 1800, 400}, {"soft-tissue", 400, 40}};
  for (const auto &one : known) {
    EXPECT_EQ(bv_find_window_preset(one.name)->width, one.width);
    EXPECT_EQ(bv_find_window_preset(one.name)->level, one.level);
  }
}

TEST(Names, OthersAreNotFound) {
  for (const char *name : {"", "Grey", "viridis ", "jet"})
    EXPECT_EQ(bv_find_colour_map(name), nullptr);
  for (const char *name : {"", "Brain", "soft tissue"})
    EXPECT_EQ(bv_find_window_preset(name), nullptr);
  EXPECT_EQ(bv_find_colour_map(nullptr), nullptr);
  EXPECT_EQ(bv_find_window_preset(nullptr), nullptr);
}
