/* Finding the four keys that two percentiles need (x(j) and x(j + 1) of the low and of the high end) by
 * narrowing intervals of keys: the part that all selections share.
 *
 * Each end of the window keeps an interval of 2^shift keys that holds its x(j). A pass over the keys counts
 * them in bins of the intervals; narrow() then replaces each interval by the bin that x(j) fell into. Once few
 * keys are left inside, the next pass collects them, and finish() compares them with each other. x(j + 1) is in
 * the same interval, or it is the smallest key above it, which the collecting pass finds as well. Ties do no
 * harm: an interval of one key is known without being collected.
 */
#ifndef BV_NARROW_CUH
#define BV_NARROW_CUH

#include "order.cuh"

namespace bv {

constexpr int ends = 2;      /* of a window: low, high */
constexpr int log_bins = 11; /* while both ends share an interval; else half the bins for each */
constexpr int most_bins = 1 << log_bins;
constexpr int list_keys = 512; /* that are compared with each other */

/* What the next pass over the keys is to do. */
enum Step { step_count, step_ask, step_collect, step_done }; /* step_ask: see search.cuh */

/* `Count` numbers pixels: 32 bits where a group is known to be small enough. */
template <typename Word, typename Count> struct End {
  Word base; /* x(j) is one of the keys base .. base + span, */
  Word span;
  Count count;                /* which so many pixels have; */
  Count index;                /* among those it has this index */
  Word above;                 /* x(j + 1), where it is above the interval and known */
  bool has_next, knows_above; /* has_next: x(j + 1) is asked for */
  double t;                   /* the percentile's way from x(j) to x(j + 1) */

  __device__ bool needs_above() const { return has_next && index + 1 == count && !knows_above; }
  /* x(j + 1) when the search is done, or x(j) where that is not asked for. */
  __device__ Word next() const {
    bool is_tie = span == 0 && index + 1 < count;
    return has_next && !is_tie ? above : base;
  }
};

template <typename Word, typename Count> struct Search {
  End<Word, Count> end[ends];
  Count n;
  int32_t step;

  __device__ bool shared() const { return end[0].base == end[1].base && end[0].span == end[1].span; }
  /* Keys inside of the interval of an end that are still to be told apart, apart from those of ends before. */
  __device__ Count open(int e) const { return end[e].span == 0 || (e == 1 && shared()) ? 0 : end[e].count; }
};

/* Before anything is known: `last` is the largest key. */
template <typename Word, typename Count>
__device__ __forceinline__ void start_search(Search<Word, Count> &search, Word last) {
  for (int e = 0; e < ends; ++e)
    search.end[e] = {0, last, 0, 0, 0, false, false, 0.0};
  search.n = 0;
  search.step = step_count;
}

/* What narrow() asks for when n is known: the indices of two percentiles. */
struct Percentiles {
  double percent[ends];

  template <typename Word, typename Count>
  __device__ void operator()(Search<Word, Count> &search, Count n) const {
    search.n = n;
    for (int e = 0; e < ends && n > 0; ++e) {
      bv_index index = bv_index_of_percentile((int64_t)n, percent[e]);
      search.end[e].count = n;
      search.end[e].index = (Count)index.below;
      search.end[e].has_next = index.above > index.below;
      search.end[e].t = index.t;
    }
  }
};

/* ---- Passes over the keys ----------------------------------------------------------------------------- */

__device__ __forceinline__ int bits_in(uint32_t word) { return 32 - __clz((int)word); }
__device__ __forceinline__ int bits_in(unsigned long long word) { return 64 - __clzll((long long)word); }

/* The bins of a counting pass, in registers: of 2^shift keys, for both ends `alike` if need be. */
template <typename Word> struct Bins {
  Word base[ends], span[ends];
  int32_t shift[ends];
  bool open[ends];

  template <typename Count> __device__ explicit Bins(const Search<Word, Count> &search, bool alike = false) {
    for (int e = 0; e < ends; ++e) {
      base[e] = search.end[e].base;
      span[e] = search.end[e].span;
      shift[e] = max(0, bits_in(span[e]) - (search.shared() ? log_bins : log_bins - 1));
      open[e] = search.open(e) > 0 || search.n == 0;
    }
    if (alike)
      shift[0] = shift[1] = max(shift[0], shift[1]);
  }

  /* The bin of a key, or -1. */
  __device__ __forceinline__ int32_t bin(Word key) const {
    Word low = key - base[0], high = key - base[1];
    return open[0] && low <= span[0]    ? (int32_t)(low >> shift[0])
           : open[1] && high <= span[1] ? (int32_t)(high >> shift[1]) + most_bins / 2
                                        : -1;
  }
};

/* What a collecting pass looks for, in registers. */
template <typename Word> struct Collection {
  Word base[ends], span[ends];
  bool open[ends];

  template <typename Count> __device__ explicit Collection(const Search<Word, Count> &search) {
    for (int e = 0; e < ends; ++e) {
      base[e] = search.end[e].base;
      span[e] = search.end[e].span;
      open[e] = search.open(e) > 0;
    }
  }

  /* Whether a key is to be collected. `above` becomes the least distance of keys above the intervals from the
   * first key above; those of smaller keys wrap around, and are larger. */
  __device__ __forceinline__ bool holds(Word key, Word above[ends]) const {
    bool held = false;
#pragma unroll
    for (int e = 0; e < ends; ++e) {
      above[e] = min(above[e], key - base[e] - span[e] - 1);
      held |= open[e] && key - base[e] <= span[e];
    }
    return held;
  }
};

/* ---- Between passes: called by all threads of a block ------------------------------------------------- */

constexpr int most_warps = 32;

/* Of a block, in shared memory. */
template <typename Count> struct Scratch {
  Count warp_sum[most_warps];
  struct {
    int32_t bin;
    Count before, count;
  } found[2 * ends];
};

__device__ __forceinline__ unsigned long long sum_of_warp(unsigned long long value) {
  for (int distance = warp_lanes / 2; distance > 0; distance /= 2)
    value += __shfl_xor_sync(0xffffffffu, value, distance);
  return value;
}

__device__ __forceinline__ uint32_t sum_of_warp(uint32_t value) {
#if __CUDA_ARCH__ >= 800
  return __reduce_add_sync(0xffffffffu, value);
#else
  for (int distance = warp_lanes / 2; distance > 0; distance /= 2)
    value += __shfl_xor_sync(0xffffffffu, value, distance);
  return value;
#endif
}

/* The sum over the threads before this one. */
template <typename Count>
__device__ __forceinline__ Count sum_before(Count value, Scratch<Count> &scratch, Count *total) {
  const int lane = threadIdx.x % warp_lanes, warp = threadIdx.x / warp_lanes, warps = blockDim.x / warp_lanes;
  Count sum = value;
#pragma unroll
  for (int distance = 1; distance < warp_lanes; distance *= 2) {
    Count other = __shfl_up_sync(0xffffffffu, sum, distance);
    sum += lane >= distance ? other : 0;
  }
  if (lane == warp_lanes - 1)
    scratch.warp_sum[warp] = sum;
  __syncthreads();
  const Count of_warp = lane < warps ? scratch.warp_sum[lane] : 0; /* each lane's, of another warp */
  *total = sum_of_warp(of_warp);
  return sum_of_warp(lane < warp ? of_warp : 0) + sum - value;
}

/* More than there are pixels: no count of keys that come before has it among those that follow. */
template <typename Count> constexpr Count nowhere = ~(Count)0;

/* The indices of the four keys among all that were counted or collected: those of the low end's interval come
 * first. `nowhere` if a key is not among them. */
template <typename Word, typename Count>
__device__ __forceinline__ void wanted_indices(const Search<Word, Count> &search, Count wanted[2 * ends]) {
  for (int e = 0; e < ends; ++e) {
    const End<Word, Count> &end = search.end[e];
    Count before = e == 1 && !search.shared() ? search.open(0) : 0;
    wanted[2 * e] = end.span > 0 ? before + end.index : nowhere<Count>;
    wanted[2 * e + 1] = end.span > 0 && end.index + 1 < end.count ? wanted[2 * e] + 1 : nowhere<Count>;
  }
}

/* What is left to do. */
template <typename Word, typename Count>
__device__ __forceinline__ int next_step(const Search<Word, Count> &search) {
  Count left = search.open(0) + search.open(1);
  if (left > list_keys)
    return step_count;
  return left > 0 || search.end[0].needs_above() || search.end[1].needs_above() ? step_collect : step_done;
}

/* What narrow() may do with intervals of keys. */
struct AnyInterval {
  static constexpr bool alike = false; /* whether both ends have bins of the same width */
  /* After the first pass: the interval of the keys that an end's bin counted. */
  template <typename End> __device__ void settle(End &) const {}
  /* Whether an interval may have both keys. */
  template <typename Word> __device__ bool on_one_side(Word, Word) const { return true; }
};

/* After a counting pass over the first `used` bins: `count_of(bin)` is read twice; `ask(search, n)` sets the
 * indices after the first pass. After a barrier `search`, in shared memory, is ready for the next pass. */
template <typename Word, typename Count, typename Ask, typename CountOf, typename Intervals>
__device__ void narrow(Search<Word, Count> &search, Scratch<Count> &scratch, const Ask &ask, int used,
                       const CountOf &count_of, const Intervals &intervals) {
  const bool shared = search.shared(), first = search.n == 0;
  const int each = (used + (int)blockDim.x - 1) / (int)blockDim.x;
  const int begin = (int)threadIdx.x * each, end = min(begin + each, used);
  if (threadIdx.x < 2 * ends)
    scratch.found[threadIdx.x] = {0, 0, 0}; /* those that are nowhere */
  Count mine = 0, total;
  for (int bin = begin; bin < end; ++bin)
    mine += count_of(bin);
  Count before = sum_before(mine, scratch, &total);
  const Bins<Word> bins(search, Intervals::alike);
  if (threadIdx.x < 2 * ends)
    scratch.found[threadIdx.x] = {}; /* in case a count changed since the last pass: see select.cu */
  if (first && threadIdx.x == 0)
    ask(search, total);
  __syncthreads();
  if (total == 0) {
    if (threadIdx.x == 0)
      search.step = step_done;
    return;
  }

  Count wanted[2 * ends];
  wanted_indices(search, wanted);
  bool is_wanted = false;
  if (mine > 0)
#pragma unroll
    for (int w = 0; w < 2 * ends; ++w)
      is_wanted |= wanted[w] - before < mine;
  if (is_wanted)
    for (int bin = begin; bin < end; ++bin) {
      const Count count = count_of(bin);
#pragma unroll
      for (int w = 0; w < 2 * ends; ++w)
        if (wanted[w] - before < count)
          scratch.found[w] = {bin, before, count};
      before += count;
    }
  __syncthreads();

  if (threadIdx.x == 0) {
    int last_bin = -1; /* of the low end's interval, if the other end's is in the same bins */
    for (int e = 0; e < ends; ++e) {
      End<Word, Count> &end = search.end[e];
      if (end.span == 0)
        continue;
      const int from = e == 1 && !shared ? most_bins / 2 : 0;
      const auto &at = scratch.found[2 * e], &next = scratch.found[2 * e + 1];
      const bool is_next_here = wanted[2 * e + 1] != nowhere<Count>;
      if (bins.shift[e] == 0 && is_next_here) {
        end.above = end.base + (Word)(next.bin - from);
        end.knows_above = true;
      }
      const Word bin_span = ((Word)1 << bins.shift[e]) - 1, skipped = (Word)(at.bin - from) << bins.shift[e];
      const Word left = end.span - skipped, most_to_next = Intervals::alike ? end.span / 4 : end.span;
      end.base += skipped;
      end.span = min(left, bin_span);
      end.index = wanted[2 * e] - at.before;
      end.count = at.count;
      /* x(j + 1) in another bin: an interval to the end of that, if few keys are in both and none is the other
       * end's; where its bins are as wide as the other end's, also only if it gets narrower, for else those
       * stay as wide as they are */
      const Word to_next = is_next_here ? (Word)(next.bin - at.bin) << bins.shift[e] : 0;
      const bool is_free = !shared || (e == 0 ? next.bin < scratch.found[2].bin : last_bin < at.bin);
      if (to_next > 0 && to_next <= most_to_next && !end.knows_above && is_free &&
          at.count + next.count <= list_keys / 2 && intervals.on_one_side(end.base, end.base + to_next)) {
        end.span = min(left, to_next + bin_span);
        end.count += next.count;
      }
      last_bin = shared ? (end.count > at.count ? next.bin : at.bin) : -1;
      if (first)
        intervals.settle(end);
    }
    search.step = next_step(search);
  }
}

/* After a collecting pass: `list` holds the keys of the open intervals, and `above` what Collection made of it.
 */
template <typename Word, typename Count>
__device__ void finish(Search<Word, Count> &search, const Word *list, int keys, const Word above[ends]) {
  Count wanted[2 * ends];
  wanted_indices(search, wanted);
  __syncthreads();
#pragma unroll
  for (int e = 0; e < ends; ++e) {
    End<Word, Count> &end = search.end[e];
    if (threadIdx.x == 0 && end.needs_above())
      end.above = end.base + end.span + 1 + above[e];
  }
  __syncthreads();
  for (int i = (int)threadIdx.x; i < keys; i += (int)blockDim.x) {
    const Word key = list[i];
    uint32_t less = 0, equal = 0;
#pragma unroll 4
    for (int j = 0; j < keys; ++j) {
      less += list[j] < key;
      equal += list[j] == key;
    }
    /* Equal keys say the same. */
#pragma unroll
    for (int e = 0; e < ends; ++e) {
      if (wanted[2 * e] - less < equal)
        atomicExch(&search.end[e].base, key);
      if (wanted[2 * e + 1] - less < equal)
        atomicExch(&search.end[e].above, key);
    }
  }
}

} // namespace bv

#endif
