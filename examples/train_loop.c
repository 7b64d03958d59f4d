/* A training loop on CPU ranks that shows what all ranks see:
 *
 *     mpirun -n 4 train_loop [STEPS [EVERY]]
 *
 * Each rank has its own images. Every EVERY steps one window is measured over the reconstructions of all ranks,
 * each rank draws its own through it, and rank 0 gathers the pictures and writes them to step-NNNN.ppm, one
 * below the other. train_loop.cu is the same on GPUs. */
#include <mpi.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <batchview/ddp.h>

enum { IMAGES = 4, HEIGHT = 96, WIDTH = 96, PIXELS = IMAGES * HEIGHT * WIDTH };

/* A rank that fails ends the job, as the others wait for it. */
static void check(bv_status status, const char *what) {
  if (status == BV_OK)
    return;
  fprintf(stderr, "%s: %s: %s\n", what, bv_ddp_status_string(status), bv_last_error());
  MPI_Abort(MPI_COMM_WORLD, 1);
}

/* ---- The toy: one weight learns how bright the targets are --------------------------------------------- */

/* Discs on a black background, brighter on higher ranks. */
static void make_images(int rank, float *images) {
  for (int i = 0; i < PIXELS; ++i) {
    int x = i % WIDTH - WIDTH / 2, y = i / WIDTH % HEIGHT - HEIGHT / 2,
        radius = 12 + 8 * (i / (WIDTH * HEIGHT));
    float noise = (float)((unsigned)i * 2654435761u >> 20) / 4096.0f;
    images[i] = x * x + y * y < radius * radius ? (float)(rank + 1) * (1.0f + 0.2f * noise) : 0.0f;
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

/* ---- The pictures -------------------------------------------------------------------------------------- */

static void write_ppm(int step, const uint8_t *pictures, int64_t count) {
  char name[32];
  snprintf(name, sizeof name, "step-%04d.ppm", step);
  FILE *file = fopen(name, "wb");
  size_t bytes = (size_t)count * HEIGHT * WIDTH * 3;
  if (!file || fprintf(file, "P6\n%d %lld\n255\n", WIDTH, (long long)count * HEIGHT) < 0 ||
      fwrite(pictures, 1, bytes, file) != bytes || fclose(file) != 0)
    fprintf(stderr, "%s cannot be written\n", name);
  else
    printf("%s: the images of all ranks, one below the other\n", name);
}

static void show(bv_ddp_group *group, const bv_ddp_info *info, int step, float *reconstructions) {
  static uint8_t mine[PIXELS * 3];
  int64_t batch_shape[4] = {IMAGES, 1, HEIGHT, WIDTH}, picture_shape[4] = {IMAGES, HEIGHT, WIDTH, 3};
  bv_tensor batch = bv_contiguous_tensor(reconstructions, BV_F32, BV_CPU, 4, batch_shape);
  bv_tensor pictures = bv_contiguous_tensor(mine, BV_U8, BV_CPU, 4, picture_shape);
  check(bv_ddp_normalize_batch_for_display(group, &batch, &pictures, NULL, NULL), "drawing");

  int64_t *counts = malloc((size_t)info->world_size * sizeof *counts), total = 0;
  check(counts ? bv_ddp_exchange_counts(group, IMAGES, counts) : BV_ERROR_MEMORY, "counting");
  for (int rank = 0; rank < info->world_size; ++rank)
    total += counts[rank];
  if (info->rank == 0) {
    int64_t all_shape[4] = {total, HEIGHT, WIDTH, 3};
    uint8_t *all = malloc((size_t)total * HEIGHT * WIDTH * 3);
    bv_tensor gathered = bv_contiguous_tensor(all, BV_U8, BV_CPU, 4, all_shape);
    check(bv_ddp_gather_pictures(group, &pictures, counts, &gathered, NULL), "gathering");
    write_ppm(step, all, total);
    free(all);
  } else {
    check(bv_ddp_gather_pictures(group, &pictures, counts, NULL, NULL), "gathering");
  }
  free(counts);
}

int main(int argc, char **argv) {
  MPI_Init(&argc, &argv);
  int steps = argc > 1 ? atoi(argv[1]) : 100, every = argc > 2 && atoi(argv[2]) > 0 ? atoi(argv[2]) : 25;

  bv_ddp_options options = BV_DDP_OPTIONS_INIT;
  options.device = BV_CPU;
  bv_ddp_group *group;
  bv_ddp_info info;
  MPI_Comm world = MPI_COMM_WORLD;
  options.mpi_comm = &world; /* who this is, MPI knows, whatever started it */
  check(bv_setup_ddp(-1, -1, &options, &group), "setting up");
  check(bv_ddp_get_info(group, &info), "asking who this is");

  static float images[PIXELS], reconstructions[PIXELS];
  double weight = 0.1;
  make_images(info.rank, images);
  for (int step = 1; step <= steps; ++step) {
    double loss = train_step(images, reconstructions, &weight);
    if (step % every == 0) {
      if (info.rank == 0)
        printf("step %d, loss %.6f\n", step, loss);
      show(group, &info, step, reconstructions);
    }
  }
  check(bv_ddp_finish(group), "ending");
  MPI_Finalize();
  return 0;
}
