/* Reading and unpacking, with memory for what is wanted and no copies of it. */
#include "input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "pages.h"

#define FIRST_BYTES ((size_t)65536)  /* enough for the check of a format to decide */
#define SPARE_BYTES ((size_t)65536)  /* unpacked beyond the needed ones, to see the checksum after them */
#define ZLIB_BYTES ((size_t)1 << 30) /* zlib counts in 32 bits */

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

bool is_gzip(file_bytes file) { return file.size >= 2 && file.data[0] == 0x1f && file.data[1] == 0x8b; }

static bool is_complete(const input_bytes *bytes) {
  return bytes->needed != INPUT_UNDECIDED && bytes->size >= bytes->needed;
}

/* Makes room for at least one more byte, of `expected` in all, INPUT_ALL if nobody knows. What is needed gets
 * its place at once. Else the place is doubled, and gets no large pages: realloc() moves an area by its page
 * table, without a copy, only while all of the area is of one kind. */
static cli_result make_room(input_bytes *bytes, size_t expected, reason why) {
  const size_t limit = memory_limit(), wanted = smaller(bytes->needed, expected);
  if (bytes->size < bytes->capacity)
    return CLI_OK;
  const bool known = bytes->needed != INPUT_UNDECIDED && wanted != INPUT_ALL && wanted > bytes->size;
  if (known ? wanted > limit : bytes->size >= limit)
    return refuse(why, CLI_UNSUPPORTED, "it holds more than %zu bytes, a third of this machine's memory",
                  limit);
  size_t doubled = bytes->size <= limit / 2 ? bytes->size * 2 : limit;
  size_t capacity = known ? wanted : doubled < FIRST_BYTES ? FIRST_BYTES : doubled;
  uint8_t *data = realloc(bytes->data, capacity);
  if (data == NULL)
    return refuse(why, CLI_FAILED, "out of memory: %zu bytes could not be allocated", capacity);
  if (known)
    prefer_large_pages(data, capacity);
  bytes->data = data;
  bytes->capacity = capacity;
  return CLI_OK;
}

/* Asks the check until it has decided. */
static cli_result decide(input_bytes *bytes, input_check *check, reason why) {
  if (bytes->needed != INPUT_UNDECIDED || bytes->size == 0)
    return CLI_OK;
  return check((file_bytes){.data = bytes->data, .size = bytes->size}, &bytes->needed, why);
}

/* ---- Reading ---------------------------------------------------------------------------------------- */

static cli_result read_all(int descriptor, size_t expected, input_check *check, input_bytes *bytes,
                           reason why) {
  for (;;) {
    uint8_t spare;
    uint8_t *to = &spare; /* when all is there: does more follow? */
    size_t room = 1;
    if (!is_complete(bytes)) {
      cli_result result = make_room(bytes, expected, why);
      if (result != CLI_OK)
        return result;
      to = bytes->data + bytes->size;
      room =
          smaller(bytes->capacity, bytes->needed == INPUT_UNDECIDED ? SIZE_MAX : bytes->needed) - bytes->size;
    }
    ssize_t got = read(descriptor, to, room);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return refuse_error(why, CLI_UNREADABLE, errno);
    if (to == &spare)
      bytes->more = got > 0;
    if (to == &spare || got == 0)
      return CLI_OK;
    bytes->size += (size_t)got;
    if (bytes->needed == INPUT_UNDECIDED && is_gzip((file_bytes){.data = bytes->data, .size = bytes->size}))
      bytes->needed = INPUT_ALL;
    cli_result result = decide(bytes, check, why);
    if (result != CLI_OK)
      return result;
    bytes->more = is_complete(bytes) && bytes->size > bytes->needed;
  }
}

cli_result input_read(const char *path, input_check *check, input_bytes *bytes, reason why) {
  bool standard_input = strcmp(path, "-") == 0;
  int descriptor = standard_input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
  if (descriptor < 0)
    return refuse_error(why, CLI_UNREADABLE, errno);
  size_t expected = INPUT_ALL;
  struct stat status;
  if (fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode))
    expected = (size_t)status.st_size + 1; /* one more, so that the end is seen without growing */
  cli_result result = read_all(descriptor, expected, check, bytes, why);
  if (!standard_input)
    close(descriptor);
  return result;
}

/* ---- Unpacking -------------------------------------------------------------------------------------- */

typedef struct unpacking {
  z_stream stream;
  file_bytes file;
  size_t taken; /* of the file's bytes, handed to zlib */
  size_t spare; /* unpacked beyond the needed ones */
} unpacking;

/* Unpacks some more; what is beyond the needed bytes is only counted. Returns zlib's status in *status. */
static cli_result unpack_some(unpacking *from, input_bytes *bytes, int *status, reason why) {
  uint8_t unwanted[4096];
  z_stream *stream = &from->stream;
  const bool wanted = !is_complete(bytes);
  if (stream->avail_in == 0 && from->taken < from->file.size) {
    stream->next_in = (z_const Bytef *)(from->file.data + from->taken);
    stream->avail_in = (uInt)smaller(from->file.size - from->taken, ZLIB_BYTES);
    from->taken += stream->avail_in;
  }
  if (wanted) {
    cli_result result = make_room(bytes, INPUT_ALL, why);
    if (result != CLI_OK)
      return result;
  }
  size_t room = wanted ? smaller(bytes->capacity - bytes->size, ZLIB_BYTES) : sizeof unwanted;
  if (wanted && bytes->needed != INPUT_UNDECIDED)
    room = smaller(room, bytes->needed - bytes->size);
  stream->next_out = wanted ? bytes->data + bytes->size : unwanted;
  stream->avail_out = (uInt)room;
  *status = inflate(stream, Z_NO_FLUSH);
  room -= stream->avail_out;
  if (wanted)
    bytes->size += room;
  else
    from->spare += room;
  return CLI_OK;
}

/* After the last member: zeros are padding. */
static void look_behind(const unpacking *from, input_bytes *bytes) {
  const size_t at = from->taken - from->stream.avail_in, rest = from->file.size - at;
  for (size_t i = 0; i < rest; ++i)
    if (from->file.data[at + i] != 0)
      bytes->foreign_bytes = rest;
}

/* Before there is room for them, what is needed is compared with what gzip data can hold. */
static cli_result check_needed(const unpacking *from, const input_bytes *bytes, reason why) {
  const size_t most = unfold_limit(from->file.size);
  if (bytes->needed == INPUT_ALL || bytes->needed <= most)
    return CLI_OK;
  return refuse(why, CLI_UNREADABLE,
                "cut off: its header asks for %zu bytes, and its gzip data can hold only %zu", bytes->needed,
                most);
}

static cli_result unpack_all(unpacking *from, input_check *check, input_bytes *bytes, reason why) {
  z_stream *stream = &from->stream;
  while (from->spare < SPARE_BYTES) {
    int status;
    cli_result result = check_needed(from, bytes, why);
    if (result == CLI_OK)
      result = unpack_some(from, bytes, &status, why);
    if (result == CLI_OK)
      result = decide(bytes, check, why);
    if (result == CLI_OK)
      result = check_needed(from, bytes, why);
    if (result != CLI_OK)
      return result;
    const size_t at = from->taken - stream->avail_in;
    const file_bytes rest = {.data = from->file.data + at, .size = from->file.size - at};
    if (status == Z_STREAM_END && is_gzip(rest))
      inflateReset(stream);
    else if (status == Z_STREAM_END) {
      look_behind(from, bytes);
      break;
    } else if (status == Z_BUF_ERROR) /* there was room, so what it lacks is input */
      return refuse(why, CLI_UNREADABLE, "cut off: its gzip data ends early");
    else if (status == Z_MEM_ERROR)
      return refuse(why, CLI_FAILED, "out of memory: zlib could not go on");
    else if (status != Z_OK)
      return refuse(why, CLI_UNREADABLE, "damaged gzip data (%s)", stream->msg ? stream->msg : "no detail");
  }
  bytes->more = is_complete(bytes) && (from->spare > 0 || bytes->size > bytes->needed);
  return CLI_OK;
}

cli_result input_unpack(file_bytes file, input_check *check, input_bytes *bytes, reason why) {
  unpacking from = {.file = file};
  if (inflateInit2(&from.stream, 32 + MAX_WBITS) != Z_OK)
    return refuse(why, CLI_FAILED, "out of memory: zlib could not be started");
  cli_result result = unpack_all(&from, check, bytes, why);
  inflateEnd(&from.stream);
  return result;
}

static cli_result check_nothing(file_bytes beginning, size_t *needed, reason why) {
  (void)beginning, (void)needed, (void)why;
  return CLI_OK;
}

cli_result input_read_part(const char *path, size_t needed, input_bytes *bytes, reason why) {
  const size_t length = strlen(path);
  const bool is_packed = length > 3 && strcasecmp(path + length - 3, ".gz") == 0;
  bytes->needed = is_packed ? INPUT_ALL : needed;
  cli_result result = input_read(path, check_nothing, bytes, why);
  if (result != CLI_OK || !is_packed)
    return result;
  input_bytes unpacked = {.needed = needed};
  result = input_unpack((file_bytes){.data = bytes->data, .size = bytes->size}, check_nothing, &unpacked, why);
  free(bytes->data);
  *bytes = unpacked;
  return result;
}
