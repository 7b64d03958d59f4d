// Writes the first inputs of tag_fuzz: tags of characters at the edges of what UTF-8 allows.
#include "seed.h"

int main(int argc, char **argv) {
  std::vector<Seed> seeds;
  for (const char *tag :
       {"", "loss", "train/loss", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf",
        "\xee\x80\x80", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80",
        "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xff", "a\xe2\x82"})
    for (uint8_t kind : {0, 1}) {
      Seed seed;
      seed.put(kind);
      seed.put(int64_t{-1});
      seed.put(uint32_t{640});
      seed.put(uint32_t{480});
      seed.bytes += tag;
      seeds.push_back(seed);
    }
  return write_seeds(seeds, argc, argv);
}
