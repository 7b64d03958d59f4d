/* Faults for the sanitizers to find, so that a silent sanitizer is noticed: planted race|overflow|undefined.
 * Exits with 0 when nothing stopped it. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int race(void) {
  int sum = 0;
#pragma omp parallel for num_threads(4)
  for (int i = 0; i < 100000; ++i)
    sum += i;
  return sum;
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
