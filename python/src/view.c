/* Arrays to bv_tensor views: by DLPack's exchange API where the array's type has it (PyTorch), by __dlpack__,
 * and where that is missing or refuses (arrays that are read-only, in older NumPy) by the interface
 * dictionaries. */
#include <string.h>

#include "view.h"

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

static PyObject *name_exchange_api, *name_dlpack, *name_array_interface, *name_cuda_interface, *name_stream;
static PyObject *no_arguments, *newest_version; /* () and {"max_version": (1, 1)} */

int view_prepare(void) {
  name_exchange_api = PyUnicode_InternFromString("__dlpack_c_exchange_api__");
  name_dlpack = PyUnicode_InternFromString("__dlpack__");
  name_array_interface = PyUnicode_InternFromString("__array_interface__");
  name_cuda_interface = PyUnicode_InternFromString("__cuda_array_interface__");
  name_stream = PyUnicode_InternFromString("stream");
  no_arguments = PyTuple_New(0);
  newest_version = Py_BuildValue("{s:(ii)}", "max_version", 1, 1);
  return name_exchange_api && name_dlpack && name_array_interface && name_cuda_interface && name_stream &&
                 no_arguments && newest_version
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

/* The last types asked for, which are kept alive so that their address means them. The GIL guards this. */
enum { KNOWN_TYPES = 8 };
static struct {
  PyTypeObject *type;
  const exchange_api *api;
} known[KNOWN_TYPES];
static unsigned oldest_known;

static const exchange_api *exchange_api_of(PyObject *array) {
  PyTypeObject *type = Py_TYPE(array);
  for (int i = 0; i < KNOWN_TYPES; ++i)
    if (known[i].type == type)
      return known[i].api;
  const exchange_api *api = look_up_exchange_api(type);
  unsigned slot = oldest_known++ % KNOWN_TYPES;
  PyTypeObject *forgotten = known[slot].type;
  Py_INCREF(type);
  known[slot].type = type;
  known[slot].api = api;
  Py_XDECREF(forgotten);
  return api;
}

/* ---- Statuses ------------------------------------------------------------------------------------------- */

void raise_status(bv_status status) {
  switch (status) {
  case BV_ERROR_TYPE: PyErr_SetString(PyExc_TypeError, bv_last_error()); return;
  case BV_ERROR_MEMORY: PyErr_SetString(PyExc_MemoryError, bv_last_error()); return;
  case BV_ERROR_NO_CUDA:
  case BV_ERROR_CUDA: {
    PyObject *errors = PyImport_ImportModule("batchview._errors");
    PyObject *error = errors ? PyObject_GetAttrString(errors, "Error") : NULL;
    if (error)
      PyErr_SetString(error, bv_last_error());
    Py_XDECREF(error);
    Py_XDECREF(errors);
    return;
  }
  default: PyErr_SetString(PyExc_ValueError, bv_last_error());
  }
}

static int finish(bv_status status) {
  if (status == BV_OK)
    return 0;
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
  return finish(bv_tensor_from_dlpack(&tensor, &view->tensor));
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

static int take_capsule(PyObject *capsule, int written, array_view *view) {
  if (PyCapsule_IsValid(capsule, "dltensor_versioned")) {
    view->versioned = PyCapsule_GetPointer(capsule, "dltensor_versioned");
    if (PyCapsule_SetName(capsule, "used_dltensor_versioned") < 0)
      return -1;
    /* Of another major version even the place of the tensor is not known. */
    if (view->versioned->version.major == 1 && read_bool(&view->versioned->dl_tensor, written) < 0)
      return -1;
    return finish(bv_tensor_from_dlpack_versioned(view->versioned, written, &view->tensor));
  }
  view->managed = PyCapsule_GetPointer(capsule, "dltensor");
  if (!view->managed || PyCapsule_SetName(capsule, "used_dltensor") < 0 ||
      read_bool(&view->managed->dl_tensor, written) < 0)
    return -1;
  return finish(bv_tensor_from_dlpack_managed(view->managed, &view->tensor));
}

/* ---- Interface dictionaries -------------------------------------------------------------------------------
 */

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define OTHER_ORDER '>'
#else
#define OTHER_ORDER '<'
#endif

/* "<f4" and the like. */
static int read_typestr(PyObject *typestr, bv_dtype *dtype) {
  static const struct {
    char name[3];
    bv_dtype dtype;
  } types[] = {{"f4", BV_F32}, {"f2", BV_F16}, {"f8", BV_F64}, {"u1", BV_U8},  {"b1", BV_U8},
               {"i1", BV_I8},  {"u2", BV_U16}, {"i2", BV_I16}, {"i4", BV_I32}, {"u4", BV_U32}};
  PyObject *bytes = typestr && PyUnicode_Check(typestr) ? PyUnicode_AsUTF8String(typestr) : NULL;
  const char *text = bytes ? PyBytes_AsString(bytes) : NULL;
  int found = 0;
  if (text && text[0] && text[0] != OTHER_ORDER)
    for (size_t i = 0; i < sizeof types / sizeof *types && !found; ++i)
      if (strcmp(text + 1, types[i].name) == 0) {
        *dtype = types[i].dtype;
        found = 1;
      }
  Py_XDECREF(bytes);
  if (!found && !PyErr_Occurred())
    PyErr_Format(PyExc_TypeError,
                 "arrays of type %R are not taken; take float16, float32, float64, or integers of 8, 16 or 32 "
                 "bits, in the machine's byte order",
                 typestr ? typestr : Py_None);
  return found ? 0 : -1;
}

/* The numbers of a tuple; at most BV_MAX_NDIM. */
static int read_numbers(PyObject *tuple, const char *what, int64_t *numbers, Py_ssize_t *count) {
  if (!tuple || !PyTuple_Check(tuple)) {
    PyErr_Format(PyExc_TypeError, "the array's interface has no tuple of %s", what);
    return -1;
  }
  *count = PyTuple_Size(tuple);
  if (*count > BV_MAX_NDIM) {
    PyErr_Format(PyExc_ValueError, "the array has %zd dimensions; at most %d are taken", *count, BV_MAX_NDIM);
    return -1;
  }
  for (Py_ssize_t i = 0; i < *count; ++i) {
    numbers[i] = PyLong_AsLongLong(PyTuple_GetItem(tuple, i));
    if (numbers[i] == -1 && PyErr_Occurred()) {
      if (PyErr_ExceptionMatches(PyExc_OverflowError))
        PyErr_Format(PyExc_ValueError, "the array's %s %R do not fit in 64 bits", what, tuple);
      return -1;
    }
  }
  return 0;
}

/* Byte strides to strides that count elements. */
static int read_strides(PyObject *interface, bv_tensor *tensor) {
  PyObject *strides = PyDict_GetItemString(interface, "strides");
  if (!strides || strides == Py_None) {
    *tensor = bv_contiguous_tensor(tensor->data, tensor->dtype, tensor->device, tensor->ndim, tensor->shape);
    return 0;
  }
  Py_ssize_t count;
  if (read_numbers(strides, "strides", tensor->stride, &count) < 0)
    return -1;
  int64_t size = (int64_t)bv_dtype_size(tensor->dtype);
  for (int32_t i = 0; i < tensor->ndim; ++i) {
    if (count != tensor->ndim || tensor->stride[i] % size != 0) {
      PyErr_Format(PyExc_ValueError, "the array's strides %R do not fit elements of %d bytes in %d dimensions",
                   strides, (int)size, (int)tensor->ndim);
      return -1;
    }
    tensor->stride[i] /= size;
  }
  return 0;
}

static int take_interface(PyObject *interface, int32_t device, int written, bv_tensor *tensor) {
  if (!PyDict_Check(interface)) {
    PyErr_SetString(PyExc_TypeError, "the array's interface is no dictionary");
    return -1;
  }
  memset(tensor, 0, sizeof *tensor);
  tensor->device = device;
  Py_ssize_t ndim;
  if (read_typestr(PyDict_GetItemString(interface, "typestr"), &tensor->dtype) < 0 ||
      read_numbers(PyDict_GetItemString(interface, "shape"), "shape", tensor->shape, &ndim) < 0)
    return -1;
  tensor->ndim = (int32_t)ndim;
  PyObject *data = PyDict_GetItemString(interface, "data"), *mask = PyDict_GetItemString(interface, "mask");
  if (!data || !PyTuple_Check(data) || PyTuple_Size(data) != 2) {
    PyErr_SetString(PyExc_TypeError, "the array's interface has no address");
    return -1;
  }
  if (mask && mask != Py_None) {
    PyErr_SetString(PyExc_TypeError, "arrays with a mask of their own are not taken; give mask=");
    return -1;
  }
  PyObject *address = PyTuple_GetItem(data, 0);
  tensor->data = address == Py_None ? NULL : PyLong_AsVoidPtr(address);
  if (!tensor->data && PyErr_Occurred())
    return -1;
  int read_only = PyObject_IsTrue(PyTuple_GetItem(data, 1));
  if (read_only < 0)
    return -1;
  if (read_only && written) {
    PyErr_SetString(PyExc_ValueError, "out is read-only");
    return -1;
  }
  return read_strides(interface, tensor);
}

/* NumPy's interface of `array`, a new reference. NULL without an exception if it has none; what DLPack said
 * before (an exception, perhaps) is then raised again. */
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

int view_take(PyObject *array, int written, PyObject *stream, array_view *view) {
  memset(view, 0, sizeof *view);
  const exchange_api *api = exchange_api_of(array);
  if (api && api->tensor_from_object)
    return take_exchanged(api, array, written, view);

  PyObject *export = PyObject_GetAttr(array, name_dlpack);
  PyObject *capsule = export ? export_capsule(export, stream) : NULL;
  Py_XDECREF(export);
  if (capsule) {
    int result = take_capsule(capsule, written, view);
    Py_DECREF(capsule);
    return result;
  }
  if (!PyErr_ExceptionMatches(export ? PyExc_BufferError : PyExc_AttributeError))
    return -1;
  PyObject *interface = interface_instead(array);
  if (interface) {
    int result = take_interface(interface, BV_CPU, written, &view->tensor);
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

void view_release(array_view *view) {
  if (view->versioned && view->versioned->deleter)
    view->versioned->deleter(view->versioned);
  if (view->managed && view->managed->deleter)
    view->managed->deleter(view->managed);
  view->versioned = NULL;
  view->managed = NULL;
}
