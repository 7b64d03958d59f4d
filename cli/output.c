/* An output file while it is written: a temporary one in the same directory, renamed at the end. */
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The temporary file, for the signals that end the program. */
static char *volatile unfinished;

static void remove_unfinished(int number) {
  if (unfinished != NULL)
    unlink(unfinished);
  raise(number); /* and now it ends: SA_RESETHAND */
}

static void watch_signals(void) {
  static const int ending[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGXCPU, SIGXFSZ};
  for (size_t i = 0; i < sizeof ending / sizeof *ending; ++i) {
    struct sigaction before, action = {.sa_handler = remove_unfinished, .sa_flags = SA_RESETHAND};
    if (sigaction(ending[i], NULL, &before) == 0 && before.sa_handler == SIG_DFL)
      sigaction(ending[i], &action, NULL);
  }
}

/* Opens a new file in the directory of out->final. */
static int open_temporary(output *out, mode_t permissions) {
  const char *slash = strrchr(out->final, '/');
  int directory = slash == NULL ? 0 : (int)(slash - out->final + 1);
  size_t bytes = (size_t)directory + 64;
  out->temporary = malloc(bytes);
  if (out->temporary == NULL)
    return -1;
  int descriptor = -1;
  watch_signals();
  for (unsigned attempt = 0; descriptor < 0 && attempt < 1000; ++attempt) {
    snprintf(out->temporary, bytes, "%.*s.batchview-%ld-%u.tmp", directory, out->final, (long)getpid(),
             attempt);
    unfinished = out->temporary; /* before it is there: a signal may come at once */
    descriptor = open(out->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, permissions);
    if (descriptor < 0) {
      unfinished = NULL;
      if (errno != EEXIST)
        break;
    }
  }
  return descriptor;
}

/* Opens what becomes `path`: with the permissions of the file that is there, else with those that the umask
 * leaves. */
static int open_replacement(output *out, const char *path) {
  struct stat status;
  out->final = realpath(path, NULL); /* through symbolic links, which stay */
  if (out->final != NULL) {
    if (stat(out->final, &status) != 0)
      return -1;
    mode_t permissions = status.st_mode & 0777;
    int descriptor = open_temporary(out, permissions);
    if (descriptor >= 0)
      fchmod(descriptor, permissions); /* what the umask took; where it fails they are fewer, not more */
    return descriptor;
  }
  if (errno != ENOENT || lstat(path, &status) == 0) /* a link that leads nowhere */
    return -1;
  out->final = strdup(path);
  return out->final == NULL ? -1 : open_temporary(out, 0666);
}

static void forget(output *out) {
  unfinished = NULL;
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
    descriptor = open_replacement(out, path);
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
