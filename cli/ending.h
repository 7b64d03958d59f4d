/* What has to be done when a signal ends the process. */
#ifndef BV_CLI_ENDING_H
#define BV_CLI_ENDING_H

/* Every signal whose default is to end the process, SIGKILL excepted, removes `path` first; NULL for nothing
 * any more. Signals that are ignored or have a handler of somebody's stay as they are. */
void remove_if_ended(char *path);

#endif
