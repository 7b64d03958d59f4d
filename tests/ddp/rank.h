// One rank of a group, as the scenarios of group_rank share it: the clock, the lines that groups.py reads, the
// set-up.
#ifndef BATCHVIEW_TESTS_DDP_RANK_H
#define BATCHVIEW_TESTS_DDP_RANK_H

#include <cstdint>
#include <functional>
#include <string>

#include "batchview/ddp.h"
#include "memory.h"

double now(); // seconds
void sleep_for(double seconds);

int rank_of_environment();
void take_rank_of_mpi(int rank); // it goes before the environment

// Prints "rank what status seconds text".
void say(const char *what, int status, double seconds, const char *text);
bv_status say_result(const char *what, const std::function<bv_status()> &call); // and how long it took

// The tensors' memory: on the CPU or on the device, as the program is built.
Mode mode_of_program();

// TEST_MEET: how ranks over NCCL meet, "mpi" by MPI, a file's name by an id that rank 0 leaves there; not set,
// as the library likes.
std::string way_to_meet();

// TEST_DEVICE: the device's ordinal; not set, as the library likes.
bv_status set_up(double timeout, bv_ddp_group **group);

// ---- Scenarios, see group_rank.cpp. Each returns what main returns.

int draw_pictures(double timeout, uint64_t rounds);

struct Fault {
  int rank;
  std::string point;
  int signal;

  bool is_at(const char *here) const { return rank == rank_of_environment() && point == here; }
};
[[noreturn]] void suffer(double timeout, const Fault &fault, const std::string &operation);

int disagree(double timeout);

int use_communicators();

int move_pictures(double timeout, const std::string &type, int64_t edge, int windows, int gathers);

#endif
