/* Files that outputs would replace. */
#ifndef BV_CLI_REPLACE_H
#define BV_CLI_REPLACE_H

#include "options.h"

/* Without --force no output replaces one of the inputs or a file that is read-only. CLI_OK, or CLI_WRITE with
 * the reason and the output in *subject; CLI_FAILED without memory. */
cli_result check_replacements(const cli_options *options, const char *const *outputs, size_t count,
                              const char **subject, reason why);

#endif
