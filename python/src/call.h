/* The arguments of one call: views of its arrays, the stream of its work, its options. */
#ifndef BATCHVIEW_PYTHON_CALL_H
#define BATCHVIEW_PYTHON_CALL_H

#include "view.h"

enum { MOST_ARRAYS = 4 };

/* The arrays of one call, and what it is told besides. A zeroed one is a call without any. */
typedef struct call_state {
  array_view views[MOST_ARRAYS];
  int count;
  view_order order; /* the stream of the work: the one that was given, or the first array's own */
  int given;
  bv_display_options options;
} call_state;

/* stream: None, or a number. 0, or -1 with an exception. */
int call_begin(call_state *call, PyObject *stream);

/* Adds a view; None gives NULL without an exception. */
const bv_tensor *call_add(call_state *call, PyObject *array, int written);

/* options: None, or the tuple that _options.py makes. 0, or -1 with an exception. */
int call_read_options(call_state *call, PyObject *tuple);

/* None, or the exception of a status. */
PyObject *call_answer(bv_status status);

/* The result, or NULL with an exception. Who gave a stream orders it himself with what comes after; the streams
 * of other arrays, else, go on when the work is done. */
PyObject *call_end(call_state *call, PyObject *result);

#endif
