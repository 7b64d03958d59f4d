/* Plans of the resident kernel: how many blocks share a picture's planes, and how. */
#include "plan.h"

#include "arithmetic.h"
#include "lines.h"

/* Below this, a block's piece of a plane is not worth cutting smaller to keep more multiprocessors busy. */
#define PIXELS_OF_SMALL_PIECE 4096

/* Blocks that a multiprocessor should hold, so that some load while others count and others write. */
#define GOOD_BLOCKS_OF_MULTIPROCESSOR 3

#define ALIGNMENT 16       /* of copies and of pieces, bytes */
#define PIXELS_OF_TILE 128 /* what a warp writes at a time: a line is cut between tiles */
#define BYTES_OF_CHUNK 64  /* for each thread */
#define MOST_LEAD 15       /* pixels that the first tile of a line may begin before the line */

static int64_t round_up(int64_t n, int64_t d) { return bv_divide_up(n, d) * d; }

static bool lines_may_lead(const bv_job *job, const bv_lines *lines) {
  uintptr_t offsets = 0;
  if (job->out)
    offsets |= (uintptr_t)job->out | (uintptr_t)job->in;
  for (int i = 0; i < lines->ndim && job->out; ++i)
    offsets |= (uintptr_t)lines->axis[i].out * bv_dtype_size(job->out_dtype) |
               (uintptr_t)lines->axis[i].in * bv_dtype_size(job->in_dtype);
  return offsets % ALIGNMENT != 0;
}

/* Blocks of the plan's shape that a multiprocessor holds. */
static int64_t blocks_of_multiprocessor(const bv_limits *limits, const bv_resident_plan *plan) {
  return limits->shared_bytes_of_multiprocessor / (plan->shared_bytes + limits->shared_bytes_reserved);
}

/* The shape for clusters of `blocks`; false if a block's part does not fit. */
static bool cut(const bv_job *job, const bv_limits *limits, const bv_lines *lines, int32_t blocks,
                bv_resident_plan *plan) {
  int64_t held_bytes = (int64_t)bv_dtype_size(plan->held), piece = lines->run.extent;
  if (lines->rows == 1) {
    int64_t lead = lines_may_lead(job, lines) ? MOST_LEAD : 0;
    piece = round_up(bv_divide_up(lines->run.extent + lead, blocks), PIXELS_OF_TILE);
    plan->pixels_of_block = (int32_t)bv_smaller(piece, INT32_MAX);
    plan->rows_of_block = 1;
  } else {
    int64_t rows = bv_divide_up(lines->rows, blocks);
    if (rows > limits->shared_bytes_of_block || piece > limits->shared_bytes_of_block)
      return false;
    piece *= rows;
    plan->pixels_of_block = 0;
    plan->rows_of_block = (int32_t)rows;
  }
  int64_t fixed =
      BV_RESIDENT_SHARED_BYTES + BV_RESIDENT_BINS * 4 + BV_RESIDENT_LIST_KEYS * (held_bytes == 8 ? 8 : 4);
  int64_t room = (limits->shared_bytes_of_block - fixed) / lines->channel.extent;
  if (piece > room / held_bytes || round_up(piece * held_bytes, ALIGNMENT) + ALIGNMENT > room)
    return false;
  plan->blocks = blocks;
  plan->plane_bytes = (int32_t)(round_up(piece * held_bytes, ALIGNMENT) + ALIGNMENT);
  plan->shared_bytes = (int32_t)(fixed + lines->channel.extent * plan->plane_bytes);
  return true;
}

bool bv_plan_resident(const bv_job *job, const bv_limits *limits, bv_resident_plan *plan) {
  const bv_lines lines = bv_lines_for_applying(job);
  const int64_t pictures = lines.count / lines.rows;
  *plan = (bv_resident_plan){.held = job->in_dtype};
  plan->converts = job->mask || lines.run.in != 1 || lines.rows > 1;
  if (plan->converts)
    plan->held = bv_maps_in_f64(job->in_dtype) ? BV_F64 : BV_F32;

  /* A cluster lies on one part of the device (GPC), and large ones leave some of its multiprocessors idle: 12
   * of an H100's 132 with 8 blocks, as accel-sim's issue 87 counts. A finer cut is taken all the same, for it
   * doubles the blocks of those at work, which had none to spare or could not hold three. That this is worth
   * more is argued, not measured: bench/gpu.sh counts clusters (part limits) and times shapes (part bench). */
  for (int32_t blocks = 1; blocks <= limits->resident_most_blocks; blocks *= 2) {
    bv_resident_plan finer = *plan;
    if (pictures > INT32_MAX / blocks || !cut(job, limits, &lines, blocks, &finer))
      continue;
    bool fits = plan->blocks > 0;
    int64_t pixels =
        (finer.plane_bytes - ALIGNMENT) / (int64_t)bv_dtype_size(plan->held) * lines.channel.extent;
    if (fits && pixels < PIXELS_OF_SMALL_PIECE)
      break;
    *plan = finer;
    if (blocks_of_multiprocessor(limits, plan) >= GOOD_BLOCKS_OF_MULTIPROCESSOR &&
        pictures * blocks >= limits->multiprocessors)
      break;
  }
  if (plan->blocks == 0)
    return false;

  /* As many threads as the registers of a multiprocessor are for, but none without a few pixels. */
  int64_t held_at_once = bv_smaller(blocks_of_multiprocessor(limits, plan), 3);
  int64_t useful = round_up(plan->shared_bytes / (ALIGNMENT * 4), 32);
  int64_t share = BV_RESIDENT_MOST_THREADS(bv_maps_in_f64(plan->held)) / (held_at_once < 1 ? 1 : held_at_once);
  int64_t enough =
      round_up(bv_divide_up(plan->plane_bytes, (int64_t)BV_RESIDENT_MOST_CHUNKS * BYTES_OF_CHUNK), 32);
  plan->threads = (int32_t)bv_smaller(share / 32 * 32, useful < 128 ? 128 : useful);
  if (plan->threads < enough)
    plan->threads = (int32_t)enough;
  return true;
}
