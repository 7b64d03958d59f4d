/* Percentiles by selection, without sorting, of groups of any size.
 *
 * 8-bit pixels: one histogram (select_bytes.cuh).
 *
 * Small groups: a block a group narrows the search in a few passes over the pixels, which the cache holds.
 *
 * Large groups, in three kernels that a graph can hold:
 *   sample    a few thousand pixels of each group give a bracket for each percentile;
 *   count     the one pass over all pixels counts what lies below and at the ends of the brackets; what is
 *             inside is counted in bins and listed. The last block of a group narrows the search to a bin each;
 *   finish    goes on among the listed keys until the few that are left can be compared. Where a bracket
 * missed, or too much was inside, the same passes go over the group's pixels instead. Blocks that share a group
 * wait for each other between passes, so all of this kernel's run at once then.
 *
 * Pixels that somebody writes meanwhile make a wrong window, but nothing that counts them is taken for the
 * length of anything: appends stop where the room ends, bins are found from intervals, and passes are numbered.
 */
#include <algorithm>
#include <type_traits>

#include "dispatch.cuh"
#include "launch.h"
#include "select_bytes.cuh"
#include "select_finish.cuh"

namespace bv {
namespace {

/* ---- A block a group ----------------------------------------------------------------------------------- */

constexpr int block_threads = 512;

template <int Width, typename T>
__global__ void __launch_bounds__(block_threads, 1) block_kernel(const __grid_constant__ Selection selection) {
  using Key = KeyOf<T>;
  __shared__ SearchState<Key> state;
  __shared__ __align__(16) uint32_t bins[most_bins];
  __shared__ Key list[list_keys];
  for (int bin = (int)threadIdx.x; bin < most_bins; bin += block_threads)
    bins[bin] = 0;
  for (int64_t group = blockIdx.x; group < selection.groups; group += gridDim.x) {
    const auto each = [&](const auto &visit) {
      walk_group<Width, T, block_threads>(selection.lines, selection.source, selection.tiles_of_line, group, 0,
                                          1, [&](int64_t, int64_t, const T x[cell_pixels<Width>]) {
#pragma unroll
                                            for (int i = 0; i < cell_pixels<Width>; ++i)
                                              if (is_foreground(x[i], selection.source.zero_is_background))
                                                visit((Key)key_of(x[i]));
                                          });
    };
    if (threadIdx.x == 0)
      start_search(state.search, no_key<Key>);
    __syncthreads();
    each([&](Key key) { atomicAdd(bins + first_bin<8 * (int)sizeof(Key)>(key), 1u); });
    __syncthreads();
    search_keys<Alone>(state, bins, list, selection.percentiles, Keys<decltype(each)>(each));
    if (threadIdx.x == 0)
      write_result<T>(selection, group, state.search);
    __syncthreads();
  }
}

/* ---- Sample -------------------------------------------------------------------------------------------- */

constexpr int sample_threads = 512;

template <typename Key>
constexpr int sample_keys = sizeof(Key) == 8 ? BV_SELECT_SAMPLE_WIDE_KEYS : BV_SELECT_SAMPLE_KEYS;

/* A block a group, whatever the size of the group, for the sample does not grow with it: 18 loads a thread,
 * which wait for memory together, and two searches on chip. Of a single group all but one multiprocessor wait
 * for it; bench/gpu.sh measures for how long (part colours). */

/* splitmix64 */
__device__ __forceinline__ uint64_t scramble(uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
  x = (x ^ x >> 27) * 0x94d049bb133111ebu;
  return x ^ x >> 31;
}

template <int Width, typename T>
__global__ void __launch_bounds__(sample_threads) sample_kernel(const __grid_constant__ Selection selection) {
  using Key = KeyOf<T>;
  __shared__ Key sample[sample_keys<Key>];
  __shared__ SearchState<Key> search;
  __shared__ __align__(16) uint32_t bins[most_bins];
  __shared__ Key list[list_keys];
  __shared__ bool open[ends];
  constexpr int keys = sample_keys<Key>;
  const T infinity = (T)bv_f64_of_bits(0x7ff0000000000000u);
  const int64_t pixels = selection.lines.rows * selection.lines.run.extent;

  for (int64_t group = blockIdx.x; group < selection.groups; group += gridDim.x) {
    GroupState<Key> &state = selection.state<Key>(group);
    for (int bin = (int)threadIdx.x; bin < most_bins; bin += sample_threads) {
      bins[bin] = 0;
      state.bins[bin] = 0;
    }
    if (threadIdx.x < counters)
      state.counts[threadIdx.x] = 0;
    /* With the padding: the search is copied as a whole. */
    for (int i = (int)threadIdx.x; i < (int)(sizeof state.search / sizeof(uint32_t)); i += sample_threads)
      ((uint32_t *)&state.search)[i] = 0;
    /* One pixel of each stratum, so that the sample follows the picture, at a place that no pattern follows. */
    const int64_t stratum = pixels / keys;
#pragma unroll 4
    for (int i = (int)threadIdx.x; i < keys; i += sample_threads) {
      int64_t place = i * stratum + (int64_t)(scramble((uint64_t)i) % (uint64_t)stratum);
      T x = load_pixel<Width, T>(selection.lines, selection.source, group, place);
      sample[i] = is_foreground(x, selection.source.zero_is_background) ? (Key)key_of(x) : no_key<Key>;
    }
    for (int e = 0; e < ends; ++e) {
      const auto each = [&](const auto &visit) {
        for (int i = (int)threadIdx.x; i < keys; i += sample_threads)
          if (sample[i] != no_key<Key>)
            visit(sample[i]);
      };
      if (threadIdx.x == 0)
        start_search(search.search, no_key<Key>);
      __syncthreads();
      each([&](Key key) { atomicAdd(bins + first_bin<8 * (int)sizeof(Key)>(key), 1u); });
      __syncthreads();
      search_keys<Alone>(search, bins, list, AroundPercentile{selection.percentiles.percent[e], open},
                         Keys<decltype(each)>(each));
      if (threadIdx.x == 0)
        state.bracket[e] = {open[0] ? (Key)key_of(-infinity) : search.search.end[0].base,
                            open[1] ? (Key)key_of(infinity) : search.search.end[1].base};
      __syncthreads();
    }
    if (threadIdx.x == 0) {
      if (state.bracket[0].high >= state.bracket[1].low) { /* one for both */
        state.bracket[0].high = state.bracket[1].high;
        state.bracket[1].low = state.bracket[0].low;
      }
      state.candidates = 0;
      state.arrived = state.turn = state.collected = 0;
      state.above[0] = state.above[1] = no_key<Key>;
    }
    __syncthreads();
  }
}

/* ---- Count --------------------------------------------------------------------------------------------- */

constexpr int count_blocks = 4; /* on a multiprocessor */

/* Calls take(near, pixel) for a warp's pixels, of which `near` says which are in brackets, and pixel(i) is that
 * of bit i; `counting` has counted them. */
template <bv_dtype dtype, int Width, typename T, typename Take>
__device__ __forceinline__ void count_part(const Selection &selection, int64_t group, int part,
                                           Counting<T> &counting, const Take &take) {
  constexpr int pixels = cell_pixels<Width>;
  const auto count_cell = [&](const T x[pixels]) {
    uint32_t near = 0;
#pragma unroll
    for (int i = 0; i < pixels; ++i)
      counting.count(x[i], 1u << i, near);
    take(near, [&](uint32_t number) {
      T value = x[0];
#pragma unroll
      for (uint32_t i = 1; i < pixels; ++i)
        value = number == i ? x[i] : value;
      return value;
    });
  };
  const Line line =
      line_to_read<Width, pixels>(selection.lines, selection.source, group * selection.lines.rows);
  if (is_run(selection.lines, line))
    walk_run<Width, T, count_threads>(
        selection.lines, selection.source, line, part, selection.plan.parts_of_group,
        [&](const Raw<Width, pixels> raw[loads_of_strip], const char *address) {
          uint32_t near = 0;
#pragma unroll
          for (int load = 0; load < loads_of_strip; ++load) {
            T x[pixels];
            decode_cell<Width, T, pixels>(raw[load], dtype, x);
#pragma unroll
            for (int i = 0; i < pixels; ++i)
              counting.count(x[i], 1u << (load * pixels + i), near);
          }
          /* Few are read again, from the cache. */
          take(near, [&](uint32_t number) {
            const Bits<Width> *load = (const Bits<Width> *)(address + number / pixels * load_bytes);
            return decode<T>(load[number % pixels], dtype);
          });
        },
        count_cell);
  else
    walk_group<Width, T, count_threads>(selection.lines, selection.source, selection.tiles_of_line, group, part,
                                        selection.plan.parts_of_group,
                                        [&](int64_t, int64_t, const auto &x) { count_cell(x); });
}

template <bv_dtype dtype, int Width, typename T>
__global__ void __launch_bounds__(count_threads, count_blocks)
    count_kernel(const __grid_constant__ Selection selection) {
  using Key = KeyOf<T>;
  constexpr int warps = count_threads / warp_lanes;
  __shared__ Candidates<Key, warps> candidates;
  __shared__ Search<Key, Total> search;
  __shared__ Scratch<Total> scratch;
  const int parts = selection.plan.parts_of_group;
  const int64_t room = selection.plan.candidates;
  const uint32_t lanes_before = (1u << threadIdx.x % warp_lanes) - 1;

  for (int64_t item = blockIdx.x; item < selection.groups * parts; item += gridDim.x) {
    const int64_t group = quotient(item, parts);
    GroupState<Key> &state = selection.state<Key>(group);
    Counting<T> counting(state.bracket, selection.source.zero_is_background);
    Key *staged = candidates.staged[threadIdx.x / warp_lanes];
    int length = 0;
    candidates.start(state);
    /* With the padding: the search is copied as a whole. */
    if (threadIdx.x < sizeof search / sizeof(uint32_t))
      ((uint32_t *)&search)[threadIdx.x] = 0;
    __syncthreads();
    count_part<dtype, Width>(selection, group, (int)(item - group * parts), counting,
                             [&](uint32_t near, const auto &pixel) {
                               while (const uint32_t lanes = __ballot_sync(0xffffffffu, near != 0)) {
                                 if (near != 0) {
                                   const uint32_t number = __ffs((int)near) - 1;
                                   staged[length + __popc(lanes & lanes_before)] = key_of(pixel(number));
                                   near &= near - 1;
                                 }
                                 length += __popc(lanes);
                                 if (length > staged_keys - warp_lanes) {
                                   candidates.settle(length, state, selection.list<Key>(group), room);
                                   length = 0;
                                 }
                               }
                             });
    candidates.settle(length, state, selection.list<Key>(group), room);
    const uint32_t counts[at_low] = {counting.n, (uint32_t)counting.reached[0], (uint32_t)counting.reached[1]};
#pragma unroll
    for (int c = 0; c < at_low; ++c) {
      const uint32_t sum = sum_of_warp(counts[c]);
      if (threadIdx.x % warp_lanes == 0)
        atomicAdd(candidates.sums + c, sum);
    }
    __syncthreads();
    candidates.give(state);

    if (!is_last_part(&state.arrived, parts))
      continue;
    if (threadIdx.x == 0)
      enter_brackets(state, selection.percentiles, room, search);
    __syncthreads();
    const bool were_same = state.has_same_brackets();
    if (search.step == step_count && state.from_list && search.shared() == were_same)
      narrow(
          search, scratch, selection.percentiles, most_bins,
          [&](int bin) {
            return search.shared() || search.open(bin / (most_bins / 2)) > 0 ? state.bins[bin] : 0;
          },
          AnyInterval());
    __syncthreads();
    end_pass<T>(selection, group, state, search);
    __syncthreads();
  }
}

/* ---- Launching ----------------------------------------------------------------------------------------- */

/* Pixels that a block counts in 32 bits before it adds up, with a wide margin for uneven shares. */
constexpr int64_t most_counted = (int64_t)1 << 31;

/* With so many blocks for each group. */
template <int Width, typename T> int launch_finish(Selection &selection, int parts, bv_stream stream) {
  const int64_t pixels = selection.lines.rows * selection.lines.run.extent;
  const int64_t together = std::min(selection.groups * parts, (int64_t)selection.plan.blocks_at_once);
  selection.plan.parts_of_finish = parts;
  selection.turns = (int32_t)std::min(pixels / parts / most_counted + 1, (int64_t)(INT32_MAX / parts));
  const auto launch_kernel = [&](auto in_turns) {
    constexpr auto kernel = finish_kernel<Width, T, decltype(in_turns)::value>;
    return parts > 1 ? launch_together<kernel>((unsigned)together, count_threads, stream, selection)
                     : launch<kernel>(blocks_for(selection.groups, 1), count_threads, stream, selection);
  };
  return selection.turns > 1 ? launch_kernel(std::true_type()) : launch_kernel(std::false_type());
}

template <typename Type> int launch_selection(Selection &selection, const bv_job *job, bv_stream stream) {
  constexpr int Width = Type::Width;
  using T = typename Type::T;
  static_assert(sizeof(GroupState<KeyOf<T>>) <= BV_SELECT_STATE_BYTES, "as planned");
  const int64_t parts = selection.plan.parts_of_group;
  selection.tiles_of_line = tiles_to_read<Width>(job, selection.lines);
  if (selection.plan.block_for_group)
    return launch<block_kernel<Width, T>>(blocks_for(selection.groups, 1), block_threads, stream, selection);

  int error =
      launch<sample_kernel<Width, T>>(blocks_for(selection.groups, 1), sample_threads, stream, selection);
  if (error == cudaSuccess)
    error = launch<count_kernel<Type::dtype, Width, T>>(blocks_for(selection.groups * parts, 1), count_threads,
                                                        stream, selection);
  if (error != cudaSuccess)
    return error;
  const int parts_of_finish = selection.plan.parts_of_finish;
  error = launch_finish<Width, T>(selection, parts_of_finish, stream);
  /* Where a device, or the share of it that this process has (MPS, a green context), does not take so many
   * blocks at once, it costs their working together: a block with a group to itself waits for nobody. */
  return error == cudaSuccess || parts_of_finish == 1 ? error : launch_finish<Width, T>(selection, 1, stream);
}

int launch_bytes(const Selection &selection, const bv_job *job, bv_stream stream) {
  const int parts = selection.plan.parts_of_group;
  if (parts > 1) {
    int error = cudaMemsetAsync(selection.states, 0, selection.plan.states_bytes, stream);
    if (error != cudaSuccess)
      return error;
  }
  return launch<select_bytes_kernel>(blocks_for(selection.groups * parts, 1), byte_threads, stream,
                                     selection.lines, selection.source, tiles_to_read<1>(job, selection.lines),
                                     selection.groups, parts, selection.percentiles,
                                     (ByteState *)selection.states, selection.windows);
}

} // namespace
} // namespace bv

int bv_launch_select(const bv_job *job, const bv_select_plan *plan, void *workspace, bv_windows windows,
                     bv_stream stream) {
  bv::Selection selection = {};
  selection.lines = bv_lines_for_measuring(job);
  selection.source = bv::source_of_job(job);
  selection.windows = windows;
  selection.plan = *plan;
  selection.percentiles = {{job->low, job->high}};
  selection.groups = bv_job_groups(job);
  selection.states = (char *)workspace;
  selection.lists = (char *)workspace + plan->states_bytes;
  return bv::with_type_of(job->in_dtype, [&](auto type) {
    using Type = decltype(type);
    if constexpr (Type::Width == 1)
      return bv::launch_bytes(selection, job, stream);
    else
      return bv::launch_selection<Type>(selection, job, stream);
  });
}
