/* A C program that uses an installed batchview::ddp: a job of one rank, and a rank that cannot be. */
#include <batchview/ddp.h>
#include <stdio.h>

int main(void) {
  bv_ddp_options options = BV_DDP_OPTIONS_INIT;
  bv_ddp_group *group = NULL;
  options.backend = BV_DDP_BACKEND_NONE;
  options.device = BV_CPU;
  if (bv_setup_ddp(0, 1, &options, &group) != BV_OK || bv_ddp_finish(group) != BV_OK) {
    fprintf(stderr, "%s\n", bv_last_error());
    return 1;
  }
  return bv_setup_ddp(2, 2, &options, &group) != BV_DDP_ERROR_RANK;
}
