/* The library's functions for XLA, and so for jax.jit, see ../batchview/_jax.py: one handler, whose attributes
 * say which function is called and how. XLA calls it without the GIL, on threads of its own; on a GPU it has
 * the stream and the memory. */
#include "xla.h"

#include <string.h>

#include "device.h"

enum { NORMALIZE, MEASURE, APPLY, TO_UINT8, IMAGE, SLICE };

/* What the attribute `numbers` holds, in doubles. */
enum { FUNCTION, AXIS, SCOPE, FOREGROUND, WINDOW, ROUNDING, LOW, HIGH, LO, HI, EPSILON, FLOOR, NUMBERS };

enum { XLA_F64 = 12, XLA_U8 = 6 };

static const struct {
  int xla;
  bv_dtype dtype;
} types[] = {{1, BV_U8},  {2, BV_I8},   {3, BV_I16},  {4, BV_I32},  {6, BV_U8},   {7, BV_U16},
             {8, BV_U32}, {10, BV_F16}, {11, BV_F32}, {12, BV_F64}, {16, BV_BF16}};

static xla_error *error_of(const xla_call *call, int code, const char *message) {
  xla_error_arguments arguments = {sizeof arguments, NULL, message, code};
  return call->api->create_error(&arguments);
}

static xla_error *answer(const xla_call *call, bv_status status) {
  switch (status) {
  case BV_OK: return NULL;
  case BV_ERROR_MEMORY: return error_of(call, XLA_RESOURCE_EXHAUSTED, bv_last_error());
  case BV_ERROR_NO_CUDA:
  case BV_ERROR_CUDA: return error_of(call, XLA_INTERNAL, bv_last_error());
  default: return error_of(call, XLA_INVALID_ARGUMENT, bv_last_error());
  }
}

/* ---- Buffers and attributes -------------------------------------------------------------------------------
 */

/* A view of a buffer's last `ndim` dimensions; *leading: how many such tensors follow each other. */
static int view_buffer(const xla_buffer *buffer, int32_t device, int ndim, bv_tensor *view, int64_t *leading) {
  if (buffer->rank < ndim)
    return -1;
  *leading = 1;
  int64_t before = buffer->rank - ndim;
  for (int64_t i = 0; i < before; ++i)
    *leading *= buffer->dims[i];
  for (size_t i = 0; i < sizeof types / sizeof *types; ++i)
    if (types[i].xla == buffer->dtype) {
      *view = bv_contiguous_tensor(buffer->data, types[i].dtype, device, ndim, buffer->dims + before);
      return 0;
    }
  return -1;
}

static const xla_array *attribute(const xla_call *call, const char *name, int dtype, size_t size) {
  for (int64_t i = 0; i < call->attributes.size; ++i) {
    const xla_text *text = call->attributes.names[i];
    const xla_array *array = call->attributes.values[i];
    if (call->attributes.types[i] == XLA_ATTRIBUTE_ARRAY && text->length == strlen(name) &&
        memcmp(text->characters, name, text->length) == 0 && array->dtype == dtype && array->size == size)
      return array;
  }
  return NULL;
}

static size_t bytes_of(const bv_tensor *tensor) {
  size_t bytes = bv_dtype_size(tensor->dtype);
  for (int32_t i = 0; i < tensor->ndim; ++i)
    bytes *= (size_t)tensor->shape[i];
  return bytes;
}

/* ---- Calls ------------------------------------------------------------------------------------------------
 */

/* The tensors of a call: the batch or image, windows or a mask, and the result. */
enum { MOST = 4 };

static bv_status call_once(const double *numbers, const bv_tensor *t, int count,
                           const bv_display_options *options, bv_stream stream) {
  const bv_tensor *out = &t[count - 1];
  switch ((int)numbers[FUNCTION]) {
  case NORMALIZE: return bv_normalize_batch_for_display(t, out, options, stream);
  case MEASURE: return bv_measure_window(t, options, out, stream);
  case APPLY: return bv_apply_window(t, &t[1], out, options, stream);
  case TO_UINT8: return bv_normalize_image_to_uint8(t, out, stream);
  case IMAGE: return bv_visualize_2d_image(t, out, stream);
  default: return bv_visualize_one_slice_in_3d_image(t, (int)numbers[AXIS], out, stream);
  }
}

static bv_status workspace_size(const double *numbers, const bv_tensor *t, int count,
                                const bv_display_options *options, size_t *bytes) {
  *bytes = 0;
  int function = (int)numbers[FUNCTION];
  if (function != NORMALIZE && function != MEASURE)
    return BV_OK;
  return bv_workspace_size(t, function == NORMALIZE ? &t[count - 1] : NULL, options, bytes);
}

/* With XLA's memory as the workspace. It goes back at once: what XLA gives it to next is on the same stream. */
static xla_error *call_with_workspace(const xla_call *call, const double *numbers, const bv_tensor *t,
                                      int count, bv_display_options *options, bv_stream stream) {
  size_t bytes;
  bv_status status = workspace_size(numbers, t, count, options, &bytes);
  if (status != BV_OK)
    return answer(call, status);
  if (bytes == 0)
    return answer(call, call_once(numbers, t, count, options, stream));
  enum { ALIGNMENT = 256 };
  size_t size = bytes + ALIGNMENT - XLA_MOST_ALIGNMENT;
  xla_allocate_arguments got = {sizeof got, NULL, call->context, size, XLA_MOST_ALIGNMENT, NULL};
  xla_error *error = call->api->allocate(&got);
  if (error)
    return error;
  options->workspace = (char *)got.data + (ALIGNMENT - (uintptr_t)got.data % ALIGNMENT) % ALIGNMENT;
  options->workspace_bytes = bytes;
  status = call_once(numbers, t, count, options, stream);
  xla_free_arguments given_back = {sizeof given_back, NULL, call->context, size, got.data};
  error = call->api->free(&given_back);
  return error ? error : answer(call, status);
}

static bv_display_options read_options(const double *numbers, const xla_array *colours) {
  bv_display_options options = BV_DISPLAY_OPTIONS_INIT;
  options.scope = (int32_t)numbers[SCOPE];
  options.foreground = (int32_t)numbers[FOREGROUND];
  options.window = (int32_t)numbers[WINDOW];
  options.rounding = (int32_t)numbers[ROUNDING];
  options.low = numbers[LOW];
  options.high = numbers[HIGH];
  options.lo = numbers[LO];
  options.hi = numbers[HI];
  options.epsilon = numbers[EPSILON];
  options.floor = numbers[FLOOR];
  options.colour_map = colours ? colours->data : NULL;
  return options;
}

/* The device and the stream of a call; on the CPU BV_CPU and NULL. */
static xla_error *find_place(const xla_call *call, xla_buffer *const *buffers, int count, int32_t *device,
                             bv_stream *stream) {
  const void *memory = NULL; /* of the first array that is not empty */
  for (int i = 0; i < count && !memory; ++i)
    memory = buffers[i]->data;
  int unknown = device_find(memory, device);
  *stream = NULL;
  if (!device_arrays)
    return NULL;
  if (unknown || *device == BV_CPU)
    return error_of(call, XLA_INVALID_ARGUMENT,
                    "batchview: an array of a call on a GPU is not in a device's memory");
  xla_stream_arguments arguments = {sizeof arguments, NULL, call->context, NULL};
  xla_error *error = call->api->get_stream(&arguments);
  *stream = arguments.stream;
  return error;
}

static xla_error *execute(const xla_call *call) {
  const xla_array *array = attribute(call, "numbers", XLA_F64, NUMBERS),
                  *ranks = attribute(call, "ranks", XLA_F64, MOST),
                  *colours = attribute(call, "colours", XLA_U8, 256 * 3);
  int count = (int)call->arguments.size + 1;
  if (!array || !ranks || count < 2 || count > MOST || call->results.size != 1)
    return error_of(call, XLA_INTERNAL, "batchview: a call that batchview/_jax.py does not make");
  const double *numbers = array->data, *rank = ranks->data;
  xla_buffer *buffers[MOST] = {NULL};
  for (int i = 0; i < count; ++i)
    buffers[i] = i < count - 1 ? call->arguments.buffers[i] : call->results.buffers[0];

  int32_t device;
  bv_stream stream;
  xla_error *error = find_place(call, buffers, count, &device, &stream);
  bv_tensor tensors[MOST];
  int64_t leading = 1;
  for (int i = 0; i < count && !error; ++i)
    if (view_buffer(buffers[i], device, (int)rank[i], &tensors[i], &leading) < 0)
      error = error_of(call, XLA_INVALID_ARGUMENT,
                       "batchview: an array of a type or number of dimensions that is not taken");
  bv_display_options options = read_options(numbers, colours);
  int expected = (int)numbers[FUNCTION] == APPLY ? 3 : 2;
  options.mask = count > expected ? &tensors[count - 2] : NULL;
  for (int64_t n = 0; n < leading && !error; ++n) {
    error = call_with_workspace(call, numbers, tensors, count, &options, stream);
    for (int i = 0; i < count; ++i)
      tensors[i].data = (char *)tensors[i].data + bytes_of(&tensors[i]);
  }
  return error;
}

/* XLA first asks for the version of its interface, and takes none but its own: it is the one that XLA says, or
 * 0.1 where it says none, as in 2025. Only what all versions of 0.x have is used here. */
static xla_error *handle(xla_call *call, uint32_t traits) {
  for (xla_extension *each = call->extensions; each; each = each->next)
    if (each->type == XLA_EXTENSION_METADATA) {
      xla_metadata *metadata = ((xla_metadata_extension *)(void *)each)->metadata;
      const xla_version *known = call->api ? &call->api->version : &(xla_version){.minor = 1};
      metadata->version.major = known->major == 0 ? 0 : -1;
      metadata->version.minor = known->minor;
      metadata->traits = traits;
      return NULL;
    }
  return call->stage == XLA_STAGE_EXECUTE ? execute(call) : NULL;
}

static xla_error *handle_any(xla_call *call) { return handle(call, 0); }
static xla_error *handle_replayable(xla_call *call) { return handle(call, XLA_COMMAND_BUFFER_COMPATIBLE); }

PyObject *xla_handler(PyObject *module, PyObject *replayable) {
  (void)module;
  union {
    xla_error *(*function)(xla_call *call);
    void *address;
  } handler = {PyObject_IsTrue(replayable) == 1 ? handle_replayable : handle_any};
  return PyCapsule_New(handler.address, "xla._CUSTOM_CALL_TARGET", NULL);
}
