/* The public functions: check, make a job, hand it to the backend of its device. */
#include "batchview/batchview.h"

#include "backend.h"
#include "check.h"
#include "cpu/pool.h"
#include "display.h"
#include "status.h"
#include "volume.h"

static const bv_names names = {"batch", "windows"};

static bv_status run(const bv_job *job, bv_stream stream) {
  return job->device == BV_CPU ? bv_cpu_run(job) : bv_cuda_run(job, stream);
}

bv_status bv_normalize_batch_for_display(const bv_tensor *batch, const bv_tensor *out,
                                         const bv_display_options *options, bv_stream stream) {
  bv_job job;
  BV_TRY(bv_check_pointer("out", out));
  BV_TRY(bv_make_display_job(BV_DISPLAY, &names, batch, NULL, out, options, &job));
  return bv_is_empty(batch) ? BV_OK : run(&job, stream);
}

bv_status bv_measure_window(const bv_tensor *batch, const bv_display_options *options, const bv_tensor *windows,
                            bv_stream stream) {
  bv_job job;
  BV_TRY(bv_check_pointer("windows", windows));
  BV_TRY(bv_make_display_job(BV_MEASURE, &names, batch, windows, NULL, options, &job));
  return bv_is_empty(batch) ? BV_OK : run(&job, stream);
}

bv_status bv_apply_window(const bv_tensor *batch, const bv_tensor *windows, const bv_tensor *out,
                          const bv_display_options *options, bv_stream stream) {
  bv_job job;
  BV_TRY(bv_check_pointer("windows", windows));
  BV_TRY(bv_check_pointer("out", out));
  BV_TRY(bv_make_display_job(BV_APPLY, &names, batch, windows, out, options, &job));
  return bv_is_empty(batch) ? BV_OK : run(&job, stream);
}

bv_status bv_workspace_size(const bv_tensor *batch, const bv_tensor *out, const bv_display_options *options,
                            size_t *bytes) {
  bv_job job;
  BV_TRY(bv_check_pointer("bytes", bytes));
  BV_TRY(bv_make_display_job(out ? BV_DISPLAY : BV_MEASURE, &names, batch, NULL, out, options, &job));
  *bytes = 0;
  return job.device == BV_CPU || bv_is_empty(batch) ? BV_OK : bv_cuda_workspace_size(&job, bytes);
}

bv_status bv_normalize_image_to_uint8(const bv_tensor *image, const bv_tensor *out, bv_stream stream) {
  bv_job job;
  BV_TRY(bv_make_stretch_job("image", image, out, false, &job));
  return bv_is_empty(image) ? BV_OK : run(&job, stream);
}

bv_status bv_visualize_2d_image(const bv_tensor *image, const bv_tensor *out, bv_stream stream) {
  BV_TRY(bv_check_tensor("image", image));
  BV_TRY(bv_check_ndim("image", image, 2, "[H, W]"));
  bv_job job;
  BV_TRY(bv_make_stretch_job("image", image, out, true, &job));
  return bv_is_empty(image) ? BV_OK : run(&job, stream);
}

/* The [H, W] view of a volume's middle slice along `axis`, the two other axes in their order. */
static bv_tensor middle_slice(const bv_tensor *volume, int axis) {
  bv_tensor slice = {.dtype = volume->dtype, .device = volume->device, .ndim = 2};
  int rows = bv_row_axis(axis), columns = bv_column_axis(axis);
  slice.shape[0] = volume->shape[rows];
  slice.shape[1] = volume->shape[columns];
  slice.stride[0] = volume->stride[rows];
  slice.stride[1] = volume->stride[columns];
  if (!bv_is_empty(volume)) {
    int64_t elements = volume->shape[axis] / 2 * volume->stride[axis];
    slice.data = (char *)volume->data + elements * (int64_t)bv_dtype_size(volume->dtype);
  }
  return slice;
}

bv_status bv_visualize_one_slice_in_3d_image(const bv_tensor *volume, int axis, const bv_tensor *out,
                                             bv_stream stream) {
  BV_TRY(bv_check_volume(volume, axis));
  bv_tensor slice = middle_slice(volume, axis);
  if (!bv_is_empty(&slice))
    BV_TRY(bv_check_depth(volume, axis));
  bv_job job;
  BV_TRY(bv_make_stretch_job("volume's slice", &slice, out, true, &job));
  BV_TRY(bv_check_apart("out", out, "volume", volume, false)); /* the slices not shown stay as they are too */
  return bv_is_empty(&slice) ? BV_OK : run(&job, stream);
}

bv_status bv_prepare_device(int32_t device) {
  if (device < BV_CPU)
    return bv_fail(BV_ERROR_DEVICE, "device is %d; allowed are BV_CPU (%d) and CUDA device ordinals from 0",
                   device, BV_CPU);
  return device == BV_CPU ? BV_OK : bv_cuda_prepare(device);
}

bv_status bv_set_threads(int threads) {
  if (threads < 0 || threads > BV_MOST_THREADS)
    return bv_fail(BV_ERROR_VALUE, "threads is %d; allowed are 1 to %d, and 0 for the default", threads,
                   BV_MOST_THREADS);
  bv_resize_pool(threads);
  return BV_OK;
}

int bv_get_threads(void) { return bv_pool_size(); }
