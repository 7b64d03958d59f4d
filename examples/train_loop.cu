/* A training loop on GPUs, one rank each, that shows what all ranks see:
 *
 *     torchrun --no-python --nproc-per-node 8 train_loop_gpu [STEPS [EVERY]]
 *     mpirun -n 8 train_loop_gpu                                (one host)
 *     srun --nodes 2 --ntasks-per-node 8 --gpus-per-node 8 train_loop_gpu
 *
 * Every EVERY steps one window is measured over the reconstructions of all ranks, each rank draws its own
 * through it, and rank 0 gathers the pictures. All of that is ordered on the stream; the one wait is for the
 * pictures that rank 0 writes to step-NNNN.ppm. train_loop.c is the same on CPU ranks. */
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include <cuda_runtime.h>

#include <batchview/ddp.h>

enum { IMAGES = 4, HEIGHT = 96, WIDTH = 96, PIXELS = IMAGES * HEIGHT * WIDTH };

/* A rank that fails ends; the launcher, or their deadline, ends the others. */
static void check(bv_status status, const char *what) {
  if (status == BV_OK)
    return;
  fprintf(stderr, "%s: %s: %s\n", what, bv_ddp_status_string(status), bv_last_error());
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

/* Discs on a black background, brighter on higher ranks. */
__global__ void make_images(int rank, float *images) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= PIXELS)
    return;
  int x = i % WIDTH - WIDTH / 2, y = i / WIDTH % HEIGHT - HEIGHT / 2, radius = 12 + 8 * (i / (WIDTH * HEIGHT));
  float noise = (float)((unsigned)i * 2654435761u >> 20) / 4096.0f;
  images[i] = x * x + y * y < radius * radius ? (float)(rank + 1) * (1.0f + 0.2f * noise) : 0.0f;
}

__global__ void reconstruct(const float *images, float weight, float *reconstructions) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < PIXELS)
    reconstructions[i] = weight * images[i];
}

/* One step of gradient descent on (weight - 3)^2. */
static void train_step(const float *images, float *reconstructions, float *weight, cudaStream_t stream) {
  const int threads = 256;
  reconstruct<<<(PIXELS + threads - 1) / threads, threads, 0, stream>>>(images, *weight, reconstructions);
  check_cuda(cudaGetLastError(), "a training step");
  *weight -= 0.05f * (*weight - 3.0f);
}

/* ---- The pictures -------------------------------------------------------------------------------------- */

static void write_ppm(int step, const std::vector<uint8_t> &pictures) {
  char name[32];
  snprintf(name, sizeof name, "step-%04d.ppm", step);
  FILE *file = fopen(name, "wb");
  if (!file || fprintf(file, "P6\n%d %zu\n255\n", WIDTH, pictures.size() / (WIDTH * 3)) < 0 ||
      fwrite(pictures.data(), 1, pictures.size(), file) != pictures.size() || fclose(file) != 0)
    fprintf(stderr, "%s cannot be written\n", name);
  else
    printf("%s: the images of all ranks, one below the other\n", name);
}

/* What is needed for pictures is allocated once; rank 0 has room for those of all ranks. */
struct Pictures {
  bv_tensor batch, mine, all;
  std::vector<int64_t> counts;
  int64_t total = 0;

  Pictures(bv_ddp_group *group, const bv_ddp_info &info, float *reconstructions) : counts(info.world_size) {
    const int64_t batch_shape[4] = {IMAGES, 1, HEIGHT, WIDTH}, shape[4] = {IMAGES, HEIGHT, WIDTH, 3};
    batch = bv_contiguous_tensor(reconstructions, BV_F32, info.device, 4, batch_shape);
    mine = bv_contiguous_tensor(allocate(PIXELS * 3), BV_U8, info.device, 4, shape);
    check(bv_ddp_exchange_counts(group, IMAGES, counts.data()), "counting");
    for (int64_t count : counts)
      total += count;
    const int64_t all_shape[4] = {total, HEIGHT, WIDTH, 3};
    all = bv_contiguous_tensor(info.rank == 0 ? allocate(total * HEIGHT * WIDTH * 3) : nullptr, BV_U8,
                               info.device, 4, all_shape);
  }

  void show(bv_ddp_group *group, const bv_ddp_info &info, int step) {
    check(bv_ddp_normalize_batch_for_display(group, &batch, &mine, nullptr, info.stream), "drawing");
    check(bv_ddp_gather_pictures(group, &mine, counts.data(), info.rank == 0 ? &all : nullptr, info.stream),
          "gathering");
    if (info.rank != 0)
      return; /* and on with the training: nothing waits here */
    check(bv_ddp_wait(group, info.stream), "waiting for the pictures");
    std::vector<uint8_t> host(total * HEIGHT * WIDTH * 3);
    check_cuda(cudaMemcpy(host.data(), all.data, host.size(), cudaMemcpyDeviceToHost), "copying pictures");
    write_ppm(step, host);
  }
};

int main(int argc, char **argv) {
  int steps = argc > 1 ? atoi(argv[1]) : 100, every = argc > 2 && atoi(argv[2]) > 0 ? atoi(argv[2]) : 25;

  bv_ddp_options options = BV_DDP_OPTIONS_INIT;
  options.backend = BV_DDP_BACKEND_NCCL;
  bv_ddp_group *group;
  bv_ddp_info info;
  check(bv_setup_ddp(-1, -1, &options, &group), "setting up");
  check(bv_ddp_get_info(group, &info), "asking who this is");

  float *images = (float *)allocate(PIXELS * sizeof(float)), weight = 0.1f;
  float *reconstructions = (float *)allocate(PIXELS * sizeof(float));
  Pictures pictures(group, info, reconstructions);
  make_images<<<(PIXELS + 255) / 256, 256, 0, info.stream>>>(info.rank, images);
  check_cuda(cudaGetLastError(), "making images");
  for (int step = 1; step <= steps; ++step) {
    train_step(images, reconstructions, &weight, info.stream);
    if (step % every == 0)
      pictures.show(group, info, step);
  }
  check(bv_ddp_barrier(group, info.stream), "waiting for all ranks");
  check(bv_ddp_finish(group), "ending");
  for (void *memory : {(void *)images, (void *)reconstructions, pictures.mine.data, pictures.all.data})
    check_cuda(cudaFree(memory), "freeing");
  return 0;
}
