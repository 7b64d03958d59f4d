/* XLA's calls of foreign functions, as its C interface (xla/ffi/api/c_api.h, 0.x) fixes the layout: what is
 * needed of it here, so that no header of XLA's has to be there. */
#ifndef BATCHVIEW_PYTHON_XLA_H
#define BATCHVIEW_PYTHON_XLA_H

#include <stddef.h>
#include <stdint.h>

#include "view.h"

enum { XLA_INVALID_ARGUMENT = 3, XLA_RESOURCE_EXHAUSTED = 8, XLA_INTERNAL = 13 }; /* codes of errors */
enum { XLA_STAGE_EXECUTE = 3 };
enum { XLA_ATTRIBUTE_ARRAY = 1 };
enum { XLA_EXTENSION_METADATA = 1 };
enum { XLA_COMMAND_BUFFER_COMPATIBLE = 1 }; /* a trait: what is enqueued may be captured, and replayed */
enum { XLA_MOST_ALIGNMENT = 16 };           /* that memory can be asked for with, bytes */

typedef struct xla_error xla_error;

typedef struct xla_extension {
  size_t struct_size;
  int type;
  struct xla_extension *next;
} xla_extension;

typedef struct xla_version {
  size_t struct_size;
  xla_extension *extensions;
  int major, minor;
} xla_version;

typedef struct xla_metadata {
  size_t struct_size;
  xla_version version;
  uint32_t traits;
} xla_metadata;

typedef struct xla_metadata_extension {
  xla_extension base;
  xla_metadata *metadata;
} xla_metadata_extension;

typedef struct xla_error_arguments {
  size_t struct_size;
  xla_extension *extensions;
  const char *message;
  int code;
} xla_error_arguments;

typedef struct xla_stream_arguments {
  size_t struct_size;
  xla_extension *extensions;
  void *context, *stream;
} xla_stream_arguments;

typedef struct xla_allocate_arguments {
  size_t struct_size;
  xla_extension *extensions;
  void *context;
  size_t size, alignment;
  void *data;
} xla_allocate_arguments;

typedef struct xla_free_arguments {
  size_t struct_size;
  xla_extension *extensions;
  void *context;
  size_t size;
  void *data;
} xla_free_arguments;

typedef struct xla_api {
  size_t struct_size;
  xla_extension *extensions;
  xla_version version;
  const void *internal;
  xla_error *(*create_error)(xla_error_arguments *arguments);
  void (*not_used[3])(void);
  xla_error *(*get_stream)(xla_stream_arguments *arguments);
  void (*not_used_either[4])(void);
  xla_error *(*allocate)(xla_allocate_arguments *arguments);
  xla_error *(*free)(xla_free_arguments *arguments);
} xla_api; /* more follows */

typedef struct xla_buffer {
  size_t struct_size;
  xla_extension *extensions;
  int dtype;
  void *data;
  int64_t rank;
  int64_t *dims;
} xla_buffer;

typedef struct xla_array {
  int dtype;
  size_t size;
  void *data;
} xla_array;

typedef struct xla_text {
  const char *characters;
  size_t length;
} xla_text;

typedef struct xla_buffers {
  size_t struct_size;
  xla_extension *extensions;
  int64_t size;
  int *types;
  xla_buffer **buffers;
} xla_buffers;

typedef struct xla_attributes {
  size_t struct_size;
  xla_extension *extensions;
  int64_t size;
  int *types;
  xla_text **names;
  void **values;
} xla_attributes;

typedef struct xla_call {
  size_t struct_size;
  xla_extension *extensions;
  const xla_api *api;
  void *context;
  int stage;
  xla_buffers arguments, results;
  xla_attributes attributes;
} xla_call; /* more follows */

/* The function for XLA, in a capsule as jax.ffi.register_ffi_target takes it; NULL with an exception. If
 * `replayable` is true, it says of itself that its calls need no memory besides, so that XLA may capture them.
 */
PyObject *xla_handler(PyObject *module, PyObject *replayable);

#endif
