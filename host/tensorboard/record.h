/* Records, as an event file is a sequence of (TensorFlow's TFRecord, tensorflow/core/lib/io/record_writer.h):
 *
 *     uint64 length, uint32 masked CRC-32C of the length, the data, uint32 masked CRC-32C of the data
 *
 * with the lowest byte first. */
#ifndef BV_TB_RECORD_H
#define BV_TB_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "bytes.h"

enum { TB_RECORD_HEAD_BYTES = 12, TB_RECORD_TAIL_BYTES = 4 };

/* Begins a record of `size` bytes of data, which the caller appends, and makes room for all of it.
 * False without memory. */
bool tb_begin_record(tb_bytes *out, size_t size);

/* Ends it. */
void tb_end_record(tb_bytes *out, size_t size);

/* The whole record that begins at `record`, in bytes. */
size_t tb_record_bytes(const uint8_t *record);

#endif
