/* The inputs that arguments stand for when each is a picture of its own: files, folders, patterns. */
#ifndef BV_CLI_INPUTS_H
#define BV_CLI_INPUTS_H

#include "options.h"

typedef struct found_input {
  char *path; /* owned, and so is: */
  char *name; /* its picture's, without an ending; of a folder's file with the folders on the way to it */
} found_input;

typedef struct input_list {
  found_input *inputs;
  size_t count, capacity;
  size_t others; /* files in folders that are none, and links to folders */
} input_list;

/* Finds the inputs of options->inputs, in order:
 *
 * An argument that is there is an input, unless it is a folder. Another one is a pattern of glob(3), whose
 * matches are arguments, but for the output, pipes and devices; without matches it is an input that cannot be
 * read.
 *
 * A folder that has DICOM files of one series, and no other pictures, is one input. Of another each file is one
 * that is of a format that is read, or claims it by its name, or cannot be opened; not those whose names begin
 * with a point. Folders inside are looked into with options->recursive, those that links lead to excepted, and
 * the output.
 *
 * Freed by inputs_free() also on failure: CLI_FAILED without memory, one line in `why`. */
cli_result find_inputs(const cli_options *options, input_list *list, reason why);

void inputs_free(input_list *list);

#endif
