/* The end of a selection among large groups: passes until the few keys that are left can be compared, over the
 * listed candidates, or, where a bracket missed or too much was inside, over the group's pixels.
 *
 * Blocks that share a group wait for each other between passes, so all blocks of the kernel must run at once
 * then.
 */
#ifndef BV_SELECT_FINISH_CUH
#define BV_SELECT_FINISH_CUH

#include "select.cuh"

namespace bv {

/* The last part of a pass lets the others go on. */
__device__ __forceinline__ void end_turn(uint32_t *turn) {
  __threadfence();
  __syncwarp(); /* thread 0 comes later */
  __syncthreads();
  if (threadIdx.x == 0) {
    __threadfence();
    atomicAdd(turn, 1u);
  }
}

__device__ __forceinline__ void wait_for_turn(const uint32_t *turn, uint32_t number) {
  if (threadIdx.x == 0)
    while (*(const volatile uint32_t *)turn < number)
      __nanosleep(100);
  __syncwarp(); /* lanes come out of a pass one by one */
  __syncthreads();
  __threadfence();
}

/* Adds a block's bins to the group's. */
__device__ __forceinline__ void add_bins(const uint32_t *bins, Total *sums) {
  for (int bin = (int)threadIdx.x; bin < most_bins; bin += (int)blockDim.x)
    if (bins[bin] > 0)
      atomicAdd(sums + bin, (Total)bins[bin]);
}

/* Passes over all keys of so many bits, and one that collects. */
__host__ __device__ constexpr int passes_for(int key_bits) {
  constexpr int bits_of_pass = log_bins - 1;
  int after_first = (key_bits - log_bins + bits_of_pass - 1) / bits_of_pass, collecting = 1;
  return 1 + after_first + collecting;
}

/* Keys on a list for which a block is worth while. */
constexpr int64_t keys_of_block = 2048;

/* A block's part of a pass: of the listed keys, or of the group's pixels. */
template <int Width, typename T, typename Visit>
__device__ __forceinline__ void visit_part(const Selection &selection, int64_t group, int part, int parts,
                                           const Visit &visit) {
  using Key = KeyOf<T>;
  const GroupState<Key> &state = selection.state<Key>(group);
  if (state.from_list) {
    const Key *keys = selection.list<Key>(group);
    const int64_t step = (int64_t)parts * count_threads, listed = (int64_t)state.candidates;
#pragma unroll 4
    for (int64_t i = (int64_t)part * count_threads + threadIdx.x; i < listed; i += step)
      visit(keys[i]);
  } else {
    walk_group<Width, T, count_threads>(selection.lines, selection.source, selection.tiles_of_line, group, part,
                                        parts, [&](int64_t, int64_t, const T x[cell_pixels<Width>]) {
#pragma unroll
                                          for (int i = 0; i < cell_pixels<Width>; ++i)
                                            if (is_foreground(x[i], selection.source.zero_is_background))
                                              visit((Key)key_of(x[i]));
                                        });
  }
}

/* One pass over a group, which `search` says; by the last block the search goes on. */
template <int Width, typename T, bool in_turns>
__device__ __forceinline__ void pass(const Selection &selection, int64_t group, int part, int parts,
                                     Search<KeyOf<T>, Total> &search) {
  using Key = KeyOf<T>;
  __shared__ Scratch<Total> scratch;
  __shared__ uint32_t bins[most_bins];
  __shared__ Key list[list_keys];
  GroupState<Key> &state = selection.state<Key>(group);

  const bool counts = search.step == step_count;
  if (counts) {
    const Bins<Key> cut(search);
    const int turns = in_turns ? selection.turns : 1;
    for (int turn = 0; turn < turns; ++turn) {
      if (turn > 0)
        __syncthreads();
      for (int bin = (int)threadIdx.x; bin < most_bins; bin += count_threads)
        bins[bin] = 0;
      __syncthreads();
      visit_part<Width, T>(selection, group, part * turns + turn, parts * turns, [&](Key key) {
        int32_t bin = cut.bin(key);
        if (bin >= 0)
          atomicAdd(bins + bin, 1u);
      });
      __syncthreads();
      add_bins(bins, state.bins);
    }
  } else {
    const Collection<Key> collection(search);
    Key above[ends] = {no_key<Key>, no_key<Key>};
    visit_part<Width, T>(selection, group, part, parts, [&](Key key) {
      if (collection.holds(key, above)) {
        const uint32_t at = atomicAdd(&state.collected, 1u);
        if (at < list_keys)
          state.keys[at] = key;
      }
    });
    for (int e = 0; e < ends; ++e) {
      Key smallest = smallest_of_warp(above[e]);
      if (threadIdx.x % warp_lanes == 0 && smallest != no_key<Key>)
        atomicMin(&state.above[e], smallest);
    }
  }

  if (!is_last_part(&state.arrived, parts))
    return;
  if (counts) {
    narrow(
        search, scratch, selection.percentiles, most_bins, [&](int bin) { return state.bins[bin]; },
        AnyInterval());
  } else {
    const int collected = (int)min(state.collected, (uint32_t)list_keys);
    const Key above[ends] = {state.above[0], state.above[1]};
    for (int i = (int)threadIdx.x; i < collected; i += count_threads)
      list[i] = state.keys[i];
    __syncthreads();
    finish(search, list, collected, above);
    __syncwarp(); /* lanes come out of it one by one */
    __syncthreads();
    if (threadIdx.x == 0)
      search.step = step_done;
  }
  __syncthreads();
  end_pass<T>(selection, group, state, search);
  end_turn(&state.turn);
}

/* `in_turns` for groups of so many pixels that a block's counts of all its part would not hold in 32 bits. */
template <int Width, typename T, bool in_turns>
__global__ void __launch_bounds__(count_threads, BV_SELECT_FINISH_BLOCKS)
    finish_kernel(const __grid_constant__ Selection selection) {
  using Key = KeyOf<T>;
  __shared__ Search<Key, Total> search;
  const int parts = selection.plan.parts_of_finish;
  /* A block is in one part of a group at most, and all blocks take groups in the same order: so whoever waits,
   * waits for blocks that come. */
  for (int64_t item = blockIdx.x; item < selection.groups * parts; item += gridDim.x) {
    const int64_t group = quotient(item, parts);
    const int part = (int)(item - group * parts);
    const GroupState<Key> &state = selection.state<Key>(group);
    const int64_t blocks = ((int64_t)state.candidates + keys_of_block - 1) / keys_of_block;
    const int active = state.from_list && blocks < parts ? max((int)blocks, 1) : parts;
    for (uint32_t turn = 0; part < active && turn < passes_for(8 * sizeof(Key)); ++turn) {
      __syncthreads();
      if (threadIdx.x == 0)
        search = state.search;
      __syncthreads();
      if (search.step == step_done)
        break;
      pass<Width, T, in_turns>(selection, group, part, active, search);
      wait_for_turn(&state.turn, turn + 1);
    }
  }
}

} // namespace bv

#endif
