/* Percentiles by selection, without sorting, of groups of any size.
 *
 * Small groups: a block a group narrows the search in a few passes over the pixels, which the cache holds.
 *
 * Large groups, in a fixed sequence of kernels that a graph can hold:
 *   sample    a few thousand pixels of each group give a bracket for each percentile;
 *   count     the one pass over all pixels counts what lies below and inside the brackets, and lists what is
 * inside; pass ...  narrow the search among the listed keys. Where a bracket missed, or too much was inside,
 * the same passes go over the group's pixels instead. Groups that are done leave at once.
 */
#include "dispatch.cuh"
#include "launch.h"
#include "select.cuh"

namespace bv {
namespace {

struct Selection {
  bv_lines lines;
  Source source;
  bv_windows windows;
  bv_select_plan plan;
  Percentiles percentiles;
  int64_t groups;
  int64_t tiles_of_line;
  char *states; /* of groups, BV_SELECT_STATE_BYTES each */
  char *lists;  /* of their candidates, plan.candidates keys each */

  template <typename Key> __device__ GroupState<Key> &state(int64_t group) const {
    return *(GroupState<Key> *)(states + group * BV_SELECT_STATE_BYTES);
  }
  template <typename Key> __device__ Key *list(int64_t group) const {
    return (Key *)lists + group * plan.candidates;
  }
};

template <typename T, typename Count>
__device__ __forceinline__ void write_result(const Selection &selection, int64_t group,
                                             const Search<KeyOf<T>, Count> &search) {
  const auto value = [](KeyOf<T> key) { return (double)of_key((Key<T>)key); };
  write_window(selection.windows, group, window_end(search, 0, false, value),
               window_end(search, 1, false, value), (int64_t)search.n);
}

/* ---- A block a group ----------------------------------------------------------------------------------- */

constexpr int block_threads = 512;

template <int Width, typename T>
__global__ void __launch_bounds__(block_threads, 1) block_kernel(const __grid_constant__ Selection selection) {
  using Key = KeyOf<T>;
  __shared__ SearchState<Key> state;
  __shared__ uint32_t bins[most_bins];
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
  __shared__ uint32_t bins[most_bins];
  __shared__ Key list[list_keys];
  __shared__ bool open[ends];
  constexpr int keys = sample_keys<Key>;
  const int64_t pixels = selection.lines.rows * selection.lines.run.extent;

  for (int64_t group = blockIdx.x; group < selection.groups; group += gridDim.x) {
    GroupState<Key> &state = selection.state<Key>(group);
    for (int bin = (int)threadIdx.x; bin < most_bins; bin += sample_threads) {
      bins[bin] = 0;
      state.bins[bin] = 0;
    }
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
        state.bracket[e] = {open[0] ? 0 : search.search.end[0].base,
                            open[1] ? no_key<Key> : search.search.end[1].base,
                            0,
                            0,
                            0,
                            0};
      __syncthreads();
    }
    if (threadIdx.x == 0) {
      if (state.bracket[0].high >= state.bracket[1].low) { /* one for both */
        state.bracket[0].high = state.bracket[1].high;
        state.bracket[1].low = state.bracket[0].low;
      }
      state.n = state.candidates = 0;
      state.arrived = state.collected = 0;
      state.above[0] = state.above[1] = no_key<Key>;
    }
    __syncthreads();
  }
}

/* ---- Count --------------------------------------------------------------------------------------------- */

constexpr int count_threads = 256;
template <int Width, typename T>
__global__ void __launch_bounds__(count_threads) count_kernel(const __grid_constant__ Selection selection) {
  using Key = KeyOf<T>;
  constexpr int warps = count_threads / warp_lanes;
  enum {
    n,
    below,
    at_low = below + ends,
    inside = at_low + ends,
    at_high = inside + ends,
    counters = at_high + ends
  };
  __shared__ Key staged[warps][staged_keys];
  __shared__ Total sums[counters];
  const int parts = selection.plan.parts_of_group;
  const int64_t room = selection.plan.candidates;

  for (int64_t item = blockIdx.x; item < selection.groups * parts; item += gridDim.x) {
    const int64_t group = item / parts;
    GroupState<Key> &state = selection.state<Key>(group);
    Key *list = selection.list<Key>(group);
    Key low[ends], width[ends];
    for (int e = 0; e < ends; ++e) {
      low[e] = state.bracket[e].low;
      width[e] = state.bracket[e].high - low[e];
    }
    Staging<Key> staging = {staged[threadIdx.x / warp_lanes], 0};
    uint32_t counts[counters] = {};
    if (threadIdx.x < counters)
      sums[threadIdx.x] = 0;

    walk_group<Width, T, count_threads>(
        selection.lines, selection.source, selection.tiles_of_line, group, (int)(item % parts), parts,
        [&](int64_t, int64_t, const T x[cell_pixels<Width>]) {
#pragma unroll
          for (int i = 0; i < cell_pixels<Width>; ++i) {
            const bool is_counted = is_foreground(x[i], selection.source.zero_is_background);
            const Key key = key_of(x[i]);
            bool is_near = false;
            counts[n] += is_counted;
#pragma unroll
            for (int e = 0; e < ends; ++e) {
              counts[below + e] += is_counted && key < low[e];
              is_near |= is_counted && key - low[e] <= width[e];
            }
            if (!__any_sync(0xffffffffu, is_near))
              continue;
            bool keep = false;
#pragma unroll
            for (int e = 0; e < ends; ++e) {
              const Key at = key - low[e];
              const bool is_inside = is_near && at > 0 && at < width[e];
              counts[at_low + e] += is_near && at == 0;
              counts[inside + e] += is_inside;
              counts[at_high + e] += is_near && at == width[e] && width[e] > 0;
              keep |= is_inside;
            }
            staging.append(keep, key, &state.candidates, list, room);
          }
        });
    staging.flush(&state.candidates, list, room);
    __syncthreads();
#pragma unroll
    for (int c = 0; c < counters; ++c) {
      uint32_t sum = sum_of_warp(counts[c]);
      if (threadIdx.x % warp_lanes == 0 && sum > 0)
        atomicAdd(&sums[c], (Total)sum);
    }
    __syncthreads();
    if (threadIdx.x < ends) {
      const int e = (int)threadIdx.x;
      atomicAdd(&state.bracket[e].below, sums[below + e]);
      atomicAdd(&state.bracket[e].at_low, sums[at_low + e]);
      atomicAdd(&state.bracket[e].inside, sums[inside + e]);
      atomicAdd(&state.bracket[e].at_high, sums[at_high + e]);
      if (e == 0)
        atomicAdd(&state.n, sums[n]);
    }
    if (is_last_part(&state.arrived, parts) && threadIdx.x == 0) {
      enter_brackets(state, selection.percentiles, room);
      if (state.search.step == step_done)
        write_result<T>(selection, group, state.search);
    }
    __syncthreads();
  }
}

/* ---- Passes -------------------------------------------------------------------------------------------- */

template <int Width, typename T>
__global__ void __launch_bounds__(count_threads) pass_kernel(const __grid_constant__ Selection selection) {
  using Key = KeyOf<T>;
  __shared__ Search<Key, Total> search;
  __shared__ Scratch<Total> scratch;
  __shared__ uint32_t bins[most_bins];
  __shared__ Key list[list_keys];
  const int parts = selection.plan.parts_of_group;

  for (int64_t item = blockIdx.x; item < selection.groups * parts; item += gridDim.x) {
    const int64_t group = item / parts;
    const int part = (int)(item % parts);
    GroupState<Key> &state = selection.state<Key>(group);
    if (state.search.step == step_done)
      continue;
    __syncthreads();
    if (threadIdx.x == 0)
      search = state.search;
    for (int bin = (int)threadIdx.x; bin < most_bins; bin += count_threads)
      bins[bin] = 0;
    __syncthreads();

    const auto each = [&](const auto &visit) {
      if (state.from_list) {
        const Key *keys = selection.list<Key>(group);
        const int64_t step = (int64_t)parts * count_threads, listed = (int64_t)state.candidates;
#pragma unroll 4
        for (int64_t i = (int64_t)part * count_threads + threadIdx.x; i < listed; i += step)
          visit(keys[i]);
      } else {
        walk_group<Width, T, count_threads>(selection.lines, selection.source, selection.tiles_of_line, group,
                                            part, parts, [&](int64_t, int64_t, const T x[cell_pixels<Width>]) {
#pragma unroll
                                              for (int i = 0; i < cell_pixels<Width>; ++i)
                                                if (is_foreground(x[i], selection.source.zero_is_background))
                                                  visit((Key)key_of(x[i]));
                                            });
      }
    };

    if (search.step == step_count) {
      const Bins<Key> cut(search);
      each([&](Key key) {
        int32_t bin = cut.bin(key);
        if (bin >= 0)
          atomicAdd(bins + bin, 1u);
      });
      __syncthreads();
      for (int bin = (int)threadIdx.x; bin < most_bins; bin += count_threads)
        if (bins[bin] > 0)
          atomicAdd(&state.bins[bin], (Total)bins[bin]);
    } else {
      const Collection<Key> collection(search);
      Key above[ends] = {no_key<Key>, no_key<Key>};
      each([&](Key key) {
        if (collection.holds(key, above))
          state.keys[atomicAdd(&state.collected, 1u)] = key;
      });
      for (int e = 0; e < ends; ++e) {
        Key smallest = smallest_of_warp(above[e]);
        if (threadIdx.x % warp_lanes == 0 && smallest != no_key<Key>)
          atomicMin(&state.above[e], smallest);
      }
    }

    if (!is_last_part(&state.arrived, parts))
      continue;
    if (search.step == step_count) {
      narrow(
          search, scratch, selection.percentiles, most_bins, [&](int bin) { return __ldcg(&state.bins[bin]); },
          AnyInterval());
      __syncthreads();
      if (search.step == step_count)
        for (int bin = (int)threadIdx.x; bin < most_bins; bin += count_threads)
          state.bins[bin] = 0;
    } else {
      const int collected = (int)__ldcg(&state.collected);
      const Key above[ends] = {__ldcg(&state.above[0]), __ldcg(&state.above[1])};
      for (int i = (int)threadIdx.x; i < collected; i += count_threads)
        list[i] = __ldcg(&state.keys[i]);
      __syncthreads();
      finish(search, list, collected, above);
      __syncwarp(); /* lanes come out of it one by one */
      __syncthreads();
      if (threadIdx.x == 0)
        search.step = step_done;
    }
    if (threadIdx.x == 0) {
      state.search = search;
      if (search.step == step_done)
        write_result<T>(selection, group, search);
    }
  }
}

/* Enough for a search that begins with all keys of so many bits. */
constexpr int passes_for(int key_bits) {
  constexpr int bits_of_pass = log_bins - 1;
  int after_first = (key_bits - log_bins + bits_of_pass - 1) / bits_of_pass, collecting = 1;
  return 1 + after_first + collecting;
}

/* ---- Launching ----------------------------------------------------------------------------------------- */

template <int Width, typename T>
int launch_selection(Selection &selection, const bv_job *job, bv_stream stream) {
  using Key = KeyOf<T>;
  static_assert(sizeof(GroupState<Key>) <= BV_SELECT_STATE_BYTES, "as planned");
  selection.tiles_of_line = tiles_to_read<Width>(job, selection.lines);
  if (selection.plan.block_for_group)
    return launch(block_kernel<Width, T>, blocks_for(selection.groups, 1), block_threads, stream, selection);

  const unsigned blocks = blocks_for(selection.groups * selection.plan.parts_of_group, 1);
  int error =
      launch(sample_kernel<Width, T>, blocks_for(selection.groups, 1), sample_threads, stream, selection);
  if (error == cudaSuccess)
    error = launch(count_kernel<Width, T>, blocks, count_threads, stream, selection);
  for (int pass = 0; pass < passes_for(8 * sizeof(Key)) && error == cudaSuccess; ++pass)
    error = launch(pass_kernel<Width, T>, blocks, count_threads, stream, selection);
  return error;
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
  return bv::with_kind_of(job->in_dtype, [&](auto kind) {
    return bv::launch_selection<decltype(kind)::Width, typename decltype(kind)::T>(selection, job, stream);
  });
}
