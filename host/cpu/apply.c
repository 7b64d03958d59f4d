/* Mapping a group and storing it in the output's packing. */
#include "arithmetic.h"
#include "team.h"
#include "walk.h"

/* ---- Packing ----------------------------------------------------------------------------------------- */

/* Grey bytes of one run to their places, where these are not gap-free. */
static void scatter_grey(const bv_job *job, const bv_run *run, const uint8_t *grey) {
  uint8_t *out = (uint8_t *)job->out + run->out;
  int64_t stride = job->out_stride[job->ndim - 1], component = job->component_stride;
  bool channels_in_run = job->channel_axis == job->ndim - 1;
  if (job->components == 1 && !job->alpha) {
    for (int64_t i = 0; i < run->length; ++i)
      out[stride * i] = grey[i];
    return;
  }
  for (int64_t i = 0; i < run->length; ++i, out += stride) {
    if (job->has_colour_map)
      for (int k = 0; k < 3; ++k)
        out[k * component] = job->colour_map[3 * grey[i] + k];
    else
      for (int k = 0; k < job->components; ++k)
        out[k * component] = grey[i];
    if (job->alpha && run->channel + (channels_in_run ? i : 0) == 0)
      out[3 * component] = 255;
  }
}

/* Whether the components of a run's pixels follow one another without gaps. */
static bool is_packed(const bv_job *job) {
  int64_t stride = job->out_stride[job->ndim - 1];
  if (job->components == 1)
    return stride == 1 && !job->alpha;
  return job->component_stride == 1 && stride == (job->alpha ? 4 : 3);
}

static void store_grey(const bv_group *group, const bv_run *run, const uint8_t *grey) {
  const bv_job *job = group->job;
  uint8_t *out = (uint8_t *)job->out + run->out;
  if (!is_packed(job) || job->has_colour_map)
    scatter_grey(job, run, grey);
  else if (job->components == 1)
    memcpy(out, grey, (size_t)run->length);
  else
    group->ops->replicate(grey, run->length, out, job->alpha);
}

/* ---- Tiles ------------------------------------------------------------------------------------------- */

static bv_map map_of(const bv_job *job, const bv_window *window) {
  return (bv_map){window->lo,           window->hi, job->epsilon, job->floor, job->zero_is_background,
                  job->round_to_nearest};
}

static void apply_grey(const bv_group *group, bv_worker *worker, int64_t first, int64_t count,
                       const void *context) {
  const bv_window *window = context;
  const void *tile = bv_load_tile(group, first, count, worker->tile);
  if (group->job->operation == BV_STRETCH) {
    group->ops->stretch_to_u8(tile, count, window->lo, window->hi, worker->grey);
  } else {
    bv_map map = map_of(group->job, window);
    group->ops->map_to_u8(tile, count, &map, worker->grey);
  }
  for (int64_t done = 0; done < count;) {
    bv_run run = bv_run_at(group->job, group->number, first + done, count - done);
    store_grey(group, &run, worker->grey + done);
    done += run.length;
  }
}

static void apply_float(const bv_group *group, bv_worker *worker, int64_t first, int64_t count,
                        const void *context) {
  const bv_job *job = group->job;
  bv_map map = map_of(job, context);
  const void *tile = bv_load_tile(group, first, count, worker->tile);
  size_t real_bytes = group->ops->real_bytes, out_bytes = bv_dtype_size(job->out_dtype);
  int64_t stride = job->out_stride[job->ndim - 1];
  bv_run run = bv_run_at(job, group->number, first, count);
  if (run.length == count && stride == 1 && job->out_dtype == group->ops->real_dtype) {
    group->ops->map(tile, count, &map, (char *)job->out + run.out * (int64_t)out_bytes);
    return;
  }
  group->ops->map(tile, count, &map, worker->mapped);
  for (int64_t done = 0; done < count; done += run.length) {
    run = bv_run_at(job, group->number, first + done, count - done);
    group->ops->encode((const char *)worker->mapped + (size_t)done * real_bytes, run.length,
                       (char *)job->out + run.out * (int64_t)out_bytes, job->out_dtype, stride);
  }
}

void bv_apply_group(const bv_group *group, const bv_team *team, const bv_window *window) {
  bv_for_each_tile(group, team, group->count, group->job->out_dtype == BV_U8 ? apply_grey : apply_float,
                   window);
}
