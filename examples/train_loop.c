/* A training loop on CPU ranks that shows what all ranks see:
 *
 *     mpirun -n 4 train_loop [DIRECTORY [EPOCHS [STEPS]]]
 *     tensorboard --logdir DIRECTORY
 *
 * Each rank has its own images. At step 0 of each epoch one window is measured over the reconstructions of all
 * ranks, each rank draws its own through it, and rank 0 gathers the pictures and logs them, a row a rank. It
 * also logs its own images and reconstructions, and the loss of every step. train_loop.cu is the same on GPUs.
 */
#include <mpi.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <batchview/ddp.h>
#include <batchview/tensorboard.h>

enum { IMAGES = 4, HEIGHT = 96, WIDTH = 96, PIXELS = IMAGES * HEIGHT * WIDTH };

/* A rank that fails ends the job, as the others wait for it. */
static void check(bv_status status, const char *what) {
  if (status == BV_OK)
    return;
  fprintf(stderr, "%s: %s\n", what, bv_last_error());
  MPI_Abort(MPI_COMM_WORLD, 1);
}

/* ---- The toy: one weight learns how bright the targets are --------------------------------------------- */

/* Balls on a black background, brightest in their middle, and brighter on higher ranks. */
static void make_images(int rank, float *images) {
  for (int i = 0; i < PIXELS; ++i) {
    int x = i % WIDTH - WIDTH / 2, y = i / WIDTH % HEIGHT - HEIGHT / 2;
    int radius = 12 + 8 * (i / (WIDTH * HEIGHT));
    float height = 1.0f - (float)(x * x + y * y) / (float)(radius * radius);
    images[i] = height > 0.0f ? (float)(rank + 1) * height : 0.0f;
  }
}

/* One step of gradient descent on (weight * image - 3 * image)^2; returns the loss. */
static double train_step(const float *images, float *reconstructions, double *weight) {
  double loss = 0, gradient = 0, scale = 0;
  for (int i = 0; i < PIXELS; ++i) {
    reconstructions[i] = (float)*weight * images[i];
    double difference = reconstructions[i] - 3.0 * images[i];
    loss += difference * difference;
    gradient += 2.0 * difference * images[i];
    scale += 2.0 * images[i] * images[i];
  }
  *weight -= 0.05 * gradient / scale;
  return loss / PIXELS;
}

/* ---- The log, which rank 0 has ------------------------------------------------------------------------- */

static bv_tensor batch_of(float *images) {
  const int64_t shape[4] = {IMAGES, 1, HEIGHT, WIDTH};
  return bv_contiguous_tensor(images, BV_F32, BV_CPU, 4, shape);
}

/* A batch of rank 0's, through the window of its targets, so that one sees how near they are. */
static void log_batch(bv_tb_writer *log, const char *tag, int64_t step, float *images) {
  bv_tensor batch = batch_of(images);
  bv_display_options options = BV_DISPLAY_OPTIONS_INIT;
  options.window = BV_WINDOW_FIXED;
  options.lo = 0, options.hi = 3;
  check(bv_tb_add_images(log, tag, step, &batch, NULL, &options, NULL), "logging a batch");
}

/* The reconstructions of all ranks through one window, a row a rank. `log` is NULL on the other ranks. */
static void log_all_ranks(bv_tb_writer *log, bv_ddp_group *group, const bv_ddp_info *info, int64_t step,
                          float *reconstructions) {
  static uint8_t mine[PIXELS * 3];
  const int64_t shape[4] = {IMAGES, HEIGHT, WIDTH, 3};
  bv_tensor batch = batch_of(reconstructions), pictures = bv_contiguous_tensor(mine, BV_U8, BV_CPU, 4, shape);
  check(bv_ddp_normalize_batch_for_display(group, &batch, &pictures, NULL, NULL), "drawing");

  int64_t *counts = malloc((size_t)info->world_size * sizeof *counts), total = 0;
  check(counts ? bv_ddp_exchange_counts(group, IMAGES, counts) : BV_ERROR_MEMORY, "counting");
  for (int rank = 0; rank < info->world_size; ++rank)
    total += counts[rank];
  if (log) {
    const int64_t all_shape[4] = {total, HEIGHT, WIDTH, 3};
    uint8_t *all = malloc((size_t)total * HEIGHT * WIDTH * 3);
    bv_tensor gathered = bv_contiguous_tensor(all, BV_U8, BV_CPU, 4, all_shape);
    check(bv_ddp_gather_pictures(group, &pictures, counts, &gathered, NULL), "gathering");
    bv_grid_options grid = BV_GRID_OPTIONS_INIT;
    grid.columns = IMAGES;
    check(bv_tb_add_image(log, "all ranks/output", step, &gathered, &grid, NULL), "logging pictures");
    free(all);
  } else {
    check(bv_ddp_gather_pictures(group, &pictures, counts, NULL, NULL), "gathering");
  }
  free(counts);
}

int main(int argc, char **argv) {
  MPI_Init(&argc, &argv);
  const char *directory = argc > 1 ? argv[1] : "runs/train_loop";
  const int epochs = argc > 2 ? atoi(argv[2]) : 4, steps = argc > 3 ? atoi(argv[3]) : 25;

  bv_ddp_options options = BV_DDP_OPTIONS_INIT;
  options.device = BV_CPU;
  bv_ddp_group *group;
  bv_ddp_info info;
  MPI_Comm world = MPI_COMM_WORLD;
  options.mpi_comm = &world; /* who this is, MPI knows, whatever started it */
  check(bv_setup_ddp(-1, -1, &options, &group), "setting up");
  check(bv_ddp_get_info(group, &info), "asking who this is");
  bv_tb_writer *log = NULL;
  if (info.rank == 0)
    check(bv_tb_open(directory, NULL, &log), "opening the log");

  static float images[PIXELS], reconstructions[PIXELS];
  double weight = 0.1;
  make_images(info.rank, images);
  for (int64_t step = 0; step < (int64_t)epochs * steps; ++step) {
    double loss = train_step(images, reconstructions, &weight);
    if (log)
      check(bv_tb_add_scalar(log, "rank 0/loss", step, loss), "logging the loss");
    if (step % steps != 0)
      continue;
    if (log) {
      log_batch(log, "rank 0/input", step, images);
      log_batch(log, "rank 0/output", step, reconstructions);
    }
    log_all_ranks(log, group, &info, step, reconstructions);
  }
  check(bv_tb_close(log), "ending the log");
  check(bv_ddp_finish(group), "ending");
  if (info.rank == 0)
    printf("%s: the log of %d epochs; it is shown by tensorboard --logdir %s\n", directory, epochs, directory);
  MPI_Finalize();
  return 0;
}
