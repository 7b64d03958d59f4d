/* The library's functions for XLA on the CPU, and so for jax.jit, see ../batchview/_jax.py: one handler, whose
 * attributes say which function is called and how. XLA calls it without the GIL, on threads of its own. */
#include "xla.h"

#include <string.h>

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
  if (status == BV_OK)
    return NULL;
  return error_of(call, status == BV_ERROR_MEMORY ? XLA_RESOURCE_EXHAUSTED : XLA_INVALID_ARGUMENT,
                  bv_last_error());
}

/* A view of a buffer's last `ndim` dimensions; *leading: how many such tensors follow each other. */
static int view_buffer(const xla_buffer *buffer, int ndim, bv_tensor *view, int64_t *leading) {
  if (buffer->rank < ndim)
    return -1;
  *leading = 1;
  int64_t before = buffer->rank - ndim;
  for (int64_t i = 0; i < before; ++i)
    *leading *= buffer->dims[i];
  for (size_t i = 0; i < sizeof types / sizeof *types; ++i)
    if (types[i].xla == buffer->dtype) {
      *view = bv_contiguous_tensor(buffer->data, types[i].dtype, BV_CPU, ndim, buffer->dims + before);
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

/* The tensors of a call: the batch or image, windows or a mask, and the result. */
enum { MOST = 4 };

static bv_status call_once(const double *numbers, const bv_tensor *t, int count, bv_display_options *options) {
  const bv_tensor *out = &t[count - 1];
  int function = (int)numbers[FUNCTION], expected = function == APPLY ? 3 : 2;
  options->mask = count > expected ? &t[count - 2] : NULL;
  switch (function) {
  case NORMALIZE: return bv_normalize_batch_for_display(t, out, options, NULL);
  case MEASURE: return bv_measure_window(t, options, out, NULL);
  case APPLY: return bv_apply_window(t, &t[1], out, options, NULL);
  case TO_UINT8: return bv_normalize_image_to_uint8(t, out, NULL);
  case IMAGE: return bv_visualize_2d_image(t, out, NULL);
  default: return bv_visualize_one_slice_in_3d_image(t, (int)numbers[AXIS], out, NULL);
  }
}

static xla_error *execute(const xla_call *call) {
  const xla_array *array = attribute(call, "numbers", XLA_F64, NUMBERS),
                  *ranks = attribute(call, "ranks", XLA_F64, MOST),
                  *colours = attribute(call, "colours", XLA_U8, 256 * 3);
  int count = (int)call->arguments.size + 1;
  if (!array || !ranks || count < 2 || count > MOST || call->results.size != 1)
    return error_of(call, XLA_INTERNAL, "batchview: a call that batchview/_jax.py does not make");
  const double *numbers = array->data, *rank = ranks->data;
  bv_tensor tensors[MOST];
  int64_t leading = 1;
  for (int i = 0; i < count; ++i) {
    const xla_buffer *buffer = i < count - 1 ? call->arguments.buffers[i] : call->results.buffers[0];
    if (view_buffer(buffer, (int)rank[i], &tensors[i], &leading) < 0)
      return error_of(call, XLA_INVALID_ARGUMENT,
                      "batchview: an array of a type or number of dimensions that is not taken");
  }
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
  for (int64_t n = 0; n < leading; ++n) {
    bv_status status = call_once(numbers, tensors, count, &options);
    if (status != BV_OK)
      return answer(call, status);
    for (int i = 0; i < count; ++i)
      tensors[i].data = (char *)tensors[i].data + bytes_of(&tensors[i]);
  }
  return NULL;
}

/* XLA first asks for the version of its interface; only what all versions of 0.x have is used here. */
static xla_error *handle(xla_call *call) {
  for (xla_extension *each = call->extensions; each; each = each->next)
    if (each->type == XLA_EXTENSION_METADATA) {
      xla_version *version = &((xla_metadata_extension *)(void *)each)->metadata->version;
      version->major = call->api->version.major == 0 ? 0 : -1;
      version->minor = call->api->version.minor;
      return NULL;
    }
  return call->stage == XLA_STAGE_EXECUTE ? execute(call) : NULL;
}

PyObject *xla_handler(PyObject *module, PyObject *nothing) {
  (void)module, (void)nothing;
  union {
    xla_error *(*function)(xla_call *call);
    void *address;
  } handler = {handle};
  return PyCapsule_New(handler.address, "xla._CUSTOM_CALL_TARGET", NULL);
}
