/* The order of pixels without decoding them: keys, unsigned integers of the pixel's own width that sort like
 * the numbers, and a test for foreground that needs one comparison. They agree with arithmetic.h: order by key
 * is order by value, but that -0 comes just before +0, which value_of_key makes +0 of.
 */
#ifndef BV_ORDER_CUH
#define BV_ORDER_CUH

#include "pixel.cuh"

namespace bv {

/* What holds a pixel's bits or key in a register. */
template <int Width> struct WordOf { using Type = uint32_t; };
template <> struct WordOf<8> { using Type = unsigned long long; };
template <int Width> using Word = typename WordOf<Width>::Type;

template <int Width> struct Order {
  Word<Width> flip;          /* these bits change in every pixel, */
  Word<Width> flip_negative; /* and these where the sign bit is set: floats are stored as sign and magnitude */
  Word<Width> magnitude;     /* all bits, but for floats not the sign */
  Word<Width> least;         /* foreground has magnitudes least .. least + span */
  Word<Width> span;

  __device__ __forceinline__ Word<Width> key(Word<Width> bits) const {
    return bits ^ flip ^ (flip_negative & (0 - (bits >> (8 * Width - 1))));
  }

  __device__ __forceinline__ Word<Width> bits(Word<Width> key) const {
    Word<Width> bits = key ^ flip;
    return bits ^ (flip_negative & (0 - (bits >> (8 * Width - 1))));
  }

  __device__ __forceinline__ bool is_foreground(Word<Width> bits) const {
    return (bits & magnitude) - least <= span;
  }

  /* The key of 0: those of negative numbers are below. */
  __device__ __forceinline__ Word<Width> zero() const { return flip; }
  __device__ __forceinline__ bool is_reversed(Word<Width> key) const {
    return flip_negative != 0 && key < zero();
  }

  /* The first and the last key of foreground on the side of 0 that `key` is on. */
  __device__ __forceinline__ Word<Width> first_key(Word<Width> key) const {
    return key >= zero() ? zero() + least : flip_negative ? zero() - least - span - 1 : 0;
  }
  __device__ __forceinline__ Word<Width> last_key(Word<Width> key) const {
    return key < zero()    ? zero() - 1 - (flip_negative ? least : 0)
           : flip_negative ? zero() + least + span
                           : zero() + (zero() ? zero() - 1 : magnitude);
  }
};

/* The bits of infinity, or 0 for integers. */
__host__ __device__ constexpr uint64_t infinity_of_dtype(bv_dtype dtype) {
  switch (dtype) {
  case BV_F16: return 0x7c00;
  case BV_BF16: return 0x7f80;
  case BV_F32: return 0x7f800000;
  case BV_F64: return 0x7ff0000000000000;
  default: return 0;
  }
}

template <int Width>
__host__ __device__ constexpr Order<Width> order_of_dtype(bv_dtype dtype, bool zero_is_background) {
  const uint64_t all = ~(uint64_t)0 >> (64 - 8 * Width), sign = all / 2 + 1;
  const uint64_t infinity = infinity_of_dtype(dtype);
  bool is_unsigned = dtype == BV_U8 || dtype == BV_U16 || dtype == BV_U32;
  uint64_t least = zero_is_background ? 1 : 0;
  Order<Width> order = {};
  order.flip = (Word<Width>)(is_unsigned ? 0 : sign);
  order.flip_negative = (Word<Width>)(infinity ? all - sign : 0);
  order.magnitude = (Word<Width>)(infinity ? all - sign : all);
  order.least = (Word<Width>)least;
  order.span = (Word<Width>)((infinity ? infinity - 1 : all) - least);
  return order;
}

template <int Width, typename T>
__device__ __forceinline__ double value_of_key(const Order<Width> &order, Word<Width> key, bv_dtype dtype) {
  return (double)decode<T>((Bits<Width>)order.bits(key), dtype) + 0.0;
}

} // namespace bv

#endif
