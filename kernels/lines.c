/* Lines of jobs. */
#include "lines.h"

/* An axis this long is worth a run of its own; a shorter one only if it is the longest. */
#define GOOD_RUN 32

static bv_line_axis axis_of_job(const bv_job *job, int number) {
  return (bv_line_axis){.extent = job->extent[number],
                        .in = job->in_stride[number],
                        .mask = job->mask ? job->mask_stride[number] : 0,
                        .out = job->out ? job->out_stride[number] : 0};
}

/* The innermost pixel axis, unless it is short and another is longer. */
static int run_axis(const bv_job *job, int excluded) {
  int run = -1;
  for (int axis = job->ndim - 1; axis >= job->group_ndim; --axis) {
    if (axis == excluded)
      continue;
    if (run < 0 || (job->extent[run] < GOOD_RUN && job->extent[axis] > job->extent[run]))
      run = axis;
  }
  return run;
}

static bv_lines lines_of_job(const bv_job *job, int channel) {
  bv_lines lines = {.run = {.extent = 1}, .channel = {.extent = 1}, .rows = 1, .count = 1};
  int run = run_axis(job, channel);
  int64_t window = 1;
  for (int number = job->ndim - 1; number >= 0; --number) {
    bool is_group = number < job->group_ndim;
    bv_line_axis axis = axis_of_job(job, number);
    if (is_group) {
      axis.window = window;
      window *= axis.extent;
    }
    if (number == channel) {
      lines.channel = axis;
    } else if (number == run) {
      lines.run = axis;
    } else {
      lines.axis[lines.ndim++] = axis;
      lines.count *= axis.extent;
      if (!is_group)
        lines.rows *= axis.extent;
    }
  }
  return lines;
}

bv_lines bv_lines_for_measuring(const bv_job *job) { return lines_of_job(job, -1); }

bv_lines bv_lines_for_applying(const bv_job *job) { return lines_of_job(job, job->channel_axis); }
