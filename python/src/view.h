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

/* Prepares what all views need; once a process. 0, or -1 with an exception. */
int view_prepare(void);

/* Makes *view a view of `array`, which the caller keeps alive; view_release ends it, after a failure too.
 * written: not 0 if it is going to be an output.
 * stream: the number of the stream that the work will be on, for arrays that must be told, or None.
 * 0, or -1 with an exception. */
int view_take(PyObject *array, int written, PyObject *stream, array_view *view);

void view_release(array_view *view);

/* Raises what stands for a status: ValueError, TypeError, MemoryError or batchview.Error, with bv_last_error().
 */
void raise_status(bv_status status);

#endif
