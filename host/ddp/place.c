/* Hosts and GPUs, see place.h. */
#include "place.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "device.h"
#include "report.h"

static void identify(const char *text, size_t bytes, unsigned char identity[DDP_IDENTITY_BYTES]) {
  crypto_generichash(identity, DDP_IDENTITY_BYTES, (const unsigned char *)text, bytes, NULL, 0);
}

/* As NCCL does: NCCL_HOSTID, or the host's name and the number of its boot, which containers of one host share.
 */
static void identify_host(unsigned char identity[DDP_IDENTITY_BYTES]) {
  const char *given = getenv("NCCL_HOSTID");
  if (given && *given) {
    identify(given, strlen(given), identity);
    return;
  }
  char text[512] = "";
  gethostname(text, 256); /* a failure of this or the next leaves less to tell hosts apart by */
  text[256] = '\0';
  size_t length = strlen(text);
  FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
  if (file) {
    length += fread(text + length, 1, 64, file);
    fclose(file);
  }
  identify(text, length, identity);
}

/* By the name too: the UUID of a GPU that is cut into slices may be that of all its slices. */
static void identify_name(int device, unsigned char identity[DDP_IDENTITY_BYTES]) {
  const char *names = getenv("CUDA_VISIBLE_DEVICES");
  char ordinal[16];
  snprintf(ordinal, sizeof ordinal, "%d", device);
  for (int before = 0; names && before < device; ++before) {
    names = strchr(names, ',');
    names = names ? names + 1 : NULL;
  }
  const char *name = names ? names + strspn(names, " ") : ordinal;
  identify(name, strcspn(name, ", "), identity);
}

bv_status ddp_find_place(int device, ddp_place *place) {
  identify_host(place->host);
  identify_name(device, place->name);
  return ddp_identify_device(device, place->gpu);
}

bool ddp_is_same_gpu(const ddp_place *a, const ddp_place *b) { return memcmp(a, b, sizeof *a) == 0; }

void ddp_say_shared(int rank, int other, const ddp_place *place, char *text, size_t text_bytes) {
  const unsigned char *u = place->gpu;
  snprintf(
      text, text_bytes,
      "rank %d and rank %d share "
      "GPU-%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x: start at most one rank per "
      "GPU, and show or give (CUDA_VISIBLE_DEVICES, options->device) each rank its own",
      rank, other, u[0], u[1], u[2], u[3], u[4], u[5], u[6], u[7], u[8], u[9], u[10], u[11], u[12], u[13],
      u[14], u[15]);
}
