/* The writer: what the public functions check, and in what order they do it. */
#include <math.h>
#include <unistd.h>

#include "queue.h"
#include "tag.h"

#define LEAST_QUEUE_BYTES 1024

/* ---- Opening and closing ------------------------------------------------------------------------------- */

static bv_status read_options(const bv_tb_options *given, bv_tb_options *options) {
  *options = (bv_tb_options)BV_TB_OPTIONS_INIT;
  if (!given)
    return BV_OK;
  if (given->struct_size != sizeof *options)
    return tb_fail(BV_ERROR_VALUE,
                   "options->struct_size is %zu; this library knows %zu: start from BV_TB_OPTIONS_INIT",
                   given->struct_size, sizeof *options);
  *options = *given;
  if (options->when_full != BV_TB_WAIT && options->when_full != BV_TB_DROP)
    return tb_fail(BV_ERROR_VALUE, "options->when_full is %d; allowed are BV_TB_WAIT (0) and BV_TB_DROP (1)",
                   options->when_full);
  if (options->reserved != 0)
    return tb_fail(BV_ERROR_VALUE, "options->reserved is %d; it must be 0", options->reserved);
  if (options->queue_entries < 1)
    return tb_fail(BV_ERROR_VALUE, "options->queue_entries is %lld; it must be 1 or more",
                   (long long)options->queue_entries);
  if (options->queue_bytes < LEAST_QUEUE_BYTES)
    return tb_fail(BV_ERROR_VALUE, "options->queue_bytes is %zu; it must be %d or more", options->queue_bytes,
                   LEAST_QUEUE_BYTES);
  if (!isfinite(options->flush_seconds) || options->flush_seconds < 0)
    return tb_fail(BV_ERROR_VALUE, "options->flush_seconds is %g; it must be finite, and 0 or more",
                   options->flush_seconds);
  return BV_OK;
}

bv_status bv_tb_open(const char *directory, const bv_tb_options *given, bv_tb_writer **writer) {
  bv_tb_options options;
  if (!writer)
    return tb_fail(BV_ERROR_NULL, "writer is NULL");
  *writer = NULL;
  if (!directory)
    return tb_fail(BV_ERROR_NULL, "directory is NULL");
  if (*directory == '\0')
    return tb_fail(BV_ERROR_VALUE, "directory is empty; \".\" is the current one");
  TB_TRY(read_options(given, &options));
  bv_tb_writer *opened = calloc(1, sizeof *opened);
  if (!opened)
    return tb_fail(BV_ERROR_MEMORY, "no memory for a writer");
  opened->options = options;
  opened->process = getpid();
  bv_status status = tb_start_thread(opened, directory);
  if (status == BV_OK)
    *writer = opened;
  else
    free(opened);
  return status;
}

static bv_status check_writer(const bv_tb_writer *writer) {
  if (!writer)
    return tb_fail(BV_ERROR_NULL, "writer is NULL");
  if (writer->process != getpid())
    return tb_fail(BV_ERROR_VALUE, "writer is one of process %ld, and this is %ld: its thread is not here",
                   (long)writer->process, (long)getpid());
  return BV_OK;
}

bv_status bv_tb_close(bv_tb_writer *writer) {
  if (!writer)
    return BV_OK;
  TB_TRY(check_writer(writer));
  tb_end_thread(writer);
  tb_close_device(writer->device);
  const tb_failure failure = writer->first_failure;
  free(writer);
  return failure.status == BV_OK ? BV_OK : tb_restore_failure(&failure);
}

bv_status bv_tb_flush(bv_tb_writer *writer) {
  TB_TRY(check_writer(writer));
  tb_wait_for_flush(writer);
  return tb_take_failure(writer);
}

bv_status bv_tb_get_info(bv_tb_writer *writer, bv_tb_info *info) {
  TB_TRY(check_writer(writer));
  if (!info)
    return tb_fail(BV_ERROR_NULL, "info is NULL");
  pthread_mutex_lock(&writer->mutex);
  *info = writer->info;
  info->waiting = writer->pushed - info->written - info->lost;
  pthread_mutex_unlock(&writer->mutex);
  return BV_OK;
}

/* ---- Scalars ------------------------------------------------------------------------------------------- */

bv_status bv_tb_add_scalar(bv_tb_writer *writer, const char *tag, int64_t step, double value) {
  tb_entry *entry;
  TB_TRY(check_writer(writer));
  TB_TRY(tb_check_tag(tag));
  TB_TRY(tb_take_failure(writer));
  TB_TRY(tb_new_entry(writer, tag, 0, 0, &entry));
  if (!entry)
    return BV_OK;
  entry->step = step;
  entry->is_scalar = true;
  entry->scalar = (float)value;
  tb_push_entry(writer, entry);
  return BV_OK;
}

/* ---- Pictures ------------------------------------------------------------------------------------------ */

typedef struct drawing {
  const bv_tensor *from;
  const bv_display_options *options;
  bool is_ready;  /* `from` is what is to be seen, as it is */
  bool is_colour; /* its three channels are one picture */
  tb_grid grid;
  bv_stream stream;
} drawing;

/* A tb_draw. */
static bv_status draw(const void *context, void *pixels) {
  const drawing *d = context;
  const bv_tensor *from = d->from;
  int64_t shape[5] = {from->shape[0], from->shape[1], from->shape[2], from->shape[3], d->grid.channels};
  if (d->is_ready && from->device == BV_CPU) {
    memcpy(pixels, from->data, tb_cell_bytes(&d->grid));
    return BV_OK;
  }
  if (d->is_ready)
    return tb_copy_on_device(pixels, from->data, tb_cell_bytes(&d->grid), d->stream);
  if (d->is_colour)
    memmove(shape + 1, shape + 2, 3 * sizeof shape[0]);
  const int ndim = d->is_colour || d->grid.channels == 1 ? 4 : 5;
  const bv_tensor out = bv_contiguous_tensor(pixels, BV_U8, from->device, ndim, shape);
  return bv_normalize_batch_for_display(from, &out, d->options, d->stream);
}

static bv_status add(bv_tb_writer *writer, const char *tag, int64_t step, const drawing *d) {
  const size_t bytes = tb_cell_bytes(&d->grid);
  const bool on_cpu = d->from->device == BV_CPU;
  tb_entry *entry;
  TB_TRY(tb_take_failure(writer));
  TB_TRY(tb_new_entry(writer, tag, bytes, on_cpu ? bytes : 0, &entry));
  if (!entry)
    return BV_OK;
  entry->step = step;
  entry->grid = d->grid;
  bv_status status =
      on_cpu ? draw(d, entry->cells)
             : tb_start_copy(&writer->device, d->from->device, bytes, draw, d, d->stream, &entry->copy);
  if (status == BV_OK)
    tb_push_entry(writer, entry);
  else
    tb_drop_entry(writer, entry);
  return status;
}

/* What is the same for pictures and batches. */
static bv_status check_tensor(const char *name, const bv_tensor *tensor) {
  if (!tensor)
    return tb_fail(BV_ERROR_NULL, "%s is NULL", name);
  if (tensor->device < BV_CPU)
    return tb_fail(BV_ERROR_DEVICE, "%s.device is %d; allowed are BV_CPU (%d) and CUDA ordinals from 0", name,
                   tensor->device, BV_CPU);
  for (int32_t axis = 0; axis < tensor->ndim && axis < BV_MAX_NDIM; ++axis)
    if (tensor->shape[axis] < 1)
      return tb_fail(BV_ERROR_SHAPE, "%s.shape[%d] is %lld; a picture has 1 or more", name, axis,
                     (long long)tensor->shape[axis]);
  return BV_OK;
}

static bv_status lay_out_pictures(const bv_tensor *pictures, const bv_grid_options *options, tb_grid *grid) {
  const int32_t ndim = pictures->ndim;
  if (pictures->dtype != BV_U8)
    return tb_fail(BV_ERROR_TYPE, "pictures are %s; they must be u8", bv_dtype_name(pictures->dtype));
  if (ndim < 2 || ndim > 4)
    return tb_fail(BV_ERROR_SHAPE,
                   "pictures have %d dimensions; allowed are [H, W], [H, W, channels] and [N, H, W, channels]",
                   ndim);
  const int64_t *shape = pictures->shape, channels = ndim == 2 ? 1 : shape[ndim - 1];
  if (channels != 1 && channels != 3 && channels != 4)
    return tb_fail(BV_ERROR_SHAPE, "pictures have %lld channels; allowed are 1, 3 and 4", (long long)channels);
  const int64_t *size = ndim == 4 ? shape + 1 : shape;
  TB_TRY(tb_lay_out(ndim == 4 ? shape[0] : 1, size[0], size[1], (int)channels, options, false, grid));
  int64_t gap = 1;
  for (int32_t axis = ndim - 1; axis >= 0; gap *= shape[axis--])
    if (shape[axis] > 1 && pictures->stride[axis] != gap)
      return tb_fail(BV_ERROR_SHAPE, "pictures.stride[%d] is %lld; it must be %lld, as they have no gaps", axis,
                     (long long)pictures->stride[axis], (long long)gap);
  return pictures->data ? BV_OK : tb_fail(BV_ERROR_NULL, "pictures.data is NULL");
}

bv_status bv_tb_add_image(bv_tb_writer *writer, const char *tag, int64_t step, const bv_tensor *pictures,
                          const bv_grid_options *grid, bv_stream stream) {
  drawing d = {.from = pictures, .is_ready = true, .stream = stream};
  TB_TRY(check_writer(writer));
  TB_TRY(tb_check_tag(tag));
  TB_TRY(check_tensor("pictures", pictures));
  TB_TRY(lay_out_pictures(pictures, grid, &d.grid));
  return add(writer, tag, step, &d);
}

static bv_status lay_out_batch(drawing *d, const bv_grid_options *options) {
  const bv_tensor *batch = d->from;
  if (batch->ndim != 4)
    return tb_fail(BV_ERROR_SHAPE, "batch has %d dimensions; it must be [B, C, H, W]", batch->ndim);
  const int64_t *shape = batch->shape;
  const bool has_map = d->options && d->options->colour_map;
  /* Three colour planes of 3 x 3 would be taken for grey ones; with alpha they cannot be. */
  const int colours = shape[2] == 3 && shape[3] == 3 ? 4 : 3;
  const bool nearest = d->options && d->options->rounding == BV_ROUNDING_NEAREST;
  int64_t cells = shape[0];
  d->is_colour = shape[1] == 3 && !has_map;
  if (!d->is_colour && __builtin_mul_overflow(cells, shape[1], &cells))
    return tb_fail(BV_ERROR_SHAPE, "batch has %lld x %lld planes, more than there can be", (long long)shape[0],
                   (long long)shape[1]);
  return tb_lay_out(cells, shape[2], shape[3],
                    d->is_colour ? colours
                    : has_map    ? 3
                                 : 1,
                    options, nearest, &d->grid);
}

bv_status bv_tb_add_images(bv_tb_writer *writer, const char *tag, int64_t step, const bv_tensor *batch,
                           const bv_grid_options *grid, const bv_display_options *options, bv_stream stream) {
  drawing d = {.from = batch, .options = options, .stream = stream};
  TB_TRY(check_writer(writer));
  TB_TRY(tb_check_tag(tag));
  TB_TRY(check_tensor("batch", batch));
  TB_TRY(lay_out_batch(&d, grid));
  return add(writer, tag, step, &d);
}
