/* Files that an output would replace. */
#ifndef BV_CLI_REPLACE_H
#define BV_CLI_REPLACE_H

#include "options.h"

/* Without --force an output replaces neither one of its inputs nor a file that is read-only. CLI_OK, or
 * CLI_WRITE with the reason. */
cli_result check_replacement(const cli_options *options, reason why);

#endif
