/* Directories of DICOM files: the pictures of one series, as one volume.
 *
 * Each file's header is read first, to put the slices in order; then the files are read one after the other, so
 * that no more than one is in memory beside the volume. */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "dicom_volume.h"
#include "input.h"

#define NAMED_SERIES 4 /* in a refusal */

/* A file with pixels. */
typedef struct picture_file {
  char *path; /* owned */
  dicom_header h;
} picture_file;

typedef struct directory {
  const char *path;
  picture_file *files;
  size_t count;
  size_t others; /* files that are no DICOM files, or have no pixels */
  dicom_slice *slices;
  size_t slice_count;
} directory;

static const char *name_of(const picture_file *file) { return strrchr(file->path, '/') + 1; }

static int by_name(const void *left, const void *right) {
  return strcmp(((const picture_file *)left)->path, ((const picture_file *)right)->path);
}

/* ---- Files ------------------------------------------------------------------------------------------- */

/* Reads as far as the pixels, or, of a file of another kind, as little as tells that. */
static cli_result check_header(file_bytes beginning, size_t *needed, reason why) {
  dicom_header h;
  if (beginning.size < 132)
    return CLI_OK;
  if (memcmp(beginning.data + 128, "DICM", 4) != 0) {
    *needed = beginning.size;
    return CLI_OK;
  }
  cli_result result = dicom_decode(beginning, false, &h, why);
  if (h.contents.complete)
    *needed = beginning.size;
  return h.contents.complete ? CLI_OK : result;
}

/* Adds a file if it is a DICOM file with pixels; *path is then the directory's. */
static cli_result add_file(directory *all, char **path, size_t file_size, reason why) {
  char text[300] = "";
  const reason inner = {text, sizeof text};
  input_bytes bytes = {0};
  dicom_header h = {0};
  cli_result result = input_read(*path, check_header, &bytes, inner);
  bool dicom = bytes.size >= 132 && memcmp(bytes.data + 128, "DICM", 4) == 0;
  if (result == CLI_OK && dicom) {
    result = dicom_decode((file_bytes){.data = bytes.data, .size = bytes.size}, true, &h, inner);
    dicom = !h.contents.complete || h.contents.pixels_tag != 0;
    if (result == CLI_OK)
      result = dicom_check_size(&h, file_size, inner);
  }
  free(bytes.data);
  if (!dicom && (result == CLI_OK || h.contents.complete)) {
    ++all->others;
    return CLI_OK;
  }
  if (result != CLI_OK) {
    dicom_header_free(&h);
    return refuse(why, result, "its file '%s': %s", strrchr(*path, '/') + 1, text);
  }
  picture_file *longer = realloc(all->files, (all->count + 1) * sizeof *longer);
  if (longer == NULL) {
    dicom_header_free(&h);
    return refuse(why, CLI_FAILED, "out of memory");
  }
  all->files = longer;
  longer[all->count++] = (picture_file){.path = *path, .h = h};
  *path = NULL;
  return CLI_OK;
}

/* Regular files whose names do not begin with a point; not those of directories inside. */
static cli_result add_files(directory *all, DIR *listing, reason why) {
  const struct dirent *entry;
  while (errno = 0, (entry = readdir(listing)) != NULL) {
    struct stat facts;
    const size_t room = strlen(all->path) + strlen(entry->d_name) + 2;
    if (entry->d_name[0] == '.')
      continue;
    char *path = malloc(room);
    if (path == NULL)
      return refuse(why, CLI_FAILED, "out of memory");
    snprintf(path, room, "%s/%s", all->path, entry->d_name);
    cli_result result = CLI_OK;
    if (stat(path, &facts) == 0 && S_ISREG(facts.st_mode))
      result = add_file(all, &path, (size_t)facts.st_size, why);
    free(path);
    if (result != CLI_OK)
      return result;
  }
  if (errno != 0)
    return refuse_error(why, CLI_UNREADABLE, errno);
  if (all->count > 0)
    qsort(all->files, all->count, sizeof *all->files, by_name);
  return CLI_OK;
}

/* ---- One series -------------------------------------------------------------------------------------- */

static bool is_new_series(const directory *all, size_t file) {
  for (size_t i = 0; i < file; ++i)
    if (strcmp(all->files[i].h.series, all->files[file].h.series) == 0)
      return false;
  return true;
}

static size_t count_of_series(const directory *all, size_t file) {
  size_t count = 0;
  for (size_t i = 0; i < all->count; ++i)
    count += strcmp(all->files[i].h.series, all->files[file].h.series) == 0;
  return count;
}

/* Names the series of a directory that has several, so that they can be told apart. */
static cli_result refuse_series(const directory *all, reason why) {
  char names[320] = "";
  size_t series = 0, end = 0;
  for (size_t i = 0; i < all->count && series <= NAMED_SERIES; ++i) {
    if (!is_new_series(all, i))
      continue;
    if (++series <= NAMED_SERIES)
      end += (size_t)snprintf(names + end, sizeof names - end, "%s%" PRId64 " '%.24s' (%zu files)",
                              series > 1 ? ", " : "", all->files[i].h.series_number,
                              all->files[i].h.series_name, count_of_series(all, i));
  }
  return refuse(why, CLI_UNSUPPORTED, "it has several DICOM series, %s%s; a directory of one is a volume",
                names, series > NAMED_SERIES ? ", ..." : "");
}

/* Whether all files are pictures of the same kind, of one series. */
static cli_result check_files(const directory *all, reason why) {
  const picture_file *first = &all->files[0];
  for (size_t i = 1; i < all->count; ++i) {
    const dicom_header *a = &first->h, *b = &all->files[i].h;
    if (strcmp(a->series, b->series) != 0)
      return refuse_series(all, why);
    if (a->rows != b->rows || a->columns != b->columns)
      return refuse(why, CLI_UNSUPPORTED,
                    "its DICOM files '%.60s' and '%.60s' have pictures of %" PRId64 " x %" PRId64
                    " and %" PRId64 " x %" PRId64 " pixels",
                    name_of(first), name_of(&all->files[i]), a->columns, a->rows, b->columns, b->rows);
    if (a->channels != b->channels || dicom_stored_type(a) != dicom_stored_type(b))
      return refuse(why, CLI_UNSUPPORTED, "its DICOM files '%.60s' and '%.60s' have pixels of different kinds",
                    name_of(first), name_of(&all->files[i]));
  }
  return CLI_OK;
}

static int by_file(const void *left, const void *right) {
  const dicom_slice *a = left, *b = right;
  return a->file < b->file ? -1 : a->file > b->file;
}

/* The slices of one file, which follow each other. */
static cli_result load_file(const picture_file *file, const dicom_slice *slices, size_t count, bool scaled,
                            source *into, reason why) {
  char text[300] = "";
  const reason inner = {text, sizeof text};
  input_bytes bytes = {.needed = INPUT_ALL};
  dicom_header h = {0};
  cli_result result = input_read(file->path, NULL, &bytes, inner);
  const file_bytes whole = {.data = bytes.data, .size = bytes.size};
  if (result == CLI_OK)
    result = dicom_decode(whole, true, &h, inner);
  if (result == CLI_OK &&
      (h.rows != file->h.rows || h.columns != file->h.columns || h.channels != file->h.channels ||
       h.frames != file->h.frames || dicom_stored_type(&h) != dicom_stored_type(&file->h)))
    result = refuse(inner, CLI_UNREADABLE, "it changes while it is read");
  if (result == CLI_OK)
    result = dicom_load_slices(&h, whole, slices, count, scaled, into, inner);
  dicom_header_free(&h);
  free(bytes.data);
  return result == CLI_OK ? result : refuse(why, result, "its file '%s': %s", name_of(file), text);
}

static cli_result load_files(directory *all, source *into, reason why) {
  stored_volume volume;
  const dicom_header *first = &all->files[0].h;
  cli_result result = CLI_OK;
  for (size_t i = 0; i < all->count && result == CLI_OK; ++i)
    result = dicom_add_slices(&all->files[i].h, i, &all->slices, &all->slice_count, why);
  if (result == CLI_OK)
    result = dicom_arrange(all->slices, all->slice_count, first, &volume, into, why);
  if (result != CLI_OK)
    return result;
  const bool scaled = dicom_is_scaled(all->slices, all->slice_count);
  if ((result = dicom_allocate(first, all->slice_count, scaled, into, why)) != CLI_OK)
    return result;
  qsort(all->slices, all->slice_count, sizeof *all->slices, by_file);
  for (size_t begin = 0, end; begin < all->slice_count && result == CLI_OK; begin = end) {
    const dicom_slice *slices = all->slices + begin;
    for (end = begin + 1; end < all->slice_count && all->slices[end].file == slices->file;)
      ++end;
    result = load_file(&all->files[slices->file], slices, end - begin, scaled, into, why);
  }
  if (result == CLI_OK)
    set_volume(into, &volume);
  return result;
}

static cli_result list_directory(directory *all, reason why) {
  DIR *listing = opendir(all->path);
  if (listing == NULL)
    return refuse_error(why, CLI_UNREADABLE, errno);
  cli_result result = add_files(all, listing, why);
  closedir(listing);
  return result;
}

static void directory_free(directory *all) {
  for (size_t i = 0; i < all->count; ++i) {
    dicom_header_free(&all->files[i].h);
    free(all->files[i].path);
  }
  free(all->files);
  free(all->slices);
}

series_count count_series(const char *path) {
  char text[8];
  directory all = {.path = path};
  const cli_result result = list_directory(&all, (reason){text, sizeof text});
  const series_count count = result == CLI_FAILED                    ? SERIES_NO_MEMORY
                             : result != CLI_OK                      ? SERIES_UNKNOWN
                             : all.count == 0                        ? SERIES_NONE
                             : count_of_series(&all, 0) == all.count ? SERIES_ONE
                                                                     : SERIES_SEVERAL;
  directory_free(&all);
  return count;
}

cli_result read_directory(const char *path, source *into, reason why) {
  directory all = {.path = path};
  cli_result result = list_directory(&all, why);
  if (result == CLI_OK && all.count == 0)
    result = refuse(why, CLI_UNREADABLE, "a directory without DICOM pictures among its %zu files", all.others);
  if (result == CLI_OK)
    result = check_files(&all, why);
  if (result == CLI_OK)
    result = load_files(&all, into, why);
  if (result == CLI_OK && all.others > 0)
    warn(into, "%zu of its files are no DICOM pictures; they are ignored", all.others);
  directory_free(&all);
  return result;
}
