/* Writing JSON (RFC 8259). */
#include "json.h"

#include <inttypes.h>
#include <math.h>

/* Bytes of the well-formed UTF-8 sequence at `text`; 0 if it is none (The Unicode Standard, table 3-7). */
static int utf8_length(const unsigned char *text) {
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

void json_string(FILE *file, const char *text) {
  fputc('"', file);
  for (const unsigned char *at = (const unsigned char *)text; *at;) {
    int length = utf8_length(at);
    if (length == 0)
      fputs("\\ufffd", file);
    else if (*at == '"' || *at == '\\')
      fprintf(file, "\\%c", *at);
    else if (*at < ' ' || *at == 0x7f)
      fprintf(file, "\\u%04x", *at);
    else
      fwrite(at, 1, (size_t)length, file);
    at += length ? length : 1;
  }
  fputc('"', file);
}

void json_number(FILE *file, double number) {
  if (isfinite(number))
    fprintf(file, "%.17g", number);
  else
    fputs("null", file);
}

void json_integers(FILE *file, const int64_t *numbers, int count) {
  fputc('[', file);
  for (int i = 0; i < count; ++i)
    fprintf(file, "%s%" PRId64, i ? ", " : "", numbers[i]);
  fputc(']', file);
}

void json_numbers(FILE *file, const double *numbers, int count) {
  fputc('[', file);
  for (int i = 0; i < count; ++i) {
    fputs(i ? ", " : "", file);
    json_number(file, numbers[i]);
  }
  fputc(']', file);
}
