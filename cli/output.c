/* An output file while it is written. It gets its name when it is complete: until then it has none (O_TMPFILE),
 * so that whatever ends the process leaves nothing behind, or, where the file system does not have that, a
 * temporary one in the same directory. */
#define _GNU_SOURCE /* O_TMPFILE. NOLINT(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ending.h"

#define MOST_ATTEMPTS 1000 /* at a name that nobody else has */

/* ---- Beginning ---------------------------------------------------------------------------------------- */

/* Bytes of the directory in the path, with the slash. */
static int directory_length(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash == NULL ? 0 : (int)(slash - path + 1);
}

static void choose_temporary(output *out, unsigned attempt) {
  snprintf(out->temporary, out->temporary_bytes, "%.*s.batchview-%ld-%u.tmp", directory_length(out->final),
           out->final, (long)getpid(), attempt);
  remove_if_ended(out->temporary); /* before it is there: a signal may come at once */
}

/* Where an open file can be given a name. */
typedef struct descriptor_path {
  char text[32];
} descriptor_path;

static descriptor_path path_of_descriptor(int descriptor) {
  descriptor_path path;
  snprintf(path.text, sizeof path.text, "/proc/self/fd/%d", descriptor);
  return path;
}

static int open_nameless(output *out, mode_t permissions) {
#ifdef O_TMPFILE
  char *directory = out->temporary; /* which has room for it */
  snprintf(directory, out->temporary_bytes, "%.*s.", directory_length(out->final), out->final);
  int descriptor = open(directory, O_WRONLY | O_TMPFILE | O_CLOEXEC, permissions);
  if (descriptor >= 0 && access(path_of_descriptor(descriptor).text, F_OK) == 0)
    return descriptor;
  if (descriptor >= 0)
    close(descriptor);
#endif
  return -1;
}

static int open_named(output *out, mode_t permissions) {
  for (unsigned attempt = 0; attempt < MOST_ATTEMPTS; ++attempt) {
    choose_temporary(out, attempt);
    int descriptor = open(out->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, permissions);
    out->named = descriptor >= 0;
    if (out->named)
      return descriptor;
    remove_if_ended(NULL); /* that one is somebody else's */
    if (errno != EEXIST)
      break;
  }
  return -1;
}

/* Opens a new file for the directory of out->final. */
static int open_new(output *out, mode_t permissions) {
  out->temporary_bytes = (size_t)directory_length(out->final) + 64;
  out->temporary = malloc(out->temporary_bytes);
  if (out->temporary == NULL)
    return -1;
  int descriptor = open_nameless(out, permissions);
  return descriptor >= 0 ? descriptor : open_named(out, permissions);
}

/* Gives the new file what the old one has: owner and group as far as the system allows, and the permissions. A
 * group that is not the old one's may do what everybody may. Where this fails permissions are fewer, not more.
 */
static void take_after(int descriptor, const struct stat *old) {
  mode_t permissions = old->st_mode & 0777;
  if (fchown(descriptor, old->st_uid, old->st_gid) != 0 && fchown(descriptor, (uid_t)-1, old->st_gid) != 0)
    permissions = (permissions & 0707) | (permissions & 0070 & permissions << 3);
  (void)fchmod(descriptor, permissions);
}

/* Opens what becomes `path`: like the file that is there, else with the permissions that the umask leaves. */
static int open_replacement(output *out, const char *path) {
  struct stat status;
  out->final = realpath(path, NULL); /* through symbolic links, which stay */
  if (out->final != NULL) {
    if (stat(out->final, &status) != 0)
      return -1;
    int descriptor = open_new(out, status.st_mode & 0700); /* nobody else's before its group is known */
    if (descriptor >= 0)
      take_after(descriptor, &status);
    return descriptor;
  }
  if (errno != ENOENT || lstat(path, &status) == 0) /* a link that leads nowhere */
    return -1;
  out->final = strdup(path);
  return out->final == NULL ? -1 : open_new(out, 0666);
}

/* ---- End ---------------------------------------------------------------------------------------------- */

static bool rename_to_final(output *out) {
  out->named = rename(out->temporary, out->final) != 0;
  return !out->named;
}

/* A name can be given to a file without one only if nobody has it: another one first, to replace what is there.
 */
static bool name_nameless(output *out) {
  descriptor_path from = path_of_descriptor(fileno(out->stream));
  if (linkat(AT_FDCWD, from.text, AT_FDCWD, out->final, AT_SYMLINK_FOLLOW) == 0)
    return true;
  for (unsigned attempt = 0; errno == EEXIST && attempt < MOST_ATTEMPTS; ++attempt) {
    choose_temporary(out, attempt);
    out->named = linkat(AT_FDCWD, from.text, AT_FDCWD, out->temporary, AT_SYMLINK_FOLLOW) == 0;
    if (out->named)
      return rename_to_final(out);
    remove_if_ended(NULL);
  }
  return false;
}

static void forget(output *out) {
  if (out->named)
    unlink(out->temporary);
  remove_if_ended(NULL);
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
  cli_result result = refuse_error(why, CLI_WRITE, errno);
  if (descriptor >= 0)
    close(descriptor);
  forget(out);
  return result;
}

/* The name comes last: nobody finds a file that is not all there. */
static bool complete(output *out) {
  if (fflush(out->stream) != 0)
    return false;
  if (out->final == NULL)
    return true;
  return fsync(fileno(out->stream)) == 0 && (out->named ? rename_to_final(out) : name_nameless(out));
}

cli_result output_close(output *out, cli_result result, reason why) {
  if (result == CLI_OK && !complete(out))
    result = refuse_error(why, CLI_WRITE, errno);
  if (fclose(out->stream) != 0 && result == CLI_OK)
    result = refuse_error(why, CLI_WRITE, errno);
  forget(out);
  return result;
}
