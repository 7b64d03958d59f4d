/* What the kernels of select.cu keep in the workspace for a group, and how they read keys. */
#ifndef BV_SELECT_CUH
#define BV_SELECT_CUH

#include "search.cuh"
#include "walk.cuh"

namespace bv {

using Total = unsigned long long; /* counts the pixels of any group */

/* An interval of keys that probably holds x(j) and x(j + 1) of one end. The keys at its ends are only counted:
 * a value that many pixels have is at both ends of its bracket, or beside it, but hardly ever inside. */
template <typename Key> struct Bracket {
  Key low, high;
  Total below, at_low, inside, at_high; /* at_high is 0 where low = high */
};

template <typename Key> struct GroupState {
  Search<Key, Total> search;
  Bracket<Key> bracket[ends];
  Total n;
  Total candidates; /* keys inside of brackets, which are listed as far as there is room */
  bool from_list;   /* the search goes on among the candidates, not among the pixels */
  uint32_t arrived; /* blocks that have done their part of the kernel */
  uint32_t collected;
  Key above[ends];
  Key keys[list_keys];
  Total bins[most_bins];
};

template <typename T> using KeyOf = Word<(int)sizeof(T)>;

/* Not the key of any foreground pixel. */
template <typename Key> constexpr Key no_key = ~Key(0);

template <int Width, typename T>
__device__ __forceinline__ T load_pixel(const bv_lines &lines, const Source &source, int64_t group,
                                        int64_t number) {
  int64_t row = quotient(number, lines.run.extent), pixel = number - row * lines.run.extent;
  Line line = locate_line(lines, source, nullptr, group * lines.rows + row, Width, 1);
  T x = decode<T>(((const Bits<Width> *)line.in)[pixel * lines.run.in], source.dtype);
  return line.mask && !line.mask[pixel * lines.run.mask] ? not_a_number<T>() : x;
}

/* Whether this block is the last of `parts` to come here: it sees what all others wrote before. */
__device__ __forceinline__ bool is_last_part(uint32_t *arrived, int parts) {
  __shared__ bool last;
  __threadfence();
  __syncthreads();
  if (threadIdx.x == 0) {
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

/* Ranks of a sample between which a percentile of the whole probably lies. */
struct AroundPercentile {
  double percent;
  bool *open; /* [ends]: no rank is far enough out */

  template <typename Key> __device__ void operator()(Search<Key, uint32_t> &search, uint32_t n) const {
    const double p = percent / 100.0;
    const double middle = (n - 1.0) * p, margin = BV_SELECT_DEVIATIONS * sqrt(n * p * (1.0 - p)) + 1.0;
    const double rank[ends] = {floor(middle - margin), ceil(middle + margin)};
    search.n = n;
    for (int e = 0; e < ends; ++e) {
      open[e] = n == 0 || rank[e] < 0.0 || rank[e] > n - 1.0;
      search.end[e].count = n;
      search.end[e].rank = open[e] ? 0 : (uint32_t)rank[e];
    }
  }
};

/* ---- Candidates ----------------------------------------------------------------------------------------- */

constexpr int staged_keys = 128;

/* Keys that a warp gathers before it appends them to the group's list. */
template <typename Key> struct Staging {
  Key *keys; /* staged_keys in shared memory, the warp's own */
  int length;

  /* By all lanes. */
  __device__ __forceinline__ void append(bool keep, Key key, Total *listed, Key *list, int64_t room) {
    const uint32_t kept = __ballot_sync(0xffffffffu, keep);
    if (keep)
      keys[length + __popc(kept & ((1u << threadIdx.x % warp_lanes) - 1))] = key;
    length += __popc(kept);
    if (length > staged_keys - warp_lanes)
      flush(listed, list, room);
  }

  __device__ __forceinline__ void flush(Total *listed, Key *list, int64_t room) {
    const int lane = (int)threadIdx.x % warp_lanes;
    __syncwarp(); /* the keys are other lanes' too */
    Total at = lane == 0 && length > 0 ? atomicAdd(listed, (Total)length) : 0;
    at = __shfl_sync(0xffffffffu, at, 0);
    for (int i = lane; i < length; i += warp_lanes)
      if ((int64_t)at + i < room)
        list[at + i] = keys[i];
    __syncwarp();
    length = 0;
  }
};

/* ---- From counted brackets to the search among the candidates ------------------------------------------ */

/* Where x(j) is in its bracket, and x(j + 1); false if they are not both there. `at` has the count and rank of
 * the whole group. */
template <typename Key>
__device__ __forceinline__ bool enter_bracket(const Bracket<Key> &bracket, End<Key, Total> &at) {
  const Total inside = bracket.below + bracket.at_low, high = inside + bracket.inside,
              end = high + bracket.at_high;
  const Total rank = at.rank;
  if (rank < bracket.below || rank + at.has_next >= end)
    return false;
  if (rank < inside) {
    at.base = bracket.low;
    at.span = 0;
    at.rank = rank - bracket.below;
    at.count = bracket.at_low;
    at.knows_above = bracket.inside == 0;
  } else if (rank < high) {
    at.base = bracket.low + 1;
    at.span = bracket.high - bracket.low - 2;
    at.rank = rank - inside;
    at.count = bracket.inside;
    at.knows_above = rank + 1 == high;
  } else {
    at.base = bracket.high;
    at.span = 0;
    at.rank = rank - high;
    at.count = bracket.at_high;
  }
  at.above = bracket.high;
  return true;
}

/* By one thread, when all is counted. */
template <typename Key>
__device__ void enter_brackets(GroupState<Key> &state, const Percentiles &percentiles, int64_t room) {
  Search<Key, Total> among;
  start_search(among, no_key<Key>);
  percentiles(among, state.n);
  state.search = among;
  if (state.n == 0) {
    state.search.step = step_done;
    return;
  }
  state.from_list = state.candidates <= (Total)room;
  for (int e = 0; e < ends && state.from_list; ++e)
    state.from_list = enter_bracket(state.bracket[e], among.end[e]);
  if (state.from_list) {
    state.search = among;
    state.search.step = next_step(among);
  }
}

} // namespace bv

#endif
