/* Arrays to bv_tensor views: by DLPack's exchange API where the array's type has it (PyTorch), by __dlpack__,
 * and where that is missing or refuses (arrays that are read-only, in older NumPy) by the interface
 * dictionaries. */
#include <string.h>

#include "device.h"

/* ---- DLPack's exchange API, as it fixes the layout ------------------------------------------------------ */

typedef struct exchange_header {
  DLPackVersion version;
  struct exchange_header *previous;
} exchange_header;

typedef struct exchange_api {
  exchange_header header;
  void *allocate, *from_object, *to_object; /* not used here */
  int (*tensor_from_object)(void *object,
                            DLTensor *tensor); /* may be NULL; the view is good while the object is */
  int (*current_stream)(int32_t device_type, int32_t device, void **stream);
} exchange_api;

static PyObject *name_exchange_api, *name_dlpack, *name_dlpack_device, *name_array_interface,
    *name_cuda_interface, *name_stream;
static PyObject *no_arguments, *newest_version; /* () and {"max_version": (1, 1)} */

int view_prepare(void) {
  name_exchange_api = PyUnicode_InternFromString("__dlpack_c_exchange_api__");
  name_dlpack = PyUnicode_InternFromString("__dlpack__");
  name_dlpack_device = PyUnicode_InternFromString("__dlpack_device__");
  name_array_interface = PyUnicode_InternFromString("__array_interface__");
  name_cuda_interface = PyUnicode_InternFromString("__cuda_array_interface__");
  name_stream = PyUnicode_InternFromString("stream");
  no_arguments = PyTuple_New(0);
  newest_version = Py_BuildValue("{s:(ii)}", "max_version", 1, 1);
  return name_exchange_api && name_dlpack && name_dlpack_device && name_array_interface &&
                 name_cuda_interface && name_stream && no_arguments && newest_version
             ? 0
             : -1;
}

/* The exchange API of a type, or NULL (without an exception) if it has none that is known here. */
static const exchange_api *look_up_exchange_api(PyTypeObject *type) {
  PyObject *capsule = PyObject_GetAttr((PyObject *)type, name_exchange_api);
  const exchange_header *header = capsule ? PyCapsule_GetPointer(capsule, "dlpack_exchange_api") : NULL;
  Py_XDECREF(capsule); /* (the API itself lives as long as the process) */
  if (!header)
    PyErr_Clear();
  while (header && header->version.major != 1)
    header = header->previous;
  return (const exchange_api *)header;
}

/* Whether it is JAX's, whose arrays nobody may write to. They do not say so themselves. */
static int is_of_jax(PyTypeObject *type) {
  PyObject *module = PyObject_GetAttrString((PyObject *)type, "__module__");
  PyObject *bytes = module && PyUnicode_Check(module) ? PyUnicode_AsUTF8String(module) : NULL;
  int result = bytes && strncmp(PyBytes_AsString(bytes), "jax", 3) == 0;
  Py_XDECREF(bytes);
  Py_XDECREF(module);
  PyErr_Clear();
  return result;
}

typedef struct type_facts {
  PyTypeObject *type;
  const exchange_api *api;
  int immutable;
} type_facts;

/* The last types asked for, which are kept alive so that their address means them. The GIL guards this. */
enum { KNOWN_TYPES = 8 };
static type_facts known[KNOWN_TYPES];
static unsigned oldest_known;

static type_facts facts_of(PyObject *array) {
  PyTypeObject *type = Py_TYPE(array);
  for (int i = 0; i < KNOWN_TYPES; ++i)
    if (known[i].type == type)
      return known[i];
  const type_facts facts = {type, look_up_exchange_api(type), is_of_jax(type)};
  unsigned slot = oldest_known++ % KNOWN_TYPES;
  PyTypeObject *forgotten = known[slot].type;
  Py_INCREF(type);
  known[slot] = facts;
  Py_XDECREF(forgotten);
  return facts;
}

/* ---- Statuses ------------------------------------------------------------------------------------------- */

PyObject *batchview_error(void) {
  PyObject *errors = PyImport_ImportModule("batchview._errors");
  PyObject *error = errors ? PyObject_GetAttrString(errors, "Error") : NULL;
  Py_XDECREF(errors);
  return error;
}

/* Raises what the library said last; its options are arguments of their own in Python. */
static void raise_last_error(PyObject *type) {
  static const char prefix[] = "options.";
  char text[1024];
  size_t length = 0;
  for (const char *at = bv_last_error(); *at && length < sizeof text - 1;)
    if (strncmp(at, prefix, sizeof prefix - 1) == 0)
      at += sizeof prefix - 1;
    else
      text[length++] = *at++;
  text[length] = 0;
  PyErr_SetString(type, text);
}

void raise_status(bv_status status) {
  switch (status) {
  case BV_ERROR_TYPE: raise_last_error(PyExc_TypeError); return;
  case BV_ERROR_MEMORY: raise_last_error(PyExc_MemoryError); return;
  case BV_ERROR_NO_CUDA:
  case BV_ERROR_CUDA: {
    PyObject *error = batchview_error();
    if (error)
      raise_last_error(error);
    Py_XDECREF(error);
    return;
  }
  default: raise_last_error(PyExc_ValueError);
  }
}

/* What became of the view of an array; its type is named as its library names it. */
static int finish(bv_status status, PyObject *array) {
  if (status == BV_OK)
    return 0;
  PyObject *dtype = status == BV_ERROR_TYPE ? PyObject_GetAttrString(array, "dtype") : NULL;
  if (dtype) {
    PyErr_Format(
        PyExc_TypeError,
        "arrays of dtype %S are not taken; take float16, bfloat16, float32, float64, bool, or integers "
        "of 8, 16, 32 or 64 bits",
        dtype);
    Py_DECREF(dtype);
    return -1;
  }
  PyErr_Clear();
  raise_status(status);
  return -1;
}

/* ---- DLPack ---------------------------------------------------------------------------------------------- */

enum { DL_CUDA = 2, DL_BOOL = 6 };

/* Bools are bytes of 0 and 1: as pixels and as a mask that is what they mean. */
static int read_bool(DLTensor *tensor, int written) {
  if (tensor->dtype.code != DL_BOOL || tensor->dtype.bits != 8)
    return 0;
  if (written) {
    PyErr_SetString(PyExc_TypeError, "out is bool; it must be a float type or uint8");
    return -1;
  }
  tensor->dtype.code = 1; /* unsigned */
  return 0;
}

static int take_exchanged(const exchange_api *api, PyObject *array, int written, array_view *view) {
  DLTensor tensor;
  if (api->tensor_from_object(array, &tensor) != 0)
    return -1;
  if (read_bool(&tensor, written) < 0)
    return -1;
  if (tensor.device.device_type == DL_CUDA && api->current_stream) {
    void *stream;
    if (api->current_stream(DL_CUDA, tensor.device.device_id, &stream) != 0)
      return -1;
    view->stream = (bv_stream)stream;
    view->has_stream = 1;
  }
  return finish(bv_tensor_from_dlpack(&tensor, &view->tensor), array);
}

int view_stream(PyObject *number, bv_stream *stream) {
  *stream = (bv_stream)PyLong_AsVoidPtr(number);
  if (!*stream && PyErr_Occurred())
    return -1;
  if (*stream == (bv_stream)1) /* the legacy default stream has two numbers */
    *stream = NULL;
  return 0;
}

/* What to tell __dlpack__ of the stream, a new reference: None for an array on the CPU, and where the array is
 * the first and its library says no stream: then it is the legacy default one. */
static PyObject *stream_for(PyObject *array, const view_order *order) {
  long type = 0;
  if (device_arrays && (order->known || order->asks)) {
    PyObject *device = PyObject_CallMethodObjArgs(array, name_dlpack_device, NULL);
    PyObject *first = device ? PySequence_GetItem(device, 0) : NULL;
    type = first ? PyLong_AsLong(first) : 0;
    Py_XDECREF(first);
    Py_XDECREF(device);
    if (PyErr_Occurred())
      return NULL;
  }
  if (type != DL_CUDA) {
    Py_INCREF(Py_None);
    return Py_None;
  }
  if (order->asks)
    return PyLong_FromLong(-1); /* there is nothing to wait for */
  return order->stream ? PyLong_FromVoidPtr(order->stream) : PyLong_FromLong(1);
}

/* Calls array.__dlpack__ for a capsule of the newest kind that it has. */
static PyObject *export_capsule(PyObject *export, PyObject *stream) {
  PyObject *options = newest_version;
  if (stream != Py_None) {
    options = PyDict_Copy(newest_version);
    if (!options || PyDict_SetItem(options, name_stream, stream) < 0) {
      Py_XDECREF(options);
      return NULL;
    }
  }
  PyObject *capsule = PyObject_Call(export, no_arguments, options);
  if (!capsule && PyErr_ExceptionMatches(PyExc_TypeError)) { /* from before DLPack 1.0 */
    PyErr_Clear();
    PyObject *older = PyDict_New();
    if (older && (stream == Py_None || PyDict_SetItem(older, name_stream, stream) == 0))
      capsule = PyObject_Call(export, no_arguments, older);
    Py_XDECREF(older);
  }
  if (options != newest_version)
    Py_DECREF(options);
  return capsule;
}

static int take_capsule(PyObject *array, PyObject *capsule, int written, array_view *view) {
  if (PyCapsule_IsValid(capsule, "dltensor_versioned")) {
    view->versioned = PyCapsule_GetPointer(capsule, "dltensor_versioned");
    if (PyCapsule_SetName(capsule, "used_dltensor_versioned") < 0)
      return -1;
    /* Of another major version even the place of the tensor is not known. */
    if (view->versioned->version.major == 1 && read_bool(&view->versioned->dl_tensor, written) < 0)
      return -1;
    return finish(bv_tensor_from_dlpack_versioned(view->versioned, written, &view->tensor), array);
  }
  view->managed = PyCapsule_GetPointer(capsule, "dltensor");
  if (!view->managed || PyCapsule_SetName(capsule, "used_dltensor") < 0 ||
      read_bool(&view->managed->dl_tensor, written) < 0)
    return -1;
  return finish(bv_tensor_from_dlpack_managed(view->managed, &view->tensor), array);
}

/* An interface dictionary of `array`, a new reference; NULL without an exception if it has none. */
static PyObject *interface_of(PyObject *array, PyObject *name) {
  PyObject *interface = PyObject_GetAttr(array, name);
  if (!interface && PyErr_ExceptionMatches(PyExc_AttributeError))
    PyErr_Clear();
  return interface;
}

/* The same for NumPy's; what DLPack said before (an exception, perhaps) is raised again if there is none. */
static PyObject *interface_instead(PyObject *array) {
  PyObject *type, *value, *traceback;
  PyErr_Fetch(&type, &value, &traceback);
  PyObject *interface = PyObject_GetAttr(array, name_array_interface);
  if (interface) {
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(traceback);
    return interface;
  }
  PyErr_Clear();
  PyErr_Restore(type, value, traceback);
  return NULL;
}

/* ---- Any array ------------------------------------------------------------------------------------------- */

static int take(PyObject *array, int written, const view_order *order, array_view *view) {
  const type_facts facts = facts_of(array);
  if (facts.api && facts.api->tensor_from_object)
    return take_exchanged(facts.api, array, written, view);
  if (written && facts.immutable) {
    PyErr_SetString(PyExc_TypeError, "what is written to is JAX's, whose arrays nobody may write to");
    return -1;
  }

  /* CUDA's dictionary says on which stream the array's work is ordered; DLPack has to be told. */
  PyObject *interface = device_arrays ? interface_of(array, name_cuda_interface) : NULL;
  if (interface) {
    int result = view_take_interface(interface, 1, written, view);
    Py_DECREF(interface);
    return result;
  }
  if (PyErr_Occurred())
    return -1;
  PyObject *export = PyObject_GetAttr(array, name_dlpack);
  PyObject *stream = export ? stream_for(array, order) : NULL;
  PyObject *capsule = stream ? export_capsule(export, stream) : NULL;
  Py_XDECREF(stream);
  Py_XDECREF(export);
  if (capsule) {
    int result = take_capsule(array, capsule, written, view);
    Py_DECREF(capsule);
    return result;
  }
  if (!PyErr_ExceptionMatches(export ? PyExc_BufferError : PyExc_AttributeError))
    return -1;
  interface = interface_instead(array);
  if (interface) {
    int result = view_take_interface(interface, 0, written, view);
    Py_DECREF(interface);
    return result;
  }
  if (!export) {
    PyErr_Clear();
    PyErr_Format(PyExc_TypeError,
                 "%R is no array that is taken; take one with __dlpack__, __array_interface__ or "
                 "__cuda_array_interface__, such as those of PyTorch, NumPy, CuPy and JAX",
                 (PyObject *)Py_TYPE(array));
  }
  return -1;
}

int view_take(PyObject *array, int written, const view_order *order, array_view *view) {
  memset(view, 0, sizeof *view);
  if (take(array, written, order, view) < 0)
    return -1;
  if (device_arrays || view->tensor.device == BV_CPU)
    return 0;
  PyErr_Format(PyExc_ValueError,
               "an array on device %d in a call whose first array is on the CPU; all must be on one device",
               (int)view->tensor.device);
  return -1;
}

void view_release(array_view *view) {
  if (view->versioned && view->versioned->deleter)
    view->versioned->deleter(view->versioned);
  if (view->managed && view->managed->deleter)
    view->managed->deleter(view->managed);
  view->versioned = NULL;
  view->managed = NULL;
}
