// What the scenarios of group_rank share.
#include "rank.h"

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <stdexcept>
#include <unistd.h>

Mode mode_of_program() { return device::in_this_program ? Mode::Eager : Mode::Cpu; }

double now() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

void sleep_for(double seconds) { usleep(static_cast<useconds_t>(seconds * 1e6)); }

namespace {
int rank_of_mpi = -1;
}

void take_rank_of_mpi(int rank) { rank_of_mpi = rank; }

int rank_of_environment() {
  if (rank_of_mpi >= 0)
    return rank_of_mpi;
  for (const char *name : {"RANK", "OMPI_COMM_WORLD_RANK", "SLURM_PROCID"})
    if (getenv(name))
      return atoi(getenv(name));
  return 0;
}

void say(const char *what, int status, double seconds, const char *text) {
  printf("%d %s %d %.3f %s\n", rank_of_environment(), what, status, seconds, text);
  fflush(stdout);
}

bv_status say_result(const char *what, const std::function<bv_status()> &call) {
  const double start = now();
  const bv_status status = call();
  say(what, status, now() - start, status == BV_OK ? "" : bv_last_error());
  return status;
}

std::string way_to_meet() {
  const char *way = getenv("TEST_MEET");
  return way ? way : "";
}

namespace {

// Rank 0's id, by a file that is whole when it appears.
bv_ddp_id exchange_id(const std::string &path) {
  bv_ddp_id id;
  if (rank_of_environment() == 0) {
    if (bv_ddp_make_id(&id) != BV_OK)
      throw std::runtime_error(bv_last_error());
    const std::string draft = path + ".draft";
    std::ofstream(draft, std::ios::binary).write(reinterpret_cast<const char *>(id.bytes), sizeof id.bytes);
    rename(draft.c_str(), path.c_str());
    return id;
  }
  for (int waited = 0; access(path.c_str(), R_OK) != 0; ++waited) {
    if (waited == 3000)
      throw std::runtime_error("no id in " + path);
    sleep_for(0.01);
  }
  std::ifstream(path, std::ios::binary).read(reinterpret_cast<char *>(id.bytes), sizeof id.bytes);
  return id;
}

} // namespace

bv_status set_up(double timeout, bv_ddp_group **group) {
  bv_ddp_options options = BV_DDP_OPTIONS_INIT;
  options.timeout_seconds = timeout;
  options.backend = device::in_this_program ? BV_DDP_BACKEND_NCCL : BV_DDP_BACKEND_MPI;
  if (getenv("TEST_DEVICE"))
    options.device = atoi(getenv("TEST_DEVICE"));
  bv_ddp_id id;
  if (way_to_meet() == "mpi") {
    options.meet = BV_DDP_MEET_MPI;
  } else if (!way_to_meet().empty()) {
    id = exchange_id(way_to_meet());
    options.meet = BV_DDP_MEET_ID;
    options.id = &id;
  }
  return bv_setup_ddp(-1, -1, &options, group);
}
