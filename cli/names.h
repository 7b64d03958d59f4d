/* Names of files, as texts. */
#ifndef BV_CLI_NAMES_H
#define BV_CLI_NAMES_H

#include <stdbool.h>
#include <stddef.h>

/* The three one after the other, to be freed; NULL without memory. */
char *joined(const char *first, const char *second, const char *third);

/* What follows the last slash; of a folder's path that ends with slashes what is before them. */
const char *last_name(const char *path, size_t *bytes);

/* Bytes of a file's name without .gz and the ending of a format that is read, in letters of either case: what
 * its picture is called. Other endings stay, as they often are no endings: 1.2.840.10008. */
size_t stem_of(const char *name);

/* The same of a path, to be freed: NULL without memory. */
char *picture_name(const char *path);

/* Whether it has such an ending: it claims to be read. */
bool claims_a_format(const char *name);

/* What a picture of this name is called in a log, to be freed; NULL without memory: as it was `given`, NULL if
 * it was not, where it is `alone`, else in that group. */
char *picture_tag(const char *given, const char *name, bool alone);

#endif
