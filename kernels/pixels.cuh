/* A search among the pixels that blocks hold in shared memory: the passes of search.cuh over their bits as they
 * are.
 *
 * First pass: all pixels are counted, by the highest of their bits, and nobody asks which are foreground.
 * Background has bins of its own, which nobody reads: NaN and infinities those beyond infinity's exponent, and
 * 0, where it is background, the bin of the largest NaN of all, because 1 is subtracted from floats' bits
 * first. That moves infinity into the bin of the largest finite numbers: if there is any such
 * pixel, all are counted again with the question. Integers, of which 0 alone can be background, and f64 are
 * asked at once; 8-bit pixels have a bin for each value.
 *
 * Later passes look for intervals of keys on one side of 0, which are intervals of bits.
 */
#ifndef BV_PIXELS_CUH
#define BV_PIXELS_CUH

#include "piece.cuh"
#include "search.cuh"

namespace bv {

/* An interval of keys among bits: inside, (bits ^ flip) + offset is the distance from the first key. `flip` is
 * 0 but where bits descend as keys ascend; then it is all bits. */
template <int Width> struct Probe {
  using Bits = Word<Width>;
  Bits flip, offset, width; /* distances are below this */

  template <typename Count>
  __device__ Probe(const Order<Width> &order, const Search<Bits, Count> &search, int e) {
    const End<Bits, Count> &end = search.end[e];
    flip = order.is_reversed(end.base) ? ~(Bits)0 : 0;
    offset = 0 - (order.bits(end.base) ^ flip);
    width = search.open(e) > 0 ? end.span + 1 : 0;
  }
  template <bool flips> __device__ __forceinline__ Bits distance(Bits bits) const {
    return (flips ? bits ^ flip : bits) + offset;
  }
  __device__ __forceinline__ bool holds(Bits bits) const { return distance<true>(bits) < width; }
};

/* Distances of the pixels in a word, two of 16 bits or one of 32: the least of each and those before. */
template <bool flips, int Width>
__device__ __forceinline__ uint32_t least_distance(uint32_t before, uint32_t word, const Probe<Width> &probe) {
  if constexpr (Width == 2) {
    const uint32_t two = 0x10001u;
    return __vminu2(before, __vadd2(flips ? word ^ probe.flip : word, (probe.offset & 0xffff) * two));
  } else {
    return min(before, probe.template distance<flips>(word));
  }
}
template <int Width> __device__ __forceinline__ uint32_t least_of(uint32_t a, uint32_t b) {
  return Width == 2 ? __vminu2(a, b) : min(a, b);
}
template <int Width> __device__ __forceinline__ uint32_t lower_of(uint32_t distance) {
  return Width == 2 ? min(distance & 0xffff, distance >> 16) : distance;
}
/* A bit for each that is below `width`. */
template <int Width> __device__ __forceinline__ uint32_t places_below(uint32_t distance, uint32_t width) {
  return Width == 2 ? (uint32_t)((distance & 0xffff) < width) | (uint32_t)(distance >> 16 < width) << 1
                    : distance < width;
}

/* word >> shift, so that the compiler makes no mask of it where it is multiplied by a counter's size. */
template <int shift> __device__ __forceinline__ uint32_t shifted(uint32_t word) {
  uint32_t result;
  asm("shr.u32 %0, %1, %2;" : "=r"(result) : "r"(word), "n"(shift));
  return result;
}

/* (word << 16) + addend in one instruction, where the compiler takes two. */
__device__ __forceinline__ uint32_t lower_half_plus(uint32_t word, uint32_t addend) {
  uint32_t result;
  asm("mad.lo.u32 %0, %1, 0x10000, %2;" : "=r"(result) : "r"(word), "r"(addend));
  return result;
}

/* bins[bin] += 1, `bins` being an address in shared memory: the compiler has nothing to reorder. */
__device__ __forceinline__ void count_in(uint32_t bins, uint32_t bin) {
  asm volatile("red.shared.add.u32 [%0], 1;" ::"r"(bins + 4 * bin) : "memory");
}

/* What search_keys() asks of pixels. each_unit(Loads<n>(), visit) calls visit(unit, address) for the units of
 * 16 bytes that the block holds, n of a thread loaded at once, and each_edge(visit) calls visit(bits) for the
 * pixels outside. Behind the bins there is one more. Of 8-bit pixels it does the first pass alone. */
template <bv_dtype held, int Width, typename EachUnit, typename EachEdge> struct HeldPixels {
  using Bits = Word<Width>;
  using Unit = Raw<Width, 16 / Width>;
  static constexpr int shift = 8 * Width - (Width == 1 ? 8 : log_bins);              /* of the first pass */
  static constexpr uint32_t infinity = (uint32_t)(infinity_of_dtype(held) >> shift); /* its bin */
  static constexpr bool is_asked = Width == 8 || (infinity == 0 && Width > 1);
  static constexpr int used_bins = most_bins, stored_bins = most_bins;
  static constexpr bool alike = true; /* the bins of both ends */

  Order<Width> order;
  bool zero_is_background;
  EachUnit each_unit;
  EachEdge each_edge;

  template <int loads, typename Visit> __device__ __forceinline__ void each(const Visit &visit) const {
    each_edge(visit);
    each_unit(Loads<loads>(), [&](const Unit &unit, const char *) { visit_unit(unit, visit); });
  }

  /* ---- First pass ---- */

  /* Whether floats' bits are one less when they are counted. */
  __device__ __forceinline__ Bits less() const { return infinity && Width < 8 && zero_is_background; }
  __device__ __forceinline__ uint32_t less_of_word() const { return (uint32_t)less() << (32 - 8 * Width); }

  __device__ __forceinline__ void count_first(Bits bits, uint32_t bins) const {
    if constexpr (is_asked)
      count_asked(bits, bins);
    else if constexpr (Width == 1)
      count_in(bins, bits);
    else
      count_high(((uint32_t)bits << (32 - 8 * Width)) - less_of_word(), bins);
  }
  __device__ __forceinline__ void count_first(const Unit &unit, uint32_t bins) const {
    if constexpr (Width == 2 && !is_asked)
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        count_high(lower_half_plus(unit.word[i], 0 - less_of_word()), bins);
        count_high(unit.word[i] - less_of_word(), bins);
      }
    else if constexpr (Width == 1)
#pragma unroll
      for (int i = 0; i < 16; ++i)
        count_in(bins, __byte_perm(unit.word[i / 4], 0, 0x4440 + i % 4));
    else
      visit_unit(unit, [&](Bits bits) { count_first(bits, bins); });
  }
  /* Of bits at the high end of a word; what is below them does not matter. */
  __device__ __forceinline__ void count_high(uint32_t word, uint32_t bins) const {
    count_in(bins, shifted<32 - log_bins>(word));
  }
  __device__ __forceinline__ void count_asked(Bits bits, uint32_t bins) const {
    if (order.is_foreground(bits))
      count_in(bins, (uint32_t)(bits >> shift));
  }

  __device__ __forceinline__ bool is_to_be_asked(const uint32_t *bins) const {
    return less() && (bins[infinity - 1] | bins[infinity - 1 + used_bins / 2]) != 0;
  }
  __device__ __forceinline__ void ask(uint32_t *bins) const {
    const uint32_t address = (uint32_t)__cvta_generic_to_shared(bins);
    each<1>([&](Bits bits) { count_asked(bits, address); });
  }

  /* Of bins in the order of keys. */
  __device__ __forceinline__ uint32_t count_of(const uint32_t *bins, int bin, bool first) const {
    if (!first)
      return bins[bin];
    const uint32_t raw = (uint32_t)(order.bits((Bits)bin << shift) >> shift);
    const bool is_background = infinity && Width < 8 && raw % (used_bins / 2) >= infinity;
    return is_background ? 0 : bins[raw];
  }

  /* The keys that are counted in a bin, which begins at `base`. */
  template <typename Count> __device__ void settle(End<Bits, Count> &end, bool asked) const {
    const Bits less_now = asked ? 0 : less(), old = end.base;
    Bits base = order.is_reversed(old) ? old - less_now : old + less_now, last = base + end.span;
    base = max(base, order.first_key(old));
    last = min(last, order.last_key(old));
    end.base = base;
    end.span = last - base;
  }
  __device__ bool on_one_side(Bits a, Bits b) const { return (a < order.zero()) == (b < order.zero()); }

  /* ---- Later passes ---- */

  __device__ __forceinline__ void count(const Search<Bits, uint32_t> &search, uint32_t *bins) const {
    const Probe<Width> low(order, search, 0), high(order, search, 1);
    const int cut = ::bv::Bins<Bits>(search, alike).shift[0];
    const uint32_t of_low = (uint32_t)__cvta_generic_to_shared(bins);
    const uint32_t of_high = of_low + 4 * (high.width > 0 ? most_bins / 2 : most_bins);
    if (((low.width | high.width) & (((Bits)1 << cut) - 1)) != 0)
      /* The last bins are not full. */
      each<1>([&](Bits bits) {
        if (low.holds(bits))
          count_in(of_low, (uint32_t)(low.template distance<true>(bits) >> cut));
        else if (high.holds(bits))
          count_in(of_high, (uint32_t)(high.template distance<true>(bits) >> cut));
      });
    else
      with_flips(low, high, [&](auto flips) {
        /* The pixels outside have a bin behind those of the high end, so that none needs a branch. */
        each<good_loads>([&](Bits bits) {
          constexpr bool any = decltype(flips)::value;
          const Bits from_low = low.template distance<any>(bits);
          const Bits from_high = min(high.template distance<any>(bits), high.width);
          const bool is_low = from_low < low.width;
          count_in(is_low ? of_low : of_high, (uint32_t)((is_low ? from_low : from_high) >> cut));
        });
      });
  }

  /* call(Constant<any>()), `any` saying whether bits have to be flipped. */
  template <typename Call>
  __device__ __forceinline__ void with_flips(const Probe<Width> &low, const Probe<Width> &high,
                                             const Call &call) const {
    if ((low.flip | high.flip) != 0)
      call(Constant<true>());
    else
      call(Constant<false>());
  }

  template <typename Append>
  __device__ __forceinline__ void collect(const Search<Bits, uint32_t> &search, const Append &append,
                                          Bits above[ends]) const {
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
    const auto append_if_held = [&](Bits bits) {
      if (low.holds(bits) || high.holds(bits))
        append(order.key(bits));
    };
    each_edge(append_if_held);
    if constexpr (Width == 8) {
      each_unit(Loads<1>(), [&](const Unit &unit, const char *) { visit_unit(unit, append_if_held); });
    } else {
      /* Few units hold any: the least distance of their pixels to an open interval tells. */
      const Probe<Width> &one = low.width > 0 ? low : high, &other = high.width > 0 ? high : low;
      const uint32_t width = max(low.width, high.width);
      with_flips(one, other, [&](auto flips) {
        constexpr bool any = decltype(flips)::value;
        each_unit(Loads<good_loads>(), [&](const Unit &unit, const char *address) {
          uint32_t distance[4], least = ~0u;
#pragma unroll
          for (int i = 0; i < 4; ++i) {
            distance[i] = least_distance<any>(least_distance<any>(~0u, unit.word[i], one), unit.word[i], other);
            least = least_of<Width>(least, distance[i]);
          }
          if (lower_of<Width>(least) >= width)
            return;
          uint32_t near = 0; /* a bit for each pixel */
#pragma unroll
          for (int i = 0; i < 4; ++i)
            near |= places_below<Width>(distance[i], width) << i * (4 / Width);
#pragma unroll 1
          for (; near != 0; near &= near - 1)
            append_if_held((Bits)((const ::bv::Bits<Width> *)address)[__ffs((int)near) - 1]);
        });
      });
    }
  }
};

} // namespace bv

#endif
