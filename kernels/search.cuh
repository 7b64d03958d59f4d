/* A search by one team of blocks, from the first counts to the four keys: by a cluster, or by a block alone.
 * The blocks' counts are added up in the team's leader, which narrows the search and tells the others what to
 * look for next.
 */
#ifndef BV_SEARCH_CUH
#define BV_SEARCH_CUH

#include "cluster.cuh"
#include "ranks.cuh"
#include "windows.cuh"

namespace bv {

constexpr int leader = 0;

/* A team as Cluster is one, of this block alone. */
struct Alone {
  static __device__ __forceinline__ int rank() { return leader; }
  static __device__ __forceinline__ int size() { return 1; }
  static __device__ __forceinline__ void sync() { __syncthreads(); }
  template <typename T> static __device__ __forceinline__ T *of(T *variable, int) { return variable; }
};

/* Of each block, in shared memory; all zero at first. */
template <typename Word> struct SearchState {
  Search<Word, uint32_t> search; /* as the leader has it */
  /* Of the leader: */
  Scratch<uint32_t> scratch;
  uint32_t list_length;
  Word above[ends];
};

/* The bin of the first pass, in which all keys are counted. */
template <int KeyBits, typename Word> __device__ __forceinline__ int32_t first_bin(Word key) {
  return (int32_t)(KeyBits > log_bins ? key >> (KeyBits > log_bins ? KeyBits - log_bins : 0) : key);
}

/* Adds this block's bins to the leader's and clears them. The leader's own stay. */
template <typename Team> __device__ __forceinline__ void give_bins(uint32_t *bins) {
  if (Team::rank() == leader)
    return;
  uint32_t *sums = Team::of(bins, leader);
  for (int bin = (int)threadIdx.x; bin < most_bins; bin += (int)blockDim.x)
    if (bins[bin] > 0) {
      atomicAdd(sums + bin, bins[bin]);
      bins[bin] = 0;
    }
}

/* By the leader: the search, to all other blocks. */
template <typename Team, typename Word> __device__ __forceinline__ void tell(Search<Word, uint32_t> &search) {
  constexpr int words = sizeof search / sizeof(uint32_t);
  __syncwarp(); /* lanes come here one by one */
  __syncthreads();
  for (int i = (int)threadIdx.x; i < words * (Team::size() - 1); i += (int)blockDim.x) {
    uint32_t *word = (uint32_t *)&search + i % words;
    *Team::of(word, 1 + i / words) = *word;
  }
}

template <typename Word> __device__ __forceinline__ Word smallest_of_warp(Word value) {
  for (int distance = warp_lanes / 2; distance > 0; distance /= 2)
    value = min(value, __shfl_xor_sync(0xffffffffu, value, distance));
  return value;
}

__device__ __forceinline__ uint32_t sum_of_warp(uint32_t value) {
  for (int distance = warp_lanes / 2; distance > 0; distance /= 2)
    value += __shfl_xor_sync(0xffffffffu, value, distance);
  return value;
}

/* From the first pass, whose counts are in `bins`, to the end. `each(visit)` calls visit(key) for the block's
 * foreground pixels again; `ask` is narrow()'s. `list` has room for list_keys. Leaves the bins zero, and
 * state.search the same in all blocks. */
template <typename Team, typename Word, typename Ask, typename Each>
__device__ __forceinline__ void search_keys(SearchState<Word> &state, uint32_t *bins, Word *list,
                                            const Ask &ask, const Each &each) {
  auto &search = state.search;
  for (bool counting = true; counting;) {
    give_bins<Team>(bins);
    Team::sync();
    if (Team::rank() == leader) {
      narrow(search, state.scratch, ask, [&](int bin) { return bins[bin]; });
      __syncthreads();
      for (int bin = (int)threadIdx.x; bin < most_bins; bin += (int)blockDim.x)
        bins[bin] = 0;
      if (threadIdx.x == 0) {
        state.list_length = 0;
        state.above[0] = state.above[1] = ~(Word)0;
      }
      tell<Team>(search);
    }
    Team::sync();
    counting = search.step == step_count;
    if (counting) {
      const Bins<Word> cut(search);
      each([&](Word key) {
        int32_t bin = cut.bin(key);
        if (bin >= 0)
          atomicAdd(bins + bin, 1u);
      });
      __syncthreads();
    }
  }

  if (search.step == step_collect) {
    const Collection<Word> collection(search);
    Word above[ends] = {~(Word)0, ~(Word)0};
    uint32_t *length = Team::of(&state.list_length, leader);
    Word *keys = Team::of(list, leader);
    each([&](Word key) {
      if (collection.holds(key, above))
        keys[atomicAdd(length, 1u)] = key;
    });
    for (int e = 0; e < ends; ++e) {
      Word smallest = smallest_of_warp(above[e]);
      if (threadIdx.x % warp_lanes == 0)
        atomicMin(Team::of(&state.above[e], leader), smallest);
    }
    Team::sync();
    if (Team::rank() == leader) {
      finish(search, list, (int)state.list_length, state.above);
      tell<Team>(search);
    }
    Team::sync();
  }
}

/* The window of a search that is done. `value(key)` is a key's number. With `range`, x(j) alone count: the
 * difference to a neighbour may overflow. */
template <typename Word, typename Count, typename Value>
__device__ __forceinline__ double window_end(const Search<Word, Count> &search, int e, bool range,
                                             const Value &value) {
  if (search.n == 0)
    return bv_nan();
  const End<Word, Count> &end = search.end[e];
  double below = value(end.base);
  return range ? below : bv_interpolate(below, value(end.next()), end.t);
}

} // namespace bv

#endif
