/* Whether strided views share memory, decided exactly. */
#ifndef BV_OVERLAP_H
#define BV_OVERLAP_H

#include <stdbool.h>

#include "batchview/batchview.h"

/* Whether any byte belongs to elements of both. The tensors have passed bv_check_tensor. May say true of views
 * that are interleaved in a way that would take too long to tell apart; never says false of views that overlap.
 */
bool bv_tensors_overlap(const bv_tensor *a, const bv_tensor *b);

/* Whether two elements share a byte; the same remark holds. */
bool bv_tensor_overlaps_itself(const bv_tensor *tensor);

#endif
