/* Numbers as files store them, brought to the machine's byte order and a type that tensors have. */
#ifndef BV_CLI_NUMBERS_H
#define BV_CLI_NUMBERS_H

#include "reader.h"

/* Types of files that tensors do not have, beside bv_dtype. */
enum { STORED_I64 = 100, STORED_U64 = 101 };

typedef struct stored_numbers {
  const uint8_t *data; /* at any address */
  size_t count;
  int32_t type; /* a bv_dtype, STORED_I64 or STORED_U64 */
  bool big_endian;
  bool scaled; /* value = slope * number + inter */
  double slope, inter;
} stored_numbers;

/* Bytes of one number of a stored type. */
size_t stored_size(int32_t type);

bool machine_is_big_endian(void);

/* Allocates into->memory and fills it; sets the tensor's data and dtype. 64-bit integers become f64 and are
 * refused if that is not exact. Scaled numbers become f32, those of 32 bits other than f32, and of 64, f64. */
cli_result load_numbers(const stored_numbers *numbers, source *into, reason why);

#endif
