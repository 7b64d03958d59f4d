/* Projections of volumes on a device. */
#include "backend.h"
#include "device.h"
#include "launch.h"
#include "status.h"

bv_status bv_cuda_project(const bv_projection *projection, bv_stream stream) {
  bv_device_scope scope;
  BV_TRY(bv_enter_device(projection->device, &scope));
  bv_status status = bv_check_device_memory("volume", projection->in, projection->device, BV_ERROR_DEVICE);
  if (status == BV_OK)
    status = bv_check_device_memory("out", projection->out, projection->device, BV_ERROR_DEVICE);
  if (status == BV_OK)
    status = bv_cuda_status(bv_launch_project(projection, stream), "projecting a volume");
  return bv_leave_device(&scope, status);
}
