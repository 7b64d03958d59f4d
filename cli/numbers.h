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

/* The bv_dtype that numbers of a stored type become: 64-bit integers f64, and scaled ones f32, or f64 if they
 * have 32 bits and are no f32, or 64. */
int32_t loaded_type(int32_t type, bool scaled);

/* Writes numbers of loaded_type() to `to`, which has room for them. Refuses 64-bit integers that are no f64. */
cli_result convert_numbers(const stored_numbers *numbers, void *to, reason why);

/* The same into into->memory, which is allocated; sets the tensor's data and dtype. */
cli_result load_numbers(const stored_numbers *numbers, source *into, reason why);

#endif
