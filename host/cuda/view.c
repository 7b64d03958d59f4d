/* Views of volumes on a device. */
#include "view.h"

#include "backend.h"
#include "device.h"
#include "status.h"

bv_status bv_cuda_view(const bv_view *view, int32_t device, bv_stream stream) {
  bv_device_scope scope;
  BV_TRY(bv_enter_device(device, &scope));
  bv_status status = bv_check_device_memory("volume", view->in, device, BV_ERROR_DEVICE);
  if (status == BV_OK && view->mask)
    status = bv_check_device_memory("options.mask", view->mask, device, BV_ERROR_DEVICE);
  if (status == BV_OK)
    status = bv_check_device_memory("out", view->out, device, BV_ERROR_DEVICE);
  if (status == BV_OK)
    status = bv_cuda_status(bv_launch_view(view, stream), "drawing a view of a volume");
  return bv_leave_device(&scope, status);
}
