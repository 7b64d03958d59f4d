/* Views of volumes on a device. */
#include "view.h"

#include "backend.h"
#include "device.h"
#include "status.h"

bv_status bv_cuda_check_views(const bv_tensor *volume, const bv_tensor *mask, const bv_tensor *out) {
  const int32_t device = volume->device;
  bv_device_scope scope;
  BV_TRY(bv_enter_device(device, &scope));
  bv_status status = bv_check_device_memory("volume", volume->data, device, BV_ERROR_DEVICE);
  if (status == BV_OK && mask)
    status = bv_check_device_memory("options.mask", mask->data, device, BV_ERROR_DEVICE);
  if (status == BV_OK)
    status = bv_check_device_memory("out", out->data, device, BV_ERROR_DEVICE);
  return bv_leave_device(&scope, status);
}

bv_status bv_cuda_view(const bv_view *view, int32_t device, bv_stream stream) {
  bv_device_scope scope;
  BV_TRY(bv_enter_device(device, &scope));
  return bv_leave_device(&scope, bv_cuda_status(bv_launch_view(view, stream), "drawing a view of a volume"));
}
