/* Windows and pictures of groups that fit on chip: every pixel is read once and written once, by one kernel.
 *
 * A cluster of blocks holds a picture (the planes that are packed together: one, or the three channels of an
 * interleaved one) in shared memory, each block a piece of every plane, in the pixels' own type. All copies are
 * started at once and arrive in chunks, which are counted into the first histogram as they come (piece.cuh).
 * The blocks' histograms are added up in the leader, block 0, which narrows the search and tells the others
 * what to look for next (search.cuh, pixels.cuh); of 8-bit pixels, one histogram is all (byte_window.cuh). At
 * last each block maps and packs its pieces from shared memory (resident_write.cuh).
 *
 * Pixels that are strided, masked, or in rows with gaps are loaded one by one and held in the map type, masked
 * ones as NaN: so one kernel for each type of held pixel does.
 */
#include "byte_window.cuh"
#include "dispatch.cuh"
#include "pixels.cuh"
#include "resident_write.cuh"

namespace bv {
namespace {

/* What is searched for, and the result. */
template <int Width> struct Found : SearchState<Word<Width>> {};
template <> struct Found<1> { Window window; };

/* At the beginning of a block's shared memory. */
template <int Width, typename T> struct Shared {
  Place place;
  Map<T> map[most_planes];
  Arrival arrivals[most_planes][most_chunks];
  alignas(16) Found<Width> found; /* all zero at first, as are the bins that follow */
};

template <typename T> constexpr int most_threads = BV_RESIDENT_MOST_THREADS(sizeof(T) == sizeof(double));

/* Finds where the block is at work and starts its copies, by one thread, while others clear the counters. */
template <int Width, typename T, typename PieceOf>
__device__ __forceinline__ void start_block(const Task &task, Shared<Width, T> &shared, bool converts,
                                            const PieceOf &piece_of, uint4 *end_of_bins) {
  if (threadIdx.x == 0) {
    shared.place = place_of_block<Width>(task);
    for (int plane = 0; plane < task.lines.channel.extent && !converts; ++plane)
      start_copies(piece_of(shared.place, plane), shared.arrivals[plane]);
  }
  uint4 *const first = (uint4 *)&shared.found;
  if (threadIdx.x >= warp_lanes)
    for (uint4 *at = first + threadIdx.x - warp_lanes; at < end_of_bins; at += blockDim.x - warp_lanes)
      *at = make_uint4(0, 0, 0, 0);
}

/* From the block's counts of a window's pixels to what the window is, in all blocks; leaves the bins clear. */
template <bv_dtype held, int Width, typename T, typename Pixels>
__device__ __forceinline__ void search(const Task &task, Found<Width> &found, uint32_t *bins, Word<Width> *list,
                                       const Pixels &pixels) {
  if constexpr (Width == 1) {
    __syncthreads();
    give_bins<Cluster>(bins, byte_values);
    Cluster::sync();
    if (Cluster::block() == leader) {
      if (threadIdx.x < warp_lanes) {
        const Window window = window_of_bins<held>(bins, task.source.zero_is_background, task.percentiles);
        const int blocks = Cluster::size(), lane = (int)threadIdx.x;
        Window *const told = Cluster::of(&found.window, min(lane, blocks - 1)); /* of a block that exists */
        if (lane < blocks)
          *told = window;
        __syncwarp();
        clear_bins(bins, byte_values, warp_lanes);
      }
    }
    Cluster::sync();
  } else {
    if (threadIdx.x == 0)
      start_search(found.search, (Word<Width>)(~(Word<Width>)0 >> (8 * (int)sizeof(Word<Width>) - 8 * Width)));
    __syncthreads();
    search_keys<Cluster>(found, bins, list, task.percentiles, pixels);
  }
}

template <bv_dtype held, int Width, typename T>
__device__ __forceinline__ Window window_of(const Task &task, const Found<Width> &found,
                                            const Order<Width> &order) {
  if constexpr (Width == 1) {
    return found.window;
  } else {
    const auto value = [&](Word<Width> key) { return value_of_key<Width, T>(order, key, held); };
    return {window_end(found.search, 0, task.range, value), window_end(found.search, 1, task.range, value),
            found.search.n};
  }
}

template <bv_dtype held, int Width, typename T>
__global__ void __launch_bounds__(most_threads<T>, 1) resident_kernel(const __grid_constant__ Task task) {
  using Key = Word<Width>;
  constexpr bool may_convert = Width == sizeof(T);
  static_assert(sizeof(Shared<Width, T>) <= BV_RESIDENT_SHARED_BYTES && most_bins + 1 <= BV_RESIDENT_BINS &&
                    list_keys == BV_RESIDENT_LIST_KEYS,
                "as planned");
  extern __shared__ uint4 room[];
  Shared<Width, T> &shared = *(Shared<Width, T> *)room;
  uint32_t *bins = (uint32_t *)((char *)room + BV_RESIDENT_SHARED_BYTES);
  Key *list = (Key *)(bins + BV_RESIDENT_BINS);
  char *planes_room = (char *)(list + list_keys);

  const bool converts = may_convert && task.plan.converts;
  const auto piece_of = [&](const Place &place, int plane) {
    const char *from = place.line.in + (place.part.begin + plane * task.lines.channel.in) * Width;
    return Piece<Width>(planes_room + plane * task.plan.plane_bytes, converts ? nullptr : from,
                        place.part.rows * place.part.pixels_of_row());
  };
  constexpr int cleared_bins = Width == 1 ? byte_values : BV_RESIDENT_BINS;
  start_block(task, shared, converts, piece_of, (uint4 *)(bins + cleared_bins));
  __syncthreads();
  const Place place = shared.place;
  Cluster::arrive(); /* bins are clear: others may add to them when all have come */

  const Order<Width> order = order_of_dtype<Width>(held, task.source.zero_is_background);
  const int planes = (int)task.lines.channel.extent;
  const int planes_of_window = task.lines.channel.window ? 1 : planes;
  for (int first = 0; first < planes; first += planes_of_window) {
    const auto each_unit = [&](auto loads, const auto &visit) {
      for (int plane = first; plane < first + planes_of_window; ++plane)
        visit_units<decltype(loads)::value>(piece_of(place, plane), visit);
    };
    const auto each_edge = [&](const auto &visit) {
      for (int plane = first; plane < first + planes_of_window; ++plane) {
        const auto piece = piece_of(place, plane);
        if (piece.edge() >= 0)
          visit((Key)pixel_at<Width>(piece.pixels, piece.edge()));
      }
    };
    const HeldPixels<held, Width, decltype(each_unit), decltype(each_edge)> pixels = {
        order, task.source.zero_is_background, each_unit, each_edge};

    const uint32_t address_of_bins = (uint32_t)__cvta_generic_to_shared(bins);
    const auto count = [&](const auto &unit_or_bits) { pixels.count_first(unit_or_bits, address_of_bins); };
    for (int plane = first; plane < first + planes_of_window; ++plane)
      if (converts)
        convert_rows<T>(task, place.line, place.part, plane, piece_of(place, plane).pixels, count);
      else
        load_piece(piece_of(place, plane), shared.arrivals[plane], count, count);
    if (first == 0)
      Cluster::wait();

    search<held, Width, T>(task, shared.found, bins, list, pixels);
    if ((int)threadIdx.x < planes_of_window) {
      const Window window = window_of<held, Width, T>(task, shared.found, order);
      Map<T> &map = shared.map[first + threadIdx.x];
      if (task.of_image)
        map_of_image(window.lo, window.hi, &map);
      else
        map_of_window(window.lo, window.hi, task.epsilon, task.floor, &map);
      if (task.windows.data && Cluster::block() == leader && threadIdx.x == 0)
        write_window(task.windows, place.line.window + first * task.lines.channel.window, window.lo, window.hi,
                     window.n);
    }
    __syncthreads();
  }

  if (task.sink.out) {
    /* The room of the bins and the list: nothing is counted any more. */
    static_assert(colours_in_map * 4 + most_threads<T> / warp_lanes * exchange_words * 4 <=
                      BV_RESIDENT_BINS * 4 + list_keys * (int)sizeof(Key),
                  "room for all warps");
    if constexpr (Width == 1)
      if (task.sink.packing != packed_otherwise)
        make_byte_table(shared.map[0], task.source, task.sink, bins);
    load_colour_map(task.sink, bins);
    __syncthreads();
    const auto pixels_of = [&](int plane) { return piece_of(place, plane).pixels; };
    uint32_t *exchange = bins + colours_in_map + (int)threadIdx.x / warp_lanes * exchange_words;
    const Held<T, decltype(pixels_of)> from = {pixels_of, shared.map, bins, bins, exchange};
    write_part<held, Width, T>(task, place, from);
  }
}

/* ---- Launching ---------------------------------------------------------------------------------------- */

constexpr int shared_bytes_unasked = 48 << 10; /* that a block may have on every device */

/* What refuses more shared memory, or clusters, costs these, not the calls. */
template <bv_dtype held, int Width, typename T> int prepare(bv_resident_limits *limits) {
  const void *kernel = (const void *)resident_kernel<held, Width, T>;
  cudaFuncAttributes attributes;
  int error = cudaFuncGetAttributes(&attributes, kernel);
  if (error != cudaSuccess)
    return error;
  /* The kernels have no shared memory but this; a sanitizer's have. */
  int room = limits->shared_bytes_of_device - (int)attributes.sharedSizeBytes;
  if (cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, room) != cudaSuccess)
    room = shared_bytes_unasked - (int)attributes.sharedSizeBytes;
  if (room < limits->shared_bytes_of_block)
    limits->shared_bytes_of_block = room;
  limits->most_blocks = attributes.ptxVersion < 90
                            ? 1
                            : blocks_of_largest_cluster(kernel, most_threads<T>, room, limits->most_blocks);
  return cudaSuccess;
}

template <bv_dtype held, int Width, typename T>
int launch_resident(const Task &task, int64_t blocks, bv_stream stream) {
  cudaLaunchAttribute cluster = {};
  cluster.id = cudaLaunchAttributeClusterDimension;
  cluster.val.clusterDim.x = (unsigned)task.plan.blocks;
  cluster.val.clusterDim.y = cluster.val.clusterDim.z = 1;
  cudaLaunchConfig_t config = {};
  config.gridDim = dim3((unsigned)blocks);
  config.blockDim = dim3((unsigned)task.plan.threads);
  config.dynamicSmemBytes = (size_t)task.plan.shared_bytes;
  config.stream = stream;
  config.attrs = &cluster;
  config.numAttrs = task.plan.blocks > 1;
  return launch<resident_kernel<held, Width, T>>(config, task);
}

} // namespace
} // namespace bv

int bv_prepare_resident(bv_resident_limits *limits) {
  limits->shared_bytes_of_block = limits->shared_bytes_of_device;
  int error = cudaSuccess;
  for (bv_dtype dtype = BV_F32; dtype <= BV_U32 && error == cudaSuccess; ++dtype)
    error = bv::with_type_of(dtype, [&](auto type) {
      return bv::prepare<decltype(type)::dtype, decltype(type)::Width, typename decltype(type)::T>(limits);
    });
  return error;
}

int bv_launch_resident(const bv_job *job, const bv_resident_plan *plan, bv_windows windows, bv_stream stream) {
  bv::Task task = {};
  task.lines = bv_lines_for_applying(job);
  task.source = bv::source_of_job(job);
  if (job->out)
    task.sink = bv::sink_of_job(job, &task.lines);
  task.windows = windows;
  task.of_image = job->operation == BV_STRETCH;
  task.range = task.of_image || job->window == BV_WINDOW_MINMAX;
  task.percentiles = {{task.range ? 0 : job->low, task.range ? 100 : job->high}};
  task.epsilon = job->epsilon;
  task.floor = job->floor;
  task.plan = *plan;
  task.in_bytes = bv::bytes_of_dtype(job->in_dtype);
  task.out_bytes = bv::bytes_of_dtype(job->out_dtype);
  const int64_t blocks = task.lines.count / task.lines.rows * plan->blocks;
  return bv::with_type_of(plan->held, [&](auto type) {
    return bv::launch_resident<decltype(type)::dtype, decltype(type)::Width, typename decltype(type)::T>(
        task, blocks, stream);
  });
}
