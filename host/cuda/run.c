/* The CUDA backend: checks of device memory, workspace, and the launches of a plan in order.
 *
 * The calling thread's current device is changed for the duration of a call only. Errors that the caller has
 * pending in the CUDA runtime stay pending; those that a failed call of ours leaves are taken back. */
#include "backend.h"

#include <cuda_runtime_api.h>

#include "arithmetic.h"
#include "device.h"
#include "plan.h"
#include "status.h"

/* ---- Pointers ------------------------------------------------------------------------------------------ */

static bv_status check_pointers(const bv_job *job) {
  const char *input = job->operation == BV_STRETCH ? "image" : "batch";
  BV_TRY(bv_check_device_memory(input, job->in, job->device, BV_ERROR_DEVICE));
  if (job->mask)
    BV_TRY(bv_check_device_memory("options.mask", job->mask, job->device, BV_ERROR_DEVICE));
  if (job->windows)
    BV_TRY(bv_check_device_memory("windows", job->windows, job->device, BV_ERROR_DEVICE));
  return job->out ? bv_check_device_memory("out", job->out, job->device, BV_ERROR_DEVICE) : BV_OK;
}

/* ---- Plan and workspace -------------------------------------------------------------------------------- */

static bv_status make_plan(const bv_job *job, const bv_device_scope *scope, bv_plan *plan) {
  BV_TRY(bv_make_plan(job, &scope->limits, plan));
  if (plan->method != BV_METHOD_SORT)
    return BV_OK;
  /* CUB would take an error that is pending for its own. */
  if (cudaPeekAtLastError() != cudaSuccess)
    return bv_fail(
        BV_ERROR_CUDA,
        "an earlier error of this thread is pending in the CUDA runtime (%s); BV_ALGORITHM_SORT works "
        "after it has been taken with cudaGetLastError()",
        cudaGetErrorName(cudaPeekAtLastError()));
  size_t scratch_bytes;
  BV_TRY_CUDA(bv_sort_scratch_bytes(job, &plan->sort, &scratch_bytes), "planning a radix sort");
  return bv_plan_scratch(plan, scratch_bytes);
}

static bv_status check_workspace(const bv_job *job, size_t needed) {
  if (job->workspace_bytes < needed)
    return bv_fail(BV_ERROR_WORKSPACE, "options.workspace_bytes is %zu; this call needs %zu",
                   job->workspace_bytes, needed);
  return bv_check_device_memory("options.workspace", job->workspace, job->device, BV_ERROR_WORKSPACE);
}

/* ---- Launches ------------------------------------------------------------------------------------------ */

static bv_windows windows_of(const bv_job *job, const bv_plan *plan, void *workspace) {
  if (plan->windows_in_workspace)
    return (bv_windows){.data = workspace, .stride = {2, 1}};
  return (bv_windows){.data = job->windows,
                      .stride = {job->windows_stride[0], job->windows_stride[1]},
                      .count = job->windows_count};
}

static bv_status measure(const bv_job *job, const bv_plan *plan, bv_windows windows, void *workspace,
                         bv_stream stream) {
  char *family = workspace ? (char *)workspace + plan->family_at : NULL;
  switch (plan->method) {
  case BV_METHOD_GIVEN: return BV_OK;
  case BV_METHOD_FIXED:
    BV_TRY_CUDA(bv_launch_fixed_windows(job, windows, stream), "writing windows");
    return BV_OK;
  case BV_METHOD_RESIDENT:
    BV_TRY_CUDA(bv_launch_resident(job, &plan->resident, windows, stream), "measuring and mapping on chip");
    return BV_OK;
  case BV_METHOD_RANGE:
    BV_TRY_CUDA(bv_launch_range(job, &plan->range, family, windows, stream), "measuring ranges");
    return BV_OK;
  case BV_METHOD_SELECT:
    BV_TRY_CUDA(bv_launch_select(job, &plan->select, family, windows, stream), "selecting percentiles");
    return BV_OK;
  case BV_METHOD_SORT:
    BV_TRY_CUDA(
        bv_launch_sort(job, &plan->sort, family, plan->workspace_bytes - plan->family_at, windows, stream),
        "sorting for percentiles");
    return BV_OK;
  }
  return BV_OK;
}

static bv_status launch(const bv_job *job, const bv_plan *plan, void *workspace, bv_stream stream) {
  bv_windows windows = windows_of(job, plan, workspace);
  BV_TRY(measure(job, plan, windows, workspace, stream));
  if (job->operation != BV_MEASURE && plan->method != BV_METHOD_RESIDENT)
    BV_TRY_CUDA(bv_launch_apply(job, windows, stream), "mapping pixels");
  return BV_OK;
}

/* What a launch with clusters says where the device, or its partition (MIG, MPS, green contexts), has no room
 * for them. */
static bool is_refusal(int error) {
  return error == cudaErrorInvalidClusterSize || error == cudaErrorInvalidConfiguration ||
         error == cudaErrorLaunchOutOfResources || error == cudaErrorInvalidValue;
}

static bv_status run(const bv_job *job, bv_device_scope *scope, bv_stream stream) {
  bv_plan plan;
  BV_TRY(check_pointers(job));
  BV_TRY(make_plan(job, scope, &plan));
  if (plan.method == BV_METHOD_RESIDENT && plan.resident.blocks > 1) {
    int error = bv_launch_resident(job, &plan.resident, windows_of(job, &plan, NULL), stream);
    if (!is_refusal(error))
      return bv_cuda_status(error, "measuring and mapping in clusters");
    bv_give_up_clusters(job->device, scope);
    BV_TRY(make_plan(job, scope, &plan));
  }
  if (plan.workspace_bytes == 0)
    return launch(job, &plan, NULL, stream);
  if (job->workspace) {
    BV_TRY(check_workspace(job, plan.workspace_bytes));
    return launch(job, &plan, job->workspace, stream);
  }
  void *workspace;
  int allocated = cudaMallocAsync(&workspace, plan.workspace_bytes, stream);
  if (allocated == cudaErrorNotSupported)
    return bv_fail(
        BV_ERROR_CUDA,
        "CUDA device %d has no memory pools (cudaErrorNotSupported): this call needs options.workspace of "
        "%zu bytes",
        job->device, plan.workspace_bytes);
  BV_TRY_CUDA(allocated, "allocating %zu bytes of workspace", plan.workspace_bytes);
  bv_status status = launch(job, &plan, workspace, stream);
  int error = cudaFreeAsync(workspace, stream);
  return status != BV_OK ? status : bv_cuda_status(error, "freeing the workspace");
}

/* ---- The backend --------------------------------------------------------------------------------------- */

int bv_built_with_cuda(void) { return 1; }

bv_status bv_cuda_prepare(int32_t device) {
  bv_device_scope scope;
  BV_TRY(bv_enter_device(device, &scope));
  return bv_leave_device(&scope, BV_OK);
}

bv_status bv_cuda_run(const bv_job *job, bv_stream stream) {
  bv_device_scope scope;
  BV_TRY(bv_enter_device(job->device, &scope));
  return bv_leave_device(&scope, run(job, &scope, stream));
}

bv_status bv_cuda_workspace_size(const bv_job *job, size_t *bytes) {
  bv_device_scope scope;
  bv_plan plan;
  BV_TRY(bv_enter_device(job->device, &scope));
  bv_status status = make_plan(job, &scope, &plan);
  if (status == BV_OK)
    *bytes = plan.workspace_bytes;
  return bv_leave_device(&scope, status);
}
