/* What the kernels of select.cu share: what is kept in the workspace for a group, and the counting of pixels by
 * brackets. */
#ifndef BV_SELECT_CUH
#define BV_SELECT_CUH

#include "search.cuh"
#include "walk.cuh"

namespace bv {

using Total = unsigned long long; /* counts the pixels of any group */

/* An interval of keys that probably holds x(j) and x(j + 1) of one end. The keys at its ends are only counted:
 * a value that many pixels have is at both ends of its bracket, or beside it, but hardly ever inside. Brackets
 * are apart, or the same. */
template <typename Key> struct Bracket { Key low, high; };

/* What the counting read adds up. */
enum Counter {
  foreground,
  not_below,                 /* of each end: foreground that is not below the bracket */
  at_low = not_below + ends, /* of each end, as are those below: at_low + e * classes; of brackets that */
  inside,                    /* are the same, the high end counts */
  at_high,                   /* 0 where low = high */
  classes = at_high + 1 - at_low,
  counters = at_low + ends * classes
};

template <typename Key> struct GroupState {
  Search<Key, Total> search;
  Bracket<Key> bracket[ends];
  Total counts[counters];
  Total candidates;   /* keys inside of brackets, which are listed as far as there is room */
  uint32_t from_list; /* the search goes on among the candidates, not among the pixels */
  uint32_t arrived;   /* blocks that have done their part of a pass */
  uint32_t turn;      /* passes done */
  uint32_t collected;
  Key above[ends];
  Key keys[list_keys];
  Total bins[most_bins];

  __device__ bool has_same_brackets() const { return bracket[0].low == bracket[1].low; }
};

constexpr int count_threads = 256;

template <typename T> using KeyOf = Word<(int)sizeof(T)>;

/* Not the key of any foreground pixel. */
template <typename Key> constexpr Key no_key = ~Key(0);

struct Selection {
  bv_lines lines;
  Source source;
  bv_windows windows;
  bv_select_plan plan;
  Percentiles percentiles;
  int64_t groups;
  int64_t tiles_of_line;
  int32_t turns; /* in which a block of the last kernel counts its part of a group */
  char *states;  /* of groups, BV_SELECT_STATE_BYTES each */
  char *lists;   /* of their candidates, plan.candidates keys each */

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

/* Between passes, by the block that came last. */
template <typename T>
__device__ __forceinline__ void end_pass(const Selection &selection, int64_t group, GroupState<KeyOf<T>> &state,
                                         const Search<KeyOf<T>, Total> &search) {
  if (search.step == step_count)
    for (int bin = (int)threadIdx.x; bin < most_bins; bin += (int)blockDim.x)
      state.bins[bin] = 0;
  if (threadIdx.x == 0) {
    state.search = search;
    if (search.step == step_done)
      write_result<T>(selection, group, search);
  }
}

template <int Width, typename T>
__device__ __forceinline__ T load_pixel(const bv_lines &lines, const Source &source, int64_t group,
                                        int64_t number) {
  int64_t row = quotient(number, lines.run.extent), pixel = number - row * lines.run.extent;
  Line line = locate_line(lines, source, nullptr, group * lines.rows + row, Width, 1);
  T x = decode<T>(((const Bits<Width> *)line.in)[pixel * lines.run.in], source.dtype);
  return line.mask && !line.mask[pixel * lines.run.mask] ? not_a_number<T>() : x;
}

/* Whether this block is the last of `parts` to come here: it sees what all others wrote before. Each thread's
 * writes come before the barrier, and thread 0's fence after it covers those of the whole block: with the
 * addition it is a release that the last block's addition and fence acquire. */
__device__ __forceinline__ bool is_last_part(uint32_t *arrived, int parts) {
  __shared__ bool last;
  __threadfence();
  __syncthreads();
  if (threadIdx.x == 0) {
    __threadfence();
    last = atomicAdd(arrived, 1u) == (uint32_t)parts - 1;
    if (last)
      *arrived = 0;
  }
  __syncthreads();
  if (last)
    __threadfence();
  return last;
}

/* ---- Where a sample leaves the percentiles ------------------------------------------------------------- */

/* Indices of a sample between which a percentile of the whole probably lies. */
struct AroundPercentile {
  double percent;
  bool *open; /* [ends]: no index is far enough out */

  template <typename Key> __device__ void operator()(Search<Key, uint32_t> &search, uint32_t n) const {
    const double p = percent / 100.0;
    const double middle = (n - 1.0) * p, margin = BV_SELECT_DEVIATIONS * sqrt(n * p * (1.0 - p)) + 1.0;
    const double index[ends] = {floor(middle - margin), ceil(middle + margin)};
    search.n = n;
    for (int e = 0; e < ends; ++e) {
      open[e] = n == 0 || index[e] < 0.0 || index[e] > n - 1.0;
      search.end[e].count = n;
      search.end[e].index = open[e] ? 0 : (uint32_t)index[e];
    }
  }
};

/* ---- Counting ------------------------------------------------------------------------------------------- */

/* `if (condition) ++sum` as one instruction: the compiler takes two. */
__device__ __forceinline__ void add_one_if(bool condition, uint32_t &sum) {
  asm("{\n\t.reg .pred p;\n\tsetp.ne.u32 p, %1, 0;\n\t@p add.u32 %0, %0, 1;\n\t}"
      : "+r"(sum)
      : "r"((uint32_t)condition));
}

/* 1 if a >= b, else 0, without a predicate: loops that count on many conditions run out of these. */
__device__ __forceinline__ float one_if_at_least(float a, float b) {
  float one;
  asm("set.ge.f32.f32 %0, %1, %2;" : "=f"(one) : "f"(a), "f"(b));
  return one;
}
__device__ __forceinline__ float one_if_at_least(double a, double b) {
  float one;
  asm("set.ge.f32.f64 %0, %1, %2;" : "=f"(one) : "d"(a), "d"(b));
  return one;
}

/* What a thread counts: in floats exact up to 2^24, and plans give no block more than 2^28 pixels. */
template <typename T> struct Counting {
  T low[ends], high[ends];
  Key<T> shift, limit;      /* foreground: 2 * bits - shift < limit */
  uint32_t n = 0;           /* foreground */
  float reached[ends] = {}; /* foreground that is not below the bracket of each end */

  template <typename Key> __device__ Counting(const Bracket<Key> bracket[ends], bool zero_is_background) {
    for (int e = 0; e < ends; ++e) {
      low[e] = of_key((bv::Key<T>)bracket[e].low);
      high[e] = of_key((bv::Key<T>)bracket[e].high);
    }
    /* Doubled, bits lose their sign; where 0 is background it wraps around. */
    const bv::Key<T> infinity = sizeof(T) == 8 ? (bv::Key<T>)0x7ff0000000000000u : (bv::Key<T>)0x7f800000u;
    shift = zero_is_background ? 2 : 0;
    limit = 2 * infinity - shift;
  }

  /* `near` gets the bit if x is in a bracket. */
  __device__ __forceinline__ void count(T x, uint32_t bit, uint32_t &near) {
    bv::Key<T> bits;
    memcpy(&bits, &x, sizeof bits);
    const bool is_foreground = bits + bits - shift < limit;
    add_one_if(is_foreground, n);
    const T y = is_foreground ? x : not_a_number<T>();
    reached[0] += one_if_at_least(y, low[0]);
    reached[1] += one_if_at_least(y, low[1]);
    const bool is_between = y > high[0] && y < low[1];
    if (y >= low[0] && y <= high[1] && !is_between)
      near |= bit;
  }
};

/* ---- Candidates ----------------------------------------------------------------------------------------- */

constexpr int staged_rounds = 4, staged_keys = staged_rounds * warp_lanes;

/* Of a block, in shared memory: pixels in brackets, and what becomes of them. Those at the ends are counted;
 * those inside also go into the bins of a search among what is inside, and onto the group's list. */
template <typename Key, int warps> struct Candidates {
  uint4 bins[most_bins / 4];
  uint32_t sums[counters];
  Bracket<Key> bracket[ends];
  Search<Key, uint32_t> among;
  Key staged[warps][staged_keys]; /* keys that warps gather */

  /* By all threads, before a barrier. */
  __device__ void start(const GroupState<Key> &state) {
    for (int i = (int)threadIdx.x; i < most_bins / 4; i += (int)blockDim.x)
      bins[i] = {};
    if (threadIdx.x < counters)
      sums[threadIdx.x] = 0;
    if (threadIdx.x == 0) {
      start_search(among, no_key<Key>);
      for (int e = 0; e < ends; ++e) {
        bracket[e] = state.bracket[e];
        const Key width = bracket[e].high - bracket[e].low;
        among.end[e].base = bracket[e].low + 1;
        among.end[e].span = width < 2 ? 0 : width - 2;
      }
    }
  }

  /* By all lanes of a warp: the first `length` keys that it staged. Rare, and not to take registers. */
  __device__ __noinline__ void settle(int length, GroupState<Key> &state, Key *list, int64_t room) {
    const int lane = (int)threadIdx.x % warp_lanes;
    const Key *keys = staged[threadIdx.x / warp_lanes];
    const Bins<Key> cut(among);
    uint32_t kept[staged_rounds];
    int listed = 0;
    __syncwarp(); /* the keys are other lanes' too */
#pragma unroll
    for (int round = 0; round < staged_rounds; ++round) {
      const int i = round * warp_lanes + lane;
      const bool is_there = i < length;
      const Key key = is_there ? keys[i] : 0;
      const int e = key >= bracket[1].low;
      const bool is_low = key == bracket[e].low, is_high = key == bracket[e].high;
      if (is_there)
        atomicAdd(&sums[(is_low ? at_low : is_high ? at_high : inside) + e * classes], 1u);
      const int32_t bin = is_there && !is_low && !is_high ? cut.bin(key) : -1;
      if (bin >= 0)
        atomicAdd((uint32_t *)bins + bin, 1u);
      kept[round] = __ballot_sync(0xffffffffu, bin >= 0);
      listed += __popc(kept[round]);
    }
    Total at = lane == 0 && listed > 0 ? atomicAdd(&state.candidates, (Total)listed) : 0;
    at = __shfl_sync(0xffffffffu, at, 0);
#pragma unroll
    for (int round = 0; round < staged_rounds; ++round) {
      const Total to = at + __popc(kept[round] & ((1u << lane) - 1));
      if (kept[round] >> lane & 1 && to < (Total)room)
        list[to] = keys[round * warp_lanes + lane];
      at += __popc(kept[round]);
    }
    __syncwarp();
  }

  /* By all threads, after a barrier. */
  __device__ void give(GroupState<Key> &state) {
    if (threadIdx.x < counters)
      atomicAdd(&state.counts[threadIdx.x], (Total)sums[threadIdx.x]);
    for (int i = (int)threadIdx.x; i < most_bins / 4; i += (int)blockDim.x) {
      const uint4 count = bins[i];
      if ((count.x | count.y | count.z | count.w) == 0)
        continue;
      const uint32_t counts[4] = {count.x, count.y, count.z, count.w};
#pragma unroll
      for (int j = 0; j < 4; ++j)
        if (counts[j] > 0)
          atomicAdd(&state.bins[4 * i + j], (Total)counts[j]);
    }
  }
};

/* ---- From counted brackets to the search among the candidates ------------------------------------------ */

/* Where x(j) is in its bracket, and x(j + 1); false if they are not both there. `at` has the count and index of
 * the whole group; `counts` are those of the bracket by class. */
template <typename Key>
__device__ __forceinline__ bool enter_bracket(const Bracket<Key> &bracket, Total below, const Total *counts,
                                              End<Key, Total> &at) {
  const Total first_inside = below + counts[0], first_high = first_inside + counts[inside - at_low],
              end = first_high + counts[at_high - at_low];
  const Total index = at.index;
  if (index < below || index + at.has_next >= end)
    return false;
  if (index < first_inside) {
    at.base = bracket.low;
    at.span = 0;
    at.index = index - below;
    at.count = first_inside - below;
    at.knows_above = first_high == first_inside;
  } else if (index < first_high) {
    at.base = bracket.low + 1;
    at.span = bracket.high - bracket.low - 2;
    at.index = index - first_inside;
    at.count = first_high - first_inside;
    at.knows_above = index + 1 == first_high;
  } else {
    at.base = bracket.high;
    at.span = 0;
    at.index = index - first_high;
    at.count = end - first_high;
  }
  at.above = bracket.high;
  return true;
}

/* By one thread, when all is counted: the search to go on with. */
template <typename Key>
__device__ void enter_brackets(GroupState<Key> &state, const Percentiles &percentiles, int64_t room,
                               Search<Key, Total> &search) {
  const Total n = state.counts[foreground];
  start_search(search, no_key<Key>);
  percentiles(search, n);
  if (n == 0) {
    search.step = step_done;
    state.from_list = false;
    return;
  }
  Search<Key, Total> among = search;
  bool is_entered = state.candidates <= (Total)room;
  for (int e = 0; e < ends && is_entered; ++e) {
    const Total *counts = state.counts + at_low + (state.has_same_brackets() ? ends - 1 : e) * classes;
    is_entered = enter_bracket(state.bracket[e], n - state.counts[not_below + e], counts, among.end[e]);
  }
  if (is_entered) {
    search = among;
    search.step = next_step(among);
  }
  state.from_list = is_entered;
}

} // namespace bv

#endif
