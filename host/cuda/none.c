/* What takes the place of the CUDA backend in a library built without it. */
#include "backend.h"
#include "describe.h"
#include "selection.h"
#include "status.h"

int bv_built_with_cuda(void) { return 0; }

void bv_describe_cuda(bv_description *description) { bv_add_line(description, "CUDA: not built in\n"); }

bv_status bv_cuda_device_count(int *count) {
  *count = 0;
  return BV_OK;
}

bv_status bv_cuda_prepare(int32_t device) {
  return bv_fail(BV_ERROR_NO_CUDA, "device is %d, but this batchview was not built with CUDA", device);
}

static bv_status refuse(int device) {
  return bv_fail(BV_ERROR_NO_CUDA, "a tensor on device %d, but this batchview was not built with CUDA", device);
}

bv_status bv_cuda_run(const bv_job *job, bv_stream stream) {
  (void)stream;
  return refuse(job->device);
}

bv_status bv_cuda_workspace_size(const bv_job *job, size_t *bytes) {
  (void)bytes;
  return refuse(job->device);
}

bv_status bv_cuda_fill(const bv_fill *fill, int32_t device, bv_stream stream) {
  (void)fill, (void)stream;
  return refuse(device);
}

bv_status bv_cuda_borrow(int32_t device, size_t bytes, void **memory, bv_stream stream) {
  (void)bytes, (void)memory, (void)stream;
  return refuse(device);
}

bv_status bv_cuda_give_back(int32_t device, void *memory, bv_stream stream) {
  (void)memory, (void)stream;
  return refuse(device);
}

bv_status bv_cuda_project(const bv_projection *projection, bv_stream stream) {
  (void)stream;
  return refuse(projection->device);
}

bv_status bv_cuda_check_views(const bv_tensor *volume, const bv_tensor *mask, const bv_tensor *out) {
  (void)mask, (void)out;
  return refuse(volume->device);
}

bv_status bv_cuda_view(const bv_view *view, int32_t device, bv_stream stream) {
  (void)view, (void)stream;
  return refuse(device);
}

bv_status bv_cuda_overlay(const bv_overlay *overlay, const char *name, int32_t device, bv_stream stream) {
  (void)overlay, (void)name, (void)stream;
  return refuse(device);
}

bv_status bv_cuda_selection_begin(int device, bv_selection_memory *memory, bv_stream stream) {
  (void)memory, (void)stream;
  return refuse(device);
}

bv_status bv_cuda_selection_count(const bv_job *job, bv_selection_memory *memory, int digit, bv_stream stream) {
  (void)memory, (void)digit, (void)stream;
  return refuse(job->device);
}

bv_status bv_cuda_selection_narrow(int device, bv_selection_memory *memory, int digit,
                                   bv_percentiles percentiles, bv_stream stream) {
  (void)memory, (void)digit, (void)percentiles, (void)stream;
  return refuse(device);
}

bv_status bv_cuda_selection_finish(const bv_job *job, const bv_selection_memory *memory,
                                   bv_percentiles percentiles, bv_stream stream) {
  (void)memory, (void)percentiles, (void)stream;
  return refuse(job->device);
}
