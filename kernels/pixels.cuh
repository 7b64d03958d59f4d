/* A search among the pixels that blocks hold in shared memory: the passes of search.cuh over their bits as they
 * are.
 *
 * First pass: all pixels are counted, by the highest of their bits, and nobody asks which are foreground.
 * Background has bins of its own, which nobody reads: NaN and infinities those beyond infinity's exponent, and
 * 0, where it is background, the bin of the largest NaN of all, because 1 is subtracted from floats' bits
 * first. That moves infinity into the bin of the largest finite numbers: if there is any such pixel, all are
 * counted again with the question. Integers, of which 0 alone can be background, and f64 are asked at once;
 * 8-bit pixels have a bin for each value.
 *
 * Later passes look for intervals of keys on one side of 0, which are intervals of bits.
 */
#ifndef BV_PIXELS_CUH
#define BV_PIXELS_CUH

#include "piece.cuh"
#include "search.cuh"

namespace bv {

/* An interval of keys among bits. */
template <int Width> struct Probe {
  using Bits = Word<Width>;
  Bits sign, offset, width; /* inside, bits * sign + offset is the distance from the first key, below width */

  template <typename Count>
  __device__ Probe(const Order<Width> &order, const Search<Bits, Count> &search, int e) {
    const End<Bits, Count> &end = search.end[e];
    sign = order.is_reversed(end.base) ? ~(Bits)0 : 1;
    offset = 0 - order.bits(end.base) * sign;
    width = search.open(e) > 0 ? end.span + 1 : 0;
  }
  __device__ __forceinline__ Bits distance(Bits bits) const { return bits * sign + offset; }
};

/* A number that is a template argument of what is called with it. */
template <int value_> struct Loads { static constexpr int value = value_; };

/* What search_keys() asks of pixels. each_unit(Loads<n>(), visit) calls visit(unit, address) for the units of
 * 16 bytes that the block holds, n of a thread loaded at once, and each_edge(visit) calls visit(bits) for the
 * pixels outside. */
template <bv_dtype held, int Width, typename EachUnit, typename EachEdge> struct HeldPixels {
  using Bits = Word<Width>;
  static constexpr int log_first = 8 * Width < log_bins ? 8 * Width : log_bins, shift = 8 * Width - log_first;
  static constexpr int used_bins = 1 << log_first;                                   /* of the first pass */
  static constexpr int stored_bins = Width == 1 ? used_bins : spare_bins;            /* of any */
  static constexpr uint32_t infinity = (uint32_t)(infinity_of_dtype(held) >> shift); /* its bin */
  static constexpr bool is_asked = Width == 8 || (infinity == 0 && Width > 1);

  Order<Width> order;
  bool zero_is_background;
  EachUnit each_unit;
  EachEdge each_edge;

  template <int loads, typename Visit> __device__ __forceinline__ void each(const Visit &visit) const {
    each_edge(visit);
    each_unit(Loads<loads>(),
              [&](const Raw<Width, 16 / Width> &unit, const char *) { visit_unit(unit, visit); });
  }

  /* ---- First pass ---- */

  /* Whether floats' bits are one less when they are counted. */
  __device__ __forceinline__ Bits less() const { return infinity && Width < 8 && zero_is_background; }

  __device__ __forceinline__ void count_first(Bits bits, uint32_t *bins) const {
    if constexpr (is_asked)
      count_asked(bits, bins);
    else
      atomicAdd(bins + (((bits - less()) & (Bits)(~(Bits)0 >> (8 * sizeof(Bits) - 8 * Width))) >> shift), 1u);
  }
  __device__ __forceinline__ void count_asked(Bits bits, uint32_t *bins) const {
    if (order.is_foreground(bits))
      atomicAdd(bins + (uint32_t)(bits >> shift), 1u);
  }

  __device__ __forceinline__ bool is_to_be_asked(const uint32_t *bins) const {
    return less() && (bins[infinity - 1] | bins[infinity - 1 + used_bins / 2]) != 0;
  }
  __device__ __forceinline__ void ask(uint32_t *bins) const {
    each<1>([&](Bits bits) { count_asked(bits, bins); });
  }

  /* Of bins in the order of keys. `cut` and `shared` are those of the pass. */
  __device__ __forceinline__ uint32_t count_of(const uint32_t *bins, int bin, bool first,
                                               const ::bv::Bins<Bits> &cut, bool shared) const {
    if (first) {
      const uint32_t raw = (uint32_t)(order.bits((Bits)bin << shift) >> shift);
      const bool is_background = Width == 1 ? raw == 0 && zero_is_background
                                            : infinity && Width < 8 && raw % (used_bins / 2) >= infinity;
      return is_background ? 0 : bins[raw];
    }
    const int e = !shared && bin >= most_bins / 2, of_end = bin - e * (most_bins / 2);
    const bool is_inside = cut.open[e] && (Bits)of_end << cut.shift[e] <= cut.span[e];
    return is_inside ? bins[bin + e] : 0; /* behind the spare bin of the low end */
  }

  /* The keys that are counted in a bin, which begins at `base`. */
  template <typename Count> __device__ void settle(End<Bits, Count> &end, bool asked) const {
    if constexpr (Width > 1) {
      const Bits less_now = asked ? 0 : less(), old = end.base;
      Bits base = order.is_reversed(old) ? old - less_now : old + less_now, last = base + end.span;
      base = max(base, order.first_key(old));
      last = min(last, order.last_key(old));
      end.base = base;
      end.span = last - base;
    }
  }
  __device__ bool on_one_side(Bits a, Bits b) const { return (a < order.zero()) == (b < order.zero()); }

  /* ---- Later passes ---- */

  /* Each end's bins are followed by a spare one for the pixels outside, so that none needs a branch. */
  __device__ __forceinline__ void count(const Search<Bits, uint32_t> &search, uint32_t *bins) const {
    if constexpr (Width == 1)
      return; /* all is known */
    const ::bv::Bins<Bits> cut(search);
    const Probe<Width> low(order, search, 0), high(order, search, 1);
    const int low_shift = cut.shift[0], high_shift = cut.shift[1];
    uint32_t *bins_of_high = bins + (search.shared() ? most_bins : most_bins / 2) + 1;
    const Bits rest = (low.width & (((Bits)1 << low_shift) - 1)) | (high.width & (((Bits)1 << high_shift) - 1));
    if (rest == 0)
      each<good_loads>([&](Bits bits) {
        atomicAdd(bins + (uint32_t)(min(low.distance(bits), low.width) >> low_shift), 1u);
        atomicAdd(bins_of_high + (uint32_t)(min(high.distance(bits), high.width) >> high_shift), 1u);
      });
    else /* the last bins are not full: those outside would be counted in them */
      each<1>([&](Bits bits) {
        if (low.distance(bits) < low.width)
          atomicAdd(bins + (uint32_t)(low.distance(bits) >> low_shift), 1u);
        if (high.distance(bits) < high.width)
          atomicAdd(bins_of_high + (uint32_t)(high.distance(bits) >> high_shift), 1u);
      });
  }

  template <typename Append>
  __device__ __forceinline__ void collect(const Search<Bits, uint32_t> &search, const Append &append,
                                          Bits above[ends]) const {
    if constexpr (Width == 1)
      return;
    if (search.end[0].needs_above() || search.end[1].needs_above()) {
      const Collection<Bits> collection(search);
      each<1>([&](Bits bits) {
        const Bits key = order.key(bits);
        if (order.is_foreground(bits) && collection.holds(key, above))
          append(key);
      });
      return;
    }
    const Probe<Width> low(order, search, 0), high(order, search, 1);
    const auto is_held = [&](Bits bits) {
      return low.distance(bits) < low.width || high.distance(bits) < high.width;
    };
    each_edge([&](Bits bits) {
      if (is_held(bits))
        append(order.key(bits));
    });
    each_unit(Loads<good_loads>(), [&](const Raw<Width, 16 / Width> &unit, const char *address) {
      uint32_t held_pixels = 0;
#pragma unroll
      for (int i = 0; i < 16 / Width; ++i)
        if (is_held((Bits)bits_of(unit, i)))
          held_pixels |= 1u << i;
#pragma unroll 1
      for (; held_pixels != 0; held_pixels &= held_pixels - 1)
        append(order.key((Bits)((const ::bv::Bits<Width> *)address)[__ffs((int)held_pixels) - 1]));
    });
  }
};

} // namespace bv

#endif
