/* Folders and patterns as the inputs that are in them. */
#include "inputs.h"

#include <dirent.h>
#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "names.h"
#include "pair.h"
#include "reader.h"

typedef struct search {
  const cli_options *options;
  input_list *list;
  struct stat output; /* not looked into */
  bool has_output;
  reason why;
} search;

static cli_result refuse_memory(search *in) { return refuse(in->why, CLI_FAILED, "out of memory"); }

/* ---- Inputs ------------------------------------------------------------------------------------------ */

/* Adds a file or folder; its picture is called `name`, of which `bytes` count, in `folder`, "" or with a slash.
 */
static cli_result add_input(search *in, const char *path, const char *folder, const char *name, size_t bytes) {
  input_list *list = in->list;
  if (list->count == list->capacity) {
    const size_t capacity = list->capacity ? 2 * list->capacity : 64;
    found_input *longer = realloc(list->inputs, capacity * sizeof *longer);
    if (longer == NULL)
      return refuse_memory(in);
    list->inputs = longer;
    list->capacity = capacity;
  }
  found_input *added = &list->inputs[list->count++];
  *added = (found_input){.path = joined(path, "", ""), .name = joined(folder, name, "")};
  if (added->path == NULL || added->name == NULL)
    return refuse_memory(in);
  added->name[strlen(folder) + bytes] = '\0';
  return CLI_OK;
}

/* A folder as one input. */
static cli_result add_folder(search *in, const char *path, const char *inside) {
  size_t bytes = strlen(inside);
  if (bytes > 0)
    return add_input(in, path, "", inside, bytes);
  char *real = realpath(path, NULL); /* the name of "." */
  if (real == NULL && errno == ENOMEM)
    return refuse_memory(in);
  const char *name = last_name(real ? real : path, &bytes);
  cli_result result = add_input(in, path, "", name, bytes);
  free(real);
  return result;
}

/* ---- Folders ----------------------------------------------------------------------------------------- */

typedef enum entry_kind {
  ENTRY_NO_MEMORY, /* to tell */
  ENTRY_OTHER,
  ENTRY_PART, /* of an input, or the output */
  ENTRY_DICOM,
  ENTRY_PICTURE,
  ENTRY_FOLDER
} entry_kind;

typedef struct entry {
  char *path; /* owned */
  const char *name;
  entry_kind kind;
} entry;

typedef struct listing {
  struct dirent **names; /* owned, as scandir() has them */
  entry *entries;
  int count;
} listing;

static void listing_free(listing *all) {
  for (int i = 0; i < all->count; ++i) {
    free(all->names[i]);
    if (all->entries)
      free(all->entries[i].path);
  }
  free(all->names);
  free(all->entries);
}

static int is_shown(const struct dirent *each) { return each->d_name[0] != '.'; }

static bool is_output(const search *in, const struct stat *facts) {
  return in->has_output && facts->st_dev == in->output.st_dev && facts->st_ino == in->output.st_ino;
}

/* A file that cannot be opened is an input, so that it is not passed over in silence. */
static entry_kind kind_of(const search *in, const entry *each) {
  char header[PATH_MAX];
  struct stat facts;
  const bool there = lstat(each->path, &facts) == 0, is_link = there && S_ISLNK(facts.st_mode);
  if (!there || (is_link && stat(each->path, &facts) != 0))
    return ENTRY_PICTURE;
  if (S_ISDIR(facts.st_mode))
    return is_output(in, &facts) ? ENTRY_PART : is_link ? ENTRY_OTHER : ENTRY_FOLDER;
  if (!S_ISREG(facts.st_mode))
    return ENTRY_OTHER;
  if (header_beside(each->path, header))
    return ENTRY_PART;
  switch (source_guess(each->path)) {
  case GUESS_NO_MEMORY: return ENTRY_NO_MEMORY;
  case GUESS_DICOM: return ENTRY_DICOM;
  case GUESS_FOREIGN: return claims_a_format(each->name) ? ENTRY_PICTURE : ENTRY_OTHER;
  default: return ENTRY_PICTURE;
  }
}

static cli_result look_at_entries(search *in, const char *path, listing *all, int counts[]) {
  const bool slash = path[0] != '\0' && path[strlen(path) - 1] == '/';
  all->entries = calloc((size_t)all->count + 1, sizeof *all->entries);
  if (all->entries == NULL)
    return refuse_memory(in);
  for (int i = 0; i < all->count; ++i) {
    entry *each = &all->entries[i];
    each->name = all->names[i]->d_name;
    each->path = joined(path, slash ? "" : "/", each->name);
    each->kind = each->path ? kind_of(in, each) : ENTRY_NO_MEMORY;
    if (each->kind == ENTRY_NO_MEMORY)
      return refuse_memory(in);
    ++counts[each->kind];
  }
  return CLI_OK;
}

static cli_result add_files(search *in, const listing *all, const char *inside) {
  cli_result result = CLI_OK;
  char *folder = joined(inside, *inside ? "/" : "", "");
  if (folder == NULL)
    return refuse_memory(in);
  for (int i = 0; i < all->count && result == CLI_OK; ++i) {
    const entry *each = &all->entries[i];
    if (each->kind == ENTRY_DICOM || each->kind == ENTRY_PICTURE)
      result = add_input(in, each->path, folder, each->name, stem_of(each->name));
  }
  free(folder);
  return result;
}

static cli_result look_into(search *in, const char *path, const char *inside);

static cli_result look_into_folders(search *in, const listing *all, const char *inside) {
  cli_result result = CLI_OK;
  for (int i = 0; i < all->count && result == CLI_OK; ++i) {
    const entry *each = &all->entries[i];
    if (each->kind != ENTRY_FOLDER)
      continue;
    char *folder = joined(inside, *inside ? "/" : "", each->name);
    result = folder ? look_into(in, each->path, folder) : refuse_memory(in);
    free(folder);
  }
  return result;
}

/* `inside`: where the folder is in the argument's, "" for that one itself. */
static cli_result look_into(search *in, const char *path, const char *inside) {
  int counts[ENTRY_FOLDER + 1] = {0};
  listing all = {0};
  all.count = scandir(path, &all.names, is_shown, alphasort);
  if (all.count < 0)
    return errno == ENOMEM ? refuse_memory(in) : add_folder(in, path, inside); /* whose reading says why */
  cli_result result = look_at_entries(in, path, &all, counts);
  if (result == CLI_OK) {
    const bool dicom = counts[ENTRY_DICOM] > 0 && counts[ENTRY_PICTURE] == 0;
    const series_count series = dicom ? count_series(path) : SERIES_SEVERAL;
    in->list->others += (size_t)counts[ENTRY_OTHER] + (size_t)(series == SERIES_NONE ? counts[ENTRY_DICOM] : 0);
    if (series == SERIES_NO_MEMORY)
      result = refuse_memory(in);
    else if (series == SERIES_SEVERAL)
      result = add_files(in, &all, inside);
    else if (series != SERIES_NONE)
      result = add_folder(in, path, inside); /* one that cannot be read is told when it is */
  }
  if (result == CLI_OK && in->options->recursive)
    result = look_into_folders(in, &all, inside);
  listing_free(&all);
  return result;
}

/* ---- Arguments --------------------------------------------------------------------------------------- */

static cli_result add_argument(search *in, const char *path) {
  struct stat facts;
  if (stat(path, &facts) == 0 && S_ISDIR(facts.st_mode))
    return look_into(in, path, "");
  size_t bytes;
  const char *name = last_name(path, &bytes);
  return add_input(in, path, "", name, stem_of(name));
}

static int stops_search(const char *path, int error) {
  (void)path;
  return error == ENOMEM;
}

/* As in folders, neither the output is an input nor what may wait for ever for somebody to write, a pipe. */
static cli_result add_match(search *in, const char *path) {
  struct stat facts;
  const bool there = stat(path, &facts) == 0;
  if (there && is_output(in, &facts))
    return CLI_OK;
  if (!there || S_ISREG(facts.st_mode) || S_ISDIR(facts.st_mode))
    return add_argument(in, path);
  ++in->list->others;
  return CLI_OK;
}

static cli_result add_matches(search *in, const char *pattern) {
  glob_t matches;
  const int found = glob(pattern, 0, stops_search, &matches);
  cli_result result = CLI_OK;
  if (found == GLOB_NOSPACE || found == GLOB_ABORTED)
    return refuse_memory(in);
  if (found != 0)
    return add_argument(in, pattern);
  for (size_t i = 0; i < matches.gl_pathc && result == CLI_OK; ++i)
    result = add_match(in, matches.gl_pathv[i]);
  globfree(&matches);
  return result;
}

cli_result find_inputs(const cli_options *options, input_list *list, reason why) {
  *list = (struct input_list){0};
  search in = {.options = options, .list = list, .why = why};
  in.has_output = options->output && stat(options->output, &in.output) == 0;
  cli_result result = CLI_OK;
  for (int i = 0; i < options->input_count && result == CLI_OK; ++i) {
    struct stat facts;
    result = lstat(options->inputs[i], &facts) == 0 ? add_argument(&in, options->inputs[i])
                                                    : add_matches(&in, options->inputs[i]);
  }
  return result;
}

void inputs_free(input_list *list) {
  for (size_t i = 0; i < list->count; ++i) {
    free(list->inputs[i].path);
    free(list->inputs[i].name);
  }
  free(list->inputs);
  *list = (struct input_list){0};
}
