/* PNG files, through libpng, whose errors come back as values. */
#include <math.h>
#include <png.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include "numbers.h"

typedef struct png_input {
  file_bytes rest;
  reason why;
  bool starved; /* an allocation failed: whatever libpng says then, the file is not to blame */
  cli_result failure;
} png_input;

static png_voidp allocate(png_structp png, png_alloc_size_t bytes) {
  png_input *input = png_get_mem_ptr(png);
  void *memory = malloc(bytes);
  input->starved |= memory == NULL;
  return memory;
}

static cli_result refuse_memory(png_input *input) {
  return refuse(input->why, CLI_FAILED, "out of memory for unpacking PNG");
}

static void note_error(png_structp png, png_const_charp message) {
  png_input *input = png_get_error_ptr(png);
  input->failure =
      input->starved ? refuse_memory(input) : refuse(input->why, CLI_UNREADABLE, "damaged PNG (%s)", message);
  png_longjmp(png, 1);
}

static void ignore_warning(png_structp png, png_const_charp message) {
  (void)png;
  (void)message;
}

static void read_bytes(png_structp png, png_bytep out, size_t count) {
  png_input *input = png_get_io_ptr(png);
  if (count > input->rest.size)
    png_error(png, "cut off");
  memcpy(out, input->rest.data, count);
  input->rest.data += count;
  input->rest.size -= count;
}

/* Everything as 8- or 16-bit grey or RGB in the machine's byte order. */
static void normalize_types(png_structp png, png_infop info) {
  int colour = png_get_color_type(png, info), depth = png_get_bit_depth(png, info);
  if (colour == PNG_COLOR_TYPE_PALETTE)
    png_set_palette_to_rgb(png);
  else if (depth < 8)
    png_set_expand_gray_1_2_4_to_8(png);
  if (depth == 16 && !machine_is_big_endian())
    png_set_swap(png);
  png_set_strip_alpha(png);
}

static void find_spacing(png_structp png, png_infop info, double spacing[3]) {
  png_uint_32 x, y;
  int unit;
  if (!png_get_pHYs(png, info, &x, &y, &unit) || x == 0 || y == 0)
    return;
  const double scale = unit == PNG_RESOLUTION_METER ? 1000.0 : fmin(x, y); /* mm, or units of the finer axis */
  spacing[0] = scale / y;
  spacing[1] = scale / x;
}

/* Of the chunks that are not needed to decode pixels only pHYs is used. libpng would allocate what the others
 * claim to hold, whether or not the file is as long. */
static void skip_other_chunks(png_structp png) {
  static const png_byte used[] = "pHYs";
  png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
  png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_AS_DEFAULT, used, 1);
}

static cli_result decode(png_structp png, png_infop info, png_input *input, source *into) {
  const size_t unfolded = unfold_limit(input->rest.size);
  png_set_read_fn(png, input, read_bytes);
  skip_other_chunks(png);
  png_read_info(png, info);
  const bool colour = png_get_color_type(png, info) & PNG_COLOR_MASK_COLOR;
  const int depth = png_get_bit_depth(png, info);
  const int64_t shape[4] = {1, colour ? 3 : 1, png_get_image_height(png, info), png_get_image_width(png, info)};
  into->tensor.dtype = depth == 16 ? BV_U16 : BV_U8;
  size_t bytes;
  cli_result result = size_of_pixels(shape, 4, bv_dtype_size(into->tensor.dtype), unfolded, &bytes, input->why);
  if (result == CLI_OK)
    result = allocate_pixels(into, bytes, input->why);
  if (result != CLI_OK)
    return result;

  normalize_types(png, info);
  const int passes = png_set_interlace_handling(png);
  png_read_update_info(png, info);
  const size_t row_bytes = bytes / (size_t)shape[2];
  if (png_get_rowbytes(png, info) != row_bytes)
    png_error(png, "unexpected row size");
  for (int pass = 0; pass < passes; ++pass)
    for (int64_t row = 0; row < shape[2]; ++row)
      png_read_row(png, (png_bytep)into->memory + (size_t)row * row_bytes, NULL);
  find_spacing(png, info, into->spacing);
  png_read_end(png, NULL);
  set_interleaved(into, shape);
  return CLI_OK;
}

static cli_result read_with(png_structp png, png_infop info, png_input *input, source *into) {
  if (setjmp(png_jmpbuf(png)))
    return input->failure;
  return decode(png, info, input, into);
}

cli_result read_png(file_bytes file, source *into, reason why) {
  png_input input = {.rest = file, .why = why};
  png_structp png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, &input, note_error, ignore_warning, &input,
                                             allocate, NULL);
  png_infop info = png != NULL ? png_create_info_struct(png) : NULL;
  cli_result result = info != NULL ? read_with(png, info, &input, into) : refuse_memory(&input);
  png_destroy_read_struct(&png, &info, NULL);
  return result;
}
