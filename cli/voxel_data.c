/* Finding, unpacking and loading voxels. */
#include "voxel_data.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "input.h"

/* ---- Where -------------------------------------------------------------------------------------------- */

/* Whether a name stays in its folder. */
static bool stays_inside(text_slice name) {
  if (name.bytes == 0 || name.text[0] == '/' || memchr(name.text, '\0', name.bytes) != NULL)
    return false;
  for (size_t at = 0; at < name.bytes;) {
    const char *part = name.text + at, *slash = memchr(part, '/', name.bytes - at);
    const size_t bytes = slash != NULL ? (size_t)(slash - part) : name.bytes - at;
    if (bytes == 2 && memcmp(part, "..", 2) == 0)
      return false;
    at += bytes + 1;
  }
  return true;
}

/* The path of the named file, to be freed. */
static cli_result find_file(text_slice name, const char *header_path, char **path, reason why) {
  if (header_path == NULL)
    return refuse(why, CLI_UNSUPPORTED,
                  "its voxels are in another file, '%.*s', and without the name of a file of its own nothing "
                  "tells where that is",
                  QUOTED(name));
  if (!stays_inside(name))
    return refuse(why, CLI_UNSUPPORTED,
                  "its voxels are in '%.*s'; only files in the header's own folder and below are read",
                  QUOTED(name));
  const char *slash = strrchr(header_path, '/');
  const size_t folder = slash != NULL ? (size_t)(slash + 1 - header_path) : 0;
  *path = malloc(folder + name.bytes + 1);
  if (*path == NULL)
    return refuse(why, CLI_FAILED, "out of memory");
  memcpy(*path, header_path, folder);
  memcpy(*path + folder, name.text, name.bytes);
  (*path)[folder + name.bytes] = '\0';
  struct stat facts;
  if (stat(*path, &facts) != 0)
    return refuse(why, CLI_UNREADABLE, "its voxels are in '%.*s': %s", QUOTED(name), strerror(errno));
  if (!S_ISREG(facts.st_mode))
    return refuse(why, CLI_UNREADABLE, "its voxels are in '%.*s', which is no regular file", QUOTED(name));
  return CLI_OK;
}

/* The bytes of the file with the voxels, up to the last voxel; INPUT_ALL if that cannot be told. */
static size_t wanted_bytes(const voxel_data *place, size_t bytes) {
  size_t end;
  if (place->packed || place->line_skip > 0 || place->byte_skip < 0 ||
      __builtin_add_overflow((size_t)place->byte_skip, bytes, &end))
    return INPUT_ALL;
  return end;
}

size_t voxel_data_extent(const voxel_data *place, size_t bytes) {
  size_t end = place->header_bytes;
  if (place->file.text == NULL && __builtin_add_overflow(end, wanted_bytes(place, bytes), &end))
    return INPUT_ALL;
  return end;
}

/* ---- What --------------------------------------------------------------------------------------------- */

static cli_result skip_lines(file_bytes *data, int64_t lines, reason why) {
  for (int64_t i = 0; i < lines; ++i) {
    const uint8_t *end = memchr(data->data, '\n', data->size);
    if (end == NULL)
      return refuse(why, CLI_UNREADABLE, "cut off: it has fewer lines than the %lld that are skipped",
                    (long long)lines);
    data->size -= (size_t)(end + 1 - data->data);
    data->data = end + 1;
  }
  return CLI_OK;
}

static cli_result load_plain(file_bytes data, int64_t byte_skip, stored_numbers *numbers, source *into,
                             reason why) {
  const size_t bytes = numbers->count * stored_size(numbers->type);
  const size_t skip = byte_skip >= 0 ? (size_t)byte_skip : data.size - (bytes < data.size ? bytes : data.size);
  const size_t held = skip < data.size ? data.size - skip : 0;
  if (held < bytes)
    return refuse(why, CLI_UNREADABLE, "cut off: its sizes ask for %zu bytes, and it has only %zu", bytes,
                  held);
  numbers->data = data.data + skip;
  return load_numbers(numbers, into, why);
}

static cli_result load_packed(file_bytes data, const voxel_data *place, stored_numbers *numbers, source *into,
                              reason why) {
  input_bytes unpacked = {.needed = numbers->count * stored_size(numbers->type)};
  if (place->packed_bytes > 0 && place->packed_bytes < data.size)
    data.size = place->packed_bytes;
  if (__builtin_add_overflow(unpacked.needed, (size_t)place->byte_skip, &unpacked.needed))
    return refuse(why, CLI_UNREADABLE, "its sizes ask for more than 2^64 bytes");
  cli_result result = input_unpack(data, NULL, &unpacked, why);
  if (result == CLI_OK)
    result = load_plain((file_bytes){.data = unpacked.data, .size = unpacked.size}, place->byte_skip, numbers,
                        into, why);
  if (result == CLI_OK && unpacked.foreign_bytes > 0)
    warn(into, "%zu bytes that are not gzip follow its gzip data; they are ignored", unpacked.foreign_bytes);
  free(unpacked.data);
  return result;
}

static cli_result load(file_bytes data, const voxel_data *place, stored_numbers *numbers, source *into,
                       reason why) {
  cli_result result = skip_lines(&data, place->line_skip, why);
  if (result != CLI_OK)
    return result;
  return place->packed ? load_packed(data, place, numbers, into, why)
                       : load_plain(data, place->byte_skip, numbers, into, why);
}

cli_result load_voxel_data(const voxel_data *place, file_bytes header, stored_numbers *numbers, source *into,
                           reason why) {
  if (place->file.text == NULL)
    return load(
        (file_bytes){.data = header.data + place->header_bytes, .size = header.size - place->header_bytes},
        place, numbers, into, why);
  char *path = NULL, text[200] = "";
  input_bytes bytes = {.needed = wanted_bytes(place, numbers->count * stored_size(numbers->type))};
  cli_result result = find_file(place->file, header.path, &path, why);
  if (result == CLI_OK) {
    const reason inner = {text, sizeof text};
    result = input_read(path, NULL, &bytes, inner);
    if (result == CLI_OK)
      result = load((file_bytes){.data = bytes.data, .size = bytes.size}, place, numbers, into, inner);
    if (result != CLI_OK)
      refuse(why, result, "its voxels in '%.*s': %s", QUOTED(place->file), text);
  }
  free(bytes.data);
  free(path);
  return result;
}
