/* How many threads this process should have, see processors.h. */
#define _GNU_SOURCE /* affinity. NOLINT(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
#include "processors.h"

#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- The environment ----------------------------------------------------------------------------------- */

/* A number from 1 up to `most`, which larger ones become; 0 if it is none. Ends at the text's end or a comma.
 */
static int parse_threads(const char *text, int most) {
  int number = 0;
  for (; *text >= '0' && *text <= '9'; ++text)
    number = number > most ? number : number * 10 + (*text - '0');
  if (*text && *text != ',')
    return 0;
  return number < most ? number : most;
}

static int threads_of_environment(int most) {
  static const char *const names[] = {"BATCHVIEW_THREADS", "OMP_NUM_THREADS"};
  for (int i = 0; i < 2; ++i) {
    const char *text = getenv(names[i]);
    int threads = text ? parse_threads(text, most) : 0;
    if (threads > 0)
      return threads;
  }
  return 0;
}

/* ---- Affinity ------------------------------------------------------------------------------------------ */

/* Of the main thread: others may have been pinned for purposes of their own. 0 if the system does not say. */
static int affinity_processors(void) {
  for (int processors = CPU_SETSIZE; processors <= 64 * CPU_SETSIZE; processors *= 2) {
    cpu_set_t *set = CPU_ALLOC((size_t)processors);
    size_t bytes = CPU_ALLOC_SIZE((size_t)processors);
    if (!set)
      return 0;
    bool known = sched_getaffinity(getpid(), bytes, set) == 0;
    int count = known ? CPU_COUNT_S(bytes, set) : 0;
    CPU_FREE(set);
    if (known)
      return count;
  }
  return 0;
}

/* ---- Control groups ------------------------------------------------------------------------------------ */

/* The numbers that a file begins with, two at most; "max" is none. Returns how many. */
static int read_numbers(const char *directory, const char *name, long long numbers[2]) {
  char path[PATH_MAX], line[64];
  if ((size_t)snprintf(path, sizeof path, "%s/%s", directory, name) >= sizeof path)
    return 0;
  FILE *file = fopen(path, "re");
  if (!file)
    return 0;
  const char *text = fgets(line, sizeof line, file);
  fclose(file);
  int count = 0;
  for (char *end; text && count < 2; text = end, ++count) {
    numbers[count] = strtoll(text, &end, 10);
    if (end == text)
      break;
  }
  return count;
}

/* In microseconds of processors a period. False if nothing limits this group itself. */
static bool read_quota(const char *directory, long long *quota, long long *period) {
  long long v2[2], v1_quota[2], v1_period[2];
  if (read_numbers(directory, "cpu.max", v2) == 2) {
    *quota = v2[0];
    *period = v2[1];
  } else if (read_numbers(directory, "cpu.cfs_quota_us", v1_quota) >= 1 &&
             read_numbers(directory, "cpu.cfs_period_us", v1_period) >= 1) {
    *quota = v1_quota[0];
    *period = v1_period[0];
  } else {
    return false;
  }
  return *quota > 0 && *period > 0;
}

/* The least of the group `path` below `directory` and its ancestors. A container may see its own group as the
 * root, and still its path in the host: what is not there limits nothing. */
static int least_quota(const char *directory, const char *path) {
  char group[PATH_MAX];
  int least = 0;
  if ((size_t)snprintf(group, sizeof group, "%s%s", directory, path) >= sizeof group)
    return 0;
  for (;;) {
    long long quota, period;
    if (read_quota(group, &quota, &period)) {
      long long processors = (quota - 1) / period + 1;
      if (least == 0 || processors < least)
        least = processors < INT_MAX ? (int)processors : INT_MAX;
    }
    char *last = strrchr(group, '/');
    if (!last || last < group + strlen(directory))
      return least;
    *last = '\0';
  }
}

/* Whether a comma-separated list has "cpu". */
static bool has_cpu(const char *controllers) {
  for (const char *name = controllers; *name; name += strcspn(name, ",") + (name[strcspn(name, ",")] == ',')) {
    if (strncmp(name, "cpu", 3) == 0 && (name[3] == ',' || name[3] == '\0'))
      return true;
  }
  return false;
}

int bv_quota_processors(const char *membership, const char *root) {
  char line[PATH_MAX + 256], directory[PATH_MAX];
  FILE *file = fopen(membership, "re");
  int least = 0;
  if (!file)
    return 0;
  while (fgets(line, sizeof line, file)) { /* number:controllers:path */
    line[strcspn(line, "\n")] = '\0';
    char *controllers = strchr(line, ':'), *path = controllers ? strchr(controllers + 1, ':') : NULL;
    if (!path)
      continue;
    *path++ = '\0';
    bool unified = *++controllers == '\0';
    if ((!unified && !has_cpu(controllers)) ||
        (size_t)snprintf(directory, sizeof directory, "%s%s", root, unified ? "" : "/cpu") >= sizeof directory)
      continue;
    int processors = least_quota(directory, path);
    if (processors > 0 && (least == 0 || processors < least))
      least = processors;
  }
  fclose(file);
  return least;
}

/* ---- All together -------------------------------------------------------------------------------------- */

int bv_default_threads(int most) {
  int threads = threads_of_environment(most);
  if (threads > 0)
    return threads;
  int processors = affinity_processors(), quota = bv_quota_processors("/proc/self/cgroup", "/sys/fs/cgroup");
  if (quota > 0 && quota < processors)
    processors = quota;
  return processors < 1 ? 1 : processors < most ? processors : most;
}
