// One rank of a group, for groups.py. Built twice: CPU ranks over MPI, and GPU ranks over NCCL.
//     group_rank devices                             why there is no CUDA device; nothing if there is one
//     group_rank pictures TIMEOUT ROUNDS             windows over all ranks and gathered pictures, against the
//                                                    oracle
//     group_rank fault TIMEOUT RANK POINT SIGNAL OPERATION
//                                                    rank RANK (-1: none) raises SIGNAL, or for 0 comes too
//                                                    late, at POINT: before, after or during; or aborts
//                                                    (abort). OPERATION: window, display, counts, gather or
//                                                    finish
//     group_rank disagree TIMEOUT                    calls that differ between the ranks, one after the other
//     group_rank communicators                       parts of MPI's world, and what is no communicator
//     group_rank traffic TIMEOUT TYPE EDGE WINDOWS GATHERS
//                                                    so many windows over, and gathers of, images of EDGE^2
// What is printed, and the variables that are read, see rank.h.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "rank.h"

#if defined(BATCHVIEW_TEST_MPI)
#include <mpi.h>

// A communicator's end is collective by the standard, even if an MPI does not wait in it: this one does.
int MPI_Comm_free(MPI_Comm *comm) {
  PMPI_Barrier(*comm);
  return PMPI_Comm_free(comm);
}
#endif

namespace {

int run(int argc, char **argv) {
  const std::string scenario = argc > 1 ? argv[1] : "";
  if (scenario == "devices")
    return printf("%s\n", device::why_none().c_str()) < 0;
  if (scenario == "pictures" && argc == 4)
    return draw_pictures(atof(argv[2]), strtoull(argv[3], nullptr, 10));
  if (scenario == "fault" && argc == 7)
    suffer(atof(argv[2]), {atoi(argv[3]), argv[4], atoi(argv[5])}, argv[6]);
  if (scenario == "disagree" && argc == 3)
    return disagree(atof(argv[2]));
#if defined(BATCHVIEW_TEST_MPI)
  if (scenario == "communicators" && argc == 2)
    return use_communicators();
#endif
  if (scenario == "traffic" && argc == 7)
    return move_pictures(atof(argv[2]), argv[3], atoll(argv[4]), atoi(argv[5]), atoi(argv[6]));
  return 2;
}

} // namespace

int main(int argc, char **argv) {
#if defined(BATCHVIEW_TEST_MPI)
  const bool uses_mpi = !device::in_this_program || way_to_meet() == "mpi";
  if (uses_mpi) {
    int rank;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    if (!getenv("TEST_ALONE")) // each process a world of its own
      take_rank_of_mpi(rank);
    if (getenv("TEST_NO_LAUNCHER")) // as under one whose variables are not known
      for (const char *name : {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK",
                               "OMPI_COMM_WORLD_LOCAL_SIZE", "PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID"})
        unsetenv(name);
  }
#endif
  int result = run(argc, argv);
#if defined(BATCHVIEW_TEST_MPI)
  if (uses_mpi)
    MPI_Finalize();
#endif
  return result;
}
