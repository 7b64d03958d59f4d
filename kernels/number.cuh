/* arithmetic.h by map type: what templates on T = float or double call. */
#ifndef BV_NUMBER_CUH
#define BV_NUMBER_CUH

#include "arithmetic.h"

namespace bv {

template <typename T> struct Number;

template <> struct Number<float> {
  using Key = uint32_t;
  using Map = bv_map_f32;
};

template <> struct Number<double> {
  using Key = uint64_t;
  using Map = bv_map_f64;
};

template <typename T> using Key = typename Number<T>::Key;
template <typename T> using Map = typename Number<T>::Map;

BV_INLINE uint32_t key_of(float x) { return bv_key_of_f32(x); }
BV_INLINE uint64_t key_of(double x) { return bv_key_of_f64(x); }

BV_INLINE float of_key(uint32_t key) { return bv_f32_of_key(key); }
BV_INLINE double of_key(uint64_t key) { return bv_f64_of_key(key); }

/* No finite number has this key, the largest: it sorts behind the foreground. */
template <typename T> constexpr Key<T> background_key = ~Key<T>(0);

BV_INLINE bool is_foreground(float x, bool zero_is_background) {
  return bv_is_foreground_f32(x, zero_is_background);
}
BV_INLINE bool is_foreground(double x, bool zero_is_background) {
  return bv_is_foreground_f64(x, zero_is_background);
}

template <typename T> BV_INLINE T not_a_number() { return (T)bv_nan(); }

BV_INLINE void map_of_window(double lo, double hi, double epsilon, double floor, bv_map_f32 *map) {
  *map = bv_map_f32_of_window(lo, hi, epsilon, floor);
}
BV_INLINE void map_of_window(double lo, double hi, double epsilon, double floor, bv_map_f64 *map) {
  *map = bv_map_f64_of_window(lo, hi, epsilon, floor);
}

BV_INLINE float apply_map(float x, bv_map_f32 map, bool zero_is_background) {
  return bv_apply_map_f32(x, map, zero_is_background);
}
BV_INLINE double apply_map(double x, bv_map_f64 map, bool zero_is_background) {
  return bv_apply_map_f64(x, map, zero_is_background);
}

BV_INLINE uint8_t quantise(float y, bool nearest) { return bv_u8_of_f32(y, nearest); }
BV_INLINE uint8_t quantise(double y, bool nearest) { return bv_u8_of_f64(y, nearest); }

/* Of the uint8 conversion of one image, from the smallest and the largest pixel. */
BV_INLINE void map_of_image(double min, double max, bv_map_f32 *map) {
  *map = bv_map_f32_of_stretch(bv_stretch_f32_of_range((float)min, (float)max));
}
BV_INLINE void map_of_image(double min, double max, bv_map_f64 *map) {
  *map = bv_map_f64_of_stretch(bv_stretch_f64_of_range(min, max));
}

} // namespace bv

#endif
