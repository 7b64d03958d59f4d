/* batchview::tensorboard: pictures and numbers of a training loop in a log that TensorBoard shows.
 *
 * INTRODUCTION
 *
 *     bv_tb_writer *log;
 *     if (bv_tb_open("runs/first", NULL, &log) != BV_OK)
 *       fprintf(stderr, "%s\n", bv_last_error());
 *     bv_tb_add_scalar(log, "loss", step, loss);
 *     bv_tb_add_images(log, "reconstructions", step, &batch, NULL, NULL, stream);   normalised, a grid, PNG
 *     bv_tb_close(log);
 *
 * A writer has one event file and one thread, which encodes and writes what the calls put into its queue. The
 * loop pays for drawing on CPU tensors. On device tensors drawing and copying are ordered on streams, and the
 * host waits for nothing but room in a full queue; only the first pictures, and larger ones than before,
 * allocate pinned memory.
 *
 * What cannot be written is never printed and never forgotten:
 *
 *   - The next call on the writer returns it, once, with its message in bv_last_error(), and has done nothing
 *     else: what it was to add is not in the log. Calls after it go on.
 *   - bv_tb_close returns the first failure of all, whether another call has returned it or not.
 *   - The records that were lost are counted (bv_tb_get_info).
 *
 * After a failed write the file is cut after its last whole record and closed, and the next record begins a new
 * file: the log stays readable. Nothing is ever appended to a file of another writer. A writer belongs to the
 * process that opened it: in the child of a fork its functions return BV_ERROR_VALUE. Otherwise any function
 * but bv_tb_close may be called from any thread at any time.
 *
 * As in batchview.h, BV_ERROR_MEMORY needs no repeating, and BV_ERROR_CUDA none on device tensors; nor do
 * failures of earlier records: BV_TB_ERROR_FILE, _MEMORY, _CUDA.
 */
#ifndef BATCHVIEW_TENSORBOARD_H
#define BATCHVIEW_TENSORBOARD_H

#include "batchview/batchview.h"
#include "batchview/pictures.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Statuses: those of batchview.h, and this one ----------------------------------------------------- */

enum {
  BV_TB_ERROR_FILE = 32 /* the directory or the file cannot be made or written; the message has the reason */
};

/* The status in a few words, those of batchview.h included. Never NULL. */
BV_API const char *bv_tb_status_string(bv_status status);

/* ---- Opening ------------------------------------------------------------------------------------------ */

/* What a call does that finds the queue full. */
enum {
  BV_TB_WAIT = 0, /* waits for room */
  BV_TB_DROP = 1  /* returns BV_OK at once; what it was to add is dropped, and counted */
};

/* Start from BV_TB_OPTIONS_INIT. Read during the call only. */
typedef struct bv_tb_options {
  size_t struct_size; /* sizeof(bv_tb_options) of the caller, so that fields can be added */
  int32_t when_full;
  int32_t reserved;      /* 0 */
  int64_t queue_entries; /* scalars and grids that may wait to be written; 1 or more */
  size_t queue_bytes;    /* of pixels and tags that may wait, in host memory; 1024 or more */
  double flush_seconds;  /* how long a record may stay in the writer's memory after it is encoded, where a
                            process that is killed loses it; 0: not at all. Finite, 0 or more */
} bv_tb_options;

#define BV_TB_OPTIONS_INIT \
  { sizeof(bv_tb_options), BV_TB_WAIT, 0, 1024, (size_t)64 << 20, 2.0 }

typedef struct bv_tb_writer bv_tb_writer;

/* Makes the directory, with the directories above it, where it is not there, and in it a file of this writer's
 * own: events.out.tfevents.<seconds>.<host>.<pid>.<n>.
 *
 * directory: a run of TensorBoard's. Several writers, also of several processes and hosts, may share it.
 * options: NULL for all defaults.
 * writer: receives the writer, or NULL on failure. bv_tb_close frees it.
 *
 * Returns BV_OK; BV_ERROR_NULL, _VALUE; BV_TB_ERROR_FILE. */
BV_API bv_status bv_tb_open(const char *directory, const bv_tb_options *options, bv_tb_writer **writer);

/* ---- Adding ------------------------------------------------------------------------------------------- */

/* In all of them:
 * tag: the name in the log, any UTF-8 that is not empty; TensorBoard groups by what is before the first '/'.
 * step: any number of 64 bits. The time of a record is that of the call. */

/* A number, which the log keeps as float32; NaN and infinities too.
 * Returns BV_OK; BV_ERROR_NULL, _VALUE. */
BV_API bv_status bv_tb_add_scalar(bv_tb_writer *writer, const char *tag, int64_t step, double value);

/* Pictures as they are, several of them in a grid.
 * pictures: u8 in C order without gaps: [H, W] grey, [H, W, channels] or [N, H, W, channels], with 1 (grey), 3
 *   (RGB) or 4 (RGBA) channels. On a device they may be overwritten by later work on the stream.
 * grid: how they are set side by side, as bv_tb_add_images takes it.
 * stream: the one on which the pictures are made; ignored for CPU tensors.
 * Returns BV_OK; BV_ERROR_NULL, _SHAPE, _TYPE, _VALUE, _DEVICE, _NO_CUDA. */
BV_API bv_status bv_tb_add_image(bv_tb_writer *writer, const char *tag, int64_t step, const bv_tensor *pictures,
                                 const bv_grid_options *grid, bv_stream stream);

/* A batch, drawn by bv_normalize_batch_for_display, in a grid.
 * batch: [B, C, H, W], not empty. Three channels without a colour map are one picture in colour; otherwise each
 *   plane is a picture, grey or through the colour map.
 * grid: how the pictures are set side by side, as bv_make_grid does it; NULL for the defaults of
 *   BV_GRID_OPTIONS_INIT, which are torchvision's: 8 in a row, with 2 black pixels around them.
 * options: of how to draw, NULL for the defaults of bv_normalize_batch_for_display.
 * stream: the one on which the batch is made; ignored for CPU tensors. It must not be captured in a graph.
 * All device tensors of a writer are on one device.
 * A grid has at most 2^30 bytes, and its pictures must fit the queue.
 * Returns like bv_normalize_batch_for_display. */
BV_API bv_status bv_tb_add_images(bv_tb_writer *writer, const char *tag, int64_t step, const bv_tensor *batch,
                                  const bv_grid_options *grid, const bv_display_options *options,
                                  bv_stream stream);

/* ---- The log ------------------------------------------------------------------------------------------ */

/* Waits until all that was added before is in the file and has reached the disk, as far as fdatasync can say.
 * What it has returned BV_OK for survives the end of the process, SIGKILL included, and that of the machine.
 * Returns BV_OK; BV_ERROR_NULL, _VALUE; BV_TB_ERROR_FILE. */
BV_API bv_status bv_tb_flush(bv_tb_writer *writer);

/* Each call that has added something, or was to, is in one of these. */
typedef struct bv_tb_info {
  int64_t waiting; /* in the queue, or encoded and in memory */
  int64_t written; /* handed to the system */
  int64_t dropped; /* because the queue was full */
  int64_t lost;    /* could not be copied, encoded or written */
} bv_tb_info;

/* Returns BV_OK; BV_ERROR_NULL, _VALUE. */
BV_API bv_status bv_tb_get_info(bv_tb_writer *writer, bv_tb_info *info);

/* Writes what is left, as bv_tb_flush does, and frees the writer, whatever it returns. NULL is allowed, and
 * nothing.
 * Returns BV_OK, or the first failure that the writer has had; BV_ERROR_VALUE in the child of a fork, where
 * nothing is freed. */
BV_API bv_status bv_tb_close(bv_tb_writer *writer);

#ifdef __cplusplus
}
#endif

#endif
