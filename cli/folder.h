/* Many inputs, and a picture of each in a directory. */
#ifndef BV_CLI_FOLDER_H
#define BV_CLI_FOLDER_H

#include "options.h"

/* Does all that the options ask for, and tells it. An input that fails is told and the next one follows, to
 * CLI_PARTLY at the end; an output that cannot be written ends all. */
cli_result run_folder(const cli_options *options);

#endif
