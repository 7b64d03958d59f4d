/* What belongs to the program and is loaded, or started, where it is needed, for it takes longer to start than
 * the program does: modules, which are libraries, and other programs. */
#ifndef BV_CLI_MODULE_H
#define BV_CLI_MODULE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

/* Where it is: beside the program, where it was built, or from its directory, where it was
 * installed. False, with one line in `text`, if it is not there. */
bool find_module(const char *name, char path[PATH_MAX], char *text, size_t text_bytes);

/* Loads a module and finds its function; NULL, with one line in `text`, if that is not possible. */
void *load_from_module(const char *name, const char *function, char *text, size_t text_bytes);

#endif
