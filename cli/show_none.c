/* Stands in for showing pictures. */
#include "show.h"

cli_result show_is_there(reason why) {
  return refuse(why, CLI_USAGE,
                "--show: this batchview was built without chafa, which shows pictures in terminals "
                "(BATCHVIEW_SHOW)");
}

cli_result show_picture(const picture *shown, reason why) {
  (void)shown;
  return show_is_there(why);
}
