/* Records, see record.h.
 *
 * CRC-32C is made here, half a byte at a time from a table of 16: Debian 12 and Ubuntu 22.04 have no C library
 * of it in common, and the time it takes is small beside that of packing a PNG. */
#include "record.h"

/* Remainders of 0 .. 15 by Castagnoli's polynomial with its bits reversed, 0x82f63b78 (RFC 3720, 12.1). */
static const uint32_t remainders[16] = {
    0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
    0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9, 0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
};

static uint32_t crc32c(const uint8_t *bytes, size_t count) {
  uint32_t crc = UINT32_MAX;
  for (size_t i = 0; i < count; ++i) {
    crc ^= bytes[i];
    crc = crc >> 4 ^ remainders[crc & 15];
    crc = crc >> 4 ^ remainders[crc & 15];
  }
  return ~crc;
}

/* As the format wants it: the sum of data that holds sums would be weak. */
static uint32_t masked_crc32c(const uint8_t *bytes, size_t count) {
  const uint32_t crc = crc32c(bytes, count);
  return (crc >> 15 | crc << 17) + UINT32_C(0xa282ead8);
}

static void append_number(tb_bytes *out, uint64_t number, int bytes) {
  for (int i = 0; i < bytes; ++i)
    out->data[out->size++] = (uint8_t)(number >> 8 * i);
}

bool tb_begin_record(tb_bytes *out, size_t size) {
  if (!tb_reserve(out, TB_RECORD_HEAD_BYTES + size + TB_RECORD_TAIL_BYTES))
    return false;
  const size_t begin = out->size;
  append_number(out, size, 8);
  append_number(out, masked_crc32c(out->data + begin, 8), 4);
  return true;
}

void tb_end_record(tb_bytes *out, size_t size) {
  append_number(out, masked_crc32c(out->data + out->size - size, size), TB_RECORD_TAIL_BYTES);
}

size_t tb_record_bytes(const uint8_t *record) {
  uint64_t size = 0;
  for (int i = 0; i < 8; ++i)
    size |= (uint64_t)record[i] << 8 * i;
  return TB_RECORD_HEAD_BYTES + (size_t)size + TB_RECORD_TAIL_BYTES;
}
