/* Selection by digits on the device: checks of its memory, and the launches. */
#include <cuda_runtime_api.h>

#include "device.h"
#include "launch.h"
#include "selection.h"
#include "status.h"

/* Blocks that count, for each multiprocessor: enough to keep loads in flight, few enough counts to add up. */
#define BLOCKS_OF_MULTIPROCESSOR 4

static bv_status check_memory(const void *memory, int device) {
  return bv_check_device_memory("selection->memory", memory, device, BV_ERROR_DEVICE);
}

static bv_status begin(int device, bv_selection_memory *memory, bv_stream stream) {
  BV_TRY(check_memory(memory, device));
  BV_TRY_CUDA(cudaMemsetAsync(memory, 0, sizeof *memory, stream), "clearing counts");
  return BV_OK;
}

bv_status bv_cuda_selection_begin(int device, bv_selection_memory *memory, bv_stream stream) {
  bv_device_scope scope;
  BV_TRY(bv_enter_device(device, &scope));
  return bv_leave_device(&scope, begin(device, memory, stream));
}

static bv_status count(const bv_job *job, const bv_device_scope *scope, bv_selection_memory *memory, int digit,
                       bv_stream stream) {
  BV_TRY(check_memory(memory, job->device));
  BV_TRY(bv_check_device_memory("piece", job->in, job->device, BV_ERROR_DEVICE));
  if (job->mask)
    BV_TRY(bv_check_device_memory("options.mask", job->mask, job->device, BV_ERROR_DEVICE));
  BV_TRY_CUDA(bv_launch_count_digit(job, BLOCKS_OF_MULTIPROCESSOR * scope->limits.multiprocessors, memory,
                                    digit, stream),
              "counting digits");
  return BV_OK;
}

bv_status bv_cuda_selection_count(const bv_job *job, bv_selection_memory *memory, int digit, bv_stream stream) {
  bv_device_scope scope;
  BV_TRY(bv_enter_device(job->device, &scope));
  return bv_leave_device(&scope, count(job, &scope, memory, digit, stream));
}

static bv_status narrow(int device, bv_selection_memory *memory, int digit, bv_percentiles percentiles,
                        bv_stream stream) {
  BV_TRY(check_memory(memory, device));
  BV_TRY_CUDA(bv_launch_narrow(memory, digit, percentiles, stream), "narrowing intervals");
  return BV_OK;
}

bv_status bv_cuda_selection_narrow(int device, bv_selection_memory *memory, int digit,
                                   bv_percentiles percentiles, bv_stream stream) {
  bv_device_scope scope;
  BV_TRY(bv_enter_device(device, &scope));
  return bv_leave_device(&scope, narrow(device, memory, digit, percentiles, stream));
}

static bv_status finish(const bv_job *job, const bv_selection_memory *memory, bv_percentiles percentiles,
                        bv_stream stream) {
  bv_windows windows = {.data = job->windows,
                        .stride = {job->windows_stride[0], job->windows_stride[1]},
                        .count = job->windows_count};
  BV_TRY(check_memory(memory, job->device));
  BV_TRY(bv_check_device_memory("selection->windows", job->windows, job->device, BV_ERROR_DEVICE));
  BV_TRY_CUDA(job->window == BV_WINDOW_FIXED
                  ? bv_launch_fixed_windows(job, windows, stream)
                  : bv_launch_selected_window(job, memory, percentiles, windows, stream),
              "writing a window");
  return BV_OK;
}

bv_status bv_cuda_selection_finish(const bv_job *job, const bv_selection_memory *memory,
                                   bv_percentiles percentiles, bv_stream stream) {
  bv_device_scope scope;
  BV_TRY(bv_enter_device(job->device, &scope));
  return bv_leave_device(&scope, finish(job, memory, percentiles, stream));
}
