/* A TIFF file in memory, as libtiff sees it. */
#include "tiff_input.h"

#include <stdio.h>
#include <string.h>

static tmsize_t read_bytes(thandle_t handle, void *out, tmsize_t count) {
  tiff_input *input = handle;
  if (count < 0 || input->position >= input->file.size)
    return 0;
  size_t rest = input->file.size - (size_t)input->position, taken = (size_t)count < rest ? (size_t)count : rest;
  memcpy(out, input->file.data + input->position, taken);
  input->position += taken;
  return (tmsize_t)taken;
}

static tmsize_t write_nothing(thandle_t handle, void *bytes, tmsize_t count) {
  (void)handle, (void)bytes, (void)count;
  return -1;
}

static toff_t seek_to(thandle_t handle, toff_t offset, int whence) {
  tiff_input *input = handle;
  uint64_t base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? input->position : input->file.size;
  input->position = base + offset; /* past the end nothing is read */
  return input->position;
}

static int close_nothing(thandle_t handle) {
  (void)handle;
  return 0;
}

static toff_t size_of_file(thandle_t handle) { return ((tiff_input *)handle)->file.size; }

static void note(tiff_input *input, const char *format, va_list arguments) {
  if (input->error[0] == '\0')
    vsnprintf(input->error, sizeof input->error, format, arguments);
}

#if TIFFLIB_VERSION >= 20221213 /* libtiff 4.5: handlers and limits of one file */

static int note_error(TIFF *tiff, void *user_data, const char *module, const char *format, va_list arguments) {
  (void)tiff, (void)module;
  note(user_data, format, arguments);
  return 1;
}

static int ignore_warning(TIFF *tiff, void *user_data, const char *module, const char *format,
                          va_list arguments) {
  (void)tiff, (void)user_data, (void)module, (void)format, (void)arguments;
  return 1;
}

TIFF *tiff_open(tiff_input *input) {
  TIFFOpenOptions *options = TIFFOpenOptionsAlloc();
  if (options == NULL)
    return NULL;
  size_t most = unfold_limit(input->file.size);
  TIFFOpenOptionsSetMaxSingleMemAlloc(options, most < PTRDIFF_MAX ? (tmsize_t)most : PTRDIFF_MAX);
  TIFFOpenOptionsSetErrorHandlerExtR(options, note_error, input);
  TIFFOpenOptionsSetWarningHandlerExtR(options, ignore_warning, input);
  TIFF *tiff = TIFFClientOpenExt("memory", "rm", input, read_bytes, write_nothing, seek_to, close_nothing,
                                 size_of_file, NULL, NULL, options);
  TIFFOpenOptionsFree(options);
  return tiff;
}

#else /* handlers of the process, and libtiff's own limits */

static void note_error(thandle_t handle, const char *module, const char *format, va_list arguments) {
  (void)module;
  if (handle != NULL)
    note(handle, format, arguments);
}

TIFF *tiff_open(tiff_input *input) {
  TIFFSetErrorHandler(NULL);
  TIFFSetWarningHandler(NULL);
  TIFFSetErrorHandlerExt(note_error);
  return TIFFClientOpen("memory", "rm", input, read_bytes, write_nothing, seek_to, close_nothing, size_of_file,
                        NULL, NULL);
}

#endif

cli_result tiff_refuse_damaged(const tiff_input *input, reason why) {
  return refuse(why, CLI_UNREADABLE, "damaged TIFF (%s)", input->error[0] != '\0' ? input->error : "cut off");
}
