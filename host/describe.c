/* What is needed to understand a report of trouble: versions, what was built in, what this machine has. */
#include "describe.h"

#include <stdarg.h>
#include <stdio.h>

#include "cpu/pool.h"

void bv_add_line(bv_description *description, const char *format, ...) {
  va_list arguments;
  size_t left = description->used < description->bytes ? description->bytes - description->used : 0;
  va_start(arguments, format);
  int length = vsnprintf(left ? description->text + description->used : NULL, left, format, arguments);
  va_end(arguments);
  if (length > 0)
    description->used += (size_t)length;
}

#if defined(__clang__)
static const char compiler[] = "clang " __clang_version__;
#else
static const char compiler[] = "gcc " __VERSION__;
#endif

static const char *instruction_set(void) {
#if defined(BV_TILE_OPS_AVX2)
  if (__builtin_cpu_supports("avx2"))
    return "loops for AVX2";
#endif
  return "plain loops";
}

size_t bv_describe(char *text, size_t bytes) {
  bv_description description = {.text = text, .bytes = text ? bytes : 0};
  if (description.bytes > 0)
    text[0] = '\0';
  bv_add_line(&description, "batchview %d.%d.%d\n", BV_VERSION_MAJOR, BV_VERSION_MINOR, BV_VERSION_PATCH);
  bv_add_line(&description, "Compiler: %s\n", compiler);
  bv_add_line(&description, "CPU: %d threads, %s\n", bv_pool_size(), instruction_set());
  bv_describe_cuda(&description);
  return description.used;
}
