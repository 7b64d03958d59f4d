/* Why something failed, and what is odd. */
#include "reason.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "characters.h"
#include "reader.h"

cli_result refuse(reason why, cli_result result, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(why.text, why.bytes, format, arguments);
  va_end(arguments);
  if (why.bytes > 0)
    make_harmless(why.text); /* the file's own text may be in it */
  return result;
}

void warn(source *about, const char *format, ...) {
  char *text = about->warning;
  size_t used = strlen(text), room = sizeof about->warning;
  if (used > 0 && used + 2 < room)
    used += (size_t)snprintf(text + used, room - used, "; ");
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text + used, room - used, format, arguments);
  va_end(arguments);
  make_harmless(text);
}

cli_result refuse_error(reason why, cli_result result, int error) {
  if (error == ENOMEM)
    return refuse(why, CLI_FAILED, "out of memory");
  return refuse(why, result, "%s", strerror(error));
}
