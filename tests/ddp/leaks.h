/* What a process holds, to be compared before and after. */
#ifndef BV_TEST_LEAKS_H
#define BV_TEST_LEAKS_H

#include <dirent.h>
#include <stddef.h>

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

#endif
