/* Files as bytes in memory: gzip unpacked, and no more of them than the reader wants. */
#ifndef BV_CLI_INPUT_H
#define BV_CLI_INPUT_H

#include "reader.h"

typedef struct input_bytes {
  uint8_t *data; /* owned */
  size_t size, capacity;
  size_t needed;        /* what the reader wants; INPUT_UNDECIDED, or INPUT_ALL */
  bool more;            /* bytes that are not here follow the needed ones */
  size_t foreign_bytes; /* after the gzip data, and no gzip; zeros count as padding */
} input_bytes;

#define INPUT_UNDECIDED ((size_t)0)
#define INPUT_ALL SIZE_MAX

/* Asked while `needed` is INPUT_UNDECIDED, and not at all where the caller has set it. Told how a file begins:
 * sets *needed to the bytes that the file's reader wants, or leaves it undecided until there are more; refuses
 * as early as that can be told. */
typedef cli_result input_check(file_bytes beginning, size_t *needed, reason why);

/* Reads `path` ("-" for standard input) into empty `bytes`, packed as it is; `check` sees what is no gzip. */
cli_result input_read(const char *path, input_check *check, input_bytes *bytes, reason why);

/* Reads the first `needed` bytes of a file of bare numbers, which its name, not its content, tells to be gzip.
 * *bytes are freed by the caller also on failure. */
cli_result input_read_part(const char *path, size_t needed, input_bytes *bytes, reason why);

/* Unpacks all members of gzip data, or zlib's, into empty `bytes`. */
cli_result input_unpack(file_bytes file, input_check *check, input_bytes *bytes, reason why);

bool is_gzip(file_bytes file);

#endif
