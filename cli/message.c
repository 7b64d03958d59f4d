/* Lines for people. */
#include "message.h"

#include <stdint.h>
#include <stdio.h>

void print_text(const char *text, size_t limit) {
  for (size_t i = 0; i < limit && text[i]; ++i)
    fputc((unsigned char)text[i] < ' ' || text[i] == 0x7f ? '?' : text[i], stderr);
}

void print_error(const char *subject, const char *reason) {
  fputs("batchview: ", stderr);
  if (subject) {
    print_text(subject, SIZE_MAX);
    fputs(": ", stderr);
  }
  print_text(reason, SIZE_MAX);
  fputc('\n', stderr);
}
