/* One rank of a TCP meeting, for meeting.py and its like:
 *     meet_rank RANK WORLD_SIZE HOST PORT JOB TIMEOUT_SECONDS
 * prints "ready", and when it is over one line: status, seconds, open descriptors and threads more than before,
 * and what it was given or what went wrong. BATCHVIEW_SECRET is the secret. TEST_GPU is the GPU that it is on;
 * not set, one of its own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "leaks.h"
#include "meet.h"

#define GIFT_BYTES 128

static int first_letter;

static bv_status make_gift(void *gift) {
  for (int i = 0; i < GIFT_BYTES; ++i)
    ((char *)gift)[i] = (char)('A' + (i + first_letter) % 26);
  return BV_OK;
}

/* The same number gives the same GPU, all on one host. */
static ddp_place place_of(int rank) {
  const char *gpu = getenv("TEST_GPU");
  ddp_place place;
  memset(&place, 0x44, sizeof place);
  memset(place.gpu, gpu ? atoi(gpu) : 100 + rank, sizeof place.gpu);
  return place;
}

int main(int argc, char **argv) {
  if (argc != 7)
    return 2;
  bv_ddp_options options = BV_DDP_OPTIONS_INIT;
  ddp_meeting meeting = {.rank = atoi(argv[1]),
                         .world_size = atoi(argv[2]),
                         .host = argv[3],
                         .port = atoi(argv[4]),
                         .job = strtoull(argv[5], NULL, 0),
                         .timeout_seconds = atof(argv[6])};
  char gift[GIFT_BYTES + 1] = "";
  meeting.place = place_of(meeting.rank);
  first_letter = (int)(meeting.job % 26);
  options.job = argv[5];
  if (ddp_read_key(&options, meeting.key, &meeting.has_secret) != BV_OK)
    return 3;
  puts("ready");
  fflush(stdout);
  int descriptors = count_descriptors(), threads = count_threads();
  ddp_time start = ddp_now();
  meeting.deadline = ddp_deadline_after(meeting.timeout_seconds);
  bv_status status = meeting.rank == 0 ? ddp_meet_as_host(&meeting, make_gift, gift, GIFT_BYTES)
                                       : ddp_meet_as_guest(&meeting, gift, GIFT_BYTES);
  double seconds = (double)(ddp_now() - start) * 1e-9;
  ddp_pause pause = DDP_PAUSE_LOCAL;
  ddp_time settled = ddp_deadline_after(1); /* a thread that has ended is counted for a moment more */
  while (count_threads() > threads && !ddp_has_passed(settled))
    ddp_sleep(&pause);
  printf("%d %.3f %d %d %s\n", status, seconds, count_descriptors() - descriptors, count_threads() - threads,
         status == BV_OK ? gift : bv_last_error());
  return 0;
}
