/* Large pages for large memory: a page fault may take longer than the page's pixels. */
#ifndef CLI_PAGES_H
#define CLI_PAGES_H

#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

#define SMALL_MEMORY ((size_t)4 << 20)

/* A wish, of which nothing depends on whether the system grants it. */
static inline void prefer_large_pages(void *memory, size_t bytes) {
#if defined(MADV_HUGEPAGE)
  const uintptr_t alignment = (uintptr_t)1 << 16; /* the largest page size that machines run with */
  uintptr_t begin = ((uintptr_t)memory + alignment - 1) / alignment * alignment;
  uintptr_t end = ((uintptr_t)memory + bytes) / alignment * alignment;
  if (memory && bytes >= SMALL_MEMORY)
    (void)madvise((void *)begin, end - begin, MADV_HUGEPAGE);
#else
  (void)memory, (void)bytes;
#endif
}

#endif
