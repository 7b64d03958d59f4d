/* Contexts: which one the calling thread has, and how it borrows a device's for a call. For both libraries;
 * knows nothing of statuses. */
#ifndef BV_CUDA_CONTEXT_H
#define BV_CUDA_CONTEXT_H

#include <stdbool.h>

/* The state of the calling thread between bv_enter_context and bv_leave_context. */
typedef struct bv_context_scope {
  void *callers;          /* its context, NULL if it has none */
  bool error_was_pending; /* in the CUDA runtime */
  bool changed;
  bool relaxed;          /* as to captures: */
  int capture_mode;      /* the caller's */
  unsigned long long id; /* of the context that is current in between: no two have the same in a process */
} bv_context_scope;

/* Makes a context of `device` current: the caller's own if it is on that device, else the primary one, as the
 * runtime does, but with no context made on any other device, then or later. In between, a capture of another
 * thread is no reason to fail, and is not invalidated by what is asked or allocated. */
int bv_enter_context(int device, bv_context_scope *scope);

/* Makes the caller's context current again, or none, and its rules for captures. Errors since then are taken
 * back from the runtime; one that the caller has pending stays. */
int bv_leave_context(const bv_context_scope *scope);

/* Takes back from the runtime what has failed since bv_enter_context and was no error of the call. */
void bv_take_errors_back(const bv_context_scope *scope);

/* How many devices there are: 0 with success where there is none, or no driver at all. What keeps devices
 * that may be there from being used is an error: a driver too old, a fabric that is not ready, a forked child.
 */
int bv_count_devices(int *count);

/* What to do about an error that keeps devices from being used, or NULL. */
const char *bv_cuda_advice(int error);

#endif
