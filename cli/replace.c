/* What --force is for. */
#define _GNU_SOURCE /* eaccess(). NOLINT(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
#include "replace.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Whatever its name is. */
typedef struct file_identity {
  dev_t device;
  ino_t number;
} file_identity;

static int by_identity(const void *left, const void *right) {
  const file_identity *a = left, *b = right;
  if (a->device != b->device)
    return a->device < b->device ? -1 : 1;
  return a->number < b->number ? -1 : a->number > b->number;
}

static file_identity identity_of(const struct stat *facts) {
  return (file_identity){.device = facts->st_dev, .number = facts->st_ino};
}

/* All files that are read, sorted. */
typedef struct read_files {
  file_identity *files; /* owned */
  size_t count;
} read_files;

static void add_read_file(read_files *all, const char *path) {
  struct stat facts;
  if ((strcmp(path, "-") == 0 ? fstat(STDIN_FILENO, &facts) : stat(path, &facts)) == 0)
    all->files[all->count++] = identity_of(&facts);
}

static cli_result find_read_files(const cli_options *options, read_files *all, reason why) {
  const char *const companions[] = {options->mask, options->overlay, options->overlay_image};
  const size_t count = (size_t)options->input_count + sizeof companions / sizeof *companions;
  *all = (struct read_files){.files = calloc(count, sizeof *all->files)};
  if (all->files == NULL)
    return refuse(why, CLI_FAILED, "out of memory");
  for (int i = 0; i < options->input_count; ++i)
    add_read_file(all, options->inputs[i]);
  for (size_t i = 0; i < sizeof companions / sizeof *companions; ++i)
    if (companions[i])
      add_read_file(all, companions[i]);
  qsort(all->files, all->count, sizeof *all->files, by_identity);
  return CLI_OK;
}

static cli_result check_output(const char *path, const read_files *all, reason why) {
  static const char *const way_out = "--force replaces it";
  struct stat output;
  if (strcmp(path, "-") == 0 || stat(path, &output) != 0 || !S_ISREG(output.st_mode))
    return CLI_OK;
  const file_identity identity = identity_of(&output);
  if (bsearch(&identity, all->files, all->count, sizeof identity, by_identity))
    return refuse(why, CLI_WRITE, "it is an input too; %s", way_out);
  /* Root may write to any file, and still means something by making it read-only. */
  if ((output.st_mode & 0222) == 0 || eaccess(path, W_OK) != 0)
    return refuse(why, CLI_WRITE, "it is read-only; %s", way_out);
  return CLI_OK;
}

cli_result check_replacements(const cli_options *options, const char *const *outputs, size_t count,
                              const char **subject, reason why) {
  read_files all;
  *subject = NULL;
  if (options->force)
    return CLI_OK;
  cli_result result = find_read_files(options, &all, why);
  for (size_t i = 0; i < count && result == CLI_OK; ++i) {
    *subject = outputs[i];
    result = check_output(outputs[i], &all, why);
  }
  free(all.files);
  return result;
}
