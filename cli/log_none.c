/* Stands in for the log. */
#include "log.h"

cli_result log_is_there(reason why) {
  return refuse(
      why, CLI_USAGE,
      "--tensorboard: this batchview was built without batchview::tensorboard, which writes TensorBoard's "
      "logs (BATCHVIEW_TENSORBOARD)");
}

cli_result log_picture(cli_log *log, const cli_options *options, const picture *shown, reason why) {
  (void)log, (void)options, (void)shown;
  return log_is_there(why);
}

void log_close(cli_log *log) { (void)log; }
