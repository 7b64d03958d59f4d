/* An output file while it is written: a temporary one in the same directory, renamed at the end. */
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Opens a new file in the directory of out->final, with the permissions that the umask leaves. */
static int open_temporary(output *out) {
  const char *slash = strrchr(out->final, '/');
  int directory = slash == NULL ? 0 : (int)(slash - out->final + 1);
  size_t bytes = (size_t)directory + 64;
  out->temporary = malloc(bytes);
  if (out->temporary == NULL)
    return -1;
  int descriptor = -1;
  for (unsigned attempt = 0; descriptor < 0 && attempt < 1000; ++attempt) {
    snprintf(out->temporary, bytes, "%.*s.batchview-%ld-%u.tmp", directory, out->final, (long)getpid(),
             attempt);
    descriptor = open(out->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor < 0 && errno != EEXIST)
      break;
  }
  return descriptor;
}

static void forget(output *out) {
  free(out->temporary);
  free(out->final);
  *out = (struct output){0};
}

cli_result output_open(const char *path, output *out, reason why) {
  *out = (struct output){0};
  struct stat status;
  int descriptor;
  if (strcmp(path, "-") == 0 || strcmp(path, "/dev/stdout") == 0) {
    descriptor = dup(STDOUT_FILENO);
  } else if (stat(path, &status) == 0 && !S_ISREG(status.st_mode)) {
    descriptor = open(path, O_WRONLY | O_CLOEXEC);
  } else {
    out->final = realpath(path, NULL); /* through symbolic links, which stay */
    if (out->final == NULL)
      out->final = strdup(path);
    descriptor = out->final == NULL ? -1 : open_temporary(out);
  }
  if (descriptor >= 0) {
    out->stream = fdopen(descriptor, "wb");
    if (out->stream != NULL)
      return CLI_OK;
  }
  cli_result result = refuse(why, CLI_WRITE, "%s", strerror(errno));
  if (descriptor >= 0) {
    close(descriptor);
    if (out->temporary != NULL)
      unlink(out->temporary);
  }
  forget(out);
  return result;
}

cli_result output_close(output *out, cli_result result, reason why) {
  bool sound = fflush(out->stream) == 0;
  if (sound && out->temporary != NULL)
    sound = fsync(fileno(out->stream)) == 0;
  int error = errno;
  if (fclose(out->stream) != 0 && sound) {
    sound = false;
    error = errno;
  }
  if (sound && result == CLI_OK && out->temporary != NULL && rename(out->temporary, out->final) != 0) {
    sound = false;
    error = errno;
  }
  if (result == CLI_OK && !sound)
    result = refuse(why, CLI_WRITE, "%s", strerror(error));
  if (result != CLI_OK && out->temporary != NULL)
    unlink(out->temporary);
  forget(out);
  return result;
}
