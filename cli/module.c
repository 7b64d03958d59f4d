/* Places of modules, and loading them. */
#include "module.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const places[] = {"", BATCHVIEW_MODULES "/"};

bool find_module(const char *name, char path[PATH_MAX], char *text, size_t text_bytes) {
  ssize_t bytes = readlink("/proc/self/exe", path, PATH_MAX - 1);
  path[bytes > 0 ? bytes : 0] = '\0';
  char *slash = strrchr(path, '/');
  for (size_t i = 0; slash != NULL && i < sizeof places / sizeof places[0]; ++i) {
    const size_t room = PATH_MAX - (size_t)(slash + 1 - path);
    if ((size_t)snprintf(slash + 1, room, "%s%s", places[i], name) < room && access(path, F_OK) == 0)
      return true;
  }
  snprintf(text, text_bytes, "there is no %s beside the program, or in " BATCHVIEW_MODULES " from it", name);
  return false;
}

void *load_from_module(const char *name, const char *function, char *text, size_t text_bytes) {
  char path[PATH_MAX];
  if (!find_module(name, path, text, text_bytes))
    return NULL;
  void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  void *symbol = module != NULL ? dlsym(module, function) : NULL;
  if (symbol == NULL)
    snprintf(text, text_bytes, "%s", dlerror());
  return symbol;
}
