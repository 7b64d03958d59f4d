/* Why something failed. */
#include "reason.h"

#include <stdarg.h>
#include <stdio.h>

cli_result refuse(reason why, cli_result result, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(why.text, why.bytes, format, arguments);
  va_end(arguments);
  for (char *c = why.text; why.bytes > 0 && *c != '\0'; ++c)
    if ((unsigned char)*c < ' ' || *c == 127) /* the file's own text may be in it */
      *c = '?';
  return result;
}
