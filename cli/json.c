/* Writing JSON (RFC 8259). */
#include "json.h"

#include <inttypes.h>
#include <math.h>

#include "characters.h"

void json_string(FILE *file, const char *text) {
  fputc('"', file);
  for (character at; (at = next_character(text)).code; text += at.bytes) {
    if (at.harmful) /* all of these have four digits */
      fprintf(file, "\\u%04" PRIx32, at.code);
    else if (at.code == '"' || at.code == '\\')
      fprintf(file, "\\%c", *text);
    else
      fwrite(text, 1, (size_t)at.bytes, file);
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
