/* CUDA devices, as far as groups need them. Without CUDA there are none, and nothing else here is called. */
#ifndef BV_DDP_DEVICE_H
#define BV_DDP_DEVICE_H

#include <stddef.h>

#include "blocks.h"
#include "cuda/context.h"
#include "deadline.h"
#include "batchview/ddp.h"

/* The one place where results of the CUDA runtime (cudaError_t, 0 is success) become statuses. The error stays
 * in the runtime, for ddp_leave_device or ddp_drop_error. */
bv_status ddp_check_cuda(int error, const char *what);

/* 0 without a device or a driver; BV_ERROR_CUDA for devices that cannot be used. */
bv_status ddp_device_count(int *count);

/* The device's UUID. */
bv_status ddp_identify_device(int device, unsigned char uuid[16]);

/* Makes `device` the calling thread's current one, with all kernels loaded: a kernel that is loaded at its
 * first use may wait for what is on the device, also for a rank that is lost. */
bv_status ddp_prepare_device(int device);

/* A context of `device` is current until the thread leaves: for streams named by NULL, and allocations. */
bv_status ddp_enter_device(int device, bv_context_scope *scope);
void ddp_leave_device(const bv_context_scope *scope);

/* Where no device is entered: whether the caller has an error pending in the runtime, and, unless he had,
 * taking back what has come since. */
bool ddp_has_error_pending(void);
void ddp_drop_error(bool was_pending);

bv_status ddp_create_stream(bv_stream *stream);
void ddp_destroy_stream(bv_stream stream);

/* Ordered on a stream of the current device. */
bv_status ddp_copy(void *to, const void *from, size_t bytes, bv_stream stream);

/* Waits until the stream has done its work. `trouble` is asked again and again, and ends the wait with what it
 * returns unless that is BV_OK. BV_DDP_ERROR_TIMEOUT at the deadline. */
bv_status ddp_wait_for_stream(bv_stream stream, ddp_time deadline, double timeout_seconds,
                              bv_status (*trouble)(void *), void *argument);

#endif
