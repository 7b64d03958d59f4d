/* What the module for device arrays asks of CUDA itself; the module for CPU arrays takes none, and asks
 * nothing. */
#ifndef BATCHVIEW_PYTHON_DEVICE_H
#define BATCHVIEW_PYTHON_DEVICE_H

#include "view.h"

/* Whether this module takes device arrays. */
extern const int device_arrays;

/* The device on which `memory` lies, or BV_CPU; of NULL the current one. A cudaError_t, and no need of the GIL.
 */
int device_find(const void *memory, int32_t *device);

/* The device on which `memory` lies; of NULL, which empty arrays have, the current one. 0, or -1 with an
 * exception. */
int device_of_memory(const void *memory, int32_t *device);

/* What `stream` is given from now on waits for what `awaited` has been given until now; the host does not wait.
 * 0, or -1 with an exception. */
int device_order(int32_t device, bv_stream stream, bv_stream awaited);

#endif
