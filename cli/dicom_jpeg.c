/* The module with DCMTK's codecs: where it is, and one frame for it. */
#include "dicom_jpeg.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dicom_codec.h"

/* Beside the program where it was built, and from its directory where it was installed. */
static const char *const places[] = {"batchview_dicom.so", BATCHVIEW_MODULES "/batchview_dicom.so"};

/* NULL, with one line in `text`, if there is no module or it cannot be loaded. */
static void *load_module(char *text, size_t text_bytes) {
  char path[PATH_MAX];
  ssize_t bytes = readlink("/proc/self/exe", path, sizeof path - 1);
  path[bytes > 0 ? bytes : 0] = '\0';
  char *name = strrchr(path, '/');
  for (size_t i = 0; name != NULL && i < sizeof places / sizeof places[0]; ++i) {
    const size_t room = sizeof path - (size_t)(name + 1 - path);
    if (strlen(places[i]) >= room)
      continue;
    memcpy(name + 1, places[i], strlen(places[i]) + 1);
    if (access(path, F_OK) != 0)
      continue;
    void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (module == NULL)
      snprintf(text, text_bytes, "%s", dlerror());
    return module;
  }
  snprintf(text, text_bytes,
           "there is no batchview_dicom.so beside the program, or in " BATCHVIEW_MODULES " from it");
  return NULL;
}

static dicom_jpeg_unpack *find_codec(char *text, size_t text_bytes) {
  static dicom_jpeg_unpack *codec; /* kept: DCMTK registers its codecs once */
  if (codec == NULL) {
    void *module = load_module(text, text_bytes), *symbol = NULL;
    if (module != NULL && (symbol = dlsym(module, DICOM_JPEG_UNPACK)) == NULL)
      snprintf(text, text_bytes, "%s", dlerror());
    memcpy(&codec, &symbol, sizeof codec); /* POSIX makes a function of it, ISO C has no cast for that */
  }
  return codec;
}

cli_result dicom_jpeg_is_there(const char *name, reason why) {
  char text[256];
  if (find_codec(text, sizeof text) != NULL)
    return CLI_OK;
  return refuse(why, CLI_UNSUPPORTED,
                "its DICOM pixels are %s, and DCMTK, which unpacks them, cannot be loaded: %s", name, text);
}

cli_result dicom_unpack_jpeg(const dicom_header *h, const uint8_t *packed, size_t packed_bytes, uint8_t *frame,
                             bool *rgb, reason why) {
  char text[256] = "";
  dicom_jpeg_frame one = {.syntax = h->contents.syntax,
                          .photometric = h->photometric,
                          .rows = (uint16_t)h->rows,
                          .columns = (uint16_t)h->columns,
                          .samples = (uint16_t)h->samples,
                          .bits_allocated = (uint16_t)h->bits_allocated,
                          .bits_stored = (uint16_t)h->bits_stored,
                          .high_bit = (uint16_t)h->high_bit,
                          .is_signed = h->is_signed,
                          .packed = packed,
                          .packed_bytes = (uint32_t)packed_bytes,
                          .frame = frame,
                          .frame_bytes = (uint32_t)(dicom_frame_bytes(h) + 1) & ~1u};
  dicom_jpeg_unpack *codec = find_codec(text, sizeof text);
  if (codec == NULL)
    return refuse(why, CLI_FAILED, "DCMTK cannot be loaded: %s", text);
  const dicom_jpeg_result result = codec(&one, text, sizeof text);
  *rgb = one.rgb;
  if (result == DICOM_JPEG_NO_MEMORY)
    return refuse(why, CLI_FAILED, "out of memory: DCMTK could not go on");
  if (result == DICOM_JPEG_DAMAGED)
    return refuse(why, CLI_UNREADABLE, "damaged DICOM file: its compressed pixels cannot be unpacked (%s)",
                  text);
  return CLI_OK;
}
