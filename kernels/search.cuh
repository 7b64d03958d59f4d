/* A search by one team of blocks, from the first counts to the four keys: by a cluster, or by a block alone.
 * The blocks' counts are added up in the team's leader, which narrows the search and tells the others what to
 * look for next. What is searched is told by what does the passes: Keys below, or HeldPixels (pixels.cuh).
 */
#ifndef BV_SEARCH_CUH
#define BV_SEARCH_CUH

#include "cluster.cuh"
#include "narrow.cuh"
#include "windows.cuh"

namespace bv {

constexpr int leader = 0;

/* A team as Cluster is one, of this block alone. */
struct Alone {
  static __device__ __forceinline__ int block() { return leader; }
  static __device__ __forceinline__ int size() { return 1; }
  static __device__ __forceinline__ void sync() { __syncthreads(); }
  template <typename T> static __device__ __forceinline__ T *of(T *variable, int) { return variable; }
};

/* Of each block, in shared memory. */
template <typename Word> struct SearchState {
  Search<Word, uint32_t> search; /* as the leader has it */
  /* Of the leader: */
  Scratch<uint32_t> scratch;
  uint32_t list_length;
  Word above[ends]; /* of keys of 64 bits also each block's own */
};

/* The bin of the first pass, in which all keys are counted. */
template <int KeyBits, typename Word> __device__ __forceinline__ int32_t first_bin(Word key) {
  return (int32_t)(KeyBits > log_bins ? key >> (KeyBits > log_bins ? KeyBits - log_bins : 0) : key);
}

/* Adds this block's bins to the leader's and clears them; the leader's own stay. Most are 0. */
template <typename Team> __device__ __forceinline__ void give_bins(uint32_t *bins, int stored) {
  if (Team::block() == leader)
    return;
  uint32_t *sums = Team::of(bins, leader);
  for (int at = (int)threadIdx.x * 4; at < stored; at += (int)blockDim.x * 4) {
    uint4 &four = *(uint4 *)(bins + at);
    const uint32_t count[4] = {four.x, four.y, four.z, four.w};
    if ((count[0] | count[1] | count[2] | count[3]) == 0)
      continue;
    four = make_uint4(0, 0, 0, 0);
#pragma unroll
    for (int i = 0; i < 4; ++i)
      if (count[i] > 0)
        atomicAdd(sums + at + i, count[i]);
  }
}

/* By the first `threads` of a block. */
__device__ __forceinline__ void clear_bins(uint32_t *bins, int stored, int threads) {
  for (int at = (int)threadIdx.x * 4; at < stored; at += threads * 4)
    *(uint4 *)(bins + at) = make_uint4(0, 0, 0, 0);
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

/* Passes over keys. each(visit) calls visit(key) for the foreground. */
template <typename Each> struct Keys : AnyInterval {
  static constexpr int used_bins = most_bins, stored_bins = most_bins;
  Each each;

  __device__ explicit Keys(const Each &each_key) : each(each_key) {}
  __device__ bool is_to_be_asked(const uint32_t *) const { return false; }
  __device__ void ask(uint32_t *) const {}
  template <typename End> __device__ void settle(End &, bool) const {}
  __device__ uint32_t count_of(const uint32_t *bins, int bin, bool) const { return bins[bin]; }

  template <typename Word>
  __device__ __forceinline__ void count(const Search<Word, uint32_t> &search, uint32_t *bins) const {
    const Bins<Word> cut(search);
    each([&](Word key) {
      int32_t bin = cut.bin(key);
      if (bin >= 0)
        atomicAdd(bins + bin, 1u);
    });
  }
  template <typename Word, typename Append>
  __device__ __forceinline__ void collect(const Search<Word, uint32_t> &search, const Append &append,
                                          Word above[ends]) const {
    const Collection<Word> collection(search);
    each([&](Word key) {
      if (collection.holds(key, above))
        append(key);
    });
  }
};

/* The intervals of narrow() as what does the passes has them. */
template <typename Passes> struct IntervalsOf {
  static constexpr bool alike = Passes::alike;
  const Passes &passes;
  bool asked;
  template <typename End> __device__ void settle(End &end) const { passes.settle(end, asked); }
  template <typename Word> __device__ bool on_one_side(Word a, Word b) const {
    return passes.on_one_side(a, b);
  }
};

/* From the first pass, whose counts are in the first `used_bins` of `bins`, to the end. `ask` is narrow()'s;
 * `list` has room for list_keys; the bins are aligned to 16 bytes. Leaves the bins zero, and state.search the
 * same in all blocks. */
template <typename Team, typename Word, typename Ask, typename Passes>
__device__ __forceinline__ void search_keys(SearchState<Word> &state, uint32_t *bins, Word *list,
                                            const Ask &ask, const Passes &passes) {
  auto &search = state.search;
  bool asked = false;
  /* Few programs have asked the hardware for an atomic of 64 bits on another block's shared memory: each block
   * finds the smallest key above for itself then, and the leader reads them. */
  constexpr bool each_for_itself = sizeof(Word) == sizeof(uint64_t);
  for (;;) {
    give_bins<Team>(bins, Passes::stored_bins);
    Team::sync();
    if (Team::block() == leader) {
      const bool first = search.n == 0;
      if (first && !asked && passes.is_to_be_asked(bins)) {
        __syncthreads();
        if (threadIdx.x == 0)
          search.step = step_ask;
      } else {
        narrow(
            search, state.scratch, ask, Passes::used_bins,
            [&](int bin) { return passes.count_of(bins, bin, first); }, IntervalsOf<Passes>{passes, asked});
      }
      __syncthreads();
      clear_bins(bins, Passes::stored_bins, (int)blockDim.x);
      if (threadIdx.x == 0) {
        state.list_length = 0;
        state.above[0] = state.above[1] = ~(Word)0;
      }
      tell<Team>(search);
    }
    Team::sync();
    if (search.step == step_ask) {
      asked = true;
      passes.ask(bins);
    } else if (search.step == step_count) {
      passes.count(search, bins);
    } else {
      break;
    }
    __syncthreads();
  }

  if (search.step == step_collect) {
    Word above[ends] = {~(Word)0, ~(Word)0};
    uint32_t *length = Team::of(&state.list_length, leader);
    Word *keys = Team::of(list, leader);
    const bool needs_above = search.end[0].needs_above() || search.end[1].needs_above();
    passes.collect(
        search,
        [&](Word key) {
          const uint32_t at = atomicAdd(length, 1u);
          if (at < list_keys) /* more only if somebody writes the pixels meanwhile */
            keys[at] = key;
        },
        above);
    if constexpr (each_for_itself)
      if (needs_above) {
        if (threadIdx.x < ends)
          state.above[threadIdx.x] = ~(Word)0;
        __syncthreads();
      }
    for (int e = 0; e < ends && needs_above; ++e) {
      Word smallest = smallest_of_warp(above[e]);
      if (threadIdx.x % warp_lanes == 0)
        atomicMin(each_for_itself ? &state.above[e] : Team::of(&state.above[e], leader), smallest);
    }
    Team::sync();
    if (Team::block() == leader) {
      if constexpr (each_for_itself)
        if (needs_above && threadIdx.x < ends)
          for (int block = 1; block < Team::size(); ++block)
            state.above[threadIdx.x] =
                min(state.above[threadIdx.x], *Team::of(&state.above[threadIdx.x], block));
      finish(search, list, (int)min(state.list_length, (uint32_t)list_keys), state.above);
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
