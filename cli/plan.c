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
  const char *output = options->output ? options->output : "";
  char *folder = joined(output, ends_with(output, "/") ? "" : "/", "");
  plan->inputs = calloc(count + 1, sizeof *plan->inputs);
  plan->outputs = calloc(count + 1, sizeof *plan->outputs);
  plan->tags = calloc(count + 1, sizeof *plan->tags);
  bool named = folder && plan->inputs && plan->outputs && plan->tags;
  for (size_t i = 0; i < count && named; ++i) {
    plan->inputs[i] = plan->list.inputs[i].path;
    const char *name = plan->list.inputs[i].name;
    if (options->output)
      plan->outputs[i] = joined(folder, name, ending);
    if (options->log)
      plan->tags[i] = picture_tag(options->tag, name, count == 1);
    named = (plan->outputs[i] || !options->output) && (plan->tags[i] || !options->log);
  }
  free(folder);
  return named ? CLI_OK : refuse(why, CLI_FAILED, "out of memory");
}

typedef struct planned {
  const char *input, *result; /* a path, and what becomes of it: the path of a picture, or a tag */
} planned;

static int by_result(const void *left, const void *right) {
  return strcmp(((const planned *)left)->result, ((const planned *)right)->result);
}

/* Refuses two inputs of one result; `what` it is. */
static cli_result check_distinct(const cli_plan *plan, char *const *results, const char *what,
                                 const char **subject, reason why) {
  const size_t count = plan->list.count;
  planned *sorted = calloc(count, sizeof *sorted);
  if (sorted == NULL)
    return refuse(why, CLI_FAILED, "out of memory");
  for (size_t i = 0; i < count; ++i)
    sorted[i] = (planned){plan->inputs[i], results[i]};
  qsort(sorted, count, sizeof *sorted, by_result);
  cli_result result = CLI_OK;
  for (size_t i = 1; i < count && result == CLI_OK; ++i) {
    if (strcmp(sorted[i - 1].result, sorted[i].result) != 0)
      continue;
    *subject = sorted[i].result;
    result = refuse(why, CLI_USAGE, "'%.180s' and '%.180s' would both have this %s", sorted[i - 1].input,
                    sorted[i].input, what);
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
    result = options->output ? check_distinct(plan, plan->outputs, "picture", subject, why) : CLI_OK;
  if (result == CLI_OK && options->log) /* names that differ may have one tag, which is text */
    result = check_distinct(plan, plan->tags, "tag", subject, why);
  if (result != CLI_OK || !options->output)
    return result;
  cli_options all = *options;
  all.inputs = plan->inputs;
  all.input_count = (int)plan->list.count;
  return check_replacements(&all, (const char *const *)plan->outputs, plan->list.count, subject, why);
}

void plan_free(cli_plan *plan) {
  for (size_t i = 0; i < plan->list.count; ++i) {
    if (plan->outputs)
      free(plan->outputs[i]);
    if (plan->tags)
      free(plan->tags[i]);
  }
  free(plan->tags);
  free(plan->outputs);
  free(plan->inputs);
  inputs_free(&plan->list);
  *plan = (struct cli_plan){0};
}
