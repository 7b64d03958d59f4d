/* Views of other libraries' arrays: whatever speaks DLPack, NumPy's array interface or CUDA's, without a copy.
 */
#ifndef BATCHVIEW_PYTHON_VIEW_H
#define BATCHVIEW_PYTHON_VIEW_H

/* One binary for every Python from 3.9 on. */
#define Py_LIMITED_API 0x03090000
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "batchview/dlpack.h"

/* What a view holds on to while it is used. A zeroed one is valid, and holds nothing. */
typedef struct array_view {
  bv_tensor tensor;
  int has_stream;   /* the array said on which stream its work is ordered: `stream` */
  bv_stream stream; /* (NULL is a stream too: the legacy default one) */
  DLManagedTensorVersioned *versioned;
  DLManagedTensor *managed;
} array_view;

/* The stream of a call, for arrays that must be told. */
typedef struct view_order {
  int known;
  bv_stream stream;
  int asks; /* the call only asks about the arrays, and touches no pixel */
} view_order;

/* Prepares what all views need; once a process. 0, or -1 with an exception. */
int view_prepare(void);

/* Makes *view a view of `array`, which the caller keeps alive; view_release ends it, after a failure too.
 * written: not 0 if it is going to be an output.
 * 0, or -1 with an exception. */
int view_take(PyObject *array, int written, const view_order *order, array_view *view);

/* The part of view_take for an interface dictionary: CUDA's, or NumPy's. */
int view_take_interface(PyObject *interface, int on_device, int written, array_view *view);

/* The stream of its number. 0, or -1 with an exception. */
int view_stream(PyObject *number, bv_stream *stream);

void view_release(array_view *view);

/* Raises what stands for a status: ValueError, TypeError, MemoryError or batchview.Error, with bv_last_error().
 */
void raise_status(bv_status status);

/* The type batchview.Error, a new reference; NULL with an exception. */
PyObject *batchview_error(void);

#endif
