// A rank that is lost, and what the others make of it.
#include <csignal>
#include <cstdio>
#include <cstring>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

#include "leaks.h"
#include "rank.h"

namespace {

void strike(const Fault &fault, const char *here, double timeout) {
  if (!fault.is_at(here))
    return;
  if (fault.signal)
    raise(fault.signal);
  else
    sleep_for(timeout + 2);
}

// One operation, until all ranks are known to have done it. Its memory stays: to free it could wait for a lost
// rank.
bv_status operate(bv_ddp_group *group, const std::string &operation) {
  // More than the MPI backend's buffer: the second piece needs both ranks after the first.
  const int64_t picture_bytes = operation == "gather" ? 5 << 20 : 1;
  const Mode mode = mode_of_program();
  bv_ddp_info info;
  bv_ddp_get_info(group, &info);
  const int64_t shape[4] = {1, 1, 1, 4}, windows_shape[2] = {1, 2}, picture_shape[2] = {1, picture_bytes},
                all_shape[2] = {info.world_size, picture_bytes};
  const std::vector<float> pixels = {1, 2, 3, 4};
  std::vector<uint8_t> bytes(sizeof(float) * pixels.size());
  memcpy(bytes.data(), pixels.data(), bytes.size());
  static Memory batch_memory(mode, bytes), windows_memory(mode, std::vector<uint8_t>(16)),
      out_memory(mode, std::vector<uint8_t>(pixels.size())),
      picture_memory(mode, std::vector<uint8_t>(static_cast<size_t>(picture_bytes))),
      all_memory(mode, std::vector<uint8_t>(
                           static_cast<size_t>(info.rank == 0 ? info.world_size * picture_bytes : 1)));
  const bv_tensor batch = bv_contiguous_tensor(batch_memory.data(), BV_F32, info.device, 4, shape);
  const bv_tensor windows = bv_contiguous_tensor(windows_memory.data(), BV_F64, info.device, 2, windows_shape);
  const bv_tensor out = bv_contiguous_tensor(out_memory.data(), BV_U8, info.device, 4, shape);
  const bv_tensor picture = bv_contiguous_tensor(picture_memory.data(), BV_U8, info.device, 2, picture_shape);
  const bv_tensor all = bv_contiguous_tensor(all_memory.data(), BV_U8, info.device, 2, all_shape);
  std::vector<int64_t> counts(static_cast<size_t>(info.world_size), 1);

  bv_status status;
  if (operation == "display")
    status = bv_ddp_normalize_batch_for_display(group, &batch, &out, nullptr, info.stream);
  else if (operation == "gather")
    status =
        bv_ddp_gather_pictures(group, &picture, counts.data(), info.rank == 0 ? &all : nullptr, info.stream);
  else if (operation == "counts")
    status = bv_ddp_exchange_counts(group, 1, counts.data());
  else
    status = bv_ddp_measure_window(group, &batch, nullptr, &windows, info.stream);
  if (status == BV_OK)
    status = bv_ddp_wait(group, info.stream);
  return status == BV_OK ? bv_ddp_barrier(group, info.stream) : status;
}

// The rank that the others wait for when one is struck.
int late_rank(const Fault &fault, const std::string &operation, int world_size) {
  return operation == "gather" ? 0 : (fault.rank + 1) % world_size;
}

void suffer_in_group(bv_ddp_group *group, const Fault &fault, const std::string &operation, double timeout) {
  std::thread striker;
  bv_ddp_info info;
  bv_ddp_get_info(group, &info);
  if (fault.is_at("during"))
    striker = std::thread([&] {
      sleep_for(0.3);
      strike(fault, "during", timeout);
    });
  else if (fault.point == "during" && info.rank == late_rank(fault, operation, info.world_size))
    sleep_for(0.8);
  const bool finishes = operation == "finish";
  if (fault.is_at("abort"))
    say_result("abort", [&] { return bv_ddp_abort(group); });
  else
    say_result("operation", [&] { return finishes ? bv_ddp_finish(group) : operate(group, operation); });
  if (striker.joinable())
    striker.join();
  if (finishes)
    return;
  say_result("again", [&] { return bv_ddp_barrier(group, nullptr); });
  say_result("finish", [&] { return bv_ddp_finish(group); });
}

} // namespace

void suffer(double timeout, const Fault &fault, const std::string &operation) {
  bv_ddp_group *group;
  // What MPI, NCCL and CUDA open once for the process is open after a first group.
  const double ample = 30;
  bv_status status = set_up(ample, &group);
  if (status == BV_OK)
    status = operate(group, operation);
  if (status == BV_OK)
    status = bv_ddp_finish(group);
  const int descriptors = count_descriptors(), threads = count_threads();
  say("pid", status, getpid(), status == BV_OK ? "" : bv_last_error());

  strike(fault, "before", timeout);
  if (say_result("setup", [&] { return set_up(timeout, &group); }) == BV_OK) {
    strike(fault, "after", timeout);
    suffer_in_group(group, fault, operation, timeout);
  }
  const double settled = now() + 1; // threads that were told to end may need a moment
  while (count_threads() != threads && now() < settled)
    sleep_for(0.02);
  say("leaks", count_descriptors() - descriptors, count_threads() - threads,
      has_child() ? "a child process" : "no child process");
  fflush(stdout);
  _exit(0); // MPI_Finalize would wait for the lost rank
}
