/* What ranks tell each other of a call, see call.h. */
#include "call.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "report.h"

_Static_assert(offsetof(ddp_call, count) == DDP_CALL_COMMON_WORDS * sizeof(uint64_t),
               "count is the first that may differ");

const char *ddp_operation_name(int32_t operation) {
  switch (operation) {
  case DDP_MEASURE: return "bv_ddp_measure_window";
  case DDP_NORMALIZE: return "bv_ddp_normalize_batch_for_display";
  case DDP_EXCHANGE_COUNTS: return "bv_ddp_exchange_counts";
  case DDP_GATHER: return "bv_ddp_gather_pictures";
  case DDP_BARRIER: return "bv_ddp_barrier";
  case DDP_FINISH: return "bv_ddp_finish";
  case DDP_SET_UP: return "bv_setup_ddp";
  default: return "a function that this batchview does not know";
  }
}

/* ---- Describing ---------------------------------------------------------------------------------------- */

/* FNV-1a. */
static uint64_t hash(const void *bytes, size_t count) {
  uint64_t value = UINT64_C(0xcbf29ce484222325);
  for (size_t i = 0; i < count; ++i)
    value = (value ^ ((const unsigned char *)bytes)[i]) * UINT64_C(0x100000001b3);
  return value;
}

static double without_sign_of_zero(double value) { return value == 0 ? 0 : value; }

void ddp_describe_window(const bv_tensor *batch, const bv_display_options *options, ddp_call *call) {
  call->dtype = batch->dtype;
  call->foreground = options->foreground;
  call->window = options->window;
  if (options->window == BV_WINDOW_PERCENTILE) {
    call->low = without_sign_of_zero(options->low);
    call->high = without_sign_of_zero(options->high);
  } else if (options->window == BV_WINDOW_FIXED) {
    call->lo = without_sign_of_zero(options->lo);
    call->hi = without_sign_of_zero(options->hi);
  }
}

void ddp_describe_drawing(const bv_display_options *options, ddp_call *call) {
  const size_t colour_map_bytes = (size_t)256 * 3;
  call->rounding = options->rounding;
  call->epsilon = without_sign_of_zero(options->epsilon);
  call->floor = without_sign_of_zero(options->floor);
  call->colour_map = options->colour_map ? hash(options->colour_map, colour_map_bytes) : 0;
}

void ddp_describe_gather(const bv_tensor *pictures, const int64_t *counts, int world_size, ddp_call *call) {
  call->counts = hash(counts, (size_t)world_size * sizeof *counts);
  call->ndim = pictures->ndim;
  for (int32_t axis = 1; axis < pictures->ndim; ++axis)
    call->extents[axis - 1] = pictures->shape[axis];
}

/* ---- Comparing ----------------------------------------------------------------------------------------- */

int ddp_find_difference(const ddp_call *calls, int world_size) {
  int rank = 1;
  while (rank < world_size && memcmp(&calls[rank], &calls[0], offsetof(ddp_call, count)) == 0)
    ++rank;
  return rank < world_size ? rank : world_size;
}

#define TEXT_BYTES 192

static void write_choice(char text[TEXT_BYTES], const char *const *names, int count, int32_t value) {
  if (value >= 0 && value < count)
    snprintf(text, TEXT_BYTES, "%s", names[value]);
  else
    snprintf(text, TEXT_BYTES, "%d", value);
}

static void write_dtype(char text[TEXT_BYTES], const ddp_call *call) {
  snprintf(text, TEXT_BYTES, "%s", bv_dtype_name(call->dtype));
}

static void write_foreground(char text[TEXT_BYTES], const ddp_call *call) {
  static const char *const names[] = {"BV_FOREGROUND_NONZERO", "BV_FOREGROUND_ALL", "BV_FOREGROUND_MASK"};
  write_choice(text, names, 3, call->foreground);
}

static void write_window(char text[TEXT_BYTES], const ddp_call *call) {
  static const char *const names[] = {"BV_WINDOW_PERCENTILE", "BV_WINDOW_MINMAX", "BV_WINDOW_FIXED"};
  write_choice(text, names, 3, call->window);
}

static void write_rounding(char text[TEXT_BYTES], const ddp_call *call) {
  static const char *const names[] = {"BV_ROUNDING_TRUNCATE", "BV_ROUNDING_NEAREST"};
  write_choice(text, names, 2, call->rounding);
}

static void write_number(char text[TEXT_BYTES], double number) { snprintf(text, TEXT_BYTES, "%.17g", number); }
static void write_low(char text[TEXT_BYTES], const ddp_call *call) { write_number(text, call->low); }
static void write_high(char text[TEXT_BYTES], const ddp_call *call) { write_number(text, call->high); }
static void write_lo(char text[TEXT_BYTES], const ddp_call *call) { write_number(text, call->lo); }
static void write_hi(char text[TEXT_BYTES], const ddp_call *call) { write_number(text, call->hi); }
static void write_epsilon(char text[TEXT_BYTES], const ddp_call *call) { write_number(text, call->epsilon); }
static void write_floor(char text[TEXT_BYTES], const ddp_call *call) { write_number(text, call->floor); }

static void write_colour_map(char text[TEXT_BYTES], const ddp_call *call) {
  if (call->colour_map)
    snprintf(text, TEXT_BYTES, "one with the hash %016" PRIx64, call->colour_map);
  else
    snprintf(text, TEXT_BYTES, "NULL");
}

static void write_counts(char text[TEXT_BYTES], const ddp_call *call) {
  snprintf(text, TEXT_BYTES, "%016" PRIx64, call->counts);
}

static void write_extents(char text[TEXT_BYTES], const ddp_call *call) {
  size_t used = (size_t)snprintf(text, TEXT_BYTES, "[N");
  for (int32_t axis = 1; axis < call->ndim && axis < BV_MAX_NDIM; ++axis)
    used += (size_t)snprintf(text + used, TEXT_BYTES - used, ", %" PRId64, call->extents[axis - 1]);
  snprintf(text + used, TEXT_BYTES - used, "]");
}

/* In the order in which a difference is looked for. */
static const struct {
  const char *name;
  void (*write)(char text[TEXT_BYTES], const ddp_call *call);
} fields[] = {
    {"batch.dtype", write_dtype},
    {"options->window", write_window},
    {"options->low", write_low},
    {"options->high", write_high},
    {"options->lo", write_lo},
    {"options->hi", write_hi},
    {"options->foreground", write_foreground},
    {"options->rounding", write_rounding},
    {"options->epsilon", write_epsilon},
    {"options->floor", write_floor},
    {"options->colour_map", write_colour_map},
    {"the shape of pictures", write_extents},
    {"the hash of counts", write_counts},
};

/* A rank that cannot do what another one could. */
static bv_status report_failure(const ddp_call *failed, int rank) {
  return ddp_fail(BV_DDP_ERROR_MISMATCH, "%s: rank %d cannot take part: %s (status %d there)",
                  ddp_operation_name(failed->operation), rank, bv_ddp_status_string((bv_status)failed->status),
                  (int)failed->status);
}

bv_status ddp_report_difference(const ddp_call *of_rank_0, const ddp_call *of_other, int other) {
  if (of_rank_0->operation != of_other->operation)
    return ddp_fail(BV_DDP_ERROR_MISMATCH, "rank %d calls %s, but rank 0 calls %s", other,
                    ddp_operation_name(of_other->operation), ddp_operation_name(of_rank_0->operation));
  if (of_rank_0->is_failure != of_other->is_failure)
    return of_other->is_failure ? report_failure(of_other, other) : report_failure(of_rank_0, 0);
  for (size_t i = 0; i < sizeof fields / sizeof fields[0]; ++i) {
    char here[TEXT_BYTES], there[TEXT_BYTES];
    fields[i].write(here, of_rank_0);
    fields[i].write(there, of_other);
    if (strcmp(here, there) != 0)
      return ddp_fail(BV_DDP_ERROR_MISMATCH,
                      "%s: %s is %s on rank %d, but %s on rank 0; all ranks must give the same",
                      ddp_operation_name(of_rank_0->operation), fields[i].name, there, other, here);
  }
  return ddp_fail(BV_DDP_ERROR_MISMATCH, "%s: the arguments of rank %d are not those of rank 0",
                  ddp_operation_name(of_rank_0->operation), other);
}
