/* The few pieces that a JSON object is written with. */
#ifndef BV_CLI_JSON_H
#define BV_CLI_JSON_H

#include <stdint.h>
#include <stdio.h>

/* A string literal; bytes that are not UTF-8 become U+FFFD. */
void json_string(FILE *file, const char *text);

/* With 17 digits, which keep every bit; null for what JSON has no number for. */
void json_number(FILE *file, double number);

void json_integers(FILE *file, const int64_t *numbers, int count);
void json_numbers(FILE *file, const double *numbers, int count);

#endif
