/* Hints: where the defaults are likely not what is meant. */
#ifndef BV_CLI_HINT_H
#define BV_CLI_HINT_H

#include "render.h"

/* Writes one line without a newline, or "". Looks at the input's pixels and the windows measured. */
void hint_of_rendering(const cli_rendering *rendering, const cli_options *options, char *text,
                       size_t text_bytes);

#endif
