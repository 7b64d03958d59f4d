/* Lines for people, on standard error. */
#ifndef BV_CLI_MESSAGE_H
#define BV_CLI_MESSAGE_H

#include "source.h"

/* Prints at most `limit` characters of `text`, with question marks for harmful ones and for what is not UTF-8:
 * a message is one line, and no file name talks to the terminal. */
void print_text(const char *text, size_t limit);

/* "batchview: SUBJECT: REASON", or without the subject if it is NULL. */
void print_error(const char *subject, const char *reason);

/* The same with a word before the text that says what it is: "warning", "hint". */
void print_note(const char *subject, const char *word, const char *text);

/* What was printed to standard output may still wait in its buffer: a full disk shows here, and is told. */
cli_result flush_output(void);

#endif
