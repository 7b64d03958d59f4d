/* Lines, words and numbers of headers in text. */
#include "header_text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f'; }

static text_slice trimmed(text_slice slice) {
  while (slice.bytes > 0 && is_blank(slice.text[0]))
    ++slice.text, --slice.bytes;
  while (slice.bytes > 0 && is_blank(slice.text[slice.bytes - 1]))
    --slice.bytes;
  return slice;
}

bool take_line(file_bytes file, size_t *at, text_slice *line, bool *complete) {
  if (*at >= file.size)
    return false;
  const uint8_t *begin = file.data + *at, *end = memchr(begin, '\n', file.size - *at);
  *complete = end != NULL;
  line->text = (const char *)begin;
  line->bytes = end != NULL ? (size_t)(end - begin) : file.size - *at;
  *at += line->bytes + (end != NULL ? 1 : 0);
  if (line->bytes > 0 && line->text[line->bytes - 1] == '\r')
    --line->bytes;
  return true;
}

bool split_line(text_slice line, char separator, text_slice *name, text_slice *value) {
  const char *cut = memchr(line.text, separator, line.bytes);
  if (cut == NULL)
    return false;
  const size_t before = (size_t)(cut - line.text);
  *name = trimmed((text_slice){line.text, before});
  *value = trimmed((text_slice){cut + 1, line.bytes - before - 1});
  return true;
}

bool is_word(text_slice slice, const char *word) {
  return slice.bytes == strlen(word) && strncasecmp(slice.text, word, slice.bytes) == 0;
}

cli_result store_field(header_field *fields, int count, text_slice name, text_slice value, reason why) {
  for (int i = 0; i < count; ++i) {
    header_field *field = &fields[i];
    if (!is_word(name, field->name) && !(field->synonym != NULL && is_word(name, field->synonym)))
      continue;
    if (field->value.text != NULL)
      return refuse(why, CLI_UNREADABLE, "its header has two lines of '%s'", field->name);
    field->value = value;
  }
  return CLI_OK;
}

bool take_word(text_slice *text, text_slice *word) {
  if (text->text == NULL)
    return false;
  *text = trimmed(*text);
  size_t bytes = 0;
  while (bytes < text->bytes && !is_blank(text->text[bytes]))
    ++bytes;
  *word = (text_slice){text->text, bytes};
  text->text += bytes;
  text->bytes -= bytes;
  return bytes > 0;
}

/* A number alone, as a string that strtod and strtoll can stop in. */
static bool copy_word(text_slice word, char *copy, size_t room) {
  if (word.bytes >= room || memchr(word.text, '\0', word.bytes) != NULL)
    return false;
  memcpy(copy, word.text, word.bytes);
  copy[word.bytes] = '\0';
  return true;
}

int parse_integers(text_slice slice, int64_t *numbers, int most) {
  text_slice word;
  char copy[24], *end;
  int count = 0;
  while (take_word(&slice, &word)) {
    if (count == most || !copy_word(word, copy, sizeof copy))
      return -1;
    errno = 0;
    numbers[count++] = strtoll(copy, &end, 10);
    if (errno != 0 || *end != '\0')
      return -1;
  }
  return count;
}

int parse_numbers(text_slice slice, double *numbers, int most) {
  text_slice word;
  char copy[64], *end;
  int count = 0;
  while (take_word(&slice, &word)) {
    if (count == most || !copy_word(word, copy, sizeof copy))
      return -1;
    numbers[count++] = strtod(copy, &end); /* NaN and infinity are numbers too */
    if (*end != '\0')
      return -1;
  }
  return count;
}
