/* Labels and images over pictures on a device. */
#include "overlay.h"

#include "backend.h"
#include "device.h"
#include "status.h"

bv_status bv_cuda_overlay(const bv_overlay *overlay, const char *name, int32_t device, bv_stream stream) {
  bv_device_scope scope;
  BV_TRY(bv_enter_device(device, &scope));
  bv_status status = bv_check_device_memory(name, overlay->over, device, BV_ERROR_DEVICE);
  if (status == BV_OK)
    status = bv_check_device_memory("pictures", overlay->pictures, device, BV_ERROR_DEVICE);
  if (status == BV_OK)
    status = bv_cuda_status(bv_launch_overlay(overlay, stream), "laying %s over pictures", name);
  return bv_leave_device(&scope, status);
}
