/* One output from its inputs: each is rendered, all are put together, and written. */
#ifndef BV_CLI_MAKE_H
#define BV_CLI_MAKE_H

#include "log.h"
#include "report.h"

/* How many steps of a progress bar that takes. */
int count_steps(const cli_options *options);

/* Makes options->output of options->inputs, puts it into options->log, with options->tag, and shows it in the
 * terminal, as the options ask for these. On failure one line in `why`, about the file *subject, NULL for none.
 * The report is freed by made_free() in any case. */
cli_result make_output(const cli_options *options, const cli_companions *companions, cli_log *log,
                       cli_progress *progress, cli_report *report, const char **subject, reason why);

void made_free(cli_report *report);

#endif
