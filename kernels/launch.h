/* The kernels as host code sees them: one launcher a family.
 *
 * Launchers put work on `stream` of the current device and return a cudaError_t as int: 0 is success. They wait
 * for nothing, allocate nothing and read no device memory.
 */
#ifndef BV_LAUNCH_H
#define BV_LAUNCH_H

#include "job.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Where the windows of groups lie in device memory: lo and hi of group g at data[g * stride[0]] and stride[1]
 * after it; n, if `count`, as far after hi. */
typedef struct bv_windows {
  double *data;
  int64_t stride[2];
  bool count;
} bv_windows;

/* Maps all pixels through their groups' windows and packs them. */
int bv_launch_apply(const bv_job *job, bv_windows windows, bv_stream stream);

#ifdef __cplusplus
}
#endif

#endif
