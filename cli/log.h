/* Pictures in a log that TensorBoard shows. */
#ifndef BV_CLI_LOG_H
#define BV_CLI_LOG_H

#include "options.h"
#include "write.h"

typedef struct cli_log {
  struct bv_tb_writer *writer; /* NULL before the first picture */
} cli_log;

/* CLI_OK if the program was built with it; else CLI_USAGE, and one line in `why`. */
cli_result log_is_there(reason why);

/* Adds a picture to options->log, as options->tag and step. It is on the disk then: no more than one is ever in
 * memory. CLI_WRITE if it cannot be written, CLI_UNSUPPORTED if it is too large, CLI_FAILED without memory. */
cli_result log_picture(cli_log *log, const cli_options *options, const picture *shown, reason why);

void log_close(cli_log *log);

#endif
