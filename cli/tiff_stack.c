/* Stacks as ImageJ writes them: one directory, for the first plane, and the other planes right behind it; its
 * description says how many there are. */
#include <stdlib.h>
#include <string.h>

#include "numbers.h"
#include "tiff_page.h"

/* The number in the line "images=N" of ImageJ's description; 1 without. */
static int64_t count_images(TIFF *tiff) {
  const char *description = NULL, *name = "images=";
  if (!TIFFGetField(tiff, TIFFTAG_IMAGEDESCRIPTION, &description) || strncmp(description, "ImageJ=", 7) != 0)
    return 1;
  for (const char *line = strchr(description, '\n'); line; line = strchr(line, '\n'))
    if (strncmp(++line, name, strlen(name)) == 0) {
      const long long images = strtoll(line + strlen(name), NULL, 10);
      return images < 1 ? 1 : images;
    }
  return 1;
}

static size_t plane_bytes_of(const tiff_page *page) {
  return (size_t)page->width * page->height * page->samples *
         stored_size(page->type); /* the file has as many */
}

cli_result tiff_count_planes(TIFF *tiff, const tiff_input *input, const tiff_page *page, int64_t *planes,
                             reason why) {
  *planes = count_images(tiff);
  if (*planes == 1)
    return CLI_OK;
  if (page->compressed || page->tiled || page->planar || page->sparse || page->packed ||
      page->samples != page->channels)
    return refuse(
        why, CLI_UNSUPPORTED,
        "a TIFF of one page, whose description names %lld images; that is supported where the pixels are "
        "neither compressed, tiled, packed nor of a palette, and without alpha",
        (long long)*planes);
  uint64_t end = TIFFGetStrileOffset(tiff, 0), size;
  for (uint32_t strip = 0; strip < TIFFNumberOfStrips(tiff); ++strip) {
    if (TIFFGetStrileOffset(tiff, strip) != end)
      return refuse(
          why, CLI_UNSUPPORTED,
          "a TIFF of one page, whose description names %lld images and whose strips do not follow each other",
          (long long)*planes);
    end += TIFFGetStrileByteCount(tiff, strip);
  }
  if (__builtin_mul_overflow((uint64_t)*planes, plane_bytes_of(page), &size) || size > input->file.size ||
      TIFFGetStrileOffset(tiff, 0) > input->file.size - size)
    return refuse(why, CLI_UNREADABLE, "cut off: its description names %lld images, for which it is too short",
                  (long long)*planes);
  return CLI_OK;
}

void tiff_read_planes(TIFF *tiff, const tiff_input *input, const tiff_page *page, int64_t planes,
                      uint8_t *out) {
  const size_t bytes = (size_t)planes * plane_bytes_of(page), sample = stored_size(page->type);
  memcpy(out, input->file.data + TIFFGetStrileOffset(tiff, 0), bytes);
  if (TIFFIsByteSwapped(tiff))
    for (uint8_t *number = out; number < out + bytes; number += sample)
      for (size_t i = 0; i < sample / 2; ++i) {
        const uint8_t byte = number[i];
        number[i] = number[sample - 1 - i];
        number[sample - 1 - i] = byte;
      }
}
