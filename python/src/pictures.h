/* The functions of batchview/pictures.h, for Python. */
#ifndef BATCHVIEW_PYTHON_PICTURES_H
#define BATCHVIEW_PYTHON_PICTURES_H

#include "view.h"

PyObject *overlay_labels(PyObject *module, PyObject *arguments);
PyObject *overlay_image(PyObject *module, PyObject *arguments);
PyObject *project_volume(PyObject *module, PyObject *arguments);
PyObject *orthogonal_size(PyObject *module, PyObject *arguments);
PyObject *orthogonal_views(PyObject *module, PyObject *arguments);
PyObject *colour_maps(PyObject *module, PyObject *nothing);
PyObject *window_presets(PyObject *module, PyObject *nothing);

#endif
