/* No CUDA devices, see device.h. */
#include "device.h"

bv_status tb_start_copy(tb_device **device, int32_t ordinal, size_t bytes, tb_draw *draw, const void *context,
                        bv_stream stream, tb_copy **copy) {
  (void)device, (void)bytes, (void)draw, (void)context, (void)stream, (void)copy;
  return bv_prepare_device(ordinal); /* says why not */
}

bv_status tb_copy_on_device(void *to, const void *from, size_t bytes, bv_stream stream) {
  (void)to, (void)from, (void)bytes, (void)stream;
  return BV_ERROR_NO_CUDA;
}

bv_status tb_await_copy(tb_copy *copy, const uint8_t **pixels) {
  (void)copy, (void)pixels;
  return BV_ERROR_NO_CUDA;
}

void tb_end_copy(tb_copy *copy) { (void)copy; }

void tb_close_device(tb_device *device) { (void)device; }
