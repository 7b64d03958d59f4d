/* What the public selection functions hand to the backends. */
#ifndef BV_HOST_SELECTION_H
#define BV_HOST_SELECTION_H

#include "digits.h"
#include "job.h"

/* The memory is the job's device's. `count` adds the pixels of job (one group, not empty) to the counts. */
bv_status bv_cpu_selection_begin(bv_selection_memory *memory);
bv_status bv_cpu_selection_count(const bv_job *job, bv_selection_memory *memory, int digit);
bv_status bv_cpu_selection_narrow(bv_selection_memory *memory, int digit, bv_percentiles percentiles);

/* Writes job->windows as job->window asks. */
bv_status bv_cpu_selection_finish(const bv_job *job, const bv_selection_memory *memory,
                                  bv_percentiles percentiles);

/* The same on job->device, ordered on the stream. */
bv_status bv_cuda_selection_begin(int device, bv_selection_memory *memory, bv_stream stream);
bv_status bv_cuda_selection_count(const bv_job *job, bv_selection_memory *memory, int digit, bv_stream stream);
bv_status bv_cuda_selection_narrow(int device, bv_selection_memory *memory, int digit,
                                   bv_percentiles percentiles, bv_stream stream);
bv_status bv_cuda_selection_finish(const bv_job *job, const bv_selection_memory *memory,
                                   bv_percentiles percentiles, bv_stream stream);

#endif
