/* Display options: the caller's struct, of whatever version, completed with defaults and checked. */
#ifndef BV_OPTIONS_H
#define BV_OPTIONS_H

#include "batchview/batchview.h"

/* `given` NULL gives the defaults. Checks every field by itself; the mask tensor and the colour map are checked
 * where the batch and the output are known. */
bv_status bv_read_options(const bv_display_options *given, bv_display_options *options);

/* How messages call a struct of options. */
typedef struct bv_struct_names {
  const char *argument, *type, *initializer;
} bv_struct_names;

/* Copies what the caller gave to the struct that this library knows, of `known_bytes` bytes, which then is its
 * struct_size. Both begin with size_t struct_size; what is not known must be 0. */
bv_status bv_copy_known_fields(const bv_struct_names *names, const void *given, void *known,
                               size_t known_bytes);

#endif
