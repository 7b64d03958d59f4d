/* Windows and pictures of groups that fit on chip: every pixel is read once and written once, by one kernel.
 *
 * A cluster of blocks holds a picture (the planes that are packed together: one, or the three channels of an
 * interleaved one) in shared memory, each block a piece of every plane, in the pixels' own type. All copies are
 * started at once and arrive in chunks, which are counted into the first histogram as they come. The blocks'
 * histograms are added up in the leader, block 0, which narrows the search and tells the others what to look
 * for next. At last each block maps and packs its pieces from shared memory.
 *
 * Pixels that are strided, masked, or in rows with gaps are loaded one by one and held in the map type, masked
 * ones as NaN: so one kernel for each type of held pixel does.
 */
#include "dispatch.cuh"
#include "launch.h"
#include "pixels.cuh"
#include "tile.cuh"

namespace bv {
namespace {

constexpr int most_planes = 3;

struct Task {
  bv_lines lines;
  Source source;
  Sink sink;
  bv_windows windows;
  Percentiles percentiles;
  double epsilon, floor;
  bv_resident_plan plan;
  int32_t in_bytes, out_bytes; /* of an element */
  bool range;                  /* the window is the smallest and the largest value, not percentiles */
};

template <int Width, typename T> struct Shared {
  SearchState<Word<Width>> state;
  Map<T> map[most_planes];
  Arrival arrivals[most_planes][chunks_of_piece];
};

/* ---- Lines and parts --------------------------------------------------------------------------------------
 */

/* The line so many rows after the first of its picture. What fits on chip has few rows. */
__device__ __forceinline__ Line row_after(const Task &task, Line line, int row) {
  int rows = (int)task.lines.rows;
  for (int i = 0; rows > 1; ++i) {
    const bv_line_axis &axis = task.lines.axis[i];
    const int extent = (int)axis.extent, index = row % extent;
    line.in += index * axis.in * task.in_bytes;
    if (line.mask)
      line.mask += index * axis.mask;
    line.out += index * axis.out * task.out_bytes;
    row /= extent;
    rows /= extent;
  }
  return line;
}

/* A block's part of its picture: of some rows the pixels begin .. end - 1. Either all of the rows, or, where
 * planes are single lines, a stretch of one, cut where quads of the output are aligned. */
struct Part {
  int row, rows;
  int begin, end;

  __device__ int pixels_of_row() const { return end - begin; }
};

template <int Width> __device__ __forceinline__ Part part_of_block(const Task &task, Line first_line) {
  const int rank = Cluster::rank(), rows = (int)task.lines.rows, extent = (int)task.lines.run.extent;
  if (rows > 1) {
    const int row = min(rows, rank * task.plan.rows_of_block);
    return {row, min(rows - row, task.plan.rows_of_block), 0, extent};
  }
  if (task.sink.out)
    align_quads<Width>(task.lines, task.sink, first_line);
  const int begin = rank * task.plan.pixels_of_block - first_line.lead;
  return {0, 1, min(extent, max(0, begin)), min(extent, begin + task.plan.pixels_of_block)};
}

/* How warps share the rows of a part: all take the same single row, or each takes whole rows. */
struct Share {
  int row, row_step;
  int turn, turn_step;

  __device__ explicit Share(const Part &part) {
    const int warp = (int)threadIdx.x / warp_lanes, warps = (int)blockDim.x / warp_lanes;
    bool single = part.rows == 1;
    row = single ? 0 : warp;
    row_step = single ? 1 : warps;
    turn = single ? warp : 0;
    turn_step = single ? warps : 1;
  }
};

/* ---- Conversion ----------------------------------------------------------------------------------------- */

/* The pixels of a line in the map type, one by one; `first` and `step` are pixels. */
template <int Width, typename T, typename Visit>
__device__ __forceinline__ void convert_line(const Task &task, const Line &line, char *pixels, int begin,
                                             int end, int first, int step, const Visit &visit) {
#pragma unroll 4
  for (int pixel = begin + first; pixel < end; pixel += step) {
    Bits<Width> bits = ((const Bits<Width> *)line.in)[pixel * task.lines.run.in];
    T x = decode<T>(bits, task.source.dtype);
    if (line.mask && !line.mask[pixel * task.lines.run.mask])
      x = not_a_number<T>();
    ((T *)pixels)[pixel - begin] = x;
    visit((Word<sizeof(T)>)pixel_at<sizeof(T)>(pixels, pixel - begin));
  }
}

template <typename T, typename Visit>
__device__ __forceinline__ void convert_rows(const Task &task, const Line &first_line, const Part &part,
                                             int plane, char *pixels, const Visit &visit) {
  const Share share(part);
  const int first = share.turn * warp_lanes + (int)threadIdx.x % warp_lanes;
  const int step = share.turn_step * warp_lanes;
  const int width = task.in_bytes;
  for (int row = share.row; row < part.rows; row += share.row_step) {
    Line line = row_after(task, first_line, part.row + row);
    line.in += plane * task.lines.channel.in * width;
    if (line.mask)
      line.mask += plane * task.lines.channel.mask;
    char *to = pixels + row * part.pixels_of_row() * sizeof(T);
    if constexpr (sizeof(T) == 4) {
      if (width == 1)
        convert_line<1, T>(task, line, to, part.begin, part.end, first, step, visit);
      else if (width == 2)
        convert_line<2, T>(task, line, to, part.begin, part.end, first, step, visit);
      else
        convert_line<4, T>(task, line, to, part.begin, part.end, first, step, visit);
    } else {
      if (width == 4)
        convert_line<4, T>(task, line, to, part.begin, part.end, first, step, visit);
      else
        convert_line<8, T>(task, line, to, part.begin, part.end, first, step, visit);
    }
  }
}

/* ---- Writing ------------------------------------------------------------------------------------------ */

/* A quad of a line whose pixels begin .. are held at `pixels`. */
template <bv_dtype held, int Width, typename T>
__device__ __forceinline__ void load_held_quad(const Task &task, const char *pixels, int begin, int lead,
                                               int first, T x[quad]) {
  const char *line = pixels - begin * Width;
  const int extent = (int)task.lines.run.extent;
  Raw<Width, quad> raw;
  if (first >= 0 && first + quad <= extent && is_wide<quad>(line, 1, Width, lead))
    load_wide<false>(line + first * Width, raw);
  else
    load_single(line, 1, extent, first, raw);
  decode_cell<Width, T, quad>(raw, held, x);
}

/* Where pixels are held and how they become a picture. */
template <typename T, typename PixelsOf> struct Held {
  PixelsOf pixels_of; /* the block's part of a plane */
  const Map<T> *map;  /* of each plane */
  const uint32_t *colours;
  uint32_t *exchange; /* the warp's own */
};

/* A tile of a line, whose part in the block begins `row_at` bytes after that of its plane. */
template <bv_dtype held, int Width, typename T, typename PixelsOf>
__device__ __forceinline__ void write_tile(const Task &task, const Held<T, PixelsOf> &from, int row_at,
                                           int begin, const Line &line, int turn) {
  const int planes = (int)task.lines.channel.extent;
  const bool whole = turn >= 0 && turn + warp_pixels <= (int)task.lines.run.extent;
  const int first = turn + (int)threadIdx.x % warp_lanes * quad;
  uint32_t colour[quad] = {0xff000000u, 0xff000000u, 0xff000000u, 0xff000000u};
#pragma unroll 1
  for (int plane = 0; plane < planes; ++plane) {
    T y[quad];
    load_held_quad<held, Width>(task, from.pixels_of(plane) + row_at, begin, line.lead, first, y);
#pragma unroll
    for (int i = 0; i < quad; ++i)
      y[i] = apply_map(y[i], from.map[plane], task.source.zero_is_background);
    if (planes == 1)
      store_quad<T>(task.lines, task.sink, from.colours, line, first, whole, y, from.exchange);
    else
#pragma unroll
      for (int i = 0; i < quad; ++i)
        colour[i] |= (uint32_t)quantise(y[i], task.sink.nearest) << 8 * plane;
  }
  if (planes > 1)
    store_u8_quad(task.lines, task.sink, line, first, whole, colour, from.exchange);
}

/* As write_tile, the tiles turn, turn + step .. before `end`, which are whole and aligned: the hot loop.
 * Returns the turn after. */
template <bv_dtype held, int Width, typename Way>
__device__ __forceinline__ int write_whole_tiles(Way way, const Task &task, const QuickMap &quick,
                                                 const char *pixels, char *out, int turn, int step, int end,
                                                 uint32_t *exchange) {
  constexpr int tiles = Way::is_careful ? 1 : 4; /* at once */
  const int bytes = task.sink.bytes_of_pixel;
  const char *in = pixels + (turn + (int)threadIdx.x % warp_lanes * quad) * Width;
  out = address_of_lane(out + (int64_t)turn * bytes, bytes);
  const auto load = [&](int i, auto &raw) { load_wide<false>(in + i * step * Width, raw); };
  for (; tiles > 1 && turn + (tiles - 1) * step < end; turn += tiles * step) {
    map_quads<held, Width, tiles>(way, quick, load, out, step * bytes, exchange);
    in += tiles * step * Width;
    out += tiles * step * bytes;
  }
  for (; turn < end; turn += step) {
    map_quads<held, Width, 1>(way, quick, load, out, 0, exchange);
    in += step * Width;
    out += step * bytes;
  }
  return turn;
}

/* Maps and packs a block's part of its picture. */
template <bv_dtype held, int Width, typename T, typename PixelsOf>
__device__ __forceinline__ void write_part(const Task &task, const Line &first_line, const Part &part,
                                           const Held<T, PixelsOf> &from) {
  const int extent = (int)task.lines.run.extent;
  const Share share(part);
  const QuickMap quick = quick_map_of<held>(from.map[0], task.source, task.sink);
  for (int row = share.row; row < part.rows; row += share.row_step) {
    Line line = row_after(task, first_line, part.row + row);
    align_quads<Width>(task.lines, task.sink, line);
    const int row_at = row * part.pixels_of_row() * Width;
    const char *pixels = from.pixels_of(0) + row_at - part.begin * Width; /* of the line */
    const bool is_wide = line.wide_out && bv::is_wide<quad>(pixels, 1, Width, line.lead);
    /* The first pixel of the part is the first of a tile, or of the line. */
    const int start = part.begin > 0 ? part.begin : -line.lead, step = share.turn_step * warp_pixels;
    for (int turn = start + share.turn * warp_pixels; turn < part.end; turn += step) {
      if (quick.is_for_all && is_wide && turn >= 0)
        with_packing(task.sink.packing, quick.is_careful, [&](auto way) {
          const int past = min(part.end, extent - warp_pixels + 1);
          turn = write_whole_tiles<held, Width>(way, task, quick, pixels, line.out, turn, step, past,
                                                from.exchange);
        });
      if (turn < part.end)
        write_tile<held, Width, T>(task, from, row_at, part.begin, line, turn);
    }
  }
}

/* ---- The kernel --------------------------------------------------------------------------------------- */

template <typename T> constexpr int most_threads = BV_RESIDENT_MOST_THREADS(sizeof(T) == sizeof(double));

template <bv_dtype held, int Width, typename T>
__global__ void __launch_bounds__(most_threads<T>, 1) resident_kernel(const __grid_constant__ Task task) {
  using Key = Word<Width>;
  constexpr int key_bits = 8 * Width, stored_bins = Width == 1 ? 1 << key_bits : spare_bins;
  constexpr bool may_convert = Width == sizeof(T);
  static_assert(sizeof(Shared<Width, T>) <= BV_RESIDENT_SHARED_BYTES && spare_bins <= BV_RESIDENT_BINS &&
                    list_keys == BV_RESIDENT_LIST_KEYS,
                "as planned");
  extern __shared__ uint4 room[];
  Shared<Width, T> &shared = *(Shared<Width, T> *)room;
  uint32_t *bins = (uint32_t *)((char *)room + BV_RESIDENT_SHARED_BYTES);
  Key *list = (Key *)(bins + BV_RESIDENT_BINS);
  char *planes_room = (char *)(list + list_keys);

  const Order<Width> order = order_of_dtype<Width>(held, task.source.zero_is_background);
  const int planes = (int)task.lines.channel.extent;
  const int planes_of_window = task.lines.channel.window ? 1 : planes;
  const bool converts = may_convert && task.plan.converts;
  const Line first_line =
      locate_line(task.lines, task.source, task.sink.out, blockIdx.x / Cluster::size() * task.lines.rows,
                  task.in_bytes, task.out_bytes);
  const Part part = part_of_block<Width>(task, first_line);

  auto piece_of = [&](int plane) {
    const char *from = first_line.in + (part.begin + plane * task.lines.channel.in) * Width;
    return Piece<Width>(planes_room + plane * task.plan.plane_bytes, converts ? nullptr : from,
                        part.rows * part.pixels_of_row());
  };

  /* `shared` and the bins */
  for (int i = (int)threadIdx.x; i < BV_RESIDENT_SHARED_BYTES / 4 + stored_bins; i += (int)blockDim.x)
    ((uint32_t *)room)[i] = 0;
  __syncthreads();
  if (threadIdx.x == 0)
    for (int plane = 0; plane < planes && !converts; ++plane)
      start_copies(piece_of(plane), shared.arrivals[plane]);

  for (int first = 0; first < planes; first += planes_of_window) {
    if (threadIdx.x == 0)
      start_search(shared.state.search, (Key)(~(Key)0 >> (8 * (int)sizeof(Key) - key_bits)));
    __syncthreads();
    if (first == 0)
      Cluster::arrive();

    const auto each_unit = [&](auto loads, const auto &visit) {
      for (int plane = first; plane < first + planes_of_window; ++plane)
        visit_units<decltype(loads)::value>(piece_of(plane), 0, piece_of(plane).units, visit);
    };
    const auto each_edge = [&](const auto &visit) {
      for (int plane = first; plane < first + planes_of_window; ++plane) {
        const auto piece = piece_of(plane);
        if (piece.edge() >= 0)
          visit((Key)pixel_at<Width>(piece.pixels, piece.edge()));
      }
    };
    const HeldPixels<held, Width, decltype(each_unit), decltype(each_edge)> pixels = {
        order, task.source.zero_is_background, each_unit, each_edge};
    const auto count = [&](Key bits) { pixels.count_first(bits, bins); };
    for (int plane = first; plane < first + planes_of_window; ++plane)
      if (converts)
        convert_rows<T>(task, first_line, part, plane, piece_of(plane).pixels, count);
      else
        load_piece(piece_of(plane), shared.arrivals[plane], count);
    if (first == 0)
      Cluster::wait();
    __syncthreads();
    search_keys<Cluster>(shared.state, bins, list, task.percentiles, pixels);

    if ((int)threadIdx.x < planes_of_window) {
      const auto value = [&](Key key) { return value_of_key<Width, T>(order, key, held); };
      double lo = window_end(shared.state.search, 0, task.range, value);
      double hi = window_end(shared.state.search, 1, task.range, value);
      map_of_window(lo, hi, task.epsilon, task.floor, &shared.map[first + threadIdx.x]);
      if (task.windows.data && Cluster::rank() == leader && threadIdx.x == 0)
        write_window(task.windows, first_line.window + first * task.lines.channel.window, lo, hi,
                     shared.state.search.n);
    }
    __syncthreads();
  }

  if (task.sink.out) {
    /* The room of the bins and the list: nothing is counted any more. */
    static_assert(colours_in_map * 4 + most_threads<T> / warp_lanes * exchange_words * 4 <=
                      BV_RESIDENT_BINS * 4 + list_keys * (int)sizeof(Key),
                  "room for all warps");
    load_colour_map(task.sink, bins);
    __syncthreads();
    const auto pixels_of = [&](int plane) { return piece_of(plane).pixels; };
    uint32_t *exchange = bins + colours_in_map + (int)threadIdx.x / warp_lanes * exchange_words;
    const Held<T, decltype(pixels_of)> from = {pixels_of, shared.map, bins, exchange};
    write_part<held, Width, T>(task, first_line, part, from);
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
  task.range = job->window == BV_WINDOW_MINMAX;
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
