/* Overlays, projections and orthogonal views, see pictures.h; and what colours and windows there are by name.
 */
#include "pictures.h"

#include "batchview/pictures.h"
#include "call.h"

/* ---- Overlays ------------------------------------------------------------------------------------------- */

enum { LABELS, IMAGE };

static PyObject *overlay(PyObject *arguments, int what) {
  PyObject *pictures, *layer, *stream;
  const char *colours;
  Py_ssize_t colour_bytes;
  double opacity;
  call_state call = {0};
  if (!PyArg_ParseTuple(arguments, "OOz#dO", &pictures, &layer, &colours, &colour_bytes, &opacity, &stream) ||
      call_begin(&call, stream) < 0)
    return NULL;
  if (colours && colour_bytes != 256 * 3)
    return PyErr_Format(PyExc_ValueError, "the colours have %zd bytes; they must have 256 x 3", colour_bytes);
  const bv_tensor *out_view = call_add(&call, pictures, 1),
                  *layer_view = out_view ? call_add(&call, layer, 0) : NULL;
  PyObject *result = NULL;
  if (layer_view) {
    bv_status status;
    const uint8_t *rgb = (const uint8_t *)colours;
    Py_BEGIN_ALLOW_THREADS status =
        what == LABELS ? bv_overlay_labels(out_view, layer_view, rgb, opacity, call.order.stream)
                       : bv_overlay_image(out_view, layer_view, rgb, opacity, call.order.stream);
    Py_END_ALLOW_THREADS result = call_answer(status);
  }
  return call_end(&call, result);
}

PyObject *overlay_labels(PyObject *module, PyObject *arguments) {
  (void)module;
  return overlay(arguments, LABELS);
}

PyObject *overlay_image(PyObject *module, PyObject *arguments) {
  (void)module;
  return overlay(arguments, IMAGE);
}

/* ---- Volumes -------------------------------------------------------------------------------------------- */

PyObject *project_volume(PyObject *module, PyObject *arguments) {
  (void)module;
  PyObject *volume, *out, *stream;
  int axis, projection;
  call_state call = {0};
  if (!PyArg_ParseTuple(arguments, "OOiiO", &volume, &out, &axis, &projection, &stream) ||
      call_begin(&call, stream) < 0)
    return NULL;
  const bv_tensor *in_view = call_add(&call, volume, 0), *out_view = in_view ? call_add(&call, out, 1) : NULL;
  PyObject *result = NULL;
  if (out_view) {
    bv_status status;
    Py_BEGIN_ALLOW_THREADS status = bv_project_volume(in_view, axis, projection, out_view, call.order.stream);
    Py_END_ALLOW_THREADS result = call_answer(status);
  }
  return call_end(&call, result);
}

/* views: the tuple that pictures.py makes. 0, or -1 with an exception. */
static int read_views(PyObject *tuple, bv_orthogonal_options *views, bv_grid_options *grid) {
  *views = (bv_orthogonal_options)BV_ORTHOGONAL_OPTIONS_INIT;
  *grid = (bv_grid_options)BV_GRID_OPTIONS_INIT;
  long long position[3], columns, padding;
  if (!PyArg_ParseTuple(tuple, "dddLLLiLLd", &views->spacing[0], &views->spacing[1], &views->spacing[2],
                        &position[0], &position[1], &position[2], &views->upright, &columns, &padding,
                        &grid->padding_value))
    return -1;
  for (int i = 0; i < 3; ++i)
    views->position[i] = position[i];
  grid->columns = columns;
  grid->padding = padding;
  return 0;
}

PyObject *orthogonal_size(PyObject *module, PyObject *arguments) {
  (void)module;
  PyObject *volume, *tuple;
  bv_orthogonal_options views;
  bv_grid_options grid;
  call_state call = {.order.asks = 1};
  if (!PyArg_ParseTuple(arguments, "OO", &volume, &tuple) || read_views(tuple, &views, &grid) < 0)
    return NULL;
  const bv_tensor *view = call_add(&call, volume, 0);
  PyObject *result = NULL;
  if (view) {
    int64_t extents[2];
    bv_status status = bv_orthogonal_size(view, &views, &grid, extents);
    result = status == BV_OK ? Py_BuildValue("LL", (long long)extents[0], (long long)extents[1])
                             : call_answer(status);
  }
  return call_end(&call, result);
}

PyObject *orthogonal_views(PyObject *module, PyObject *arguments) {
  (void)module;
  PyObject *volume, *out, *tuple, *options, *stream;
  bv_orthogonal_options views;
  bv_grid_options grid;
  call_state call = {0};
  if (!PyArg_ParseTuple(arguments, "OOOOO", &volume, &out, &tuple, &options, &stream) ||
      read_views(tuple, &views, &grid) < 0 || call_begin(&call, stream) < 0)
    return NULL;
  const bv_tensor *in_view = call_add(&call, volume, 0), *out_view = in_view ? call_add(&call, out, 1) : NULL;
  PyObject *result = NULL;
  if (out_view && call_read_options(&call, options) == 0) {
    bv_status status;
    Py_BEGIN_ALLOW_THREADS status =
        bv_make_orthogonal_views(in_view, out_view, &views, &grid, &call.options, call.order.stream);
    Py_END_ALLOW_THREADS result = call_answer(status);
  }
  return call_end(&call, result);
}

/* ---- Names ---------------------------------------------------------------------------------------------- */

/* Adds `value`, a new reference, to a dictionary, or returns NULL with an exception, without either. */
static PyObject *with(PyObject *dictionary, const char *name, PyObject *value) {
  int result = value ? PyDict_SetItemString(dictionary, name, value) : -1;
  Py_XDECREF(value);
  if (result == 0)
    return dictionary;
  Py_DECREF(dictionary);
  return NULL;
}

PyObject *colour_maps(PyObject *module, PyObject *nothing) {
  (void)module;
  (void)nothing;
  PyObject *maps = PyDict_New();
  for (const bv_colour_map *map = bv_colour_maps(); maps && map->name; ++map)
    maps = with(maps, map->name, PyBytes_FromStringAndSize((const char *)map->rgb, sizeof map->rgb));
  return maps;
}

PyObject *window_presets(PyObject *module, PyObject *nothing) {
  (void)module;
  (void)nothing;
  PyObject *presets = PyDict_New();
  for (const bv_window_preset *preset = bv_window_presets(); presets && preset->name; ++preset) {
    double lo = preset->level - preset->width / 2, hi = preset->level + preset->width / 2;
    presets = with(presets, preset->name, Py_BuildValue("dd", lo, hi));
  }
  return presets;
}
