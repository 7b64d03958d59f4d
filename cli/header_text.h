/* Headers in text: lines that name a field and say its value. */
#ifndef BV_CLI_HEADER_TEXT_H
#define BV_CLI_HEADER_TEXT_H

#include "reader.h"

#define HEADER_TEXT_BYTES ((size_t)1 << 20) /* no sound header is longer */

/* Characters within a header. */
typedef struct text_slice {
  const char *text; /* NULL: there is no such text */
  size_t bytes;
} text_slice;

/* For "%.*s": as much of a slice as a message quotes. */
#define QUOTED(slice) (int)((slice).bytes < 40 ? (slice).bytes : 40), (slice).text

/* One of the fields that a reader knows, and what a header says of it. */
typedef struct header_field {
  const char *name, *synonym; /* what they are called; `synonym` may be NULL */
  text_slice value;
} header_field;

/* The line that begins at *at, without its end; moves *at behind it. False at the end of the file. The last
 * line may lack its end, which *complete tells. */
bool take_line(file_bytes file, size_t *at, text_slice *line, bool *complete);

/* Cuts a line in two at the first `separator`, without the blanks around them. */
bool split_line(text_slice line, char separator, text_slice *name, text_slice *value);

/* Gives the value to the field of this name, if it is a known one; refuses what was said before. */
cli_result store_field(header_field *fields, int count, text_slice name, text_slice value, reason why);

/* Whether it is this word, in letters of either case. */
bool is_word(text_slice slice, const char *word);

/* Decimal numbers with blanks between them: how many, or -1 if it is anything else or more than `most`. */
int parse_integers(text_slice slice, int64_t *numbers, int most);
int parse_numbers(text_slice slice, double *numbers, int most);

/* The next word of a text, which is shortened by it; false at its end. */
bool take_word(text_slice *text, text_slice *word);

#endif
