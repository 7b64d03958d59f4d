/* Preloaded into the program: the allocation number BATCHVIEW_FAIL_ALLOCATION of the process fails, counted
 * from 1, and is named on standard error by a line "failed: LIBRARY", whose code asked for it. With 0 none
 * fails, and a line "allocations: N" says at the end how many there were. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The C library's own, by the names under which it exports them for this. */
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

static atomic_long allocations;
static long unlucky = -1; /* before the program begins, none is counted */

static void say(const char *what, const char *which) {
  char line[512];
  int bytes = snprintf(line, sizeof line, "%s: %s\n", what, which);
  if (write(STDERR_FILENO, line, (size_t)bytes) != bytes)
    _exit(99);
}

__attribute__((constructor)) static void begin(void) {
  const char *number = getenv("BATCHVIEW_FAIL_ALLOCATION");
  unlucky = number ? atol(number) : -1;
}

__attribute__((destructor)) static void end(void) {
  char number[32];
  snprintf(number, sizeof number, "%ld", allocations);
  if (unlucky == 0)
    say("allocations", number);
}

static int fails(const void *caller) {
  if (unlucky < 0 || ++allocations != unlucky)
    return 0;
  Dl_info info = {0};
  const char *library = dladdr(caller, &info) && info.dli_fname ? info.dli_fname : "?";
  say("failed", strrchr(library, '/') ? strrchr(library, '/') + 1 : library);
  errno = ENOMEM;
  return 1;
}

#define CALLER __builtin_return_address(0)

void *malloc(size_t bytes) { return fails(CALLER) ? NULL : __libc_malloc(bytes); }
void *calloc(size_t count, size_t bytes) { return fails(CALLER) ? NULL : __libc_calloc(count, bytes); }
void *realloc(void *old, size_t bytes) { return fails(CALLER) ? NULL : __libc_realloc(old, bytes); }
void *aligned_alloc(size_t alignment, size_t bytes) {
  return fails(CALLER) ? NULL : __libc_memalign(alignment, bytes);
}
int posix_memalign(void **memory, size_t alignment, size_t bytes) {
  void *allocated = fails(CALLER) ? NULL : __libc_memalign(alignment, bytes);
  if (!allocated)
    return ENOMEM;
  *memory = allocated;
  return 0;
}
