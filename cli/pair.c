/* Names of pairs. */
#include "pair.h"

#include <stdio.h>
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

static bool beside(const char *path, const char *ending, const char *const endings[4], char other[PATH_MAX]) {
  const int stem = stem_bytes(path, ending);
  if (stem < 0)
    return false;
  for (int i = 0; i < 4; ++i)
    if (snprintf(other, PATH_MAX, "%.*s%s", stem, path, endings[i]) < PATH_MAX && access(other, F_OK) == 0)
      return true;
  return false;
}

bool header_beside(const char *image_path, char header_path[PATH_MAX]) {
  return beside(image_path, ".img", (const char *const[]){".hdr", ".hdr.gz", ".HDR", ".HDR.gz"}, header_path);
}

bool image_beside(const char *header_path, char image_path[PATH_MAX]) {
  return beside(header_path, ".hdr", (const char *const[]){".img", ".img.gz", ".IMG", ".IMG.gz"}, image_path);
}
