/* Endings, folders and what they leave. */
#include "names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "characters.h"

static const char *const endings[] = {".nii", ".hdr", ".img", ".dcm", ".dicom", ".ima", ".nrrd", ".nhdr",
                                      ".mha", ".mhd", ".mgh", ".mgz", ".npy",   ".png", ".tif",  ".tiff"};

char *joined(const char *first, const char *second, const char *third) {
  const size_t bytes = strlen(first) + strlen(second) + strlen(third) + 1;
  char *text = malloc(bytes);
  if (text != NULL)
    snprintf(text, bytes, "%s%s%s", first, second, third);
  return text;
}

const char *last_name(const char *path, size_t *bytes) {
  const char *end = path + strlen(path);
  while (end > path && end[-1] == '/')
    --end;
  const char *begin = end;
  while (begin > path && begin[-1] != '/')
    --begin;
  *bytes = (size_t)(end - begin);
  return begin;
}

/* Takes the ending away if there is one, and something before it. */
static bool ends_in(const char *name, size_t *bytes, const char *ending) {
  const size_t ending_bytes = strlen(ending);
  if (*bytes <= ending_bytes || strncasecmp(name + *bytes - ending_bytes, ending, ending_bytes) != 0)
    return false;
  *bytes -= ending_bytes;
  return true;
}

static bool take_format(const char *name, size_t *bytes) {
  for (size_t i = 0; i < sizeof endings / sizeof *endings; ++i)
    if (ends_in(name, bytes, endings[i]))
      return true;
  return false;
}

size_t stem_of(const char *name) {
  size_t bytes = strlen(name);
  ends_in(name, &bytes, ".gz");
  take_format(name, &bytes);
  return bytes;
}

bool claims_a_format(const char *name) {
  size_t bytes = strlen(name);
  ends_in(name, &bytes, ".gz");
  return take_format(name, &bytes);
}

char *picture_name(const char *path) {
  size_t bytes;
  const char *last = last_name(path, &bytes);
  char *name = strndup(last, bytes);
  if (name != NULL)
    name[stem_of(name)] = '\0';
  return name;
}

char *picture_tag(const char *given, const char *name, bool alone) {
  char *tag = given == NULL ? joined(name, "", "") : alone ? joined(given, "", "") : joined(given, "/", name);
  if (tag != NULL)
    make_harmless(tag);
  return tag;
}
