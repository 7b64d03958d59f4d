/* A name server inside of meet_rank, for the names that end in ".test". NAMES says what it answers, in lines of
 *     SECONDS ANSWER...
 * where the last line whose seconds have passed since the first question counts. An answer is a number of
 * addresses, or what getaddrinfo() returns (NONAME, AGAIN, FAIL, NODATA), or HANG. */
#define _GNU_SOURCE /* EAI_NODATA */
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "deadline.h"

typedef struct addrinfo addrinfo;

int __real_getaddrinfo(const char *, const char *, const addrinfo *, addrinfo **);
int __wrap_getaddrinfo(const char *, const char *, const addrinfo *, addrinfo **);

static int answer(char *words, const char *service, const addrinfo *hints, addrinfo **addresses) {
  static const struct {
    const char *word;
    int result;
  } failures[] = {{"NONAME", EAI_NONAME}, {"AGAIN", EAI_AGAIN}, {"FAIL", EAI_FAIL}, {"NODATA", EAI_NODATA}};
  char *rest = NULL;
  addrinfo **next = addresses;
  for (char *word = strtok_r(words, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; ++i)
      if (strcmp(word, failures[i].word) == 0)
        return failures[i].result;
    if (strcmp(word, "HANG") == 0)
      for (;;)
        sleep(1000);
    int result = __real_getaddrinfo(word, service, hints, next);
    if (result != 0)
      return result;
    while (*next)
      next = &(*next)->ai_next;
  }
  return 0;
}

int __wrap_getaddrinfo(const char *node, const char *service, const addrinfo *hints, addrinfo **addresses) {
  static ddp_time start;
  const char *names = getenv("NAMES");
  size_t length = node ? strlen(node) : 0;
  if (!names || length < 5 || strcmp(node + length - 5, ".test") != 0)
    return __real_getaddrinfo(node, service, hints, addresses);
  if (start == 0)
    start = ddp_now();
  double seconds = (double)(ddp_now() - start) * 1e-9;
  char words[256] = "NONAME";
  for (const char *line = names; line; line = strchr(line, '\n'), line = line ? line + 1 : NULL) {
    char *rest;
    if (strtod(line, &rest) <= seconds)
      snprintf(words, sizeof words, "%.*s", (int)strcspn(rest, "\n"), rest);
  }
  return answer(words, service, hints, addresses);
}
