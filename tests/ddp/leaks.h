/* What a process holds, to be compared before and after. */
#ifndef BV_TEST_LEAKS_H
#define BV_TEST_LEAKS_H

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/wait.h>

static inline int count_entries(const char *directory) {
  int count = 0;
  DIR *entries = opendir(directory);
  while (entries && readdir(entries))
    ++count;
  if (entries)
    closedir(entries);
  return count;
}

static inline int count_descriptors(void) { return count_entries("/proc/self/fd"); }
static inline int count_threads(void) { return count_entries("/proc/self/task"); }

/* Also one that has ended and was not waited for. */
static inline bool has_child(void) { return waitpid(-1, NULL, WNOHANG) != -1 || errno != ECHILD; }

#endif
