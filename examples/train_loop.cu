/* A training loop on GPUs, one rank each, that shows what all ranks see:
 *
 *     torchrun --no-python --nproc-per-node 8 train_loop_gpu [DIRECTORY [EPOCHS [STEPS]]]
 *     mpirun -n 8 train_loop_gpu                                (one host)
 *     srun --nodes 2 --ntasks-per-node 8 --gpus-per-node 8 train_loop_gpu
 *     tensorboard --logdir DIRECTORY
 *
 * At step 0 of each epoch one window is measured over the reconstructions of all ranks, each rank draws its own
 * through it, and rank 0 gathers the pictures and logs them, a row a rank. It also logs its own images and
 * reconstructions, and the loss of every step. All of that is ordered on the stream, and behind it: nothing
 * waits. train_loop.c is the same on CPU ranks. */
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include <cuda_runtime.h>

#include <batchview/ddp.h>
#include <batchview/tensorboard.h>

enum { IMAGES = 4, HEIGHT = 96, WIDTH = 96, PIXELS = IMAGES * HEIGHT * WIDTH };

/* A rank that fails ends; the launcher, or their deadline, ends the others. */
static void check(bv_status status, const char *what) {
  if (status == BV_OK)
    return;
  fprintf(stderr, "%s: %s\n", what, bv_last_error());
  _Exit(1);
}

static void check_cuda(cudaError_t error, const char *what) {
  if (error == cudaSuccess)
    return;
  fprintf(stderr, "%s: %s\n", what, cudaGetErrorString(error));
  _Exit(1);
}

static void *allocate(size_t bytes) {
  void *memory;
  check_cuda(cudaMalloc(&memory, bytes), "allocating");
  return memory;
}

/* ---- The toy: one weight learns how bright the targets are --------------------------------------------- */

/* Balls on a black background, brightest in their middle, and brighter on higher ranks. */
__global__ void make_images(int rank, float *images) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= PIXELS)
    return;
  int x = i % WIDTH - WIDTH / 2, y = i / WIDTH % HEIGHT - HEIGHT / 2, radius = 12 + 8 * (i / (WIDTH * HEIGHT));
  float height = 1.0f - (float)(x * x + y * y) / (float)(radius * radius);
  images[i] = height > 0.0f ? (float)(rank + 1) * height : 0.0f;
}

__global__ void reconstruct(const float *images, float weight, float *reconstructions) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < PIXELS)
    reconstructions[i] = weight * images[i];
}

/* One step of gradient descent on (weight - 3)^2, which it returns. */
static double train_step(const float *images, float *reconstructions, float *weight, cudaStream_t stream) {
  const int threads = 256;
  reconstruct<<<(PIXELS + threads - 1) / threads, threads, 0, stream>>>(images, *weight, reconstructions);
  check_cuda(cudaGetLastError(), "a training step");
  const double difference = *weight - 3.0;
  *weight -= (float)(0.05 * difference);
  return difference * difference;
}

/* ---- The log, which rank 0 has ------------------------------------------------------------------------- */

/* A batch of rank 0's, through the window of its targets, so that one sees how near they are. */
static void log_batch(bv_tb_writer *log, const char *tag, int64_t step, const bv_tensor &batch,
                      bv_stream stream) {
  bv_display_options options = BV_DISPLAY_OPTIONS_INIT;
  options.window = BV_WINDOW_FIXED;
  options.lo = 0, options.hi = 3;
  check(bv_tb_add_images(log, tag, step, &batch, nullptr, &options, stream), "logging a batch");
}

/* What is needed for pictures is allocated once; rank 0 has room for those of all ranks. */
struct Pictures {
  bv_tensor input, output, mine, all;
  std::vector<int64_t> counts;

  Pictures(bv_ddp_group *group, const bv_ddp_info &info, float *images, float *reconstructions)
      : counts(info.world_size) {
    const int64_t batch_shape[4] = {IMAGES, 1, HEIGHT, WIDTH}, shape[4] = {IMAGES, HEIGHT, WIDTH, 3};
    input = bv_contiguous_tensor(images, BV_F32, info.device, 4, batch_shape);
    output = bv_contiguous_tensor(reconstructions, BV_F32, info.device, 4, batch_shape);
    mine = bv_contiguous_tensor(allocate(PIXELS * 3), BV_U8, info.device, 4, shape);
    check(bv_ddp_exchange_counts(group, IMAGES, counts.data()), "counting");
    int64_t total = 0;
    for (int64_t count : counts)
      total += count;
    const int64_t all_shape[4] = {total, HEIGHT, WIDTH, 3};
    all = bv_contiguous_tensor(info.rank == 0 ? allocate(total * HEIGHT * WIDTH * 3) : nullptr, BV_U8,
                               info.device, 4, all_shape);
  }

  /* The reconstructions of all ranks through one window, a row a rank. `log` is null on the other ranks. */
  void log_all_ranks(bv_tb_writer *log, bv_ddp_group *group, const bv_ddp_info &info, int64_t step) {
    check(bv_ddp_normalize_batch_for_display(group, &output, &mine, nullptr, info.stream), "drawing");
    check(bv_ddp_gather_pictures(group, &mine, counts.data(), log ? &all : nullptr, info.stream), "gathering");
    if (!log)
      return;
    bv_grid_options grid = BV_GRID_OPTIONS_INIT;
    grid.columns = IMAGES;
    check(bv_tb_add_image(log, "all ranks/output", step, &all, &grid, info.stream), "logging pictures");
  }
};

int main(int argc, char **argv) {
  const char *directory = argc > 1 ? argv[1] : "runs/train_loop";
  const int epochs = argc > 2 ? atoi(argv[2]) : 4, steps = argc > 3 ? atoi(argv[3]) : 25;

  bv_ddp_options options = BV_DDP_OPTIONS_INIT;
  options.backend = BV_DDP_BACKEND_NCCL;
  bv_ddp_group *group;
  bv_ddp_info info;
  check(bv_setup_ddp(-1, -1, &options, &group), "setting up");
  check(bv_ddp_get_info(group, &info), "asking who this is");
  bv_tb_writer *log = nullptr;
  if (info.rank == 0)
    check(bv_tb_open(directory, nullptr, &log), "opening the log");

  float *images = (float *)allocate(PIXELS * sizeof(float)), weight = 0.1f;
  float *reconstructions = (float *)allocate(PIXELS * sizeof(float));
  Pictures pictures(group, info, images, reconstructions);
  make_images<<<(PIXELS + 255) / 256, 256, 0, info.stream>>>(info.rank, images);
  check_cuda(cudaGetLastError(), "making images");
  for (int64_t step = 0; step < (int64_t)epochs * steps; ++step) {
    double loss = train_step(images, reconstructions, &weight, info.stream);
    if (log)
      check(bv_tb_add_scalar(log, "rank 0/loss", step, loss), "logging the loss");
    if (step % steps != 0)
      continue;
    if (log) {
      log_batch(log, "rank 0/input", step, pictures.input, info.stream);
      log_batch(log, "rank 0/output", step, pictures.output, info.stream);
    }
    pictures.log_all_ranks(log, group, info, step);
  }
  check(bv_ddp_barrier(group, info.stream), "waiting for all ranks");
  check(bv_tb_close(log), "ending the log");
  check(bv_ddp_finish(group), "ending");
  for (void *memory : {(void *)images, (void *)reconstructions, pictures.mine.data, pictures.all.data})
    check_cuda(cudaFree(memory), "freeing");
  if (info.rank == 0)
    printf("%s: the log of %d epochs; it is shown by tensorboard --logdir %s\n", directory, epochs, directory);
  return 0;
}
