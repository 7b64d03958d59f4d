/* Why something failed. */
#include "reason.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "characters.h"

/* The file's own text may be in it. */
static void make_harmless(char *text) {
  char *to = text;
  for (character at; (at = next_character(text)).code; text += at.bytes) {
    int kept = at.harmful ? 1 : at.bytes;
    memmove(to, at.harmful ? "?" : text, (size_t)kept);
    to += kept;
  }
  *to = '\0';
}

cli_result refuse(reason why, cli_result result, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(why.text, why.bytes, format, arguments);
  va_end(arguments);
  if (why.bytes > 0)
    make_harmless(why.text);
  return result;
}
