/* Pictures in the terminal. */
#ifndef BV_CLI_SHOW_H
#define BV_CLI_SHOW_H

#include "reason.h"
#include "write.h"

/* CLI_OK if standard output is a terminal and there is the program that shows pictures in it; else CLI_USAGE,
 * and one line in `why` that names the option. */
cli_result show_is_there(reason why);

/* Shows a picture on standard output, as large as the terminal's window, two lines less. CLI_WRITE if the
 * terminal does not take it, CLI_FAILED without memory. */
cli_result show_picture(const picture *shown, reason why);

#endif
