/* Pictures that are drawn on a CUDA device: copied to host memory behind the caller's back. Without CUDA there
 * is no device, and nothing but tb_start_copy is called. */
#ifndef BV_TB_DEVICE_H
#define BV_TB_DEVICE_H

#include <stddef.h>
#include <stdint.h>

#include "report.h"

typedef struct tb_device tb_device; /* a writer's stream and host memory; used by any thread */
typedef struct tb_copy tb_copy;     /* one on its way */

/* Writes pixels to memory of the tensors' device, ordered on the caller's stream. */
typedef bv_status tb_draw(const void *context, void *pixels);

/* Orders on `stream` that `draw` writes `bytes` bytes, and behind it, on the writer's stream, that they are
 * copied. *device is made by the first call. BV_ERROR_VALUE, _DEVICE, _NO_CUDA, and what `draw` returns. */
bv_status tb_start_copy(tb_device **device, int32_t ordinal, size_t bytes, tb_draw *draw, const void *context,
                        bv_stream stream, tb_copy **copy);

/* A copy between memory of one device. */
bv_status tb_copy_on_device(void *to, const void *from, size_t bytes, bv_stream stream);

/* Waits until the pixels have come, and says where. */
bv_status tb_await_copy(tb_copy *copy, const uint8_t **pixels);

/* The pixels are not needed any more. NULL is allowed. */
void tb_end_copy(tb_copy *copy);

/* After all copies have ended. NULL is allowed. */
void tb_close_device(tb_device *device);

#endif
