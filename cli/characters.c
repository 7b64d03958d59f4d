/* UTF-8, and which characters are not for lines and terminals. */
#include "characters.h"

#include <string.h>

#include <stddef.h>

/* Bytes of the well-formed UTF-8 sequence at `text`; 0 if it is none (The Unicode Standard, table 3-7). */
static int sequence_length(const unsigned char *text) {
  unsigned char first = text[0], low = 0x80, high = 0xbf;
  int length = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  if (first == 0xe0)
    low = 0xa0; /* below: could be shorter */
  else if (first == 0xed)
    high = 0x9f; /* above: surrogates */
  else if (first == 0xf0)
    low = 0x90;
  else if (first == 0xf4)
    high = 0x8f; /* above: beyond U+10FFFF */
  for (int i = 1; i < length; ++i, low = 0x80, high = 0xbf)
    if (text[i] < low || text[i] > high)
      return 0;
  return length;
}

static bool is_harmful(uint32_t code) {
  static const uint32_t ranges[][2] = {
      {0x01, 0x1f},     {0x7f, 0x9f}, {0x61c, 0x61c}, /* Arabic letter mark */
      {0x200e, 0x200f},                               /* left-to-right and right-to-left marks */
      {0x2028, 0x2029},                               /* line and paragraph separators */
      {0x202a, 0x202e},                               /* embeddings and overrides of direction */
      {0x2066, 0x2069},                               /* isolates */
  };
  for (size_t i = 0; i < sizeof ranges / sizeof *ranges; ++i)
    if (ranges[i][0] <= code && code <= ranges[i][1])
      return true;
  return false;
}

character next_character(const char *text) {
  const unsigned char *bytes = (const unsigned char *)text;
  int length = sequence_length(bytes);
  if (length == 0)
    return (character){.code = 0xfffd, .bytes = 1, .harmful = true};
  uint32_t code = length == 1 ? bytes[0] : bytes[0] & (0xffu >> (length + 1));
  for (int i = 1; i < length; ++i)
    code = code << 6 | (bytes[i] & 0x3fu);
  return (character){.code = code, .bytes = length, .harmful = is_harmful(code)};
}

void make_harmless(char *text) {
  char *to = text;
  for (character at; (at = next_character(text)).code; text += at.bytes) {
    int kept = at.harmful ? 1 : at.bytes;
    memmove(to, at.harmful ? "?" : text, (size_t)kept);
    to += kept;
  }
  *to = '\0';
}
