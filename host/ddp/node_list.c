/* SLURM's node lists, see node_list.h. A list is of names between commas, a name is of text and of any number
 * of brackets, and a bracket holds numbers and ranges of numbers between commas: [1,3-5]. A number keeps its
 * zeros. On clusters that are grids a number may have letters, and a range be a box: [000x133]. */
#include "node_list.h"

#include <string.h>

static size_t number_length(const char *text) { return strspn(text, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"); }

/* What follows the bracket that begins at `text`, or NULL if it is malformed. The first of its numbers is
 * number[0 .. *digits - 1]. */
static const char *read_bracket(const char *text, const char **number, size_t *digits) {
  *number = text + 1;
  *digits = number_length(*number);
  do {
    ++text; /* [ or , */
    size_t length = number_length(text);
    text += length;
    if (length > 0 && (*text == '-' || *text == 'x')) {
      ++text;
      length = number_length(text);
      text += length;
    }
    if (length == 0)
      return NULL;
  } while (*text == ',');
  return *text == ']' ? text + 1 : NULL;
}

bool ddp_first_host(const char *node_list, char *host, size_t bytes) {
  size_t used = 0;
  while (*node_list && *node_list != ',') {
    const char *part = node_list;
    size_t length;
    if (*node_list == '[') {
      node_list = read_bracket(node_list, &part, &length);
      if (!node_list)
        return false;
    } else {
      length = strcspn(node_list, ",[]");
      if (length == 0) /* a bracket that was not opened */
        return false;
      node_list += length;
    }
    if (length >= bytes - used)
      return false;
    memcpy(host + used, part, length);
    used += length;
  }
  host[used] = '\0';
  return used > 0;
}
