/* Palettes of DICOM files: module Palette Color Lookup Table, PS3.3, C.7.9. */
#include "dicom_palette.h"

typedef struct colour_table {
  int64_t count, first; /* of indices: how many, and the smallest */
  int bits;
  bool words; /* 16 bits for each number, whatever its own */
  const dicom_element *numbers;
} colour_table;

/* False if there is no sound one. */
static bool find_table(const dicom_header *h, int channel, colour_table *table) {
  const dicom_element *facts = &h->palette_facts[channel];
  table->numbers = &h->palette[channel];
  if (facts->bytes < 6)
    return false;
  const uint16_t count = dicom_u16(facts->value, facts->big_endian);
  const uint16_t first = dicom_u16(facts->value + 2, facts->big_endian);
  table->count = count == 0 ? 65536 : count;
  table->first = h->is_signed ? (int16_t)first : first;
  table->bits = dicom_u16(facts->value + 4, facts->big_endian);
  table->words = table->bits == 16 || table->numbers->bytes >= 2 * (size_t)table->count;
  return (table->bits == 8 || table->bits == 16) &&
         table->numbers->bytes >= (size_t)table->count * (table->words ? 2 : 1);
}

cli_result dicom_check_palette(const dicom_header *h, reason why) {
  colour_table tables[3];
  for (int channel = 0; channel < 3; ++channel)
    if (!find_table(h, channel, &tables[channel]) || tables[channel].bits != tables[0].bits)
      return refuse(
          why, CLI_UNSUPPORTED,
          "its DICOM palette is none of three tables with as many numbers of 8 or 16 bits as they say");
  if (h->bits_allocated > 16)
    return refuse(why, CLI_UNSUPPORTED, "DICOM palettes of pixels of %d bits are not supported",
                  h->bits_allocated);
  return CLI_OK;
}

int dicom_palette_bits(const dicom_header *h) {
  colour_table table;
  return find_table(h, 0, &table) ? table.bits : 8;
}

static int64_t index_at(const dicom_header *h, const void *pixels, size_t i) {
  if (h->bits_allocated == 8)
    return h->is_signed ? ((const int8_t *)pixels)[i] : ((const uint8_t *)pixels)[i];
  return h->is_signed ? ((const int16_t *)pixels)[i] : ((const uint16_t *)pixels)[i];
}

void dicom_apply_palette(const dicom_header *h, const void *pixels, size_t count, void *colours) {
  for (int channel = 0; channel < 3; ++channel) {
    colour_table table;
    if (!find_table(h, channel, &table))
      return;
    for (size_t i = 0; i < count; ++i) {
      int64_t index = index_at(h, pixels, i) - table.first;
      index = index < 0 ? 0 : index >= table.count ? table.count - 1 : index;
      const uint8_t *at = table.numbers->value + index * (table.words ? 2 : 1);
      const uint16_t number = table.words ? dicom_u16(at, table.numbers->big_endian) : *at;
      if (table.bits == 8)
        ((uint8_t *)colours)[3 * i + (size_t)channel] = (uint8_t)number;
      else
        ((uint16_t *)colours)[3 * i + (size_t)channel] = number;
    }
  }
}
