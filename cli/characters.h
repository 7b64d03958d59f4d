/* Text of unknown origin, character by character: names of files, and what files say of themselves. */
#ifndef BV_CLI_CHARACTERS_H
#define BV_CLI_CHARACTERS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct character {
  uint32_t code; /* of Unicode; 0 at the end of the text, U+FFFD for a byte that is not well-formed UTF-8 */
  int bytes;
  /* Neither for a line nor for a terminal: a control character (C0, DEL, C1), a separator of lines or
   * paragraphs, one that changes the direction of what follows, or that byte. */
  bool harmful;
} character;

character next_character(const char *text);

/* Puts question marks in the place of harmful characters. */
void make_harmless(char *text);

#endif
