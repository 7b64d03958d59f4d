/* Values of options: text to numbers and words. */
#ifndef BV_CLI_VALUES_H
#define BV_CLI_VALUES_H

#include <stdbool.h>
#include <stdint.h>

/* A decimal integer from 0. */
bool parse_count(const char *text, int64_t *count);

/* "A,B": two decimal numbers. strtod takes blanks, hexadecimal, infinities and NaN too; we do not, but a number
 * may overflow to infinity. */
bool parse_pair(const char *text, double pair[2]);

/* A decimal number that is finite and not negative. */
bool parse_size(const char *text, double *number);

/* "N%": a decimal number from 0 to 100 and the sign. */
bool parse_percent(const char *text, double *percent);

/* The index of `text` among `words`, which end with NULL; -1 if it is none of them. */
int parse_word(const char *text, const char *const *words);

/* Not empty, and of characters that are harmless (characters.h). */
bool is_text(const char *text);

bool ends_with(const char *text, const char *end);

#endif
