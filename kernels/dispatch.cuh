/* From element types, known when the program runs, to the template arguments of kernels; and launching. */
#ifndef BV_DISPATCH_CUH
#define BV_DISPATCH_CUH

#include <cuda_runtime.h>

#include "job.h"

namespace bv {

/* What kernels are keyed by: the width of a pixel in bytes and the map type. */
template <int Width_, typename T_> struct PixelKind {
  static constexpr int Width = Width_;
  using T = T_;
};

/* call(PixelKind<...>()), and what it returns. */
template <typename Call> int with_kind_of(bv_dtype dtype, const Call &call) {
  switch (dtype) {
  case BV_U8:
  case BV_I8: return call(PixelKind<1, float>());
  case BV_F16:
  case BV_BF16:
  case BV_U16:
  case BV_I16: return call(PixelKind<2, float>());
  case BV_F32: return call(PixelKind<4, float>());
  case BV_I32:
  case BV_U32: return call(PixelKind<4, double>());
  case BV_F64: return call(PixelKind<8, double>());
  default: return cudaErrorInvalidValue;
  }
}

/* Kernels that are worth it are keyed by the type itself. */
template <bv_dtype Dtype_, int Width_, typename T_> struct PixelType : PixelKind<Width_, T_> {
  static constexpr bv_dtype dtype = Dtype_;
};

/* call(PixelType<...>()), and what it returns. */
template <typename Call> int with_type_of(bv_dtype dtype, const Call &call) {
  switch (dtype) {
  case BV_F32: return call(PixelType<BV_F32, 4, float>());
  case BV_F64: return call(PixelType<BV_F64, 8, double>());
  case BV_F16: return call(PixelType<BV_F16, 2, float>());
  case BV_BF16: return call(PixelType<BV_BF16, 2, float>());
  case BV_U8: return call(PixelType<BV_U8, 1, float>());
  case BV_I8: return call(PixelType<BV_I8, 1, float>());
  case BV_U16: return call(PixelType<BV_U16, 2, float>());
  case BV_I16: return call(PixelType<BV_I16, 2, float>());
  case BV_I32: return call(PixelType<BV_I32, 4, double>());
  case BV_U32: return call(PixelType<BV_U32, 4, double>());
  default: return cudaErrorInvalidValue;
  }
}

/* Kernels loop over their work with the grid's stride, so that a grid never needs more blocks than this. */
constexpr int64_t most_blocks = INT32_MAX;

inline unsigned blocks_for(int64_t work, int64_t work_of_block) {
  int64_t blocks = (work + work_of_block - 1) / work_of_block;
  return (unsigned)(blocks < most_blocks ? blocks : most_blocks);
}

/* ---- Launching ------------------------------------------------------------------------------------------ */

/* The kernels that are launched anywhere in the library, in no order: known before main(), for bv_load_kernels.
 */
struct Launched {
  const void *kernel;
  const Launched *next;
  explicit Launched(const void *kernel_);
};
inline const Launched *all_launched = nullptr;
inline Launched::Launched(const void *kernel_) : kernel(kernel_), next(all_launched) { all_launched = this; }

template <auto kernel> const Launched launched((const void *)kernel);

/* kernel<<<blocks, threads, 0, stream>>>(arguments...), but returning what became of this launch alone: errors
 * that the caller has pending stay his. */
template <auto kernel, typename... Arguments> int launch(cudaLaunchConfig_t config, Arguments &&...arguments) {
  (void)&launched<kernel>;
  return cudaLaunchKernelEx(&config, kernel, arguments...);
}

template <auto kernel, typename... Arguments>
int launch(unsigned blocks, int threads, bv_stream stream, Arguments &&...arguments) {
  cudaLaunchConfig_t config = {};
  config.gridDim = dim3(blocks);
  config.blockDim = dim3((unsigned)threads);
  config.stream = stream;
  return launch<kernel>(config, arguments...);
}

/* The same for blocks that wait for each other: all run at once, or it is an error. */
template <auto kernel, typename... Arguments>
int launch_together(unsigned blocks, int threads, bv_stream stream, Arguments &&...arguments) {
  cudaLaunchAttribute together = {};
  together.id = cudaLaunchAttributeCooperative;
  together.val.cooperative = 1;
  cudaLaunchConfig_t config = {};
  config.gridDim = dim3(blocks);
  config.blockDim = dim3((unsigned)threads);
  config.stream = stream;
  config.attrs = &together;
  config.numAttrs = 1;
  return launch<kernel>(config, arguments...);
}

/* ---- Clusters ------------------------------------------------------------------------------------------- */

/* Blocks of the largest cluster of a kernel, `most` at most. What refuses clusters costs them, not the calls:
 * so errors are answers here. */
inline int blocks_of_largest_cluster(const void *kernel, int threads, int shared_bytes, int most) {
  cudaLaunchAttribute cluster = {};
  cluster.id = cudaLaunchAttributeClusterDimension;
  cluster.val.clusterDim.y = cluster.val.clusterDim.z = 1;
  cudaLaunchConfig_t config = {};
  config.gridDim = dim3((unsigned)most);
  config.blockDim = dim3((unsigned)threads);
  config.dynamicSmemBytes = (size_t)shared_bytes;
  int blocks = 1, active = 0;
  cudaFuncSetAttribute(kernel, cudaFuncAttributeNonPortableClusterSizeAllowed, 1); /* else 8 */
  if (most == 1 || cudaOccupancyMaxPotentialClusterSize(&blocks, kernel, &config) != cudaSuccess)
    return 1;
  config.attrs = &cluster;
  config.numAttrs = 1;
  for (; most > 1; most /= 2) {
    cluster.val.clusterDim.x = (unsigned)most;
    if (most <= blocks && cudaOccupancyMaxActiveClusters(&active, kernel, &config) == cudaSuccess && active > 0)
      break;
  }
  return most;
}

} // namespace bv

#endif
