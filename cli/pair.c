/* Names of pairs. */
#include "pair.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* `path` without `ending` and perhaps .gz, in letters of either case; -1 if it ends otherwise. */
static int stem_bytes(const char *path, const char *ending) {
  size_t bytes = strlen(path), ending_bytes = strlen(ending);
  if (bytes > 3 && strcasecmp(path + bytes - 3, ".gz") == 0)
    bytes -= 3;
  if (bytes <= ending_bytes || strncasecmp(path + bytes - ending_bytes, ending, ending_bytes) != 0)
    return -1;
  return (int)(bytes - ending_bytes);
}

static char *beside(const char *path, const char *ending, const char *const endings[4]) {
  const int stem = stem_bytes(path, ending);
  if (stem < 0)
    return NULL;
  const size_t room = strlen(path) + 4; /* .gz may come to it */
  char *other = malloc(room);
  for (int i = 0; other != NULL && i < 4; ++i) {
    snprintf(other, room, "%.*s%s", stem, path, endings[i]);
    if (access(other, F_OK) == 0)
      return other;
  }
  free(other);
  return NULL;
}

char *header_beside(const char *image_path) {
  return beside(image_path, ".img", (const char *const[]){".hdr", ".hdr.gz", ".HDR", ".HDR.gz"});
}

char *image_beside(const char *header_path) {
  return beside(header_path, ".hdr", (const char *const[]){".img", ".img.gz", ".IMG", ".IMG.gz"});
}
