/* Display options: defaults and ranges. */
#include "options.h"

#include <math.h>
#include <string.h>

#include "check.h"
#include "status.h"

/* A caller compiled against a later header may give a longer struct: welcome if it uses none of what this
 * library does not know, that is if the tail is zero. The length is bounded so that a wild one is not read. */
#define LONGEST_STRUCT_BYTES 4096

bv_status bv_copy_known_fields(const bv_struct_names *names, const void *given, void *known,
                               size_t known_bytes) {
  size_t bytes;
  memcpy(&bytes, given, sizeof bytes);
  if (bytes < known_bytes || bytes > LONGEST_STRUCT_BYTES)
    return bv_fail(BV_ERROR_VALUE, "%s.struct_size is %zu; it must be sizeof(%s), %zu: start from %s",
                   names->argument, bytes, names->type, known_bytes, names->initializer);
  const unsigned char *tail = given;
  for (size_t at = known_bytes; at < bytes; ++at)
    if (tail[at] != 0)
      return bv_fail(BV_ERROR_VALUE,
                     "%s.struct_size is %zu and byte %zu is not 0; this version knows the first %zu bytes only",
                     names->argument, bytes, at, known_bytes);
  memcpy(known, given, known_bytes);
  memcpy(known, &known_bytes, sizeof known_bytes);
  return BV_OK;
}

static bv_status check_choice(const char *name, int32_t value, int32_t last, const char *names) {
  if (value >= 0 && value <= last)
    return BV_OK;
  return bv_fail(BV_ERROR_VALUE, "options.%s is %d; allowed are 0 to %d (%s)", name, value, last, names);
}

static bv_status check_numbers(const bv_display_options *options) {
  if (!bv_is_within(options->low, 0, 100))
    return bv_fail(BV_ERROR_VALUE, "options.low is %g; percentiles are 0 to 100", options->low);
  if (!bv_is_within(options->high, 0, 100))
    return bv_fail(BV_ERROR_VALUE, "options.high is %g; percentiles are 0 to 100", options->high);
  if (options->low > options->high)
    return bv_fail(BV_ERROR_VALUE, "options.low is %g, above options.high, %g; low may be at most high",
                   options->low, options->high);
  if (!isfinite(options->epsilon) || options->epsilon < 0)
    return bv_fail(BV_ERROR_VALUE, "options.epsilon is %g; allowed are finite numbers from 0",
                   options->epsilon);
  if (!bv_is_within(options->floor, 0, 1))
    return bv_fail(BV_ERROR_VALUE, "options.floor is %g; allowed are 0 to 1", options->floor);
  if (options->window != BV_WINDOW_FIXED)
    return BV_OK;
  if (!isfinite(options->lo) || !isfinite(options->hi) || options->lo > options->hi)
    return bv_fail(BV_ERROR_VALUE,
                   "options.lo is %g and options.hi is %g; a fixed window is finite, with lo <= hi",
                   options->lo, options->hi);
  return BV_OK;
}

bv_status bv_read_options(const bv_display_options *given, bv_display_options *options) {
  *options = (bv_display_options)BV_DISPLAY_OPTIONS_INIT;
  if (!given)
    return BV_OK;
  static const bv_struct_names names = {"options", "bv_display_options", "BV_DISPLAY_OPTIONS_INIT"};
  BV_TRY(bv_copy_known_fields(&names, given, options, sizeof *options));
  BV_TRY(check_choice("scope", options->scope, BV_SCOPE_BATCH, "plane, image, batch"));
  BV_TRY(check_choice("foreground", options->foreground, BV_FOREGROUND_MASK, "non-zero, all, mask"));
  BV_TRY(check_choice("window", options->window, BV_WINDOW_FIXED, "percentile, minmax, fixed"));
  BV_TRY(check_choice("rounding", options->rounding, BV_ROUNDING_NEAREST, "truncate, nearest"));
  BV_TRY(check_choice("algorithm", options->algorithm, BV_ALGORITHM_RESIDENT, "auto, sort, select, resident"));
  if (options->reserved != 0)
    return bv_fail(BV_ERROR_VALUE, "options.reserved is %d; it must be 0", options->reserved);
  if (options->foreground == BV_FOREGROUND_MASK && !options->mask)
    return bv_fail(BV_ERROR_NULL, "options.mask is NULL; foreground BV_FOREGROUND_MASK needs a mask");
  if (options->foreground != BV_FOREGROUND_MASK && options->mask)
    return bv_fail(
        BV_ERROR_VALUE,
        "options.mask is given, but options.foreground is %d; a mask goes with BV_FOREGROUND_MASK (%d)",
        options->foreground, BV_FOREGROUND_MASK);
  return check_numbers(options);
}
