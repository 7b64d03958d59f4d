/* What --force is for. */
#define _GNU_SOURCE /* eaccess(). NOLINT(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
#include "replace.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_input(const struct stat *output, const char *path) {
  struct stat input;
  int found = strcmp(path, "-") == 0 ? fstat(STDIN_FILENO, &input) : stat(path, &input);
  return found == 0 && input.st_dev == output->st_dev && input.st_ino == output->st_ino;
}

cli_result check_replacement(const cli_options *options, reason why) {
  static const char *const way_out = "--force replaces it";
  struct stat output;
  if (options->force || strcmp(options->output, "-") == 0 || stat(options->output, &output) != 0 ||
      !S_ISREG(output.st_mode))
    return CLI_OK;
  bool read = (options->mask && is_input(&output, options->mask)) ||
              (options->overlay && is_input(&output, options->overlay));
  for (int i = 0; i < options->input_count && !read; ++i)
    read = is_input(&output, options->inputs[i]);
  if (read)
    return refuse(why, CLI_WRITE, "it is an input too; %s", way_out);
  /* Root may write to any file, and still means something by making it read-only. */
  if ((output.st_mode & 0222) == 0 || eaccess(options->output, W_OK) != 0)
    return refuse(why, CLI_WRITE, "it is read-only; %s", way_out);
  return CLI_OK;
}
