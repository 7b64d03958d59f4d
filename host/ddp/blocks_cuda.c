/* Device memory for calls, see blocks.h. */
#include <cuda_runtime_api.h>
#include <stdlib.h>

#include "blocks.h"
#include "device.h"
#include "report.h"

struct ddp_block {
  ddp_block *next;
  void *memory;
  size_t bytes;
  cudaEvent_t used; /* the last work with it */
  bool is_lent;
};

static bv_status add_block(ddp_blocks *blocks, size_t bytes, ddp_block **added) {
  ddp_block *block = *added = calloc(1, sizeof *block);
  if (!block)
    return ddp_fail(BV_ERROR_MEMORY, "no memory for a block of a group");
  block->bytes = bytes;
  bv_status status =
      ddp_check_cuda(cudaEventCreateWithFlags(&block->used, cudaEventDisableTiming), "cudaEventCreate");
  if (status == BV_OK) {
    status = ddp_check_cuda(cudaMalloc(&block->memory, bytes), "cudaMalloc");
    if (status != BV_OK)
      cudaEventDestroy(block->used);
  }
  if (status != BV_OK) {
    free(block);
    return status;
  }
  block->next = blocks->first;
  blocks->first = block;
  return BV_OK;
}

static bool is_free(const ddp_block *block, size_t bytes) {
  return !block->is_lent && block->bytes >= bytes && cudaEventQuery(block->used) == cudaSuccess;
}

static bv_status borrow(ddp_blocks *blocks, void **memory, size_t bytes, bv_stream stream) {
  enum cudaStreamCaptureStatus capture;
  DDP_TRY(ddp_check_cuda(cudaStreamIsCapturing(stream, &capture), "asking whether the stream captures"));
  if (capture != cudaStreamCaptureStatusNone)
    return ddp_fail(BV_ERROR_CUDA,
                    "the group's device has no memory pools (cudaErrorNotSupported): calls on the "
                    "group work, but not while the stream is capturing");
  ddp_block *block = blocks->first;
  while (block && !is_free(block, bytes))
    block = block->next;
  if (!block) {
    bv_status status = add_block(blocks, bytes, &block);
    if (status != BV_OK)
      return status;
  }
  block->is_lent = true;
  *memory = block->memory;
  return BV_OK;
}

bv_status ddp_allocate(ddp_blocks *blocks, void **memory, size_t bytes, bv_stream stream) {
  cudaError_t error = cudaMallocAsync(memory, bytes, stream);
  if (error != cudaErrorNotSupported)
    return ddp_check_cuda(error, "cudaMallocAsync");
  return borrow(blocks, memory, bytes, stream);
}

void ddp_release(ddp_blocks *blocks, void *memory, bv_stream stream) {
  ddp_block *block = blocks->first;
  while (block && block->memory != memory)
    block = block->next;
  if (!block) {
    ddp_check_cuda(cudaFreeAsync(memory, stream), "cudaFreeAsync");
    return;
  }
  if (ddp_check_cuda(cudaEventRecord(block->used, stream), "cudaEventRecord") == BV_OK)
    block->is_lent = false; /* else nobody can tell when it is free */
}

void ddp_free_blocks(ddp_blocks *blocks) {
  while (blocks->first) {
    ddp_block *block = blocks->first;
    blocks->first = block->next;
    cudaFree(block->memory);
    cudaEventDestroy(block->used);
    free(block);
  }
}
