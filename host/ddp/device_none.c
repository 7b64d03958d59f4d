/* No CUDA: no devices. */
#include "device.h"

#include "report.h"

static bv_status no_device(void) {
  return ddp_fail(BV_ERROR_NO_CUDA, "batchview's ddp library was built without CUDA");
}

bv_status ddp_device_count(int *count) {
  *count = 0;
  return BV_OK;
}

bv_status ddp_identify_device(int device, unsigned char uuid[16]) {
  (void)device, (void)uuid;
  return no_device();
}

bv_status ddp_prepare_device(int device) {
  (void)device;
  return no_device();
}

bv_status ddp_enter_device(int device, bv_context_scope *scope) {
  (void)device, (void)scope;
  return no_device();
}

void ddp_leave_device(const bv_context_scope *scope) { (void)scope; }

bool ddp_has_error_pending(void) { return false; }

void ddp_drop_error(bool was_pending) { (void)was_pending; }

bv_status ddp_create_stream(bv_stream *stream) {
  (void)stream;
  return no_device();
}

void ddp_destroy_stream(bv_stream stream) { (void)stream; }

bv_status ddp_allocate(ddp_blocks *blocks, void **memory, size_t bytes, bv_stream stream) {
  (void)blocks, (void)memory, (void)bytes, (void)stream;
  return no_device();
}

void ddp_release(ddp_blocks *blocks, void *memory, bv_stream stream) {
  (void)blocks, (void)memory, (void)stream;
}

void ddp_free_blocks(ddp_blocks *blocks) { (void)blocks; }

bv_status ddp_copy(void *to, const void *from, size_t bytes, bv_stream stream) {
  (void)to, (void)from, (void)bytes, (void)stream;
  return no_device();
}

bv_status ddp_wait_for_stream(bv_stream stream, ddp_time deadline, double timeout_seconds,
                              bv_status (*trouble)(void *), void *argument) {
  (void)stream, (void)deadline, (void)timeout_seconds, (void)trouble, (void)argument;
  return no_device();
}
