/* Names of pictures in a directory, and what forbids them. */
#include "plan.h"

#include <stdlib.h>
#include <string.h>

#include "names.h"
#include "replace.h"
#include "values.h"

static cli_result name_pictures(const cli_options *options, cli_plan *plan, reason why) {
  const size_t count = plan->list.count;
  const char *ending = options->kind == OUTPUT_PNG ? ".png" : ".npy";
  char *folder = joined(options->output, ends_with(options->output, "/") ? "" : "/", "");
  plan->inputs = calloc(count + 1, sizeof *plan->inputs);
  plan->outputs = calloc(count + 1, sizeof *plan->outputs);
  bool named = folder && plan->inputs && plan->outputs;
  for (size_t i = 0; i < count && named; ++i) {
    plan->inputs[i] = plan->list.inputs[i].path;
    plan->outputs[i] = joined(folder, plan->list.inputs[i].name, ending);
    named = plan->outputs[i] != NULL;
  }
  free(folder);
  return named ? CLI_OK : refuse(why, CLI_FAILED, "out of memory");
}

typedef struct planned {
  const char *input, *output;
} planned;

static int by_output(const void *left, const void *right) {
  return strcmp(((const planned *)left)->output, ((const planned *)right)->output);
}

static cli_result check_names(const cli_plan *plan, const char **subject, reason why) {
  const size_t count = plan->list.count;
  planned *sorted = calloc(count + 1, sizeof *sorted);
  if (sorted == NULL)
    return refuse(why, CLI_FAILED, "out of memory");
  for (size_t i = 0; i < count; ++i)
    sorted[i] = (planned){plan->inputs[i], plan->outputs[i]};
  qsort(sorted, count, sizeof *sorted, by_output);
  cli_result result = CLI_OK;
  for (size_t i = 1; i < count && result == CLI_OK; ++i) {
    if (strcmp(sorted[i - 1].output, sorted[i].output) != 0)
      continue;
    *subject = sorted[i].output;
    result = refuse(why, CLI_USAGE, "'%.180s' and '%.180s' would both have this picture", sorted[i - 1].input,
                    sorted[i].input);
  }
  free(sorted);
  return result;
}

cli_result plan_pictures(const cli_options *options, cli_plan *plan, const char **subject, reason why) {
  *plan = (struct cli_plan){0};
  *subject = NULL;
  cli_result result = find_inputs(options, &plan->list, why);
  if (result == CLI_OK && plan->list.count == 0)
    return refuse(why, CLI_UNREADABLE, "no input: no file is of a format that is read%s",
                  options->recursive ? "" : "; --recursive looks into folders inside");
  if (result == CLI_OK)
    result = name_pictures(options, plan, why);
  if (result == CLI_OK)
    result = check_names(plan, subject, why);
  if (result != CLI_OK)
    return result;
  cli_options all = *options;
  all.inputs = plan->inputs;
  all.input_count = (int)plan->list.count;
  return check_replacements(&all, (const char *const *)plan->outputs, plan->list.count, subject, why);
}

void plan_free(cli_plan *plan) {
  for (size_t i = 0; i < plan->list.count && plan->outputs; ++i)
    free(plan->outputs[i]);
  free(plan->outputs);
  free(plan->inputs);
  inputs_free(&plan->list);
  *plan = (struct cli_plan){0};
}
