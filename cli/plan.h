/* Which picture is made of which input, where each input has one of its own. */
#ifndef BV_CLI_PLAN_H
#define BV_CLI_PLAN_H

#include "inputs.h"

typedef struct cli_plan {
  input_list list;
  char **inputs;          /* list.count of each; the arrays are owned, and what is in these: */
  char **outputs, **tags; /* NULL where the options name no output, no log */
} cli_plan;

/* Finds the inputs, names their pictures, and looks before any is made whether two have the same name or one
 * would replace what it must not. On failure one line in `why` about the file *subject, NULL for none. Freed by
 * plan_free() in any case. */
cli_result plan_pictures(const cli_options *options, cli_plan *plan, const char **subject, reason why);

void plan_free(cli_plan *plan);

#endif
