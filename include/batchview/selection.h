/* One exact window over pixels that lie in several pieces: several tensors, several files, several ranks.
 *
 * bv_measure_window wants all pixels of a group in one tensor. Where they are not, or do not fit, the same
 * window is found, bit for bit, by looking at every piece a few times (once for 8 bits of a pixel's key: 4
 * times, or 8 for i32, u32 and f64) and keeping nothing but counts:
 *
 *     bv_selection selection = {BV_F32, &options, &window, memory};
 *     bv_selection_begin(&selection, stream);
 *     for (int digit = 0; digit < bv_selection_digits(BV_F32); ++digit) {
 *       for each piece: bv_selection_count(&selection, digit, &piece, stream);
 *       (the first BV_SELECTION_COUNTS numbers in `memory` may now be summed with those of other ranks)
 *       bv_selection_narrow(&selection, digit, stream);
 *     }
 *     bv_selection_finish(&selection, stream);
 *
 * bv_apply_window with BV_SCOPE_BATCH then maps each piece through the window. The promises of batchview.h
 * hold: on device tensors all of it is ordered on the stream. (For ranks, batchview/ddp.h does all this.)
 *
 * Each function that returns a status returns BV_OK; BV_ERROR_NULL, _SHAPE, _TYPE, _OVERLAP, _VALUE, _DEVICE,
 * _NO_CUDA.
 */
#ifndef BATCHVIEW_SELECTION_H
#define BATCHVIEW_SELECTION_H

#include "batchview/batchview.h"

#ifdef __cplusplus
extern "C" {
#endif

#define BV_SELECTION_BYTES 8448
#define BV_SELECTION_COUNTS 1024 /* uint64_t, at the beginning of the memory */

typedef struct bv_selection {
  bv_dtype dtype;                    /* of the pixels of all pieces */
  const bv_display_options *options; /* NULL for the defaults. The mask is the piece's: change it between them.
                                        Scope, algorithm and workspace are not looked at */
  const bv_tensor *windows; /* f64 [1, 2] or [1, 3], written at the end; like `windows` of bv_measure_window */
  void *memory;             /* BV_SELECTION_BYTES bytes of the windows' device, aligned to 8 bytes, that
                               nothing else lies in */
} bv_selection;

/* How many digits the keys of a type have: 4 or 8; 0 for a type that does not exist. */
BV_API int bv_selection_digits(bv_dtype dtype);

/* Checks the selection, and makes its memory ready for digit 0. */
BV_API bv_status bv_selection_begin(const bv_selection *selection, bv_stream stream);

/* Adds the foreground of a piece [B, C, H, W] to the counts of a digit. */
BV_API bv_status bv_selection_count(const bv_selection *selection, int digit, const bv_tensor *piece,
                                    bv_stream stream);

/* From the counts of all pieces: the values of this digit. Makes the counts ready for the next one. */
BV_API bv_status bv_selection_narrow(const bv_selection *selection, int digit, bv_stream stream);

/* After the last digit: writes the window, [NaN, NaN] if there is no foreground. */
BV_API bv_status bv_selection_finish(const bv_selection *selection, bv_stream stream);

#ifdef __cplusplus
}
#endif

#endif
