/* Blocks that share their shared memory (clusters, cc 9.0) and bulk copies into it. On earlier architectures a
 * cluster is one block, and there are no bulk copies.
 */
#ifndef BV_CLUSTER_CUH
#define BV_CLUSTER_CUH

#include <cooperative_groups.h>
#include <stdint.h>

namespace bv {

#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 900

struct Cluster {
  static __device__ __forceinline__ int block() { return (int)cooperative_groups::cluster_group::block_rank(); }
  static __device__ __forceinline__ int size() { return (int)cooperative_groups::cluster_group::num_blocks(); }
  static __device__ __forceinline__ void sync() { cooperative_groups::cluster_group::sync(); }
  /* The two halves of sync(). To arrive releases what the block's threads have written; it has not to wait for
   * bulk copies on their way, which another proxy writes and mbarriers announce (PTX, "Async proxy"): so they
   * go on arriving meanwhile. */
  static __device__ __forceinline__ void arrive() {
    asm volatile("barrier.cluster.arrive.release.aligned;" ::: "memory");
  }
  static __device__ __forceinline__ void wait() {
    asm volatile("barrier.cluster.wait.acquire.aligned;" ::: "memory");
  }
  /* A shared variable of this block, as another block has it. */
  template <typename T> static __device__ __forceinline__ T *of(T *variable, int block) {
    return cooperative_groups::cluster_group::map_shared_rank(variable, block);
  }
};

#else

struct Cluster {
  static __device__ __forceinline__ int block() { return 0; }
  static __device__ __forceinline__ int size() { return 1; }
  static __device__ __forceinline__ void sync() { __syncthreads(); }
  static __device__ __forceinline__ void arrive() {}
  static __device__ __forceinline__ void wait() { __syncthreads(); }
  template <typename T> static __device__ __forceinline__ T *of(T *variable, int) { return variable; }
};

#endif

/* ---- Bulk copies: each announces its bytes at an mbarrier, which opens when they are there ------------- */

using Arrival = uint64_t; /* an mbarrier, in shared memory; used once */

#if __CUDA_ARCH__ >= 900

/* By one thread; the others may wait for it after a barrier. */
__device__ __forceinline__ void init_arrival(Arrival *arrival) {
  uint32_t address = (uint32_t)__cvta_generic_to_shared(arrival);
  asm volatile("mbarrier.init.shared::cta.b64 [%0], 1;" ::"r"(address) : "memory");
}

/* Makes initialised mbarriers known to the copy engine. */
__device__ __forceinline__ void publish_arrivals() {
  asm volatile("fence.mbarrier_init.release.cluster;\n\tfence.proxy.async.shared::cta;" ::: "memory");
}

/* By one thread, once per arrival. All three are multiples of 16. */
__device__ __forceinline__ void copy_bulk(void *shared, const void *global, uint32_t bytes, Arrival *arrival) {
  uint32_t to = (uint32_t)__cvta_generic_to_shared(shared);
  uint32_t address = (uint32_t)__cvta_generic_to_shared(arrival);
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(address), "r"(bytes) : "memory");
  asm volatile(
      "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];" ::"r"(to),
      "l"(global), "r"(bytes), "r"(address)
      : "memory");
}

__device__ __forceinline__ void wait_for(Arrival *arrival) {
  uint32_t address = (uint32_t)__cvta_generic_to_shared(arrival);
  asm volatile("{\n\t"
               ".reg .pred there;\n"
               "again:\n\t"
               "mbarrier.try_wait.parity.shared::cta.b64 there, [%0], 0;\n\t"
               "@!there bra again;\n\t"
               "}" ::"r"(address)
               : "memory");
}

#endif

} // namespace bv

#endif
