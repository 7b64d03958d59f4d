/* The two backends: what a checked job, whose extents are all positive, is handed to. */
#ifndef BV_BACKEND_H
#define BV_BACKEND_H

#include "fill.h"
#include "job.h"
#include "overlay.h"
#include "projection.h"
#include "view.h"

bv_status bv_cpu_run(const bv_job *job);

void bv_cpu_fill(const bv_fill *fill);
void bv_cpu_overlay(const bv_overlay *overlay);
void bv_cpu_project(const bv_projection *projection);
void bv_cpu_view(const bv_view *view);

/* bv_stretch_extent, for those who have entered the arithmetic (floating.h). */
int64_t bv_stretched_extent(int64_t extent, double spacing, double finest);

/* All that the first call on a device has to do. */
bv_status bv_cuda_prepare(int32_t device);

/* On job->device, ordered on `stream`. The library built without CUDA has no such job: the checks refuse it. */
bv_status bv_cuda_run(const bv_job *job, bv_stream stream);

/* The device workspace that bv_cuda_run needs for a BV_DISPLAY or BV_MEASURE job. */
bv_status bv_cuda_workspace_size(const bv_job *job, size_t *bytes);

/* How many CUDA devices there are: 0 without a driver. Returns BV_OK; BV_ERROR_CUDA if they cannot be used. */
bv_status bv_cuda_device_count(int *count);

/* Ordered on `stream`: filling, and some bytes of device memory between a borrowing and a giving back. */
bv_status bv_cuda_fill(const bv_fill *fill, int32_t device, bv_stream stream);
bv_status bv_cuda_borrow(int32_t device, size_t bytes, void **memory, bv_stream stream);
bv_status bv_cuda_give_back(int32_t device, void *memory, bv_stream stream);

/* Ordered on `stream`; `name` is that of what is laid over the pictures. */
bv_status bv_cuda_overlay(const bv_overlay *overlay, const char *name, int32_t device, bv_stream stream);
bv_status bv_cuda_project(const bv_projection *projection, bv_stream stream);
bv_status bv_cuda_view(const bv_view *view, int32_t device, bv_stream stream);

/* That what views are made of is in the memory of the volume's device; `mask` may be NULL. */
bv_status bv_cuda_check_views(const bv_tensor *volume, const bv_tensor *mask, const bv_tensor *out);

#endif
