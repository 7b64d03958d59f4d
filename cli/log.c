/* The log, by batchview::tensorboard. */
#include "log.h"

#include "batchview/tensorboard.h"

#define QUEUE_BYTES ((size_t)1 << 62) /* one picture waits at a time, of any size */

cli_result log_is_there(reason why) {
  (void)why;
  return CLI_OK;
}

static cli_result refuse_status(bv_status status, reason why) {
  const cli_result result = status == BV_TB_ERROR_FILE ? CLI_WRITE
                            : status == BV_ERROR_VALUE ? CLI_UNSUPPORTED
                                                       : CLI_FAILED;
  return refuse(why, result, "%s", bv_last_error());
}

cli_result log_picture(cli_log *log, const cli_options *options, const picture *shown, reason why) {
  const int64_t shape[3] = {shown->height, shown->width, shown->channels};
  const bv_tensor pixels = bv_contiguous_tensor((void *)shown->pixels, BV_U8, BV_CPU, 3, shape);
  bv_tb_options how = BV_TB_OPTIONS_INIT;
  how.queue_bytes = QUEUE_BYTES;
  bv_status status = log->writer ? BV_OK : bv_tb_open(options->log, &how, &log->writer);
  if (status == BV_OK)
    status = bv_tb_add_image(log->writer, options->tag, options->step, &pixels, NULL, NULL);
  if (status == BV_OK)
    status = bv_tb_flush(log->writer);
  return status == BV_OK ? CLI_OK : refuse_status(status, why);
}

/* What it could say has been said. */
void log_close(cli_log *log) {
  (void)bv_tb_close(log->writer);
  log->writer = NULL;
}
