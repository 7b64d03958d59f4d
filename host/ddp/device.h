/* CUDA devices, as far as groups need them. Without CUDA there are none, and nothing else here is called. */
#ifndef BV_DDP_DEVICE_H
#define BV_DDP_DEVICE_H

#include <stddef.h>

#include "cuda/context.h"
#include "deadline.h"
#include "batchview/ddp.h"

/* The one place where results of the CUDA runtime (cudaError_t, 0 is success) become statuses. */
bv_status ddp_check_cuda(int error, const char *what);

/* 0 without a device or a driver; BV_ERROR_CUDA for devices that cannot be used. */
bv_status ddp_device_count(int *count);

/* The device's UUID. */
bv_status ddp_identify_device(int device, unsigned char uuid[16]);

/* Makes `device` the calling thread's current one. */
bv_status ddp_select_device(int device);

/* A context of `device` is current until the thread leaves: for streams named by NULL, and allocations. */
bv_status ddp_enter_device(int device, bv_context_scope *scope);
void ddp_leave_device(const bv_context_scope *scope);

bv_status ddp_create_stream(bv_stream *stream);
void ddp_destroy_stream(bv_stream stream);

/* Memory and copies ordered on a stream of the current device. */
bv_status ddp_allocate(void **memory, size_t bytes, bv_stream stream);
void ddp_release(void *memory, bv_stream stream);
bv_status ddp_copy(void *to, const void *from, size_t bytes, bv_stream stream);

/* Waits until the stream has done its work. `trouble` is asked again and again, and ends the wait with what it
 * returns unless that is BV_OK. BV_DDP_ERROR_TIMEOUT at the deadline. */
bv_status ddp_wait_for_stream(bv_stream stream, ddp_time deadline, double timeout_seconds,
                              bv_status (*trouble)(void *), void *argument);

#endif
