// Communicators of the caller's: parts of a job, and what is none. A call leaves their error handlers alone.
#include <mpi.h>

#include "rank.h"

namespace {

void handler_of_the_caller(MPI_Comm *, int *, ...) {}

bv_status set_up_on(MPI_Comm comm, bv_ddp_group **group) {
  bv_ddp_options options = BV_DDP_OPTIONS_INIT;
  options.device = BV_CPU;
  options.backend = BV_DDP_BACKEND_MPI;
  options.mpi_comm = &comm;
  return bv_setup_ddp(-1, -1, &options, group);
}

} // namespace

int use_communicators() {
  bv_ddp_group *group = nullptr;
  int rank, has_handler = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);

  // Errors on the world end the process here, as they do unless somebody changes it.
  say_result("none", [&] { return set_up_on(MPI_COMM_NULL, &group); });

  MPI_Comm half, between;
  MPI_Comm_split(MPI_COMM_WORLD, rank % 2, rank, &half);
  MPI_Intercomm_create(half, 0, MPI_COMM_WORLD, 1 - rank % 2, 0, &between);
  say_result("between", [&] { return set_up_on(between, &group); });

  MPI_Errhandler handler, found;
  MPI_Comm_create_errhandler(handler_of_the_caller, &handler);
  MPI_Comm_set_errhandler(half, handler);
  if (say_result("half", [&] { return set_up_on(half, &group); }) != BV_OK)
    return 1;
  bv_ddp_info info;
  bv_ddp_get_info(group, &info);
  say("who", info.rank, info.world_size, "");
  MPI_Comm_get_errhandler(half, &found);
  has_handler = found == handler;
  say("handler", has_handler, 0, "");
  return say_result("finish", [&] { return bv_ddp_finish(group); });
}
