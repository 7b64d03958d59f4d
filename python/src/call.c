/* Arguments of calls, see call.h. */
#include "call.h"

#include "device.h"

int call_begin(call_state *call, PyObject *stream) {
  if (stream == Py_None)
    return 0;
  call->given = call->order.known = 1;
  return view_stream(stream, &call->order.stream);
}

static int is_ordered_elsewhere(const call_state *call, const array_view *view) {
  return view->has_stream && view->stream != call->order.stream;
}

const bv_tensor *call_add(call_state *call, PyObject *array, int written) {
  if (array == Py_None)
    return NULL;
  array_view *view = &call->views[call->count++];
  if (view_take(array, written, &call->order, view) < 0)
    return NULL;
  if (!call->order.known && !call->order.asks) {
    call->order.known = 1;
    call->order.stream = view->stream;
  }
  if (!call->order.asks && is_ordered_elsewhere(call, view) &&
      device_order(view->tensor.device, call->order.stream, view->stream) < 0)
    return NULL;
  return &view->tensor;
}

PyObject *call_end(call_state *call, PyObject *result) {
  for (int i = 0; i < call->count; ++i) {
    array_view *view = &call->views[i];
    if (result && !call->given && !call->order.asks && is_ordered_elsewhere(call, view) &&
        device_order(view->tensor.device, view->stream, call->order.stream) < 0) {
      Py_DECREF(result);
      result = NULL;
    }
    view_release(view);
  }
  return result;
}

int call_read_options(call_state *call, PyObject *tuple) {
  call->options = (bv_display_options)BV_DISPLAY_OPTIONS_INIT;
  if (tuple == Py_None)
    return 0;
  bv_display_options *o = &call->options;
  PyObject *mask;
  const char *colour_map;
  Py_ssize_t colour_bytes;
  if (!PyArg_ParseTuple(tuple, "iiiiiddddddOz#", &o->scope, &o->foreground, &o->window, &o->rounding,
                        &o->algorithm, &o->low, &o->high, &o->lo, &o->hi, &o->epsilon, &o->floor, &mask,
                        &colour_map, &colour_bytes))
    return -1;
  if (colour_map && colour_bytes != 256 * 3) {
    PyErr_Format(PyExc_ValueError, "colormap has %zd bytes; it must have 256 x 3", colour_bytes);
    return -1;
  }
  o->colour_map = (const uint8_t *)colour_map;
  o->mask = call_add(call, mask, 0);
  return PyErr_Occurred() ? -1 : 0;
}

PyObject *call_answer(bv_status status) {
  if (status != BV_OK) {
    raise_status(status);
    return NULL;
  }
  Py_RETURN_NONE;
}
