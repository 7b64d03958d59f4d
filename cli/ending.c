/* Handlers for signals that end the process. */
#include "ending.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <unistd.h>

static char *volatile unfinished;

static void remove_unfinished(int number) {
  if (unfinished != NULL)
    unlink(unfinished);
  raise(number); /* and now it ends: SA_RESETHAND */
}

/* Those that the system ignores, or answers by stopping or going on. */
static bool ends_nothing(int number) {
  switch (number) {
  case SIGCHLD:
  case SIGCONT:
  case SIGTSTP:
  case SIGTTIN:
  case SIGTTOU:
  case SIGURG:
  case SIGWINCH: return true;
  default: return false;
  }
}

/* SIGKILL, SIGSTOP and those that libc keeps for itself cannot be handled. */
static void watch_signals(void) {
  const struct sigaction action = {.sa_handler = remove_unfinished, .sa_flags = SA_RESETHAND};
  for (int number = 1; number <= SIGRTMAX; ++number) {
    struct sigaction before;
    if (!ends_nothing(number) && sigaction(number, NULL, &before) == 0 && before.sa_handler == SIG_DFL)
      sigaction(number, &action, NULL);
  }
}

void remove_if_ended(char *path) {
  if (path != NULL)
    watch_signals();
  unfinished = path;
}
