/* The extension module, _cpu or _cuda: each function takes views of its arrays, and calls the C function that
 * it is named after without the GIL. What users see is Python, in ../batchview. */
#include "batchview/selection.h"
#include "call.h"
#include "pictures.h"
#include "xla.h"

/* ---- The batch ------------------------------------------------------------------------------------------ */

/* A workspace is an array of bytes. 0, or -1 with an exception. */
static int read_workspace(call_state *call, PyObject *workspace) {
  const bv_tensor *bytes = call_add(call, workspace, 1);
  if (bytes) {
    call->options.workspace = bytes->data;
    call->options.workspace_bytes = (size_t)bytes->shape[0];
  }
  return PyErr_Occurred() ? -1 : 0;
}

static PyObject *normalize(PyObject *module, PyObject *arguments) {
  (void)module;
  PyObject *batch, *out, *options, *workspace, *stream;
  call_state call = {0};
  if (!PyArg_ParseTuple(arguments, "OOOOO", &batch, &out, &options, &workspace, &stream) ||
      call_begin(&call, stream) < 0)
    return NULL;
  const bv_tensor *in_view = call_add(&call, batch, 0), *out_view = in_view ? call_add(&call, out, 1) : NULL;
  PyObject *result = NULL;
  if (out_view && call_read_options(&call, options) == 0 && read_workspace(&call, workspace) == 0) {
    bv_status status;
    Py_BEGIN_ALLOW_THREADS status =
        bv_normalize_batch_for_display(in_view, out_view, &call.options, call.order.stream);
    Py_END_ALLOW_THREADS result = call_answer(status);
  }
  return call_end(&call, result);
}

static PyObject *measure(PyObject *module, PyObject *arguments) {
  (void)module;
  PyObject *batch, *windows, *options, *workspace, *stream;
  call_state call = {0};
  if (!PyArg_ParseTuple(arguments, "OOOOO", &batch, &windows, &options, &workspace, &stream) ||
      call_begin(&call, stream) < 0)
    return NULL;
  const bv_tensor *in_view = call_add(&call, batch, 0),
                  *out_view = in_view ? call_add(&call, windows, 1) : NULL;
  PyObject *result = NULL;
  if (out_view && call_read_options(&call, options) == 0 && read_workspace(&call, workspace) == 0) {
    bv_status status;
    Py_BEGIN_ALLOW_THREADS status = bv_measure_window(in_view, &call.options, out_view, call.order.stream);
    Py_END_ALLOW_THREADS result = call_answer(status);
  }
  return call_end(&call, result);
}

static PyObject *apply(PyObject *module, PyObject *arguments) {
  (void)module;
  PyObject *batch, *windows, *out, *options, *stream;
  call_state call = {0};
  if (!PyArg_ParseTuple(arguments, "OOOOO", &batch, &windows, &out, &options, &stream) ||
      call_begin(&call, stream) < 0)
    return NULL;
  const bv_tensor *in_view = call_add(&call, batch, 0),
                  *windows_view = in_view ? call_add(&call, windows, 0) : NULL,
                  *out_view = windows_view ? call_add(&call, out, 1) : NULL;
  PyObject *result = NULL;
  if (out_view && call_read_options(&call, options) == 0) {
    bv_status status;
    Py_BEGIN_ALLOW_THREADS status =
        bv_apply_window(in_view, windows_view, out_view, &call.options, call.order.stream);
    Py_END_ALLOW_THREADS result = call_answer(status);
  }
  return call_end(&call, result);
}

/* The bytes that `normalize` (out None: `measure`) needs. */
static PyObject *workspace_bytes(PyObject *module, PyObject *arguments) {
  (void)module;
  PyObject *batch, *out, *options;
  call_state call = {.order.asks = 1};
  if (!PyArg_ParseTuple(arguments, "OOO", &batch, &out, &options))
    return NULL;
  const bv_tensor *in_view = call_add(&call, batch, 0), *out_view = in_view ? call_add(&call, out, 1) : NULL;
  PyObject *result = NULL;
  size_t bytes = 0;
  if (in_view && !PyErr_Occurred() && call_read_options(&call, options) == 0) {
    bv_status status = bv_workspace_size(in_view, out_view, &call.options, &bytes);
    if (status == BV_OK)
      result = PyLong_FromSize_t(bytes);
    else
      raise_status(status);
  }
  return call_end(&call, result);
}

/* ---- One window over several batches: see batchview/selection.h -------------------------------------------
 */

enum { BEGIN, COUNT, NARROW, FINISH };

/* One step of the four; `digit` is looked at by those that have one. */
static PyObject *selection_step(PyObject *module, PyObject *arguments) {
  (void)module;
  PyObject *batch, *windows, *memory, *options, *stream;
  int step, digit;
  call_state call = {0};
  if (!PyArg_ParseTuple(arguments, "iiOOOOO", &step, &digit, &batch, &windows, &memory, &options, &stream) ||
      call_begin(&call, stream) < 0)
    return NULL;
  const bv_tensor *piece = call_add(&call, batch, 0),
                  *windows_view = piece ? call_add(&call, windows, 1) : NULL,
                  *bytes = windows_view ? call_add(&call, memory, 1) : NULL;
  PyObject *result = NULL;
  if (bytes && call_read_options(&call, options) == 0) {
    const bv_selection selection = {piece->dtype, &call.options, windows_view, bytes->data};
    bv_status status = BV_OK;
    Py_BEGIN_ALLOW_THREADS switch (step) {
    case BEGIN: status = bv_selection_begin(&selection, call.order.stream); break;
    case COUNT: status = bv_selection_count(&selection, digit, piece, call.order.stream); break;
    case NARROW: status = bv_selection_narrow(&selection, digit, call.order.stream); break;
    case FINISH: status = bv_selection_finish(&selection, call.order.stream); break;
    }
    Py_END_ALLOW_THREADS result = call_answer(status);
  }
  return call_end(&call, result);
}

static PyObject *selection_digits(PyObject *module, PyObject *batch) {
  (void)module;
  call_state call = {.order.asks = 1};
  const bv_tensor *view = call_add(&call, batch, 0);
  return call_end(&call, view ? PyLong_FromLong(bv_selection_digits(view->dtype)) : NULL);
}

/* ---- Single images -------------------------------------------------------------------------------------- */

enum { TO_UINT8, IMAGE, SLICE };

/* The three functions of one image, by `what`. */
static PyObject *draw(PyObject *arguments, int what) {
  PyObject *image, *out, *stream;
  int axis = 0;
  call_state call = {0};
  if (!PyArg_ParseTuple(arguments, "OOOi", &image, &out, &stream, &axis) || call_begin(&call, stream) < 0)
    return NULL;
  const bv_tensor *in_view = call_add(&call, image, 0), *out_view = in_view ? call_add(&call, out, 1) : NULL;
  PyObject *result = NULL;
  if (out_view) {
    bv_status status;
    Py_BEGIN_ALLOW_THREADS status =
        what == TO_UINT8 ? bv_normalize_image_to_uint8(in_view, out_view, call.order.stream)
        : what == IMAGE  ? bv_visualize_2d_image(in_view, out_view, call.order.stream)
                         : bv_visualize_one_slice_in_3d_image(in_view, axis, out_view, call.order.stream);
    Py_END_ALLOW_THREADS result = call_answer(status);
  }
  return call_end(&call, result);
}

static PyObject *image_to_uint8(PyObject *module, PyObject *arguments) {
  (void)module;
  return draw(arguments, TO_UINT8);
}

static PyObject *image_2d(PyObject *module, PyObject *arguments) {
  (void)module;
  return draw(arguments, IMAGE);
}

static PyObject *slice_of_3d(PyObject *module, PyObject *arguments) {
  (void)module;
  return draw(arguments, SLICE);
}

/* ---- The library ---------------------------------------------------------------------------------------- */

static PyObject *describe(PyObject *module, PyObject *nothing) {
  (void)module;
  (void)nothing;
  char text[16384]; /* of some hundred devices */
  bv_describe(text, sizeof text);
  return PyUnicode_FromString(text);
}

static PyObject *set_threads(PyObject *module, PyObject *arguments) {
  (void)module;
  int threads;
  if (!PyArg_ParseTuple(arguments, "i", &threads))
    return NULL;
  bv_status status;
  Py_BEGIN_ALLOW_THREADS /* threads that end are waited for */
      status = bv_set_threads(threads);
  Py_END_ALLOW_THREADS return call_answer(status);
}

static PyObject *get_threads(PyObject *module, PyObject *nothing) {
  (void)module;
  (void)nothing;
  return PyLong_FromLong(bv_get_threads());
}

static PyMethodDef methods[] = {
    {"normalize", normalize, METH_VARARGS, "(batch, out, options, workspace, stream)"},
    {"measure", measure, METH_VARARGS, "(batch, windows, options, workspace, stream)"},
    {"apply", apply, METH_VARARGS, "(batch, windows, out, options, stream)"},
    {"workspace_bytes", workspace_bytes, METH_VARARGS, "(batch, out, options)"},
    {"selection_step", selection_step, METH_VARARGS, "(step, digit, batch, windows, memory, options, stream)"},
    {"selection_digits", selection_digits, METH_O, "(batch)"},
    {"image_to_uint8", image_to_uint8, METH_VARARGS, "(image, out, stream, 0)"},
    {"image_2d", image_2d, METH_VARARGS, "(image, out, stream, 0)"},
    {"slice_of_3d", slice_of_3d, METH_VARARGS, "(volume, out, stream, axis)"},
    {"overlay_labels", overlay_labels, METH_VARARGS, "(pictures, labels, colours, opacity, stream)"},
    {"overlay_image", overlay_image, METH_VARARGS, "(pictures, image, colours, opacity, stream)"},
    {"project_volume", project_volume, METH_VARARGS, "(volume, out, axis, projection, stream)"},
    {"orthogonal_size", orthogonal_size, METH_VARARGS, "(volume, views)"},
    {"orthogonal_views", orthogonal_views, METH_VARARGS, "(volume, out, views, options, stream)"},
    {"xla_handler", xla_handler, METH_O, "(replayable)"},
    {"describe", describe, METH_NOARGS, "()"},
    {"colour_maps", colour_maps, METH_NOARGS, "()"},
    {"window_presets", window_presets, METH_NOARGS, "()"},
    {"set_threads", set_threads, METH_VARARGS, "(threads)"},
    {"get_threads", get_threads, METH_NOARGS, "()"},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, BATCHVIEW_MODULE_NAME, NULL, -1, methods, NULL, NULL, NULL, NULL,
};

#define CONCATENATE(a, b) a##b
#define INIT(name) CONCATENATE(PyInit_, name)
#define TEXT(number) #number
#define VERSION(major, minor, patch) TEXT(major) "." TEXT(minor) "." TEXT(patch)

PyMODINIT_FUNC INIT(BATCHVIEW_MODULE)(void);
PyMODINIT_FUNC INIT(BATCHVIEW_MODULE)(void) {
  static const char version[] = VERSION(BV_VERSION_MAJOR, BV_VERSION_MINOR, BV_VERSION_PATCH);
  PyObject *module = view_prepare() < 0 ? NULL : PyModule_Create(&definition);
  if (module && PyModule_AddStringConstant(module, "version", version) < 0)
    Py_CLEAR(module);
  return module;
}
