/* The event file, see file.h. */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "record.h"

#define HOST_BYTES 256
#define NAME_BYTES (HOST_BYTES + 96) /* events.out.tfevents. and three numbers */

static const mode_t directory_mode = 0777, file_mode = 0666; /* less what the process's umask takes */

/* ---- The directory ------------------------------------------------------------------------------------- */

/* Of a long path its end is named, as the reason must fit the message too. */
static bv_status fail_because(const char *what, const char *path, const char *reason) {
  enum { MOST_BYTES = 300 };
  const size_t bytes = strlen(path);
  const char *end = bytes > MOST_BYTES ? strchr(path + bytes - MOST_BYTES, '/') : NULL;
  return tb_fail(BV_TB_ERROR_FILE, "%s%.*s cannot be %s: %s", end ? "..." : "", MOST_BYTES, end ? end : path,
                 what, reason);
}

static bv_status fail_with(const char *what, const char *path, int error) {
  return fail_because(what, path, strerror(error));
}

/* A directory that is there already is success; something else in its place shows when it is used. */
static bv_status make_one(const char *path) {
  return mkdir(path, directory_mode) == 0 || errno == EEXIST ? BV_OK : fail_with("made", path, errno);
}

/* mkdir -p. `path` is the caller's to change, and comes back as it was. */
static bv_status make_directories(char *path) {
  for (char *end = path + 1; *end != '\0'; ++end)
    if (*end == '/') {
      struct stat found;
      *end = '\0';
      /* Where nothing may be made there may still be a way through. */
      bv_status status = stat(path, &found) == 0 ? BV_OK : make_one(path);
      *end = '/';
      TB_TRY(status);
    }
  return make_one(path);
}

static bv_status resolve(const char *directory, char **resolved) {
  char *path = strdup(directory);
  if (!path)
    return tb_fail(BV_ERROR_MEMORY, "no memory for the name of a log");
  bv_status status = make_directories(path);
  free(path);
  TB_TRY(status);
  *resolved = realpath(directory, NULL);
  return *resolved ? BV_OK : fail_with("found", directory, errno);
}

/* ---- A new file ---------------------------------------------------------------------------------------- */

/* Bytes of a host's name that could not be in a file's become '-'. */
static void name_host(char host[HOST_BYTES]) {
  if (gethostname(host, HOST_BYTES) != 0 || host[0] == '\0')
    snprintf(host, HOST_BYTES, "localhost");
  host[HOST_BYTES - 1] = '\0';
  for (char *c = host; *c != '\0'; ++c)
    if (*c == '/' || (unsigned char)*c <= ' ')
      *c = '-';
}

/* TensorBoard reads the files of a directory in the order of their names, and does not come back to one. */
static void choose_name(tb_file *file, char *path, size_t path_bytes) {
  static atomic_uint files; /* of this process */
  char host[HOST_BYTES];
  const int64_t now = (int64_t)time(NULL);
  file->seconds = now > file->seconds ? now : file->seconds + 1;
  name_host(host);
  snprintf(path, path_bytes, "%s/events.out.tfevents.%010" PRId64 ".%s.%ld.%u", file->directory, file->seconds,
           host, (long)getpid(), atomic_fetch_add(&files, 1));
}

/* How many bytes were written before an error, which is in errno unless all were. */
static size_t write_all(int descriptor, const uint8_t *bytes, size_t count) {
  size_t done = 0;
  while (done < count) {
    ssize_t more = write(descriptor, bytes + done, count - done);
    if (more < 0 && errno == EINTR)
      continue;
    if (more <= 0)
      break;
    done += (size_t)more;
  }
  return done;
}

/* A file without an event of its caller's is of no use. */
static void leave(tb_file *file) {
  if (file->whole_bytes <= file->first_bytes)
    unlink(file->path);
  close(file->descriptor);
  file->descriptor = -1;
}

static bv_status write_version(tb_file *file) {
  const tb_event version = {.kind = TB_EVENT_VERSION, .wall_time = tb_wall_time()};
  tb_bytes record = {0};
  if (!tb_append_event(&record, &version))
    return tb_fail(BV_ERROR_MEMORY, "no memory for a record");
  const bool all = write_all(file->descriptor, record.data, record.size) == record.size;
  bv_status status = all ? BV_OK : fail_with("written", file->path, errno);
  if (all)
    file->whole_bytes = file->first_bytes = (int64_t)record.size;
  tb_free_bytes(&record);
  return status;
}

static bv_status begin_file(tb_file *file) {
  const size_t path_bytes = strlen(file->directory) + NAME_BYTES;
  char *path = malloc(path_bytes);
  if (!path)
    return tb_fail(BV_ERROR_MEMORY, "no memory for the name of a log");
  free(file->path);
  file->path = path;
  do {
    choose_name(file, path, path_bytes);
    file->descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, file_mode);
  } while (file->descriptor < 0 && errno == EEXIST);
  if (file->descriptor < 0)
    return fail_with("made", path, errno);
  file->whole_bytes = file->first_bytes = 0;
  file->is_new = true;
  bv_status status = write_version(file);
  if (status != BV_OK)
    leave(file);
  return status;
}

bv_status tb_open_file(tb_file *file, const char *directory) {
  *file = (tb_file){.descriptor = -1};
  bv_status status = resolve(directory, &file->directory);
  if (status == BV_OK)
    status = begin_file(file);
  if (status != BV_OK)
    tb_close_file(file);
  return status;
}

void tb_close_file(tb_file *file) {
  if (file->descriptor >= 0)
    close(file->descriptor);
  file->descriptor = -1;
  tb_free_bytes(&file->unwritten);
  free(file->path);
  free(file->directory);
}

/* ---- Writing ------------------------------------------------------------------------------------------- */

bv_status tb_add_event(tb_file *file, const tb_event *event) {
  if (!tb_append_event(&file->unwritten, event))
    return tb_fail(BV_ERROR_MEMORY, "no memory for a record of \"%.64s\"", event->tag);
  ++file->records;
  return BV_OK;
}

/* What is written to a file without a name is seen by nobody. */
static bv_status check_that_it_is_there(const tb_file *file) {
  struct stat found;
  if (fstat(file->descriptor, &found) != 0)
    return fail_with("looked at", file->path, errno);
  return found.st_nlink > 0 ? BV_OK : fail_because("written", file->path, "it has been removed");
}

/* The unwritten records that lie in the first `bytes` bytes as a whole, and their bytes. */
static int64_t count_whole(const tb_file *file, size_t bytes, size_t *whole) {
  int64_t records = 0;
  *whole = 0;
  for (; records < file->records; ++records) {
    const size_t record = tb_record_bytes(file->unwritten.data + *whole);
    if (record > bytes - *whole)
      break;
    *whole += record;
  }
  return records;
}

static bv_status write_records(tb_file *file, int64_t *records) {
  *records = 0;
  if (file->descriptor < 0)
    TB_TRY(begin_file(file));
  bv_status status = check_that_it_is_there(file);
  if (status == BV_OK) {
    size_t whole;
    const size_t done = write_all(file->descriptor, file->unwritten.data, file->unwritten.size);
    if (done < file->unwritten.size)
      status = fail_with("written", file->path, errno);
    *records = count_whole(file, done, &whole);
    file->whole_bytes += (int64_t)whole;
    if (status !=
        BV_OK) /* if cutting fails too, there is part of a record at the end, which readers leave out */
      (void)!ftruncate(file->descriptor, file->whole_bytes);
  }
  if (status != BV_OK)
    leave(file);
  return status;
}

bv_status tb_write_file(tb_file *file, int64_t *written, int64_t *lost) {
  if (file->records == 0)
    return BV_OK;
  int64_t records;
  bv_status status = write_records(file, &records);
  *written += records;
  *lost += file->records - records;
  file->records = 0;
  file->unwritten.size = 0;
  return status;
}

/* A file's name is its directory's. Some file systems cannot be asked, and know it without. */
static bool sync_name(tb_file *file) {
  const int directory = open(file->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0)
    return false;
  const bool done = fsync(directory) == 0 || errno == EINVAL;
  const int error = errno;
  close(directory);
  errno = error;
  file->is_new = !done;
  return done;
}

bv_status tb_sync_file(tb_file *file) {
  if (file->descriptor < 0)
    return BV_OK;
  bv_status status = check_that_it_is_there(file);
  if (status == BV_OK && (fdatasync(file->descriptor) != 0 || (file->is_new && !sync_name(file))))
    status = fail_with("brought to the disk", file->path, errno);
  if (status != BV_OK)
    leave(file);
  return status;
}
