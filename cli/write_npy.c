/* Tensors as NumPy's .npy files, version 1.0. */
#include "write.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "numbers.h"
#include "output.h"

static const char *descr_of(bv_dtype dtype) {
  switch (dtype) {
  case BV_F16: return "f2";
  case BV_F32: return "f4";
  case BV_F64: return "f8";
  case BV_U8: return "u1";
  case BV_I8: return "i1";
  case BV_U16: return "u2";
  case BV_I16: return "i2";
  case BV_U32: return "u4";
  case BV_I32: return "i4";
  default: return NULL;
  }
}

/* A multiple of 64, as NumPy aligns its data, with room for 8 extents of 20 digits. */
#define HEADER_BYTES 320

static void format_header(char *header, const bv_tensor *tensor) {
  memset(header, ' ', HEADER_BYTES);
  memcpy(header, "\x93NUMPY\x01\x00", 8);
  header[8] = (char)((HEADER_BYTES - 10) & 0xff);
  header[9] = (char)((HEADER_BYTES - 10) >> 8);
  char order = bv_dtype_size(tensor->dtype) == 1 ? '|' : machine_is_big_endian() ? '>' : '<';
  int at = 10;
  at += snprintf(header + at, (size_t)(HEADER_BYTES - at),
                 "{'descr': '%c%s', 'fortran_order': False, 'shape': (", order, descr_of(tensor->dtype));
  for (int axis = 0; axis < tensor->ndim; ++axis)
    at += snprintf(header + at, (size_t)(HEADER_BYTES - at),
                   axis + 1 < tensor->ndim ? "%" PRId64 ", " : "%" PRId64, tensor->shape[axis]);
  at += snprintf(header + at, (size_t)(HEADER_BYTES - at), tensor->ndim == 1 ? ",), }" : "), }");
  header[at] = ' '; /* instead of the terminating zero */
  header[HEADER_BYTES - 1] = '\n';
}

cli_result write_npy(const char *path, const bv_tensor *tensor, char *text, size_t text_bytes) {
  reason why = {text, text_bytes};
  if (descr_of(tensor->dtype) == NULL)
    return refuse(why, CLI_UNSUPPORTED, ".npy has no type for %s", bv_dtype_name(tensor->dtype));
  char header[HEADER_BYTES];
  format_header(header, tensor);
  size_t count = 1;
  for (int axis = 0; axis < tensor->ndim; ++axis)
    count *= (size_t)tensor->shape[axis];
  output out;
  cli_result result = output_open(path, &out, why);
  if (result != CLI_OK)
    return result;
  if (fwrite(header, 1, sizeof header, out.stream) != sizeof header ||
      (count > 0 && fwrite(tensor->data, bv_dtype_size(tensor->dtype), count, out.stream) != count))
    result = refuse_error(why, CLI_WRITE, errno);
  return output_close(&out, result, why);
}
