/* The functions of batchview/selection.h: check, and hand to the backend of the windows' device. */
#include "selection.h"

#include "batchview/selection.h"

#include "check.h"
#include "display.h"
#include "floating.h"
#include "options.h"
#include "status.h"

int bv_selection_digits(bv_dtype dtype) {
  return bv_dtype_size(dtype) == 0 ? 0 : bv_maps_in_f64(dtype) ? 8 : 4;
}

static bv_percentiles percentiles_of(const bv_job *job) {
  return job->window == BV_WINDOW_MINMAX ? (bv_percentiles){0, 100} : (bv_percentiles){job->low, job->high};
}

static const bv_names names = {"piece", "selection->windows"};

/* That nothing else lies in the memory. */
static bv_status check_memory(const bv_selection *selection, const bv_tensor *piece, const bv_tensor *mask) {
  const char *name = "selection->memory";
  const int64_t bytes = BV_SELECTION_BYTES;
  bv_tensor memory = bv_contiguous_tensor(selection->memory, BV_U8, selection->windows->device, 1, &bytes);
  BV_TRY(bv_check_apart(name, &memory, names.windows, selection->windows, false));
  if (piece)
    BV_TRY(bv_check_apart(name, &memory, names.batch, piece, false));
  return mask ? bv_check_apart(name, &memory, "options.mask", mask, false) : BV_OK;
}

/* The job that measures `piece`, or for NULL one without pixels, as one group. */
static bv_status make_job(const bv_selection *selection, const bv_tensor *piece, bv_job *job) {
  bv_display_options options;
  BV_TRY(bv_check_pointer("selection", selection));
  BV_TRY(bv_check_pointer("selection->windows", selection->windows));
  BV_TRY(bv_check_pointer("selection->memory", selection->memory));
  if (bv_selection_digits(selection->dtype) == 0)
    return bv_fail(BV_ERROR_TYPE, "selection->dtype is %d; allowed are BV_F32 (%d) to BV_U32 (%d)",
                   selection->dtype, BV_F32, BV_U32);
  if ((uintptr_t)selection->memory % sizeof(uint64_t) != 0)
    return bv_fail(BV_ERROR_VALUE, "selection->memory is %p; it must be a multiple of %zu", selection->memory,
                   sizeof(uint64_t));
  if (piece && piece->dtype != selection->dtype)
    return bv_fail(BV_ERROR_TYPE, "piece.dtype is %s, but selection->dtype is %s; all pieces have one type",
                   bv_dtype_name(piece->dtype), bv_dtype_name(selection->dtype));
  BV_TRY(bv_read_options(selection->options, &options));
  options.scope = BV_SCOPE_BATCH;
  options.workspace = NULL;
  options.workspace_bytes = 0;
  bv_tensor none = {.dtype = selection->dtype, .device = selection->windows->device, .ndim = 4};
  if (!piece) { /* the mask is a piece's */
    options.foreground = BV_FOREGROUND_ALL;
    options.mask = NULL;
  }
  BV_TRY(
      bv_make_display_job(BV_MEASURE, &names, piece ? piece : &none, selection->windows, NULL, &options, job));
  return check_memory(selection, piece, options.mask);
}

static bv_status check_digit(const bv_selection *selection, int digit) {
  int digits = bv_selection_digits(selection->dtype);
  if (digit >= 0 && digit < digits)
    return BV_OK;
  return bv_fail(BV_ERROR_VALUE, "digit is %d; for %s it must be 0 to %d", digit,
                 bv_dtype_name(selection->dtype), digits - 1);
}

bv_status bv_selection_begin(const bv_selection *selection, bv_stream stream) {
  bv_job job = {0};
  BV_TRY(make_job(selection, NULL, &job));
  return job.device == BV_CPU ? bv_cpu_selection_begin(selection->memory)
                              : bv_cuda_selection_begin(job.device, selection->memory, stream);
}

bv_status bv_selection_count(const bv_selection *selection, int digit, const bv_tensor *piece,
                             bv_stream stream) {
  bv_job job = {0};
  BV_TRY(bv_check_pointer("piece", piece));
  BV_TRY(make_job(selection, piece, &job));
  BV_TRY(check_digit(selection, digit));
  if (bv_is_empty(piece) || job.window == BV_WINDOW_FIXED)
    return BV_OK;
  return job.device == BV_CPU ? bv_cpu_selection_count(&job, selection->memory, digit)
                              : bv_cuda_selection_count(&job, selection->memory, digit, stream);
}

bv_status bv_selection_narrow(const bv_selection *selection, int digit, bv_stream stream) {
  bv_job job = {0};
  BV_TRY(make_job(selection, NULL, &job));
  BV_TRY(check_digit(selection, digit));
  bv_percentiles percentiles = percentiles_of(&job);
  if (job.device != BV_CPU)
    return bv_cuda_selection_narrow(job.device, selection->memory, digit, percentiles, stream);
  fenv_t callers = bv_enter_arithmetic();
  bv_status status = bv_cpu_selection_narrow(selection->memory, digit, percentiles);
  bv_leave_arithmetic(&callers);
  return status;
}

bv_status bv_selection_finish(const bv_selection *selection, bv_stream stream) {
  bv_job job = {0};
  BV_TRY(make_job(selection, NULL, &job));
  bv_percentiles percentiles = percentiles_of(&job);
  if (job.device != BV_CPU)
    return bv_cuda_selection_finish(&job, selection->memory, percentiles, stream);
  fenv_t callers = bv_enter_arithmetic();
  bv_status status = bv_cpu_selection_finish(&job, selection->memory, percentiles);
  bv_leave_arithmetic(&callers);
  return status;
}
