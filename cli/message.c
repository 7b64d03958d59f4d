/* Lines for people. */
#include "message.h"

#include <stdint.h>
#include <stdio.h>

#include "characters.h"

void print_text(const char *text, size_t limit) {
  character at;
  for (size_t i = 0; i < limit && (at = next_character(text)).code; ++i, text += at.bytes) {
    if (at.harmful)
      fputc('?', stderr);
    else
      fwrite(text, 1, (size_t)at.bytes, stderr);
  }
}

static void print_line(const char *subject, const char *word, const char *text) {
  fputs("batchview: ", stderr);
  if (subject) {
    print_text(subject, SIZE_MAX);
    fputs(": ", stderr);
  }
  if (word)
    fprintf(stderr, "%s: ", word);
  print_text(text, SIZE_MAX);
  fputc('\n', stderr);
}

void print_error(const char *subject, const char *reason) { print_line(subject, NULL, reason); }

cli_result flush_output(void) {
  if (fflush(stdout) == 0 && !ferror(stdout))
    return CLI_OK;
  print_error("standard output", "cannot be written");
  return CLI_WRITE;
}

void print_note(const char *subject, const char *word, const char *text) { print_line(subject, word, text); }
