/* Views by the interface dictionaries: NumPy's __array_interface__, and CUDA's, which has the same keys and the
 * stream. */
#include <string.h>

#include "device.h"

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

/* The stream that a device array's work is ordered on, if its library says one. */
static int read_stream(PyObject *interface, array_view *view) {
  PyObject *stream = PyDict_GetItemString(interface, "stream");
  if (!stream || stream == Py_None)
    return 0;
  view->has_stream = 1;
  return view_stream(stream, &view->stream);
}

int view_take_interface(PyObject *interface, int on_device, int written, array_view *view) {
  bv_tensor *tensor = &view->tensor;
  if (!PyDict_Check(interface)) {
    PyErr_SetString(PyExc_TypeError, "the array's interface is no dictionary");
    return -1;
  }
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
  tensor->device = BV_CPU;
  if (on_device && (device_of_memory(tensor->data, &tensor->device) < 0 || read_stream(interface, view) < 0))
    return -1;
  return read_strides(interface, tensor);
}
