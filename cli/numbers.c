/* Numbers as files store them, brought to the machine's byte order and a type that tensors have. */
#include "numbers.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

size_t stored_size(int32_t type) { return type >= STORED_I64 ? 8 : bv_dtype_size(type); }

bool machine_is_big_endian(void) {
  const uint16_t one = 1;
  uint8_t first;
  memcpy(&first, &one, 1);
  return first == 0;
}

static void copy_swapped(void *out, const uint8_t *in, size_t count, size_t bytes) {
  for (size_t i = 0; i < count; ++i) {
    if (bytes == 2) {
      uint16_t number;
      memcpy(&number, in + 2 * i, 2);
      ((uint16_t *)out)[i] = __builtin_bswap16(number);
    } else if (bytes == 4) {
      uint32_t number;
      memcpy(&number, in + 4 * i, 4);
      ((uint32_t *)out)[i] = __builtin_bswap32(number);
    } else {
      uint64_t number;
      memcpy(&number, in + 8 * i, 8);
      ((uint64_t *)out)[i] = __builtin_bswap64(number);
    }
  }
}

static void copy_native(void *out, const stored_numbers *numbers, size_t first, size_t count) {
  size_t bytes = stored_size(numbers->type);
  const uint8_t *in = numbers->data + first * bytes;
  if (numbers->big_endian != machine_is_big_endian() && bytes > 1)
    copy_swapped(out, in, count, bytes);
  else
    memcpy(out, in, count * bytes);
}

/* An integer is a float64 exactly if it has at most 53 bits between its first and its last one. */
static bool fits_f64(uint64_t magnitude) {
  return magnitude == 0 || magnitude >> __builtin_ctzll(magnitude) < (uint64_t)1 << 53;
}

#define BLOCK 2048

typedef union block {
  uint8_t u8[BLOCK];
  int8_t i8[BLOCK];
  uint16_t u16[BLOCK];
  int16_t i16[BLOCK];
  uint32_t u32[BLOCK];
  int32_t i32[BLOCK];
  float f32[BLOCK];
  double f64[BLOCK];
  uint64_t u64[BLOCK];
  int64_t i64[BLOCK];
} block;

#define WIDEN(member)                \
  for (size_t i = 0; i < count; ++i) \
    wide[i] = (double)raw->member[i];

/* `wide` gets the numbers of a block as float64; refuses 64-bit integers that it cannot hold. */
static cli_result widen(double *wide, const block *raw, size_t count, int32_t type, reason why) {
  switch (type) {
  case BV_U8: WIDEN(u8) break;
  case BV_I8: WIDEN(i8) break;
  case BV_U16: WIDEN(u16) break;
  case BV_I16: WIDEN(i16) break;
  case BV_U32: WIDEN(u32) break;
  case BV_I32: WIDEN(i32) break;
  case BV_F32: WIDEN(f32) break;
  case BV_F64: WIDEN(f64) break;
  case STORED_U64:
    for (size_t i = 0; i < count; ++i)
      if (!fits_f64(raw->u64[i]))
        return refuse(why, CLI_UNSUPPORTED, "the 64-bit integer %" PRIu64 " in it has no exact float64",
                      raw->u64[i]);
    WIDEN(u64)
    break;
  case STORED_I64:
    for (size_t i = 0; i < count; ++i)
      if (!fits_f64(raw->i64[i] < 0 ? -(uint64_t)raw->i64[i] : (uint64_t)raw->i64[i]))
        return refuse(why, CLI_UNSUPPORTED, "the 64-bit integer %" PRId64 " in it has no exact float64",
                      raw->i64[i]);
    WIDEN(i64)
    break;
  default: return refuse(why, CLI_UNSUPPORTED, "%s numbers cannot be scaled", bv_dtype_name(type));
  }
  return CLI_OK;
}

static cli_result convert_wide(const stored_numbers *numbers, int32_t dtype, void *to, reason why) {
  block raw;
  double wide[BLOCK];
  for (size_t first = 0; first < numbers->count; first += BLOCK) {
    size_t rest = numbers->count - first, count = rest < BLOCK ? rest : BLOCK;
    copy_native(&raw, numbers, first, count);
    cli_result result = widen(wide, &raw, count, numbers->type, why);
    if (result != CLI_OK)
      return result;
    if (numbers->scaled)
      for (size_t i = 0; i < count; ++i)
        wide[i] = numbers->slope * wide[i] + numbers->inter;
    if (dtype == BV_F64)
      memcpy((double *)to + first, wide, count * sizeof *wide);
    else
      for (size_t i = 0; i < count; ++i)
        ((float *)to)[first + i] = (float)wide[i];
  }
  return CLI_OK;
}

int32_t loaded_type(int32_t type, bool scaled) {
  if (!scaled && type < STORED_I64)
    return type;
  return type == BV_F32 || stored_size(type) <= 2 ? BV_F32 : BV_F64;
}

cli_result convert_numbers(const stored_numbers *numbers, void *to, reason why) {
  const int32_t dtype = loaded_type(numbers->type, numbers->scaled);
  if (dtype != numbers->type || numbers->scaled)
    return convert_wide(numbers, dtype, to, why);
  copy_native(to, numbers, 0, numbers->count);
  return CLI_OK;
}

cli_result load_numbers(const stored_numbers *numbers, source *into, reason why) {
  into->tensor.dtype = loaded_type(numbers->type, numbers->scaled);
  size_t bytes;
  if (__builtin_mul_overflow(numbers->count, bv_dtype_size(into->tensor.dtype), &bytes))
    return refuse(why, CLI_UNSUPPORTED, "its pixels take more than 2^64 bytes");
  cli_result result = allocate_pixels(into, bytes, why);
  if (result != CLI_OK)
    return result;
  into->tensor.data = into->memory;
  return convert_numbers(numbers, into->memory, why);
}
