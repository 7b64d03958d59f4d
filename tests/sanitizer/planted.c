/* Faults for the sanitizers to find, so that a silent sanitizer is noticed: planted race|overflow|undefined.
 * Exits with 0 when nothing stopped it. */
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int raced;

static void *count(void *nothing) {
  for (int i = 0; i < 100000; ++i)
    ++raced;
  return nothing;
}

static int race(void) {
  pthread_t other;
  if (pthread_create(&other, NULL, count, NULL) != 0)
    return 0;
  count(NULL);
  pthread_join(other, NULL);
  return raced;
}

static int overflow(int index) {
  int *numbers = calloc((size_t)index, sizeof *numbers);
  int past_the_end = numbers ? numbers[index] : 0;
  free(numbers);
  return past_the_end;
}

int main(int argc, char **argv) {
  const char *fault = argc == 2 ? argv[1] : "";
  int result = 0;
  if (strcmp(fault, "race") == 0)
    result = race();
  else if (strcmp(fault, "overflow") == 0)
    result = overflow(argc);
  else if (strcmp(fault, "undefined") == 0)
    result = INT_MAX - 1 + argc;
  printf("%s: %d\n", fault, result);
  return 0;
}
