/* Values of options. */
#include "values.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "characters.h"

bool parse_count(const char *text, int64_t *count) {
  if (*text == '\0' || text[strspn(text, "0123456789")] != '\0')
    return false;
  errno = 0;
  *count = strtoll(text, NULL, 10);
  return errno == 0;
}

bool parse_pair(const char *text, double pair[2]) {
  if (text[strspn(text, "0123456789+-.eE,")] != '\0')
    return false;
  char *end;
  pair[0] = strtod(text, &end);
  if (end == text || *end != ',')
    return false;
  const char *second = end + 1;
  pair[1] = strtod(second, &end);
  return end != second && *end == '\0';
}

bool parse_size(const char *text, double *number) {
  char *end;
  *number = strtod(text, &end);
  return text[strspn(text, "0123456789+-.eE")] == '\0' && end != text && *end == '\0' && *number >= 0 &&
         isfinite(*number);
}

bool parse_percent(const char *text, double *percent) {
  char *end;
  *percent = strtod(text, &end);
  return text[strspn(text, "0123456789.")] == '%' && end != text && strcmp(end, "%") == 0 && *percent <= 100;
}

int parse_word(const char *text, const char *const *words) {
  for (int i = 0; words[i]; ++i)
    if (strcmp(text, words[i]) == 0)
      return i;
  return -1;
}

bool ends_with(const char *text, const char *end) {
  size_t length = strlen(text), end_length = strlen(end);
  return length > end_length && strcmp(text + length - end_length, end) == 0;
}

bool is_text(const char *text) {
  character at = next_character(text);
  const bool begins = at.code != 0;
  for (; at.code && !at.harmful; at = next_character(text))
    text += at.bytes;
  return begins && !at.code;
}
